//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// rolled is a town whose tracker moves to the hub next.git.
type rolled struct {
	*town
	before string // what alice exported before
}

func newRolled(t *testing.T) *rolled {
	w := newTown(t)
	w.git("alice", "crosslink", "new", "second", "-l", "bug", "--blocked-by", "1")
	w.git("alice", "crosslink", "close", "1", "-r", "done")
	w.git("bob", "crosslink", "sync")
	w.git("bob", "crosslink", "--offline", "new", "written offline")
	w.git(".", "init", "-q", "--bare", "-b", "main", "next.git")
	for _, who := range []string{"alice", "bob"} {
		w.git(who, "remote", "add", "next", "../next.git")
	}
	w.git("alice", "crosslink", "sync")
	r := &rolled{town: w}
	r.before = r.rows("alice", "first", "second", "fix the flux")
	return r
}

var whoWrote = regexp.MustCompile(`"(by|status_by)":"[^"]*",?`)

// rows are the rows of an export of the issues with these titles, without who wrote
// each line.
func (r *rolled) rows(who string, titles ...string) string {
	var all strings.Builder
	for l := range strings.Lines(r.git(who, "crosslink", "--offline", "export")) {
		for _, title := range titles {
			if strings.Contains(l, `"_type":"issue"`) && strings.Contains(l, `"title":"`+title+`"`) {
				all.WriteString(strings.TrimSpace(whoWrote.ReplaceAllString(l, "")) + "\n")
			}
		}
	}
	return strings.TrimSpace(all.String())
}

// moved fails unless alice and bob are on the new hub, and nothing is lost.
func (r *rolled) moved(t *testing.T) {
	t.Helper()
	if got := r.rows("alice", "first", "second", "fix the flux"); got != r.before || got == "" {
		t.Fatalf("alice shows\n%s\nand showed\n%s", got, r.before)
	}
	r.tried("bob", "sync") // the old hub names the new one
	if out, err := r.tried("bob", "init", "next", "--join"); err != nil {
		t.Fatalf("bob: %v: %s", err, out)
	}
	r.git("bob", "crosslink", "sync")
	r.git("alice", "crosslink", "sync")
	for _, who := range []string{"alice", "bob"} {
		if out := r.git(who, "crosslink", "list", "--status", "all", "--porcelain"); strings.Count(out, "\n")+1 != 3 || !strings.Contains(out, "written offline") {
			t.Fatalf("%s shows\n%s", who, out)
		}
		if out, err := r.tried(who, "fsck", "--full"); err != nil {
			t.Fatalf("%s: %v: %s", who, err, out)
		}
	}
	if got := r.git(".", "--git-dir=next.git", "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/meta"); got == "" {
		t.Fatal("there is no hub")
	}
}

// tried is a command that may fail.
func (r *rolled) tried(who string, args ...string) (string, error) {
	out, err := r.command(who, append([]string{"git-crosslink"}, args...)...).CombinedOutput()
	return string(out), err
}

// A move to a new hub that is killed at any boundary continues when the same command is
// run again, and nothing is lost.
func TestRollKilledAtEachBoundary(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	step := 7
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		step = 1
	}
	r := newRolled(t)
	dirs := []string{"alice", "bob", "hub.git", "next.git"}
	saved := filepath.Join(r.root, "saved")
	copyAll := func(from, to string) {
		for _, dir := range dirs {
			if err := os.RemoveAll(filepath.Join(to, dir)); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("cp", "-a", filepath.Join(from, dir), filepath.Join(to, dir)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
	}
	if err := os.Mkdir(saved, 0o755); err != nil {
		t.Fatal(err)
	}
	copyAll(r.root, saved)
	killed := 0
	for n := 1; ; n += step {
		cmd := r.command("alice", "git-crosslink", "init", "next", "--from", "origin")
		cmd.Env = append(cmd.Env, fmt.Sprintf("CROSSLINK_FAULT=*:%d", n))
		if out, err := cmd.CombinedOutput(); err == nil {
			break
		} else if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("boundary %d: %v: %s", n, err, out)
		}
		killed++
		if out, err := r.tried("alice", "init", "next", "--from", "origin"); err != nil {
			t.Fatalf("again after boundary %d: %v: %s", n, err, out)
		}
		r.moved(t)
		copyAll(saved, r.root)
	}
	if killed < 5 {
		t.Errorf("killed at %d boundaries only", killed)
	}
	t.Logf("killed at %d boundaries", killed)
}

// Of two admins who move a tracker at once one makes the new hub, and both are on it in
// the end. A new hub that cannot be reached, or that is another tracker, changes nothing.
func TestRollAtOnceAndOffline(t *testing.T) {
	r := newRolled(t)
	r.git("alice", "crosslink", "trust", "approve", "bob-1", "--admin")
	if err := os.Rename(filepath.Join(r.root, "next.git"), filepath.Join(r.root, "away.git")); err != nil {
		t.Fatal(err)
	}
	meta := r.git(".", "--git-dir=hub.git", "rev-parse", "refs/heads/crosslink/meta")
	if out, err := r.tried("alice", "init", "next", "--from", "origin"); err == nil || !strings.Contains(out, "the remote 'next' is not reachable") {
		t.Errorf("offline: %v: %s", err, out)
	}
	r.git(".", "init", "-q", "--bare", "-b", "main", "next.git")
	r.git(".", "init", "-q", "-b", "main", "other")
	r.git("other", "remote", "add", "origin", "../next.git")
	r.commit("other", "start")
	r.git("other", "push", "-q", "origin", "main")
	r.git("other", "crosslink", "init")
	if out, err := r.tried("alice", "init", "next", "--from", "origin"); err == nil {
		t.Errorf("over another tracker: %s", out)
	}
	if got := r.git(".", "--git-dir=hub.git", "rev-parse", "refs/heads/crosslink/meta"); got != meta {
		t.Fatal("the old hub was closed")
	}
	if err := os.RemoveAll(filepath.Join(r.root, "next.git")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(r.root, "away.git"), filepath.Join(r.root, "next.git")); err != nil {
		t.Fatal(err)
	}
	r.git("bob", "crosslink", "sync")
	r.before = r.rows("alice", "first", "second", "fix the flux")
	var all sync.WaitGroup
	for _, who := range []string{"alice", "bob"} {
		all.Go(func() {
			if out, err := r.tried(who, "init", "next", "--from", "origin"); err != nil {
				t.Logf("%s: %v: %s", who, err, out)
			}
		})
	}
	all.Wait()
	for _, who := range []string{"alice", "bob"} {
		if out, err := r.tried(who, "init", "next", "--from", "origin"); err != nil {
			t.Errorf("%s again: %v: %s", who, err, out)
		}
	}
	r.moved(t)
}
