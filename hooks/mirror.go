package hooks

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs/git"
)

// 'git push --mirror' deletes refs that this repository does not have, and does not pass
// them to its pre-push hook (refs that --prune deletes are passed). So the hook checks
// git's command line and remote.<name>.mirror for a mirror. With /proc this starts no
// process; if the configuration never mentions a mirror, there is none.

// mirrors reports whether the push that called the hook mirrors.
func mirrors(ctx context.Context, c Call, gitDir string) bool {
	words := c.Words
	if words == nil {
		words = pushWords(os.Getppid())
	}
	if asked, said := asksForMirror(words); said {
		return asked
	}
	alias := len(words) > 0 && !slices.Contains(words, "push")
	if len(c.Args) == 0 || !alias && !mentioned(c.Environ, gitDir) {
		return false
	}
	o, err := git.Discover(ctx, c.Dir, c.Environ)
	if err != nil {
		return false
	}
	conf, err := o.Config(ctx)
	if err != nil {
		return false
	}
	for _, w := range words {
		if strings.HasPrefix(w, "-") {
			continue
		}
		if to, ok := conf.Get("alias." + w); ok {
			if asked, said := asksForMirror(strings.Fields(to)); said {
				return asked
			}
		}
	}
	return conf.Bool("remote."+c.Args[0]+".mirror", false)
}

// asksForMirror finds --mirror as git's own parser does: unique beginnings are enough, the
// last one counts, and '--' ends options.
func asksForMirror(words []string) (asked, said bool) {
	for _, w := range words {
		switch {
		case w == "--":
			return asked, said
		case len(w) > 2 && strings.HasPrefix("--mirror", w):
			asked, said = true, true
		case len(w) > 5 && strings.HasPrefix("--no-mirror", w):
			asked, said = false, true
		}
	}
	return asked, said
}

// mentioned reports whether the repository's configuration, or git -c, mentions a mirror.
func mentioned(environ []string, gitDir string) bool {
	for _, kv := range environ {
		if strings.HasPrefix(kv, "GIT_CONFIG") && strings.Contains(strings.ToLower(kv), "mirror") {
			return true
		}
	}
	b, err := os.ReadFile(filepath.Join(gitDir, "config"))
	return err == nil && bytes.Contains(bytes.ToLower(b), []byte("mirror"))
}

// pushWords returns the words after 'git' of the nearest git among our ancestors; there are
// shells in between.
func pushWords(pid int) []string {
	for range 6 {
		words, parent := process(pid)
		if len(words) == 0 {
			return nil
		}
		if name := strings.TrimSuffix(filepath.Base(words[0]), ".exe"); name == "git" || name == "git-push" {
			if name == "git-push" {
				words[0] = "push"
				return words
			}
			return words[1:]
		}
		pid = parent
	}
	return nil
}

// process returns the command line of a process, and its parent.
func process(pid int) (words []string, parent int) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return listed(pid)
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return nil, 0
	}
	// pid (name) state ppid …; the name may hold anything
	if f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(f) > 1 {
		parent, _ = strconv.Atoi(string(f[1]))
	}
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00"), parent
}

// listed uses ps if there is no /proc. Words with spaces are split, which does not matter
// when looking for an option.
func listed(pid int) (words []string, parent int) {
	out, err := exec.Command("ps", "-o", "ppid=", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	f := strings.Fields(string(out))
	if err != nil || len(f) < 2 {
		return nil, 0
	}
	parent, err = strconv.Atoi(f[0])
	if err != nil {
		return nil, 0
	}
	return f[1:], parent
}
