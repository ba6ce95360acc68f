// Package enrol makes plain `git fetch`, `pull` and `push` of a remote use
// git-remote-crosslink, and undoes this.
//
// The rules are:
//
//   - the remote's URL stays plain. The setting `remote.<name>.vcs` enrolls it, in a file
//     outside the repository that the repository's configuration includes. git ignores an
//     include that does not exist, so where this program is not installed, or no longer, git
//     works as before;
//   - the file is beside the installed program and is removed with it. It also names the
//     program's path, so that a job without the user's PATH finds it. If the program is
//     missing, a script beside the file does what git would do (plain.sh);
//   - the file and the script are only read and replaced as a whole, and only if they belong to
//     this user, to root or to the owner of the directory;
//   - git never sees a remote that has only a `vcs` and no URL, because git 2.39 crashes then.
//     The include has the condition that some remote has a URL
//     (`hasconfig:remote.*.url:**`), and its path leads through the directory of the remote's
//     reflogs, which `git remote rename` and `remove` remove
//     (docs/decisions/0016-the-include-that-goes-with-the-remote.md);
//   - undoing this removes the include, and the configuration is byte for byte the same as
//     before.
package enrol

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Prefix is the prefix of a URL that names the helper.
const Prefix = "crosslink::"

const vcs = "crosslink"

// includeKey is the key of the include that enrolls a remote.
const includeKey = "includeIf.hasconfig:remote.*.url:**.path"

// ErrNoRemote means that no remote with that name has a URL.
var ErrNoRemote = errors.New("no such remote")

// Error explains why a remote cannot use the helper.
type Error struct{ Remote, Why string }

func (e *Error) Error() string {
	return fmt.Sprintf("'%s' cannot use the remote helper: %s", e.Remote, e.Why)
}

// Repository is the user's repository, through git.
type Repository struct {
	// Git runs git there and returns its output. The error of a command that exited has a
	// method ExitCode.
	Git func(ctx context.Context, args ...string) (string, error)
	// Programs is the directory of the installed programs. Data is the user's directory for
	// data (XDG_DATA_HOME), for programs without an installer.
	Programs, Data string
	Home           string
}

// file is the path of the include for one remote's name: beside the program if its
// installer has made a usable directory there, otherwise in the user's data.
func (r *Repository) file(remote string) string {
	name := filepath.Join("git-crosslink", "enrolled", escape(remote)+".gitconfig")
	installed := filepath.Join(filepath.Dir(r.Programs), "share", name)
	if _, err := os.Stat(installed); err == nil || writable(filepath.Dir(filepath.Dir(installed))) {
		return installed
	}
	return filepath.Join(r.Data, name)
}

// writable reports whether a directory exists and can be written.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".enrol*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// escape turns a remote's name into a file name.
func escape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// Text is the include for one remote's name; Script is beside it, in dir.
func Text(remote, programs, dir string) string {
	run := "!p=" + shell.Quote(helperIn(programs)) + "; test -x \"$p\" && exec \"$p\" \"$@\"; exec sh " + shell.Quote(filepath.Join(dir, ScriptName)) + " \"$p\""
	return `# Made by git crosslink; included by repositories that were enrolled with
# 'git crosslink init --helper' or cloned with 'git clone crosslink::<url>'.
# It goes with the program: without it git works as ever.
[remote ` + quoted(remote) + `]
	vcs = ` + vcs + `
[protocol "` + vcs + `"]
	allow = always
[alias]
	remote-` + vcs + ` = ` + quoted(run) + `
`
}

// ScriptName is the file with Script, beside the includes.
const ScriptName = "remote-" + vcs + ".sh"

// Script is what git runs if the program is gone.
//
//go:embed plain.sh
var Script string

