package tracker_test

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// beganAt is when the issues of oldTracker were made.
const beganAt = event.Time(1740823200e9) // 2025-03-01T10:00:00Z

// oldTracker returns the base of a tracker that starts from another one: three issues, with
// gaps in their numbers and one without a number.
func oldTracker() *ledger.Base {
	at := beganAt
	issue := func(u string, n uint64, title string) event.BaseIssue {
		return event.BaseIssue{UUID: uuid.MustParse(u), Number: n, Title: title, Status: event.Open, Priority: event.High, CreatedBy: "ann",
			CreatedAt: at, UpdatedAt: at + 5, Labels: []string{"old"}, Assignees: []string{"bob"}}
	}
	one, two, three := issue(u1, 3, "one"), issue(u2, 7, "two"), issue(u3, 0, "three")
	one.Status, one.ClosedAt = event.Closed, at+5
	one.Comments = []event.BaseComment{{UUID: event.UUID{0xc1}, Author: "eve", Content: "said", CreatedAt: at + 2, Kind: "note"}}
	two.Blockers, two.Related = []event.UUID{three.UUID}, []event.UUID{one.UUID}
	return &ledger.Base{HubVersion: 0, Source: strings.Repeat("ab", 20), Base: event.Base{
		Issues: []event.BaseIssue{one, two, three}, NextIssue: 9}}
}

// startFrom makes the tracker of a clone from a base.
func (c *clone) startFrom(b *ledger.Base) (*tracker.InitReport, error) {
	t := c.open()
	defer t.Close()
	return t.Init(context.Background(), tracker.InitOptions{From: b})
}

// isOld fails unless a clone shows what oldTracker holds, and as many issues more.
func (c *clone) isOld(more int) {
	c.w.t.Helper()
	got := c.titles()
	one, two, three := got["one"], got["two"], got["three"]
	switch {
	case len(got) != 3+more || one == nil || two == nil || three == nil:
		c.w.t.Fatalf("%s shows %v", c.name, got)
	case one.Number != 3 || two.Number != 7 || three.Number != 0:
		c.w.t.Errorf("%s: numbers %d, %d, %d", c.name, one.Number, two.Number, three.Number)
	case one.CreatedBy != "ann" || one.CreatedAt != beganAt || one.ClosedAt != one.CreatedAt+5 || !slices.Equal(one.Assignees, []string{"bob"}):
		c.w.t.Errorf("%s: %+v", c.name, one)
	case len(one.Comments) != 1 || one.Comments[0].Author != "eve" || len(two.BlockedBy) != 1:
		c.w.t.Errorf("%s: comments %v, blocked by %v", c.name, one.Comments, two.BlockedBy)
	}
}

// A tracker that starts from a base shows it as it is, in every clone, and continues
// from it: the next number follows its greatest, and its objects change as others do.
func TestStartFrom(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	r, err := alice.startFrom(oldTracker())
	if err != nil || !r.Created || !slices.Contains(r.Branches, "crosslink/checkpoint") {
		t.Fatalf("%+v, %v", r, err)
	}
	bob.sync()
	for _, c := range []*clone{alice, bob} {
		c.isOld(0)
	}
	bob.create("new here")
	bob.setStatus(event.Open, uuid.MustParse(u1))
	alice.sync()
	for _, c := range []*clone{alice, bob, w.clone("carol")} {
		c.fresh()
		got := c.titles()
		if n := got["new here"].Number; n != 9 {
			t.Errorf("%s: the next number is %d", c.name, n)
		}
		if got["one"].Status != event.Open || got["one"].ClosedAt != 0 || got["one"].CreatedBy != "ann" {
			t.Errorf("%s: %+v", c.name, got["one"])
		}
		if h, want := c.read().Hash(), alice.read().Hash(); h != want {
			t.Errorf("%s has the state %s, alice %s", c.name, h, want)
		}
	}
	for _, c := range []*clone{alice, bob} {
		if f := c.findings(true); f != "" {
			t.Errorf("%s: %s", c.name, f)
		}
	}
}

