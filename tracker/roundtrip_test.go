package tracker_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// transport counts the processes of a trace that talk to a hub.
func transport(n map[string]int) int {
	return n["push"] + n["fetch"] + n["ls-remote"] + n["clone"] + n["pull"]
}

// An uncontended write is one push and no other contact; a sync with nothing
// new is one fetch.
func TestOneRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()

	count := func(name string, call func(tr *tracker.Tracker)) map[string]int {
		trace := filepath.Join(w.dir, name+".trace")
		tr := alice.open("GIT_TRACE2_EVENT=" + trace)
		defer tr.Close()
		call(tr)
		return traced(t, trace)
	}
	n := count("new", func(tr *tracker.Tracker) {
		r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "one", Priority: event.Medium, CreatedBy: tr.Agent()}}, nil
		})
		if err != nil || r.Sync != tracker.Confirmed {
			t.Fatalf("%v, %v", r, err)
		}
	})
	if n["push"] != 1 || transport(n) != 1 {
		t.Errorf("a write talked to the hub with %v", n)
	}
	t.Logf("git processes of a write: %v", show(n))

	n = count("sync", func(tr *tracker.Tracker) {
		if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	if n["fetch"] != 1 || transport(n) != 1 {
		t.Errorf("a sync with nothing new talked to the hub with %v", n)
	}
	t.Logf("git processes of a sync with nothing new: %v", show(n))

	bob.create("two")
	n = count("sync2", func(tr *tracker.Tracker) {
		r, err := tr.Sync(context.Background(), tracker.SyncOptions{})
		if err != nil || r.Received != 2 { // bob's introduction and his issue
			t.Fatalf("%+v, %v", r, err)
		}
	})
	if transport(n) != 1 {
		t.Errorf("a sync with news talked to the hub with %v", n)
	}
	n = count("read", func(tr *tracker.Tracker) {
		if _, err := tr.Read(context.Background(), tracker.Here); err != nil {
			t.Fatal(err)
		}
	})
	if transport(n) != 0 {
		t.Errorf("a read talked to the hub with %v", n)
	}
	t.Logf("git processes of a read: %v", show(n))
}

func show(n map[string]int) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		for range n[k] {
			all = append(all, k)
		}
	}
	return all
}

// A fact goes out with a step for what others await. If the ledger has moved, the fact
// goes alone at once: it neither looks at the hub nor waits for others.
func TestAFactIsNoPartOfARace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	carol.sync()
	bob.cut(true)
	bob.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: issue}}
	})
	bob.pushLog()
	if n := alice.sync().Undecided; n != 1 {
		t.Fatalf("alice knows of %d undecided events, want 1", n)
	}
	carol.create("two")
	trace := filepath.Join(w.dir, "fact.trace")
	tr := alice.open("GIT_TRACE2_EVENT=" + trace)
	defer tr.Close()
	r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.LabelAdded{Issue: issue, Label: "a"}}, nil
	})
	if err != nil || r.Sync != tracker.Confirmed {
		t.Errorf("%+v, %v", r, err)
	}
	if n := traced(t, trace); n["push"] != 2 || transport(n) != 2 {
		t.Errorf("a fact talked to the hub with %v", n)
	}
}

// An uncontended lock is one push, and no fetch before it or after it. Where the
// hub is not as it was seen, if only in a fact of an agent that nobody has heard
// of, the push shows it, and the hub is looked at before the lock is said to be
// held.
func TestALockIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	one, two := alice.create("one"), alice.create("two")
	claim := func(c *clone, issue event.UUID, name string) (*tracker.Claim, map[string]int) {
		t.Helper()
		trace := filepath.Join(w.dir, name+".trace")
		tr := c.open("GIT_TRACE2_EVENT=" + trace)
		defer tr.Close()
		got, err := tr.Claim(context.Background(), issue, tracker.ClaimOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return got, traced(t, trace)
	}
	got, n := claim(alice, one, "lock")
	if got.Outcome != tracker.Held || n["push"] != 1 || transport(n) != 1 {
		t.Errorf("a lock is '%s' after %v", got.Outcome, n)
	}
	bob.sync()
	bob.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: two, NewStatus: event.Closed}}
	})
	got, n = claim(alice, two, "closed")
	if got.Outcome != tracker.Closed {
		t.Errorf("the lock of an issue that somebody closed unseen is '%s' after %v", got.Outcome, n)
	}
	alice.sync()
	if rows, err := alice.read().Locked(); err != nil || len(rows) != 1 {
		t.Errorf("%d issues are locked, %v", len(rows), err)
	}
}

