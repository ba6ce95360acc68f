package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// What a fetch that was killed outright leaves behind stops nobody for longer
// than a minute, and until then the reason is reported as git says it.
func TestLocksOfKilledFetches(t *testing.T) {
	top := clone(t)
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	o, _ := git.Discover(ctx, top+"/w", nil)
	cfg, _ := o.Config(ctx)
	r, err := openReplica(ctx, o, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	hub := r.Remote(refs.Address{Name: "origin", Config: cfg})
	move := func() {
		refstest.Git(t, "-C", top+"/w", "commit", "-q", "--allow-empty", "-m", "more")
		refstest.Git(t, "-C", top+"/w", "push", "-qf", "origin", "HEAD:"+refs.HubPrefix+"agents/"+agent)
	}
	for _, name := range []string{"refs/incoming/agents/" + agent + ".lock", "packed-refs.lock"} {
		path := filepath.Join(r.Path(), name)
		leave := func(age time.Duration) {
			t.Helper()
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
				t.Fatal(err)
			}
			when := time.Now().Add(-age)
			if err := os.Chtimes(path, when, when); err != nil {
				t.Fatal(err)
			}
		}
		refstest.Git(t, "--git-dir="+r.Path(), "pack-refs", "--all")
		move()
		if name == "packed-refs.lock" { // locked only where a packed ref goes
			refstest.Git(t, "--git-dir="+top+"/hub.git", "update-ref", "-d", refs.HubPrefix+"agents/"+agent)
		}
		leave(0)
		err := hub.Fetch(ctx)
		var re *refs.RemoteError
		if !errors.As(err, &re) || re.NoConnection || !re.Partly || !strings.Contains(re.Stderr, filepath.Base(name)) {
			t.Errorf("'%s', young: %v", name, err)
		}
		leave(2 * time.Minute)
		if err := hub.Fetch(ctx); err != nil {
			t.Errorf("'%s', old: %v", name, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("'%s' is still there", name)
		}
	}
}

// A branch of somebody else that becomes a directory of branches, and back,
// does not stop a fetch.
func TestBranchBecomesDirectory(t *testing.T) {
	top := clone(t)
	o, _ := git.Discover(ctx, top+"/w", nil)
	cfg, _ := o.Config(ctx)
	r, err := openReplica(ctx, o, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	was := ""
	for _, name := range []string{"notes", "notes/a", "notes/a/b", "notes"} {
		args := []string{"-C", top + "/w", "push", "-q", "--atomic", "origin"}
		if was != "" {
			refstest.Git(t, append(args, ":"+refs.HubPrefix+was)...)
		}
		refstest.Git(t, append(args, "HEAD:"+refs.HubPrefix+name)...)
		was = name
		if err := r.Remote(refs.Address{Name: "origin", Config: cfg}).Fetch(ctx); err != nil {
			t.Fatalf("'%s': %v", name, err)
		}
		refstest.Git(t, "-C", top+"/w", "fetch", "-q", "--prune")
		if _, err := r.TakeOver(ctx, "origin", cfg); err != nil {
			t.Fatalf("'%s': %v", name, err)
		}
		for _, root := range []string{refs.IncomingPrefix, refs.OuterPrefix} {
			all, err := r.Local().Refs(ctx, root)
			if err != nil || len(all) != 1 || all[0].Name != root+name {
				t.Fatalf("'%s': %v, %v", name, all, err)
			}
		}
	}
}

// HEAD and config are written again; a replica without objects or refs is not
// one that may begin again.
func TestTornReplica(t *testing.T) {
	top := clone(t)
	if err := roundTrip(t, top+"/w", nil); err != nil {
		t.Fatal(err)
	}
	o, _ := git.Discover(ctx, top+"/w", nil)
	replica := git.ReplicaPath(o)
	before, err := os.ReadFile(filepath.Join(replica, "config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(replica, "config")), os.Truncate(filepath.Join(replica, "HEAD"), 0)); err != nil {
		t.Fatal(err)
	}
	r, repaired, err := o.OpenReplica(ctx, false)
	if err != nil || strings.Join(repaired, " ") != "HEAD config" {
		t.Fatal(repaired, err)
	}
	defer r.Close()
	if after, err := os.ReadFile(filepath.Join(replica, "config")); err != nil || string(after) != string(before) {
		t.Errorf("%v\n%s", err, after)
	}
	if all, err := r.Local().Refs(ctx, ""); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	if _, repaired, err := o.OpenReplica(ctx, false); err != nil || len(repaired) != 0 {
		t.Errorf("%v, %v", repaired, err)
	}
	if err := os.Rename(filepath.Join(replica, "refs"), filepath.Join(top, "refs")); err != nil {
		t.Fatal(err)
	}
	var damaged *git.DamagedError
	if _, err := openReplica(ctx, o, true); !errors.As(err, &damaged) || damaged.Missing != "refs" {
		t.Error(err)
	}
}
