package refstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// These tests inspect a repository with git itself, or run git at the same time.

func gitAgrees(t *testing.T, l refs.Local, dir string) {
	id, err := refs.WriteCommit(ctx, l, map[string][]byte{"a": []byte("1\n"), "a.b/c": []byte("2\n"), "a/": nil}, nil, info("x"))
	if err == nil {
		t.Fatal("a path without a name is accepted", id)
	}
	files := map[string][]byte{"b": []byte("1\n"), "a.b/c": []byte("2\n"), "a/x/y": []byte("3\n"), "a0": nil}
	id, err = refs.WriteCommit(ctx, l, files, nil, info("subject\n\nbody [skip ci]"))
	if err != nil {
		t.Fatal(err)
	}
	swap(t, l, refs.Update{Ref: ref, New: id})
	Git(t, "--git-dir="+dir, "fsck", "--strict", "--no-dangling")
	if got := Git(t, "--git-dir="+dir, "ls-tree", "-r", "--name-only", string(id)); got != "a.b/c\na/x/y\na0\nb" {
		t.Error(got)
	}
	if got := Git(t, "--git-dir="+dir, "log", "-1", "--format=%an %ae %cn %ce %ct %s", string(id)); got != "alice-1 alice-1@crosslink alice-1 alice-1@crosslink 1800000000 subject" {
		t.Error(got)
	}
	back, err := refs.ReadFiles(ctx, l, id, 100)
	if err != nil || fmt.Sprint(back) != fmt.Sprint(files) {
		t.Error(back, err)
	}
	if _, err := refs.ReadFiles(ctx, l, id, 5); !errors.Is(err, refs.ErrTooLarge) {
		t.Error(err)
	}
}

func packedRefs(t *testing.T, l refs.Local, dir string) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	other := refs.HubPrefix + "meta"
	swap(t, l, refs.Update{Ref: ref, New: a}, refs.Update{Ref: other, New: a})
	Git(t, "--git-dir="+dir, "pack-refs", "--all")
	wantRefs(t, l, "", refs.Ref{Name: ref, OID: a}, refs.Ref{Name: other, OID: a})
	wantConflict(t, l.Swap(ctx, []refs.Update{{Ref: ref, New: b}}), ref)
	if err := l.Swap(ctx, []refs.Update{{Ref: ref + "/below", New: a}}); !errors.Is(err, refs.ErrNameTaken) {
		t.Error(err) // the other name exists only in packed-refs
	}
	swap(t, l, refs.Update{Ref: ref, Old: a, New: b})
	swap(t, l, refs.Update{Ref: other, Old: a})
	wantRefs(t, l, "", refs.Ref{Name: ref, OID: b})
}

func heldLock(t *testing.T, l refs.Local, dir string) {
	a, b := CommitOf(t, l, "a"), CommitOf(t, l, "b")
	swap(t, l, refs.Update{Ref: ref, New: a})
	lock := filepath.Join(dir, ref+".lock")
	if err := os.WriteFile(lock, []byte("mine\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := l.Swap(ctx, []refs.Update{{Ref: ref, Old: a, New: b}})
	if !errors.Is(err, refs.ErrLocked) || errors.Is(err, refs.ErrConflict) {
		t.Fatal(err)
	}
	wantRefs(t, l, "", refs.Ref{Name: ref, OID: a})
	if got, _ := os.ReadFile(lock); string(got) != "mine\n" {
		t.Fatalf("the lock was overwritten: %q", got)
	}
	// Swap waits for a lock that is released in time.
	go func() { time.Sleep(300 * time.Millisecond); os.Remove(lock) }()
	swap(t, l, refs.Update{Ref: ref, Old: a, New: b})
}

// gc runs maintenance during appends: no acknowledged line is lost.
func gc(t *testing.T, l refs.Local, dir string) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			exec.Command("git", "--git-dir="+dir, "gc", "-q").Run() // may lose a race itself
			exec.Command("git", "--git-dir="+dir, "pack-refs", "--all").Run()
		}
	})
	const n = 25
	for i := range n {
		if err := AppendOne(l, "alice-1", fmt.Sprint(i)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if got := lines(t, l, "alice-1"); len(got) != n {
		t.Errorf("%d of %d lines", len(got), n)
	}
	Git(t, "--git-dir="+dir, "fsck", "--strict", "--no-dangling")
}
