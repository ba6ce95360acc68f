package installtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manual: what was installed is where man looks, and git finds it: 'git
// crosslink --help' and 'git help crosslink' run man.
func manual(t *testing.T, env []string, dir, prefix string) {
	t.Helper()
	for _, page := range []string{"man1/git-crosslink.1", "man1/git-crosslink-issue.1", "man1/git-crosslink-new.1", "man5/gitcrosslink-format.5", "man7/gitcrosslink-json.7"} {
		if info, err := os.Stat(filepath.Join(prefix, "share", "man", page)); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v", page, err)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"crosslink help new", "git crosslink new: create an issue"},
		{"crosslink new --help", "git crosslink new: create an issue"},
	} {
		contains(t, env, dir, c.args, c.want)
	}
	t.Run("man", func(t *testing.T) {
		// some images have a program of that name that only says it is not there
		if out, err := exec.Command("man", "--version").Output(); err != nil || !strings.Contains(string(out), "man 2") {
			t.Skip("no man-db here")
		}
		// man-db looks beside the directories of PATH by itself; MANPATH is for
		// prefixes that are not on it.
		for _, env := range [][]string{env, append(env, "MANPATH="+filepath.Join(prefix, "share", "man"))} {
			env = append(env, "MANPAGER=cat", "PAGER=cat", "MANWIDTH=80")
			for _, c := range []struct{ args, want string }{
				{"crosslink --help", "git-crosslink - an issue tracker that lives in"},
				{"help crosslink", "git-crosslink - an issue tracker that lives in"},
				{"help crosslink new", "git-crosslink - an issue tracker that lives in"}, // git drops the third word
				{"help crosslink-json", "gitcrosslink-json - JSON"},
				{"help git-crosslink-new", "git-crosslink-issue - create"},
				{"help git-crosslink-next", "git-crosslink-next - find the next"},
				{"help crosslink-format", "gitcrosslink-format - what lies on a hub"},
			} {
				contains(t, env, dir, c.args, c.want)
			}
		}
	})
}

func contains(t *testing.T, env []string, dir, args, want string) {
	t.Helper()
	cmd := exec.Command("git", strings.Fields(args)...)
	cmd.Env, cmd.Dir = env, dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("git %s: %v\n%.300s", args, err, out)
	}
}
