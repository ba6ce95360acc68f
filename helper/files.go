package helper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Starting `git config` takes a third of the helper's time. If git's configuration has the
// simplest form, it is read here instead. The rule: never guess; if anything is uncertain,
// ask git. Certain is this: the system-wide file of this git is known, there are no
// settings in the environment, every line is a section or `name = value` on one line, and
// nothing is included except the files that enroll a remote. A test compares the result
// with git's.

// files reads the configuration as git would list it; ok is false if git has to be asked.
func files(getenv func(string) (string, bool)) (Config, bool) {
	paths, ok := places(getenv)
	if !ok {
		return nil, false
	}
	home, _ := getenv("HOME")
	gitDir, _ := getenv("GIT_DIR")
	r := reader{home: home, gitDir: gitDir}
	for _, path := range paths {
		if !r.file(path, true) {
			return nil, false
		}
	}
	if _, has := r.all.Get("extensions.worktreeconfig"); has || r.conditional && !r.hasURL() {
		return nil, false
	}
	return r.all, true
}

// systemFile is git's system-wide configuration, by the directory of git's own programs
// (GIT_EXEC_PATH). Other builds of git are not known.
var systemFile = map[string]string{
	"/usr/lib/git-core":     "/etc/gitconfig",
	"/usr/libexec/git-core": "/etc/gitconfig",
}

// places lists the files that git reads, in its order.
func places(getenv func(string) (string, bool)) (paths []string, ok bool) {
	for _, name := range []string{"GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_COMMON_DIR"} {
		if _, set := getenv(name); set {
			return nil, false
		}
	}
	gitDir, ok := getenv("GIT_DIR")
	if !ok || gitDir == "" {
		return nil, false
	}
	if system, set := getenv("GIT_CONFIG_SYSTEM"); set {
		paths = append(paths, system)
	} else if no, set := getenv("GIT_CONFIG_NOSYSTEM"); !set {
		programs, _ := getenv("GIT_EXEC_PATH")
		system, known := systemFile[programs]
		if !known {
			return nil, false
		}
		paths = append(paths, system)
	} else if no != "1" {
		return nil, false
	}
	if global, set := getenv("GIT_CONFIG_GLOBAL"); set {
		paths = append(paths, global)
	} else {
		home, _ := getenv("HOME")
		xdg, _ := getenv("XDG_CONFIG_HOME")
		if home == "" {
			return nil, false
		}
		if xdg == "" {
			xdg = filepath.Join(home, ".config")
		}
		paths = append(paths, filepath.Join(xdg, "git", "config"), filepath.Join(home, ".gitconfig"))
	}
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			return nil, false
		}
	}
	return append(paths, filepath.Join(commonDir(gitDir), "config")), true
}

// reader collects the settings in files.
type reader struct {
	all         Config
	home        string
	gitDir      string
	conditional bool // something was included on the condition that a remote has a URL
	read        int
}

// enrolling is the key, as git lists it, of the only include that is followed from a
// repository's configuration.
const enrolling = "includeif.hasconfig:remote.*.url:**.path"

// atHome is the key by which the file in the git directory includes the next one, if the
// repository is below the home directory.
const atHome = "includeif.gitdir:~/.path"

// below reports whether the repository is below the home directory, by git's rules for that
// condition.
func (r *reader) below() bool {
	home, err := filepath.EvalSymlinks(r.home)
	if err != nil || !filepath.IsAbs(home) {
		return false
	}
	dir, err := filepath.Abs(r.gitDir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	return err == nil && strings.HasPrefix(dir, strings.TrimSuffix(home, "/")+"/")
}

// file reads one file; a missing file has no settings.
func (r *reader) file(path string, own bool) bool {
	if r.read++; r.read > 20 {
		return false
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || len(b) > 1<<20 {
		return false
	}
	section := ""
	for line := range strings.SplitSeq(string(b), "\n") {
		line = strings.Trim(line, " \t")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[':
			if section = header(line); section == "" {
				return false
			}
			continue
		}
		name, value, ok := setting(line)
		if !ok || section == "" {
			return false
		}
		key := section + "." + name
		r.all = append(r.all, Setting{key, value})
		if !own && strings.HasPrefix(key, "remote.") && strings.HasSuffix(key, ".url") {
			return false // git refuses to continue
		}
		if key != "include.path" && !strings.HasPrefix(key, "includeif.") {
			continue
		}
		// The file that enrolls a remote, and the one in the git directory that includes
		// it.
		if !strings.HasSuffix(value, ".gitconfig") || !strings.Contains(value, "crosslink/enrolled/") ||
			own && key != enrolling || !own && key != "include.path" && !(key == atHome && r.below()) {
			return false
		}
		r.conditional = true
		switch rest, below := strings.CutPrefix(value, "~/"); {
		case below:
			value = r.home + "/" + rest
		case !strings.HasPrefix(value, "/"):
			value = filepath.Dir(path) + "/" + value // not cleaned: the system has to follow '..'
		}
		if !r.file(value, false) {
			return false
		}
	}
	return true
}

// header returns the section that a line begins, as git lists it; "" if that is not
// certain.
func header(line string) string {
	body, ok := strings.CutSuffix(line[1:], "]")
	if !ok {
		return ""
	}
	name, sub, has := strings.Cut(body, " ")
	if !word(name) {
		return ""
	}
	name = strings.ToLower(name)
	if !has {
		return name
	}
	if len(sub) < 2 || sub[0] != '"' || sub[len(sub)-1] != '"' || strings.ContainsAny(sub[1:len(sub)-1], "\"\\\x00\r") {
		return ""
	}
	return name + "." + sub[1:len(sub)-1]
}

// setting returns the setting in a line; ok is false if that is not certain.
func setting(line string) (name, value string, ok bool) {
	name, rest, ok := strings.Cut(line, "=")
	if name = strings.TrimRight(name, " \t"); !ok || !word(name) || '0' <= name[0] && name[0] <= '9' || name[0] == '-' {
		return "", "", false
	}
	value, ok = unescape(strings.Trim(rest, " \t"))
	return strings.ToLower(name), value, ok
}

// unescape removes quotes, escapes and a comment at the end from a value.
func unescape(s string) (value string, ok bool) {
	var b strings.Builder
	quoted, spaces := false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\t' || c == '\r' || c == 0: // versions differ
			return "", false
		case c == ' ' && !quoted:
			spaces++
			continue
		case (c == ';' || c == '#') && !quoted:
			return b.String(), true
		}
		if b.Len() > 0 || quoted {
			b.WriteString(strings.Repeat(" ", spaces))
		}
		spaces = 0
		switch {
		case c == '"':
			quoted = !quoted
			continue
		case c == '\\':
			if i++; i == len(s) {
				return "", false // continues in the next line
			}
			at := strings.IndexByte(`"\nt`, s[i])
			if at < 0 {
				return "", false
			}
			c = "\"\\\n\t"[at]
		}
		b.WriteByte(c)
	}
	return b.String(), !quoted
}

// word reports whether a name consists of letters, digits and '-'.
func word(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return s != ""
}

func (r *reader) hasURL() bool {
	for _, s := range r.all {
		if strings.HasPrefix(s.Key, "remote.") && strings.HasSuffix(s.Key, ".url") {
			return true
		}
	}
	return false
}
