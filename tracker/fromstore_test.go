package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Where there is a store, what is usual to write, send and take in reads no log,
// for anybody who writes it and for anybody who gets it.
func TestWritesAndSyncsReadNoLog(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	other := bob.create("the other")
	w.converge(alice, bob)
	alice.readsWith()
	bob.readsWith()
	ctx := context.Background()
	title := "another"
	for _, c := range []struct {
		name string
		do   func(*tracker.Tracker) error
	}{
		{"new", emits(func(t *tracker.Tracker) event.Body {
			return &event.IssueCreated{UUID: t.MintUUID(), Title: "two", Priority: event.Low, CreatedBy: "bob"}
		})},
		{"comment", emits(func(t *tracker.Tracker) event.Body {
			return &event.CommentAdded{Issue: issue, Comment: t.MintUUID(), Author: "bob", Content: "x", CreatedAt: 1, Kind: "note"}
		})},
		{"edit", emits(func(*tracker.Tracker) event.Body { return &event.IssueUpdated{UUID: issue, Title: &title} })},
		{"label", emits(func(*tracker.Tracker) event.Body { return &event.LabelAdded{Issue: issue, Label: "bug"} })},
		{"close", emits(func(*tracker.Tracker) event.Body { return &event.StatusChanged{UUID: issue, NewStatus: event.Closed} })},
		{"reopen", emits(func(*tracker.Tracker) event.Body { return &event.StatusChanged{UUID: issue, NewStatus: event.Open} })},
		{"lock", func(tr *tracker.Tracker) error {
			c, err := tr.Claim(ctx, issue, tracker.ClaimOptions{})
			if err == nil && c.Outcome != tracker.Held {
				t.Errorf("the lock: %+v", c)
			}
			return err
		}},
		{"unlock", emits(func(*tracker.Tracker) event.Body { return &event.LockReleased{Issue: issue} })},
		{"block", emits(func(*tracker.Tracker) event.Body { return &event.DependencyAdded{Blocked: issue, Blocker: other} })},
		{"relate", emits(func(*tracker.Tracker) event.Body {
			return &event.RelationAdded{A: issue, B: other, Kind: event.Related}
		})},
		{"parent", emits(func(*tracker.Tracker) event.Body { return &event.ParentChanged{Issue: other, Parent: issue} })},
		{"unblock", emits(func(*tracker.Tracker) event.Body { return &event.DependencyRemoved{Blocked: issue, Blocker: other} })},
		{"delete", emits(func(*tracker.Tracker) event.Body { return &event.IssueDeleted{UUID: other} })},
		{"new, a child", emits(func(t *tracker.Tracker) event.Body {
			return &event.IssueCreated{UUID: t.MintUUID(), Title: "child", Priority: event.Low, CreatedBy: "bob", Parent: issue}
		})},
		{"new, not sent", func(tr *tracker.Tracker) error {
			_, err := tr.Emit(ctx, tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
				return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "three", Priority: event.Low, CreatedBy: "bob"}}, nil
			})
			return err
		}},
		{"sync", func(tr *tracker.Tracker) error { _, err := tr.Sync(ctx, tracker.SyncOptions{}); return err }},
	} {
		tr := bob.open()
		if err := c.do(tr); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if tr.HasLines() {
			t.Errorf("%s reads the logs", c.name)
		}
		tr.Close()
		tr = alice.open()
		if _, err := tr.Sync(ctx, tracker.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		if tr.HasLines() {
			t.Errorf("%s: who gets it reads the logs", c.name)
		}
		tr.Close()
	}
	if a, b := alice.read(), bob.read(); all(t, a) != all(t, b) || a.Hash() != b.Hash() {
		t.Errorf("alice sees\n%s\nbob sees\n%s", all(t, a), all(t, b))
	}
	if n := alice.numbers(); len(n) != 4 || n["three"] != 5 {
		t.Errorf("%v", n)
	}
}

func emits(body func(*tracker.Tracker) event.Body) func(*tracker.Tracker) error {
	return func(t *tracker.Tracker) error {
		_, err := t.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{body(t)}, nil
		})
		return err
	}
}

// A store that has the end of the own log wrong parts no log in two.
func TestOwnLogEndsWhereItsObjectsSay(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	alice.create("one")
	alice.create("two")
	alice.readsWith()
	tr := alice.open()
	defer tr.Close()
	tr.Mislead()
	if err := emits(func(t *tracker.Tracker) event.Body {
		return &event.IssueCreated{UUID: t.MintUUID(), Title: "three", Priority: event.Low, CreatedBy: "alice"}
	})(tr); err != nil {
		t.Fatal(err)
	}
	if !tr.HasLines() {
		t.Error("it was not led astray")
	}
	bob.sync()
	if s := bob.status(); len(s.Problems()) > 0 || len(bob.numbers()) != 3 {
		t.Errorf("%v, %q", bob.numbers(), s.Problems())
	}
}

