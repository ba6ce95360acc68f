package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// No command of daily use reads the logs where a store holds them: neither one that
// asks, whatever it asks for, nor one that writes, whatever kind of event, nor one
// that takes in what somebody else wrote.
func TestDailyCommandsReadNoLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	ctx := context.Background()
	var issues []event.UUID
	for _, c := range []*clone{alice, bob} {
		c.emit(func(tr *tracker.Tracker, _ tracker.Projection) (all []event.Body) {
			for n := range 150 {
				issues = append(issues, tr.MintUUID())
				all = append(all, &event.IssueCreated{UUID: issues[len(issues)-1], Title: fmt.Sprint("issue ", n), Priority: event.Medium, CreatedBy: tr.Agent()})
			}
			return all
		})
	}
	w.converge(alice, bob)
	alice.readsWith()
	bob.readsWith()
	issue, other := issues[0], issues[160]
	read := func(ask func(p tracker.Projection) error) func(*tracker.Tracker) error {
		return func(tr *tracker.Tracker) error {
			p, err := tr.Read(ctx, tracker.Offline)
			if err != nil {
				return err
			}
			return ask(p)
		}
	}
	list := func(f store.Filter) func(*tracker.Tracker) error {
		return read(func(p tracker.Projection) error { _, _, err := p.List(f); return err })
	}
	write := func(b func(tr *tracker.Tracker) event.Body) func(*tracker.Tracker) error { return emits(b) }
	milestone, session := event.UUID{9, 6: 0x40, 8: 0x80}, event.UUID{8, 6: 0x40, 8: 0x80}
	for _, c := range []struct {
		name string
		do   func(*tracker.Tracker) error
	}{
		{"list", list(store.Filter{})},
		{"list --status all", list(store.Filter{Status: "all"})},
		{"ready", list(store.Filter{Ready: true})},
		{"next", list(store.Filter{Ready: true, Sort: "priority", Limit: 2})},
		{"blocked", list(store.Filter{Blocked: true})},
		{"show", read(func(p tracker.Projection) error {
			u, err := p.Resolve("3")
			if err == nil {
				_, err = p.Issue(u)
			}
			if err == nil {
				_, err = p.History(u)
			}
			return err
		})},
		{"show of an unknown number", read(func(p tracker.Projection) error {
			if _, err := p.Resolve("99999"); !errors.As(err, new(*store.NotFoundError)) {
				return fmt.Errorf("it is there: %v", err)
			}
			return nil
		})},
		{"show of an unknown id", read(func(p tracker.Projection) error {
			if _, err := p.Resolve("abcdef0123456789"); !errors.As(err, new(*store.NotFoundError)) {
				return fmt.Errorf("it is there: %v", err)
			}
			return nil
		})},
		{"search", read(func(p tracker.Projection) error { _, _, err := p.Search("issue", store.Filter{}); return err })},
		{"tree", read(func(p tracker.Projection) error {
			roots, err := p.Roots(true)
			if err == nil {
				_, err = p.Row(roots[0])
			}
			return err
		})},
		{"log", list(store.Filter{Status: "all", Sort: "updated", Since: 1})},
		{"what completion, locks and milestones ask", read(func(p tracker.Projection) error {
			_, err := p.Locked()
			_, err2 := p.Latest("all", 10)
			_, err3 := p.Milestones()
			p.Rejections()
			return errors.Join(err, err2, err3)
		})},
		{"agent list", read(func(p tracker.Projection) error { p.Agents(); p.LastSign("alice"); p.Mark("alice", 3); return nil })},
		{"status", func(tr *tracker.Tracker) error { _, err := tr.Status(ctx); return err }},
		{"trust list", func(tr *tracker.Tracker) error { _, err := tr.Trust(ctx); return err }},
		{"agent show", func(tr *tracker.Tracker) error { _, err := tr.Who(ctx); return err }},
		{"key show", func(tr *tracker.Tracker) error { _, err := tr.Key(ctx); return err }},
		{"doctor", func(tr *tracker.Tracker) error { _, err := tr.Doctor(ctx, false); return err }},
		{"fsck", func(tr *tracker.Tracker) error { _, err := tr.Fsck(ctx, false); return err }},
		{"heartbeat", func(tr *tracker.Tracker) error { _, err := tr.Heartbeat(ctx, tracker.HeartbeatOptions{}); return err }},
		{"agent describe", func(tr *tracker.Tracker) error {
			_, err := tr.Describe(ctx, tracker.EmitOptions{}, "writes tests", event.Machine)
			return err
		}},
		{"new", write(func(tr *tracker.Tracker) event.Body {
			return &event.IssueCreated{UUID: tr.MintUUID(), Title: "more", Priority: event.Low, CreatedBy: "bob"}
		})},
		{"comment", write(func(tr *tracker.Tracker) event.Body {
			return &event.CommentAdded{Issue: issue, Comment: tr.MintUUID(), Author: "bob", Content: "x", CreatedAt: 1, Kind: "note"}
		})},
		{"close", write(func(*tracker.Tracker) event.Body { return &event.StatusChanged{UUID: issue, NewStatus: event.Closed} })},
		{"reopen", write(func(*tracker.Tracker) event.Body { return &event.StatusChanged{UUID: issue, NewStatus: event.Open} })},
		{"delete", write(func(*tracker.Tracker) event.Body { return &event.IssueDeleted{UUID: issues[200]} })},
		{"lock", func(tr *tracker.Tracker) error {
			c, err := tr.Claim(ctx, other, tracker.ClaimOptions{})
			if err == nil && c.Outcome != tracker.Held {
				err = fmt.Errorf("the lock: %+v", c)
			}
			return err
		}},
		{"unlock", write(func(*tracker.Tracker) event.Body { return &event.LockReleased{Issue: other} })},
		{"milestone", write(func(*tracker.Tracker) event.Body {
			return &event.MilestoneCreated{UUID: milestone, Name: "one", CreatedAt: 1}
		})},
		{"milestone assign", write(func(*tracker.Tracker) event.Body {
			return &event.MilestoneAssigned{Issue: other, Milestone: milestone}
		})},
		{"session", write(func(*tracker.Tracker) event.Body { return &event.SessionStarted{Session: session} })},
		{"request", write(func(*tracker.Tracker) event.Body {
			return &event.RequestSent{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Target: "alice", Kind: event.Pause, RequestedBy: "bob"}
		})},
		{"time", write(func(tr *tracker.Tracker) event.Body {
			return &event.TimeEntryAdded{Entry: tr.MintUUID(), Issue: other, StartedAt: 1, EndedAt: 2}
		})},
		{"sync", func(tr *tracker.Tracker) error { _, err := tr.Sync(ctx, tracker.SyncOptions{}); return err }},
	} {
		const few = 12 // those that are new, each time they are looked at
		tr := bob.open()
		if err := c.do(tr); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if n := tr.LinesRead(); n > few {
			t.Errorf("%s reads %d lines", c.name, n)
		}
		bob.close(tr)
		tr = alice.open()
		if _, err := tr.Sync(ctx, tracker.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		if n := tr.LinesRead(); n > few {
			t.Errorf("%s: who gets it reads %d lines", c.name, n)
		}
		alice.close(tr)
	}
	if a, b := alice.read(), bob.read(); all(t, a) != all(t, b) {
		t.Errorf("alice sees\n%s\nbob sees\n%s", all(t, a), all(t, b))
	}
}
