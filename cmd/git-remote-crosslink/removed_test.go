package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestCloneIsRemoved does what scripts and agents do: clone into a temporary
// directory, change something, push, remove the directory. No removal fails, and
// the syncs that were started in the background leave nothing there. Half of the
// removals are slow ones, as of a large clone. 10 rounds, 300 with
// CROSSLINK_NIGHTLY=1.
func TestCloneIsRemoved(t *testing.T) {
	rounds := 10
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rounds = 300
	}
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "home"), 0o755))
	env := append(testkit.Environment(), testkit.Mark(root), "PATH="+os.Getenv("PATH"), "HOME="+filepath.Join(root, "home"),
		"GIT_CONFIG_COUNT=0", // the interval of syncs is the users' own
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	run := func(lines string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", lines)
		cmd.Dir, cmd.Env = root, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", lines, err, out)
		}
	}
	run(`git init -q --bare -b main hub.git
git clone -q hub.git seed && cd seed
git commit -q --allow-empty -m start && git push -q origin HEAD:main
git crosslink init -q && git crosslink new -q one`)
	work := filepath.Join(root, "work")
	changes := []string{
		"git push -q origin HEAD:refs/heads/copy",
		"git crosslink new -q --offline x; git push -q origin HEAD:refs/heads/copy",
		"git crosslink new -q x",
		"git -c crosslink.sync=background crosslink new -q x",
		"git crosslink hooks install -q; git reset -q --hard HEAD~1; git pull -q --ff-only origin main",
	}
	for i := range rounds {
		what := changes[i%len(changes)]
		run("git clone -q crosslink::$PWD/hub.git work; cd work; git commit -q --allow-empty -m x; git push -q -f origin HEAD:main; " + what)
		var err error
		if i/len(changes)%2 == 0 {
			err = removeSlowly(work)
		} else if out, e := exec.Command("rm", "-rf", work).CombinedOutput(); e != nil {
			err = errors.New(string(out))
		}
		if err != nil {
			t.Errorf("round %d: %s: %v", i, what, err)
			testkit.Settle(root)
			must(t, os.RemoveAll(work))
		}
	}
	if !testkit.Settle(root) {
		t.Error("a process does not end")
	}
	if _, err := os.Stat(work); err == nil {
		t.Error("a sync has made the clone's directory again")
	}
}

// removeSlowly removes a directory as rm does: it lists it, removes what is in
// the list, then the directory, which fails if something has come meanwhile. The
// tracker's own directories come first.
func removeSlowly(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	first := []string{".git", "crosslink", "replica.git"}
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int {
		return slices.Index(first, b.Name()) - slices.Index(first, a.Name())
	})
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = removeSlowly(path)
		} else {
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	return os.Remove(dir)
}