// changed is a context that ends as soon as a ref has moved.
type changed struct {
	context.Context
	path, was string
}

func (c changed) Err() error {
	if is, err := os.ReadFile(c.path); err != nil || string(is) == c.was {
		return nil
	}
	return context.Canceled
}

// Who interrupts a command that has written already is told that it has.
func TestInterruptedBehindTheWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("one")
	ref := filepath.Join(alice.replica(), "refs/heads/crosslink/agents/alice")
	for _, b := range []event.Body{&event.LabelAdded{Issue: issue, Label: "bug"}, &event.IssueDeleted{UUID: issue}} {
		alice.readsWith()
		was, err := os.ReadFile(ref)
		if err != nil {
			t.Fatal(err)
		}
		tr := alice.open()
		r, err := tr.Emit(changed{context.Background(), ref, string(was)}, tracker.EmitOptions{Offline: true},
			func(tracker.Projection) ([]event.Body, error) { return []event.Body{b}, nil })
		if err != nil || len(r.Lines) != 1 {
			t.Errorf("%s: %v", b.Type(), err)
		}
		tr.Close()
	}
}

// A store this small is for reads: what is read whole takes less long than to open
// it and have it follow.
func TestASmallStoreIsForReads(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = 0
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("one")
	alice.readsWith()
	alice.stored = nil
	tr := alice.open()
	defer tr.Close()
	if err := emits(func(t *tracker.Tracker) event.Body {
		return &event.CommentAdded{Issue: issue, Comment: t.MintUUID(), Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"}
	})(tr); err != nil {
		t.Fatal(err)
	}
	if !tr.HasLines() || len(alice.stored) > 0 {
		t.Errorf("a write goes on from a store of one issue: %+v", alice.stored)
	}
	if p, k := alice.readsWith(); k == nil || !k.Followed || len(alice.titles()) != 1 {
		t.Errorf("the next read: %+v, %s", k, all(t, p))
	}
}

// From 200 lines on a write makes a store, and the next continues from it: it reads the
// last segment of the own log, and no other line. Very short lines, whose
// store stays small, are read by each write; only readers keep that store.
func TestAStoreOfTwoHundredLines(t *testing.T) {
	t.Parallel()
	for _, usual := range []bool{true, false} {
		w := newMemoryWorld(t)
		w.keepFrom = 0
		alice := w.clone("alice")
		alice.init()
		issue := alice.create("one")
		var did []string
		for k, lines := range []int{190, 10, 1, 1} {
			alice.stored = nil
			tr := alice.open()
			if _, err := tr.Emit(context.Background(), tracker.EmitOptions{Offline: true}, func(tracker.Projection) (all []event.Body, err error) {
				for n := range lines {
					if usual {
						all = append(all, &event.CommentAdded{Issue: issue, Comment: tr.MintUUID(), Author: "alice", Content: "of usual length, or so", CreatedAt: 1, Kind: "note"})
					} else {
						all = append(all, &event.LabelAdded{Issue: issue, Label: fmt.Sprint(k, "-", n)})
					}
				}
				return all, nil
			}); err != nil {
				t.Fatal(err)
			}
			did = append(did, fmt.Sprint(tr.HasLines(), len(alice.stored)))
			if tr.LinesRead() > 12 && !tr.HasLines() {
				t.Errorf("write %d reads %d lines", k, tr.LinesRead())
			}
			tr.Close()
		}
		want := []string{"true 0", "true 1", "false 1", "false 1"}
		if !usual {
			want = []string{"true 0", "true 1", "true 0", "true 0"}
		}
		if !slices.Equal(did, want) {
			t.Errorf("usual lines: %t: whether all lines were read, and how often the store was written: %q, not %q", usual, did, want)
		}
	}
}

// What is made without a hub waits for a number, however much it is; the note of it
// stays small, and the numbers come.
func TestMuchMadeOffline(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice := w.clone("alice")
	alice.init()
	first := alice.create("one")
	alice.readsWith()
	ctx := context.Background()
	tr := alice.open()
	defer tr.Close()
	for range 30 {
		if _, err := tr.Emit(ctx, tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{
				&event.IssueCreated{UUID: tr.MintUUID(), Title: "more", Priority: event.Low, CreatedBy: "alice"},
				&event.LockClaimed{Issue: first}, &event.LockReleased{Issue: first},
			}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if tr.HasLines() {
		t.Error("the logs were read")
	}
	alice.sync()
	if n := len(alice.numbers()); n != 2 { // by title
		t.Errorf("%d titles", n)
	}
	rows, _, err := alice.read().List(store.Filter{Status: "all"})
	if err != nil || len(rows) != 31 {
		t.Fatalf("%d issues, %v", len(rows), err)
	}
	for _, i := range rows {
		if i.Number == 0 {
			t.Errorf("%s has no number", i.Short)
		}
	}
}
