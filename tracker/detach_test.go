package tracker_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree returns the identity of every file of a directory, by path: a file that is
// replaced gets another one.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil {
			id, _ := system.Identify(path, st)
			all[path] = fmt.Sprint(id.Inode)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A detached sync of a clone that is being removed creates nothing there, so that
// the removal succeeds: it has begun before the sync starts, while it waits for
// the clone to be at rest, or during the fetch.
func TestDetachedSyncCreatesNothingInACloneThatIsBeingRemoved(t *testing.T) {
	for _, part := range []string{"crosslink/replica.git/HEAD", "crosslink/replica.git/config", "crosslink/replica.git/objects", "crosslink/replica.git", "HEAD"} {
		for _, moment := range []string{"before", "waiting", "fetching"} {
			t.Run(moment+"/"+filepath.Base(part), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				alice, bob := w.clone("alice"), w.clone("bob")
				alice.init()
				bob.sync()
				bob.create("one")
				alice.create("two")
				alice.sync()
				dotGit := filepath.Join(alice.dir, ".git")
				remove := func() { must(t, os.RemoveAll(filepath.Join(dotGit, part))) }
				asked := filepath.Join(w.dir, "asked")
				if moment == "fetching" {
					script := filepath.Join(w.dir, "upload-pack")
					must(t, os.WriteFile(script, []byte("#!/bin/sh\nrm -rf "+filepath.Join(dotGit, part)+"; : >"+asked+"; exec git-upload-pack \"$@\"\n"), 0o755))
					w.git(alice.dir, "config", "remote.origin.uploadpack", script)
				}
				before := tree(t, dotGit)
				if moment == "before" {
					if part == "HEAD" {
						return // then git does not open the repository
					}
					remove()
				}
				tr := alice.openDetached()
				defer tr.Close()
				if moment == "waiting" {
					remove()
				}
				_, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true})
				if moment != "fetching" && err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(asked); (err == nil) != (moment == "fetching") {
					t.Errorf("the hub was asked: %v", err == nil)
				}
				remove() // the removal continues
				maps.DeleteFunc(before, func(path, _ string) bool { _, err := os.Lstat(path); return err != nil })
				for path, is := range tree(t, dotGit) {
					if before[path] != is {
						t.Errorf("'%s' was created", path)
					}
				}
			})
		}
	}
}

// A detached sync writes when nothing has changed at the top of the clone for a
// second, or after ten seconds before its turn and ten when that has come.
func TestDetachedSyncWaitsForRest(t *testing.T) {
	tracker.RestTime(t, time.Second)
	for busy, want := range map[int]int{0: 1, 3: 4, 100: 20} {
		w := newMemoryWorld(t)
		alice := w.clone("alice")
		alice.init()
		alice.create("one")
		alice.set("crosslink.syncInterval", "1")
		clock := time.Now()
		touch := func() { must(t, os.Chtimes(alice.dir, clock, clock)) }
		touch()
		before, sleeps := tree(t, alice.replica()), 0
		alice.now = func() time.Time { return clock }
		alice.sleep = func(d time.Duration) {
			for path, is := range tree(t, alice.replica()) {
				if before[path] != is {
					t.Errorf("'%s' was created before the clone was at rest", path)
				}
			}
			clock = clock.Add(d)
			if sleeps++; sleeps <= busy {
				touch()
			}
			if d > time.Second || d < time.Second/2 {
				t.Errorf("it sleeps %v", d)
			}
		}
		tr := alice.openDetached()
		if _, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil {
			t.Error(err)
		}
		tr.Close()
		if sleeps != want {
			t.Errorf("changed %d times: it waited %d times, not %d", busy, sleeps, want)
		}
	}
}
