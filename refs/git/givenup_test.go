//go:build unix

package git_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestGivenUpPushLeavesNoLock: a push to a hub on this machine is given up
// while the server holds the locks of all its refs. They are not left there:
// the push lands.
func TestGivenUpPushLeavesNoLock(t *testing.T) {
	top := clone(t)
	hub, held := top+"/hub.git", top+"/held"
	hook := "#!/bin/sh\n[ \"$1\" = prepared ] || exit 0\n: >'" + held + "'\nsleep 1\n"
	if err := os.WriteFile(hub+"/hooks/reference-transaction", []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	o, err := git.Discover(ctx, top+"/w", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cfg, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tip, err := refs.WriteCommit(ctx, r.Local(), map[string][]byte{"x": []byte("x")}, nil, refs.CommitInfo{Author: "alice", When: time.Unix(1e9, 0), Message: "x\n"})
	if err != nil {
		t.Fatal(err)
	}
	locks := func() (found []string) {
		filepath.WalkDir(hub, func(path string, _ fs.DirEntry, _ error) error {
			if strings.HasSuffix(path, ".lock") {
				found = append(found, path)
			}
			return nil
		})
		return found
	}
	c, cancel := context.WithCancel(ctx)
	were := 0
	go func() {
		defer cancel()
		for range 2000 {
			if _, err := os.Stat(held); err == nil {
				were = len(locks())
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	push := refs.Push{Atomic: true, Refs: []refs.PushRef{
		{Src: tip, Dst: "refs/heads/crosslink/agents/alice"}, {Src: tip, Dst: "refs/heads/crosslink/checkpoint"}}}
	if _, err := r.Remote(refs.Address{Name: "origin", Config: cfg}).Push(c, push); err == nil {
		t.Fatal("the push was not given up")
	}
	if were == 0 {
		t.Fatal("no lock was held: the test shows nothing")
	}
	for range 2000 {
		if len(locks()) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if left := locks(); len(left) > 0 {
		t.Errorf("left on the hub: %q", left)
	}
	for _, p := range push.Refs {
		if got := strings.TrimSpace(refstest.Git(t, "--git-dir="+hub, "rev-parse", p.Dst)); got != string(tip) {
			t.Errorf("%s is at %s", p.Dst, got)
		}
	}
}
