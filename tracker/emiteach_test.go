package tracker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Each build is a commit of its own, and no event is lost if another process of the clone
// writes to the same log in between, or the hub is synced. Numbers follow the order of the
// lines, with a hub and without one.
func TestEmitEach(t *testing.T) {
	for _, hub := range []bool{true, false} {
		t.Run(fmt.Sprint("hub ", hub), func(t *testing.T) {
			w := newWorld(t)
			alice := w.clone("alice")
			if !hub {
				alice = w.clone("alone")
				w.git(alice.dir, "remote", "remove", "origin")
			}
			alice.init()
			open := alice.open()
			defer open.Close()
			n, other, runs := 0, 0, 0
			build := func(tracker.Projection) (all []event.Body, err error) {
				runs++
				for i := range 3 {
					all = append(all, &event.IssueCreated{UUID: open.MintUUID(), Title: fmt.Sprint("bulk ", n+i), Priority: event.Medium, CreatedBy: "x"})
				}
				return all, nil
			}
			agent, events, err := open.EmitEach(context.Background(), func(yield func(tracker.Build) bool) {
				for i := range 6 {
					switch i {
					case 2, 3:
						other++
						alice.create(fmt.Sprint("by another ", other))
					case 4:
						alice.sync()
					case 5:
						if !yield(func(tracker.Projection) ([]event.Body, error) { return nil, nil }) {
							t.Error("nothing to write ends it")
						}
					}
					if !yield(build) {
						t.Error("it ended")
					}
					n += 3
				}
			})
			if err != nil || agent != open.Agent() || events != n || n != 18 || hub && runs == 6 { // with a hub, another writer is met by a second run
				t.Fatalf("%s wrote %d events of %d in %d runs: %v", agent, events, n, runs, err)
			}
			alice.sync()
			got := alice.titles()
			if len(got) != n+other {
				t.Fatalf("%d issues, %d and %d were written", len(got), n, other)
			}
			var numbers []int
			for i := range n {
				numbers = append(numbers, int(got[fmt.Sprint("bulk ", i)].Number))
			}
			if !slices.IsSorted(numbers) || numbers[0] == 0 {
				t.Errorf("numbers %v", numbers)
			}
			if f := alice.findings(true); f != "" {
				t.Error(f)
			}
		})
	}
}
