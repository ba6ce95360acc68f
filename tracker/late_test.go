package tracker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// An agent that was offline for a year returns: every event of it applies on
// all clones, whatever the others did meanwhile.
func TestOfflineForAYear(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	shared := alice.create("shared")
	bob.sync()
	bob.cut(true)
	for range 3 {
		bob.comment(shared, "written offline")
	}
	bob.create("made offline")
	later := func() time.Time { return time.Now().AddDate(1, 0, 0) }
	alice.now, bob.now = later, later
	for range 3 {
		alice.comment(shared, "a year later")
	}
	bob.cut(false)
	w.converge(alice, bob)
	for _, c := range []*clone{alice, bob} {
		got := c.titles()
		if got["made offline"] == nil || len(got["shared"].Comments) != 6 {
			t.Fatalf("%s misses events: %v", c.name, got)
		}
	}
}

// An event that arrives before its issue's creation takes effect once that
// arrives.
func TestEventBeforeItsIssue(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	alice.init()
	bob.sync()
	bob.cut(true)
	u := bob.create("from bob")
	// carol learns of the issue from bob's own repository state, not the hub
	carol.emit(func(tr *tracker.Tracker, p tracker.Projection) []event.Body {
		return []event.Body{&event.LabelAdded{Issue: u, Label: "early"}}
	})
	w.converge(alice, carol)
	if n := len(alice.titles()); n != 0 {
		t.Fatalf("%d issues shown before any was created", n)
	}
	bob.cut(false)
	w.converge(alice, bob, carol)
	if i := alice.titles()["from bob"]; i == nil || len(i.Labels) != 1 || i.Labels[0] != "early" {
		t.Fatalf("the early label is lost: %+v", i)
	}
}

// A clock 20 years off, ahead or behind, loses and delays nothing.
func TestClockDecadesOff(t *testing.T) {
	t.Parallel()
	for name, years := range map[string]int{"ahead": 20, "behind": -20} {
		t.Run(name, func(t *testing.T) {
			w := newMemoryWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.init()
			bob.now = func() time.Time { return time.Now().AddDate(years, 0, 0) }
			a := alice.create("a")
			bob.sync()
			bob.create("b")
			bob.comment(a, "from the wrong clock")
			alice.sync()
			alice.comment(a, "after it")
			alice.create("c")
			w.converge(alice, bob)
			for _, c := range []*clone{alice, bob} {
				got := c.titles()
				if len(got) != 3 || len(got["a"].Comments) != 2 {
					t.Fatalf("%s shows %d issues, %d comments on a", c.name, len(got), len(got["a"].Comments))
				}
			}
			// an event that is written after an edit was seen wins over that edit, whatever the
			// clock shows
			edit := func(c *clone, title string) {
				c.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
					return []event.Body{&event.IssueUpdated{UUID: a, Title: &title}}
				})
			}
			edit(bob, "bob's title")
			alice.sync()
			edit(alice, "alice's title")
			w.converge(alice, bob)
			if bob.titles()["alice's title"] == nil {
				t.Fatal("the later edit lost to a wrong clock")
			}
		})
	}
}

// The cases in which the original loses data; here everything is present
// everywhere in each of them.
func TestCasesInWhichTheOriginalLosesData(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		run  func(alice, bob *clone)
	}{
		{"the online one has the higher sequence", func(alice, bob *clone) {
			alice.cut(true)
			alice.create("a1")
			for _, s := range []string{"b1", "b2", "b3"} {
				bob.create(s)
			}
			alice.cut(false)
			alice.create("a2")
		}},
		{"the offline one has the higher sequence and syncs first", func(alice, bob *clone) {
			alice.cut(true)
			for _, s := range []string{"a1", "a2", "a3", "a4", "a5"} {
				alice.create(s)
			}
			bob.create("b1")
			bob.create("b2")
			alice.cut(false)
			alice.sync()
			alice.create("a6")
		}},
		{"the offline one has the higher sequence and writes at once", func(alice, bob *clone) {
			alice.cut(true)
			for _, s := range []string{"a1", "a2", "a3", "a4", "a5"} {
				alice.create(s)
			}
			bob.create("b1")
			bob.create("b2")
			alice.cut(false)
			alice.create("a6")
		}},
		{"two online writers race", func(alice, bob *clone) {
			t0 := time.Now()
			alice.now = func() time.Time { return t0 }
			bob.now = func() time.Time { return t0.Add(500 * time.Millisecond) }
			bob.create("b1") // stamped later, there first
			alice.create("a1")
			bob.create("b2")
		}},
		{"one clock is two minutes fast", func(alice, bob *clone) {
			bob.now = func() time.Time { return time.Now().Add(2 * time.Minute) }
			bob.create("b1")
			alice.create("a1")
			alice.create("a2")
			bob.create("b2")
			alice.create("a3")
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newMemoryWorld(t)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.init()
			bob.sync()
			c.run(alice, bob)
			w.converge(alice, bob)
			third := w.clone("third")
			third.sync()
			w.converge(alice, third)
			want := alice.w.written()
			for _, c := range []*clone{alice, bob, third} {
				if got := len(c.titles()); got != want {
					t.Errorf("%s shows %d issues of %d", c.name, got, want)
				}
			}
		})
	}
}

// written counts the creations in the logs on the hub.
func (w *world) written() int {
	n := 0
	for name := range w.tips(branches + "agents/") {
		for _, line := range w.hubLines(strings.TrimPrefix(name, branches+"agents/")) {
			if e, err := event.Decode(line); err == nil && e.Body.Type() == "IssueCreated" {
				n++
			}
		}
	}
	return n
}
