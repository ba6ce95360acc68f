package testkit

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// This file tests that a refused write writes nothing: no ref of the replica moves, nothing
// is printed on stdout, and no lock remains.

// cmdRefused runs a command that must be refused with a status.
func cmdRefused(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 4 && args[1] == "as", "refused STATUS as NAME CMD…")
	s := get(ts)
	a := s.actor(ts, args[2])
	before := replicaRefs(a)
	status := s.run(ts, a, nil, args[3:]...)
	s.write(a.name, args[3:], ts.ReadFile("stdout"), ts.ReadFile("stderr"), status)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
	if after := replicaRefs(a); after != before {
		ts.Fatalf("a ref has moved:\n%s\n%s", before, after)
	}
	if out := ts.ReadFile("stdout"); out != "" && !strings.HasPrefix(out, "{") {
		ts.Fatalf("an answer to a refused write: %q", out)
	}
	checkLocks(ts, a)
	s.followHints(ts, a, args[3:])
}

// cmdUnlocked fails if a lock of an actor's tracker is held or was left behind.
func cmdUnlocked(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "unlocked NAME")
	checkLocks(ts, get(ts).actor(ts, args[0]))
}

func checkLocks(ts *testscript.TestScript, a *actor) {
	for _, l := range Locks(filepath.Join(a.dir, ".git", "crosslink")) {
		ts.Fatalf("a lock is left: %s", l)
	}
}

// Locks returns the locks below a tracker's directory that a process holds, or that git
// left behind. Files that are locked only while a process holds them may remain.
func Locks(dir string) []string {
	var left []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".lock") {
			return nil
		}
		ours := filepath.Dir(path) == dir || filepath.Base(filepath.Dir(path)) == "replica.git" && filepath.Base(path) != "packed-refs.lock"
		if !ours || lockHeld(path) {
			left = append(left, path)
		}
		return nil
	})
	return left
}

// replicaRefs returns the refs of an actor's replica, without starting git.
func replicaRefs(a *actor) string {
	dir := filepath.Join(a.dir, ".git", "crosslink", "replica.git")
	var b strings.Builder
	_ = filepath.WalkDir(filepath.Join(dir, "refs", "heads"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return nil
		}
		id, err := os.ReadFile(path)
		if err == nil {
			b.WriteString(strings.TrimPrefix(path, dir) + " " + string(id))
		}
		return nil
	})
	packed, _ := os.ReadFile(filepath.Join(dir, "packed-refs"))
	return b.String() + string(packed)
}

// lockHeld reports whether a process holds the lock on path.
func lockHeld(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	ok, _ := system.TryLock(f, false)
	return !ok
}
