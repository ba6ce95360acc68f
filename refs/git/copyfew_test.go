package git_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// replicaOf makes the replica of a clone, and reads the clone's configuration.
func replicaOf(t *testing.T, dir string, environ []string) (*git.Replica, refs.Config) {
	t.Helper()
	o, err := git.Discover(ctx, dir, environ)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := o.Config(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, cfg
}

// Objects from the user's own fetch are copied without git if they are few, and by git
// otherwise. The replica is complete after both.
func TestTakeOverOfAFewObjects(t *testing.T) {
	top := clone(t)
	writes, hub := connect(t, top+"/w")
	refstest.Git(t, "-C", top, "clone", "-q", "hub.git", "v")
	trace := filepath.Join(top, "trace")
	r, cfg := replicaOf(t, top+"/v", append(os.Environ(), "GIT_TRACE2="+trace))
	name := refs.HubPrefix + "agents/" + agent
	tip := func(l refs.Local, name string) refs.OID {
		rs, err := l.Refs(ctx, name)
		if err != nil || len(rs) != 1 {
			t.Fatal(name, rs, err)
		}
		return rs[0].OID
	}
	there := refs.OID("") // what the hub has
	write := func(lines int) {
		for n := range lines {
			if err := refstest.AppendOne(writes, agent, fmt.Sprint("line ", n)); err != nil {
				t.Fatal(err)
			}
		}
		now := tip(writes, name)
		if res, err := hub.Push(ctx, refs.Push{Refs: []refs.PushRef{{Src: now, Dst: name, Lease: &there}}}); err != nil || !res.Refs[name].Accepted() {
			t.Fatal(res, err)
		}
		there = now
		refstest.Git(t, "-C", top+"/v", "fetch", "-q", "--prune")
	}
	for _, c := range []struct {
		name   string
		before func()
		byGit  bool
	}{
		{"many commits", func() { write(70) }, true},
		{"one commit", func() { write(1) }, false},
		{"a few commits over the end of a segment", func() { write(5); write(3) }, false},
		{"packed", func() { write(2); refstest.Git(t, "-C", top+"/v", "repack", "-adq") }, false},
		{"a commit is there, and not what it points to", func() {
			write(1)
			var o refs.Object
			if err := writes.Read(ctx, []refs.OID{there}, 1<<20, func(_ int, is refs.Object, err error) error { o = is; return err }); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Local().Write(ctx, []refs.Object{o}); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"another branch", func() {
			write(1)
			refstest.Git(t, "-C", top+"/v", "update-ref", "refs/remotes/origin/crosslink/meta", string(there))
		}, false},
		{"gone", func() {
			refstest.Git(t, "-C", top+"/v", "update-ref", "-d", "refs/remotes/origin/crosslink/meta")
			write(1)
		}, true},
		{"a file in another mode", func() {
			id := refstest.Git(t, "-C", top+"/v", "rev-parse", string(there)+"^{tree}")
			tree := refstest.Git(t, "-C", top+"/v", "ls-tree", id) + "\n100755 blob " + refstest.Git(t, "-C", top+"/v", "hash-object", "-w", trace) + "\tx"
			file := filepath.Join(top, "tree")
			if err := os.WriteFile(file, []byte(tree+"\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			made := refstest.Git(t, "-C", top+"/v", "-c", "alias.mk=!git mktree <"+file, "mk")
			refstest.Git(t, "-C", top+"/v", "update-ref", "refs/remotes/origin/crosslink/meta", refstest.Git(t, "-C", top+"/v", "commit-tree", "-m", "x", made))
		}, true},
	} {
		c.before()
		os.Remove(trace)
		if moved, err := r.TakeOver(ctx, "origin", cfg); err != nil || !moved {
			t.Fatal(c.name, moved, err)
		}
		if b, _ := os.ReadFile(trace); strings.Contains(string(b), " fetch ") != c.byGit || !c.byGit && len(b) > 0 {
			t.Errorf("%s: git was asked:\n%s", c.name, b)
		}
		if got := tip(r.Local(), refs.OuterPrefix+"agents/"+agent); got != there {
			t.Errorf("%s: it is at %s, not %s", c.name, got, there)
		}
		theirs := refstest.Git(t, "-C", top+"/v", "for-each-ref", "--format=%(objectname) %(refname:lstrip=4)", "refs/remotes/origin/crosslink")
		if ours := refstest.Git(t, "-C", r.Path(), "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", refs.OuterPrefix); ours != theirs {
			t.Errorf("%s: there is\n%s\nnot\n%s", c.name, ours, theirs)
		}
		refstest.Git(t, "-C", r.Path(), "rev-list", "--objects", "--all", "--quiet")
		refstest.Git(t, "-C", r.Path(), "fsck", "--connectivity-only")
		if moved, err := r.TakeOver(ctx, "origin", cfg); err != nil || moved {
			t.Error(c.name, "again:", moved, err)
		}
	}
}

// Refs of the user that have not moved are not read again.
func TestTakeOverReadsWhatMoved(t *testing.T) {
	top := clone(t)
	r, cfg := replicaOf(t, top+"/w", nil)
	commit := func() string {
		return refstest.Git(t, "-C", top+"/w", "commit-tree", "-m", rand.Text(), "-p", "HEAD", "HEAD^{tree}")
	}
	root := top + "/w/.git/refs/remotes/origin/crosslink"
	name := "refs/remotes/origin/crosslink/agents/alice"
	refstest.Git(t, "-C", top+"/w", "update-ref", name, "HEAD")
	for n := range 3 {
		refstest.Git(t, "-C", top+"/w", "update-ref", name, commit())
		then := time.Now().Add(-time.Hour * time.Duration(9-n))
		for range 2 { // it is compared, and then known
			for _, dir := range []string{root, root + "/agents"} {
				if err := os.Chtimes(dir, then, then); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.TakeOver(ctx, "origin", cfg); err != nil {
				t.Fatal(err)
			}
		}
		want := refstest.Git(t, "-C", top+"/w", "rev-parse", name)
		if all, err := r.Local().Refs(ctx, refs.OuterPrefix); err != nil || len(all) != 1 || string(all[0].OID) != want {
			t.Fatal(all, err, want)
		}
		// git never changes a ref's file in place, so that does not show
		if err := os.WriteFile(root+"/agents/alice", []byte(commit()+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if moved, err := r.TakeOver(ctx, "origin", cfg); err != nil || moved {
			t.Fatal("refs that have not moved were read", moved, err)
		}
	}
}