// Without a remote the tracker starts here, and is published later with its numbers.
func TestStartFromWithoutRemote(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	alice.forgetRemote()
	if r, err := alice.startFrom(oldTracker()); err != nil || !r.Created {
		t.Fatalf("%+v, %v", r, err)
	}
	alice.create("new here")
	alice.isOld(1)
	alice.addRemote("origin", w.hub)
	if r, err := alice.startFrom(nil); err != nil || !r.Created {
		t.Fatalf("%+v, %v", r, err)
	}
	bob := w.clone("bob")
	bob.sync()
	bob.isOld(1)
	if n := bob.titles()["new here"].Number; n != 9 {
		t.Errorf("its number is %d", n)
	}
}

// Only a new tracker starts from something: once more is nothing new, and beside
// another one it is refused, here and on the hub.
func TestStartFromRefused(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	if _, err := alice.startFrom(oldTracker()); err != nil {
		t.Fatal(err)
	}
	again := oldTracker()
	again.Issues[0].UpdatedAt++ // a time that the source does not name is that of the reading
	if r, err := alice.startFrom(again); err != nil || r.Created {
		t.Errorf("again: %+v, %v", r, err)
	}
	other := oldTracker()
	other.Source = strings.Repeat("cd", 20)
	carol.cut(true)
	carol.create("written before")
	carol.cut(false)
	for _, c := range []*clone{alice, bob, carol} {
		before := w.tips("refs/")
		_, err := c.startFrom(other)
		var e *fail.Error
		if !errors.As(err, &e) || e.Code != "not-empty" || e.Kind != fail.Fatal {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(w.tips("refs/")) != len(before) {
			t.Errorf("%s changed the hub", c.name)
		}
	}
	if _, n, _ := bob.read().List(store.Filter{Status: "all"}); n != 3 {
		t.Errorf("bob shows %d issues", n)
	}
}

// localTips are the refs of the clone's replica below a prefix.
func (c *clone) localTips(prefix string) map[string]refs.OID {
	c.w.t.Helper()
	o, _ := c.outer()
	r, _, err := o.OpenReplica(context.Background(), false)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer r.Close()
	return tipsOf(c.w.t, r.Local(), prefix)
}

// Who loses a start to another founder keeps it below refs/before as long as nothing was
// written after it; else the tracker stays as it is.
func TestStartFromLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		write bool
		code  fail.Code
		text  string
	}{
		{"nothing since", false, "set-aside", "your start from 'github:acme/shop' was set aside: there is already a tracker on 'origin'"},
		{"a comment and a reopening since", true, "private-numbers/founded",
			"the tracker in this repository started from an import, and joining a hub would lose its issues; 2 events were written here since: nothing was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.forgetRemote()
			if _, err := alice.startFrom(oldTracker()); err != nil {
				t.Fatal(err)
			}
			if c.write {
				alice.comment(uuid.MustParse(u2), "weeks of work")
				alice.setStatus(event.Open, uuid.MustParse(u1))
			}
			const here = "refs/heads/crosslink/"
			start := alice.localTips(here)
			if _, err := bob.startFrom(nil); err != nil {
				t.Fatal(err)
			}
			bob.create("another tracker")
			alice.addRemote("origin", w.hub)
			tr := alice.open()
			_, err := tr.Init(context.Background(), tracker.InitOptions{From: oldTracker(), Source: "github:acme/shop"})
			tr.Close()
			var e *fail.Error
			if !errors.As(err, &e) || e.Code != c.code || e.Message != c.text {
				t.Fatalf("%v", err)
			}
			kept := alice.localTips("refs/before/")
			if c.write {
				if now := alice.localTips(here); len(kept) > 0 || !maps.Equal(now, start) {
					t.Errorf("%v became %v, and %v", start, now, kept)
				}
				if got := alice.titles(); len(got) != 3 || len(got["two"].Comments) != 1 || got["one"].Status != event.Open {
					t.Errorf("it shows %v", got)
				}
				return
			}
			for name, tip := range kept {
				if tip != start[here+path.Base(name)] {
					t.Errorf("%s is %s", name, tip)
				}
			}
			if len(kept) != 2 || alice.localTips(here)[here+"checkpoint"] != "" {
				t.Errorf("kept: %v", kept)
			}
			alice.sync()
			if got := alice.titles(); len(got) != 1 || got["another tracker"] == nil {
				t.Errorf("it shows %v", got)
			}
			if f := alice.findings(true); f != "" {
				t.Error(f)
			}
		})
	}
}