// helperThere reports whether git finds a helper: at the path in an include, or like any
// command.
func helperThere(program string) bool {
	name := filepath.Base(program)
	for _, dir := range append([]string{filepath.Dir(program)}, filepath.SplitList(os.Getenv("PATH"))...) {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// helperOf returns the path of the helper in an include, "" if there is none.
func helperOf(text []byte) string {
	code := strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t").Replace(string(text))
	_, rest, _ := strings.Cut(code, "!p='")
	word, _, ok := strings.Cut(rest, "'; test ")
	if !ok {
		return ""
	}
	return strings.ReplaceAll(word, `'\''`, "'")
}

// helperIn returns the path of the helper.
func helperIn(programs string) string { return filepath.Join(programs, "git-remote-"+vcs) }

// quoted quotes a string for git's configuration.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// path is the name of the file in a configuration: with '~' if it is below the home
// directory, so that other users of the repository, whose git may not find the program, are
// not enrolled.
func (r *Repository) path(remote string) string {
	file := r.file(remote)
	if rest, ok := strings.CutPrefix(file, strings.TrimSuffix(r.Home, "/")+"/"); ok && r.Home != "" {
		return "~/" + rest
	}
	return file
}

// locked adds to an error of git config the lock file that caused it, if there is one.
func (r *Repository) locked(ctx context.Context, err error) error {
	config, gerr := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-path", "config")
	if locked := statefile.LockOf(strings.TrimSuffix(config, "\n")); gerr == nil && locked != nil {
		return errors.Join(locked, err)
	}
	return err
}

// Enrol makes a remote use the helper. It reports whether it already did. A URL with the
// prefix 'crosslink::' becomes plain; base is the start of a relative one, "" to leave it.
func (r *Repository) Enrol(ctx context.Context, remote, base string) (already bool, err error) {
	urls, pushURLs, err := r.fit(ctx, remote)
	if err != nil {
		return false, err
	}
	written, err := r.write(remote)
	if err != nil {
		return false, err
	}
	path, err := r.guard(ctx, remote)
	if err != nil {
		return false, err
	}
	includes, err := r.values(ctx, "--local", includeKey)
	if err != nil {
		return false, err
	}
	if already = slices.Contains(includes, path); !already {
		if _, err := r.Leave(ctx, remote); err != nil { // enrolled through another path
			return false, err
		}
		if _, err := r.Git(ctx, "config", "--local", "--add", includeKey, path); err != nil {
			return false, r.locked(ctx, err)
		}
	}
	if got, err := r.values(ctx, "remote."+remote+".vcs"); err != nil || !slices.Contains(got, vcs) {
		if !already {
			r.Leave(ctx, remote)
		}
		return false, errors.Join(&Error{remote, "git does not read '" + r.path(remote) + "'"}, err)
	}
	for key, values := range map[string][]string{"url": urls, "pushurl": pushURLs} {
		for _, u := range values {
			if err := r.plain(ctx, "remote."+remote+"."+key, u, base); err != nil {
				return already, err
			}
		}
	}
	return already && !written, nil
}

// Check returns why a remote cannot be enrolled, nil if it can.
func (r *Repository) Check(ctx context.Context, remote string) error {
	_, _, err := r.fit(ctx, remote)
	return err
}

func (r *Repository) fit(ctx context.Context, remote string) (urls, pushURLs []string, err error) {
	urls, err = r.values(ctx, "remote."+remote+".url")
	if err != nil {
		return nil, nil, err
	}
	if len(urls) == 0 {
		return nil, nil, fmt.Errorf("%w: '%s'", ErrNoRemote, remote)
	}
	if other, _ := r.values(ctx, "remote."+remote+".vcs"); len(other) > 0 && other[len(other)-1] != vcs {
		return nil, nil, &Error{remote, fmt.Sprintf("remote.%s.vcs is already '%s'", remote, other[len(other)-1])}
	}
	if !helperThere(helperIn(r.Programs)) {
		return nil, nil, &Error{remote, "'" + helperIn(r.Programs) + "' is not there"}
	}
	pushURLs, err = r.values(ctx, "remote."+remote+".pushurl")
	if err != nil {
		return nil, nil, err
	}
	for _, u := range slices.Concat(urls, pushURLs) {
		if why := unfit(strings.TrimPrefix(u, Prefix)); why != "" {
			return nil, nil, &Error{remote, why}
		}
	}
	return urls, pushURLs, nil
}

// plain removes the prefix from one URL.
func (r *Repository) plain(ctx context.Context, key, url, base string) error {
	bare, ok := strings.CutPrefix(url, Prefix)
	if !ok {
		return nil
	}
	if base != "" && relative(bare) {
		bare = filepath.Join(base, bare)
	}
	_, err := r.Git(ctx, "config", "--local", "--fixed-value", key, bare, url)
	return err
}

// relative reports whether a URL is a relative path.
func relative(url string) bool {
	return !strings.Contains(url, "://") && !strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "~") &&
		!(strings.Contains(url, ":") && (!strings.Contains(url, "/") || strings.Index(url, ":") < strings.Index(url, "/")))
}

// unfit returns why a URL cannot use the helper, "" if it can.
func unfit(url string) string {
	switch i := strings.Index(url, "::"); {
	case strings.HasPrefix(url, "[") && i >= 0 && !strings.Contains(url, "://"):
		return "git cuts its URL at '::'; write it as ssh://[<address>]/<path>"
	case i >= 0 && !strings.ContainsAny(url[:i], ":/@["):
		return "its URL names another helper, '" + url[:i] + "'"
	}
	if st, err := os.Stat(url); err == nil && st.Mode().IsRegular() {
		return "its URL is a file: git reads bundles itself"
	}
	return ""
}

// maxInclude bounds the files that are read for comparison.
const maxInclude = 64 << 10

// write writes the include and the script, each as a whole, unless they exist already.
// Files that this user cannot replace belong to the installer, and stay. A file of another
// user is an error.
func (r *Repository) write(remote string) (written bool, err error) {
	file := r.file(remote)
	dir := filepath.Dir(file)
	for _, f := range []struct{ name, text string }{{ScriptName, Script}, {filepath.Base(file), Text(remote, r.Programs, dir)}} {
		is, err := readOwn(filepath.Join(dir, f.name))
		if err != nil {
			return written, err
		}
		if is == f.text {
			continue
		}
		if _, there := os.Stat(file); there == nil && !writable(dir) {
			return written, nil
		}
		if err := replace(filepath.Join(dir, f.name), f.text); err != nil {
			return written, err
		}
		written = true
	}
	return written, nil
}

// readOwn reads a file that this user, root or the owner of its directory wrote; "" means
// that there is none, or that it cannot be ours. Anything else in its place is an error.
func readOwn(file string) (string, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err != nil {
		return "", nil // does not exist yet
	}
	b, err := statefile.Read(filepath.Join(dir, filepath.Base(file)), maxInclude)
	odd := (*statefile.OddError)(nil)
	if errors.As(err, &odd) && odd.Size == 0 {
		return "", odd
	}
	return string(b), nil
}

// replace writes a file as a whole or not at all.
func replace(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// Leave undoes Enrol. It reports whether there was anything to undo.
func (r *Repository) Leave(ctx context.Context, remote string) (bool, error) {
	includes, err := r.values(ctx, "--local", includeKey)
	if err != nil {
		return false, err
	}
	left := false
	for _, path := range includes {
		if name, ok := ours(path); !ok || name != remote {
			continue
		}
		if _, err := r.Git(ctx, "config", "--local", "--fixed-value", "--unset-all", includeKey, path); err != nil {
			return left, err
		}
		left = true
	}
	if dir, err := r.Git(ctx, "rev-parse", "--path-format=absolute", "--git-common-dir"); err == nil && left {
		os.Remove(link(dir, remote))
		os.Remove(filepath.Dir(link(dir, remote))) // if it is empty
	}
	return left, nil
}

// ours returns the remote's name in an include of this package; false for other includes.
func ours(path string) (remote string, ok bool) {
	dir, name := filepath.Split(path)
	name, ok = strings.CutSuffix(name, ".gitconfig")
	return unescape(name), ok && (dir == "crosslink/enrolled/" || strings.HasSuffix(dir, "/git-crosslink/enrolled/") || strings.HasSuffix(dir, "/../crosslink/enrolled/"))
}

// Include is an include of this package in a repository's configuration.
type Include struct {
	Remote string // the remote's name that it enrolls
	Path   string // of the file outside the repository, as in the configuration
	There  bool   // the file exists
	Gone   string // the helper, if the file exists and the program does not; otherwise ""
	Named  bool   // the remote exists and has a URL
}

// Includes returns the includes of this package in the repository's configuration.
func (r *Repository) Includes(ctx context.Context) ([]Include, error) {
	paths, err := r.values(ctx, "--local", includeKey)
	if err != nil {
		return nil, err
	}
	var all []Include
	for _, path := range paths {
		remote, ok := ours(path)
		if !ok {
			continue
		}
		i := Include{Remote: remote, Path: path}
		if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "~/") {
			if i.Path, err = r.behind(ctx, remote); err != nil {
				return nil, err
			}
		}
		file := i.Path
		if rest, ok := strings.CutPrefix(file, "~/"); ok {
			file = filepath.Join(r.Home, rest)
		}
		if text, err := os.ReadFile(file); err == nil {
			i.There = true
			if program := helperOf(text); program != "" && !helperThere(program) {
				i.Gone = program
			}
		}
		urls, err := r.values(ctx, "remote."+i.Remote+".url")
		if err != nil {
			return nil, err
		}
		i.Named = len(urls) > 0
		all = append(all, i)
	}
	return all, nil
}

func unescape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		var c byte
		if name[i] == '%' && i+2 < len(name) {
			if n, err := fmt.Sscanf(name[i+1:i+3], "%02x", &c); n == 1 && err == nil {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// Repair follows a renamed remote: it removes the enrollment under a name that no remote has
// now, and enrolls the remote to instead, unless it is "". It returns the removed name, "" if
// there was none.
func (r *Repository) Repair(ctx context.Context, to string) (from string, err error) {
	all, err := r.Includes(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Named {
			continue
		}
		if _, err := r.Leave(ctx, i.Remote); err != nil {
			return "", err
		}
		from = i.Remote
	}
	if from == "" || to == "" {
		return from, nil
	}
	_, err = r.Enrol(ctx, to, "")
	return from, err
}

// values returns git's values for a key, in order.
func (r *Repository) values(ctx context.Context, args ...string) ([]string, error) {
	args = slices.Concat([]string{"config", "-z"}, args[:len(args)-1], []string{"--get-all", args[len(args)-1]})
	out, err := r.Git(ctx, args...)
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), nil
}
