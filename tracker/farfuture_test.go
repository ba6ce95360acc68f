package tracker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// A line with the greatest time there is cannot be followed: who writes behind
// it under a smaller id is told that it changed nothing, and whose log it is.
func TestGreatestTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, zed := w.clone("alice"), w.clone("zed")
	alice.init()
	issue := alice.create("one")
	setStatus := func(c *clone, to event.Status) {
		c.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
			return []event.Body{&event.StatusChanged{UUID: issue, NewStatus: to}}
		})
	}
	zed.sync()
	zed.now = func() time.Time { return event.MaxTime.Std() }
	setStatus(zed, event.Closed)
	alice.sync()
	alice.notices = nil
	setStatus(alice, event.Open)
	if n := alice.notices; len(n) != 1 || n[0].Name != "far-future" || !strings.Contains(n[0].Text, "'zed'") {
		t.Errorf("%v", n)
	}
	if p := strings.Join(alice.status().Problems, "\n"); !strings.Contains(p, "'zed'") || strings.Contains(p, "'alice'") {
		t.Errorf("%s", p)
	}
	alice.notices = nil
	alice.comment(issue, "this is new, whatever the time")
	if len(alice.notices) != 0 {
		t.Errorf("%v", alice.notices)
	}
	zed.now = time.Now
	w.converge(alice, zed)
}

// A clock that is years ahead, but not at the end of time, is named and stops
// nobody.
func TestYearsAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, zed := w.clone("alice"), w.clone("zed")
	alice.init()
	issue := alice.create("one")
	zed.sync()
	zed.now = func() time.Time { return time.Now().AddDate(30, 0, 0) }
	zed.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: issue, NewStatus: event.Closed}}
	})
	alice.sync()
	alice.notices = nil
	alice.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: issue, NewStatus: event.Open}}
	})
	if len(alice.notices) != 0 || alice.titles()["one"].Status != event.Open {
		t.Errorf("%v", alice.notices)
	}
	if p := strings.Join(alice.status().Problems, "\n"); !strings.Contains(p, "'zed' carries times years ahead") {
		t.Errorf("%s", p)
	}
}
