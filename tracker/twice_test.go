package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// slowHub lets each push to the hub take up to a second longer, at random.
func (w *world) slowHub() {
	w.t.Helper()
	hook := filepath.Join(w.hub, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		w.t.Fatal(err)
	}
	script := "#!/bin/sh\nn=$(od -An -N1 -tu1 /dev/urandom)\n[ $((n % 2)) = 0 ] || sleep 0.$((n % 10))\n"
	if err := os.WriteFile(hook, []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// job takes the first ready issue whose lock is granted, does it and closes it,
// as 'ready --claim' and 'close' do. late is how many claims came after somebody
// else had finished the issue; more is false once nothing is open.
func (c *clone) job(do func(event.UUID)) (late int, more bool, err error) {
	t := c.open()
	defer t.Close()
	ctx := context.Background()
	p, err := t.Read(ctx, tracker.Fresh)
	if err != nil {
		return 0, false, err
	}
	rows, _, err := p.List(store.Filter{Ready: true, Me: t.Agent(), Sort: "priority", Now: event.TimeOf(c.now())})
	if err != nil {
		return 0, false, err
	}
	for _, row := range rows {
		k, err := t.Claim(ctx, row.UUID, tracker.ClaimOptions{})
		if err != nil {
			return late, false, err
		}
		if k.Outcome == tracker.Closed && !k.Already { // else it was seen before anything was asked
			late++
		}
		if k.Outcome != tracker.Held {
			continue
		}
		do(row.UUID)
		_, err = t.Emit(ctx, tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.StatusChanged{UUID: row.UUID, NewStatus: event.Closed}, &event.LockReleased{Issue: row.UUID}}, nil
		})
		return late, true, err
	}
	_, open, err := p.List(store.Filter{})
	if open > 0 {
		time.Sleep(50 * time.Millisecond) // others are at it
	}
	return late, open > 0, err
}

// TestNoIssueIsDoneTwice: agents that claim, do and close issues all at once, on a
// hub whose pushes take their time, do each of them once. The race that could
// make it two (a claim that arrives when the issue is done) must have come up.
func TestNoIssueIsDoneTwice(t *testing.T) {
	t.Parallel()
	const agents, issues = 4, 3
	atLeast, atMost := nightly(1, 40), nightly(20, 80)
	w := newMemoryWorld(t)
	var clones []*clone
	for i := range agents {
		clones = append(clones, w.clone(fmt.Sprintf("agent-%d", i)))
	}
	clones[0].init()
	for _, c := range clones {
		c.sync()
	}
	w.slowHub()
	var mu sync.Mutex
	late, done, round := 0, map[event.UUID][]string{}, 0
	for ; round < atMost && (round < atLeast || late == 0); round++ {
		for i := range issues {
			clones[0].create(fmt.Sprintf("job %d.%d", round, i))
		}
		for _, c := range clones {
			c.sync()
		}
		var all sync.WaitGroup
		for _, c := range clones {
			all.Go(func() {
				for more := true; more; {
					var n int
					var err error
					n, more, err = c.job(func(u event.UUID) {
						mu.Lock()
						defer mu.Unlock()
						done[u] = append(done[u], c.name)
					})
					if err != nil {
						t.Errorf("%s: %v", c.name, err)
						return
					}
					mu.Lock()
					late += n
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	for u, by := range done {
		if len(by) > 1 {
			t.Errorf("%s was done by %v", u, by)
		}
	}
	if len(done) != round*issues {
		t.Errorf("%d of %d issues were done", len(done), round*issues)
	}
	if late == 0 {
		t.Errorf("in %d rounds no claim came too late: nothing is shown", round)
	}
	t.Logf("%d issues in %d rounds, %d claims came too late", len(done), round, late)
	w.converge(clones...)
	if rows, err := clones[0].read().Locked(); err != nil || len(rows) > 0 {
		t.Errorf("%d issues are locked when all is done, %v", len(rows), err)
	}
}
