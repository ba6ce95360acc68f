package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// A detached sync keeps the replica small, once a day, with a hub and without.
func TestUpkeepInDetachedSync(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"hub", "none"} {
		t.Run(with, func(t *testing.T) {
			w := newWorld(t)
			alice := w.clone("alice")
			now := time.Now()
			alice.now = func() time.Time { return now }
			alice.sleep = func(d time.Duration) { now = now.Add(d) } // between syncs that nobody watches
			if with == "hub" {
				alice.init()
			} else {
				alice.forgetRemote()
			}
			alice.create("one")
			crowd := func() { // it looks as if there were a thousand loose objects
				dir := filepath.Join(alice.replica(), "objects", "17")
				if err := os.MkdirAll(dir, 0o777); err != nil {
					t.Fatal(err)
				}
				for i := range 8 {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("tmp_obj_", i)), nil, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
			packs := func() int {
				all, err := filepath.Glob(alice.replica() + "/objects/pack/*.pack")
				if err != nil {
					t.Fatal(err)
				}
				return len(all)
			}
			sync := func(o tracker.SyncOptions) {
				tr := alice.open()
				defer tr.Close()
				if _, err := tr.Sync(context.Background(), o); err != nil {
					t.Fatal(err)
				}
			}
			sync(tracker.SyncOptions{Detached: true})
			if packs() != 0 {
				t.Error("packed although there is little")
			}
			crowd()
			sync(tracker.SyncOptions{})
			if packs() != 0 {
				t.Error("packed while somebody waits")
			}
			sync(tracker.SyncOptions{Detached: true})
			if packs() != 1 {
				t.Errorf("%d packs", packs())
			}
			alice.create("two")
			crowd()
			sync(tracker.SyncOptions{Detached: true})
			if packs() != 1 {
				t.Errorf("%d packs, twice within a day", packs())
			}
			if n := len(alice.titles()); n != 2 {
				t.Errorf("%d issues", n)
			}
		})
	}
}