// A write with a hub lists the refs once before it appends and once after its
// push: all else follows from what it did itself. (Without a store, tests read
// all again to compare, and list for that.)
func TestAWriteListsRefsTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = 1
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	tr := alice.open()
	defer tr.Close()
	n := tr.Listings()
	r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "two", Priority: event.Medium, CreatedBy: tr.Agent()}}, nil
	})
	if err != nil || r.Sync != tracker.Confirmed || r.Undecided {
		t.Fatalf("%+v, %v", r, err)
	}
	if fmt.Sprint(n) != "map[refs/:2]" {
		t.Errorf("%v", n)
	}
}

// Of two clones that create an issue at the same moment one is overtaken. It
// tries again at once: one fetch and one push more, and no wait. If it has looked at
// the hub lately, it sends its log before that fetch.
func TestTwoWritesAtOnce(t *testing.T) {
	t.Run("looked a minute ago", func(t *testing.T) { twoWritesAtOnce(t, time.Minute, 2) })
	t.Run("looked lately", func(t *testing.T) { twoWritesAtOnce(t, time.Second, 3) })
}

func twoWritesAtOnce(t *testing.T, looked time.Duration, pushes int) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	bob.sync()
	bob.create("two")
	at := time.Now()
	alice.now = func() time.Time { return at }
	alice.sync()
	at = at.Add(looked)
	hook := filepath.Join(w.hub, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	// while the hub looks at alice's push, bob's lands
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nmv ../race ../raced 2>/dev/null || exit 0\ntouch ../now\nwhile [ -e ../now ]; do sleep 0.01; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "race"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(w.dir, "race.trace")
	var slept time.Duration
	alice.sleep = func(d time.Duration) { slept += d }
	done := make(chan *tracker.Receipt)
	go func() {
		tr := alice.open("GIT_TRACE2_EVENT=" + trace)
		defer tr.Close()
		r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "three", Priority: event.Medium, CreatedBy: tr.Agent()}}, nil
		})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	for now := filepath.Join(w.dir, "now"); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(now); err == nil {
			bob.create("four")
			os.Remove(now)
			break
		}
	}
	r := <-done
	if r == nil || r.Sync != tracker.Confirmed || r.Undecided {
		t.Fatalf("%+v", r)
	}
	if n := traced(t, trace); n["push"] != pushes || n["fetch"] != 1 || slept != 0 {
		t.Errorf("%v, waited %v", show(n), slept)
	}
	if got := alice.numbers(); got["three"] == 0 || got["four"] == 0 || got["three"] == got["four"] {
		t.Errorf("%v", got)
	}
}

// Two clones write at once again and again. Anybody who loses was mostly behind before,
// too: it looks, and pushes. If it loses once more, it sends its log, looks, and pushes
// the step. It waits only where the hub was still at the other's push when it looked.
func TestWritersWhoAreBehind(t *testing.T) {
	t.Parallel()
	const rounds = 4
	w := newWorld(t)
	clones := []*clone{w.clone("alice"), w.clone("bob")}
	clones[0].init()
	for _, c := range clones {
		c.create("first")
	}
	for round := range rounds {
		at := time.Now().Add(time.Duration(round) * time.Minute) // what was raced for before is over
		var counts [2]map[string]int
		var slept [2]int
		var took [2]time.Duration
		start := make(chan struct{})
		var done sync.WaitGroup
		for i, c := range clones {
			c.now = func() time.Time { return at }
			c.sleep = func(d time.Duration) { slept[i]++; time.Sleep(d) }
			trace := filepath.Join(w.dir, fmt.Sprintf("%s-%d.trace", c.name, round))
			tr := c.open("GIT_TRACE2_EVENT=" + trace)
			done.Go(func() {
				<-start
				began := time.Now()
				r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
					return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: fmt.Sprint(c.name, round), Priority: event.Medium, CreatedBy: tr.Agent()}}, nil
				})
				took[i] = time.Since(began)
				if err != nil || r.Sync != tracker.Confirmed {
					t.Errorf("%s: %v, %v", c.name, r, err)
				}
				tr.Close()
				counts[i] = traced(t, trace)
			})
		}
		close(start)
		done.Wait()
		var talks []string
		for i := range clones {
			talks = append(talks, fmt.Sprintf("%d pushes, %d fetches, %d waits", counts[i]["push"], counts[i]["fetch"], slept[i]))
			pushes, fetches := counts[i]["push"], counts[i]["fetch"]
			if alone := pushes - 1 - fetches; alone < 0 || alone > 1 || pushes > 4+slept[i] || slept[i] > fetches {
				t.Errorf("round %d: %s", round, talks[i])
			}
		}
		slices.Sort(talks)
		t.Logf("round %d: %s, %s", round, talks, took)
	}
}
