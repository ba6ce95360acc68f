package installtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// From a bare machine to a numbered issue on a hub that is there: with a clone
// at hand it takes two commands, install.sh and new. Nothing else is set up: no
// user.name, no configuration, no init, no sync.
func TestFromInstallToFirstNumber(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	work := t.TempDir()
	home := filepath.Join(work, "home")
	env := environment(t, home)
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	hub, seed, clone := filepath.Join(work, "hub.git"), filepath.Join(work, "seed"), filepath.Join(work, "clone")
	git := func(dir string, more []string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = dir, append(append([]string{}, env...), more...)
		cmd.Env = append(cmd.Env, "PATH="+filepath.Join(home, ".local", "bin")+":"+os.Getenv("PATH"))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return strings.TrimSpace(string(out))
	}
	must(t, env, "sh") // the first command, and the team's program too

	team := []string{"GIT_AUTHOR_NAME=T", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=T", "GIT_COMMITTER_EMAIL=t@example.com"}
	git(work, team, "init", "-q", "--bare", "-b", "main", hub)
	git(work, team, "clone", "-q", hub, seed)
	git(seed, team, "commit", "-q", "--allow-empty", "-m", "start")
	git(seed, team, "push", "-q", "origin", "HEAD:main")
	git(seed, team, "crosslink", "init")
	git(seed, team, "crosslink", "new", "by the team")

	git(work, nil, "clone", "-q", hub, clone)
	if got := git(clone, nil, "crosslink", "new", "--wait", "my first"); got != "2" { // the second one; --wait for machines slower than three seconds
		t.Errorf("new prints %q, want a number: 2", got)
	}
	if got := git(seed, team, "crosslink", "sync", "-q") + git(seed, team, "crosslink", "list", "-q"); got != "2\n1" {
		t.Errorf("the team sees %q", got)
	}
}
