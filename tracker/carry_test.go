package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// fork continues under another id.
func (c *clone) fork(id string, without ...string) (carried int, err error) {
	c.w.t.Helper()
	tr := c.open()
	defer tr.Close()
	f, err := tr.Fork(context.Background(), id, without...)
	if err != nil {
		return 0, err
	}
	c.name = id
	return f.Carried, nil
}

// A hub that takes no line from the future holds up everything after one that
// was written while the clock ran ahead. Under a new id the lines are stamped
// again, in their order and not before what their writer had seen, and arrive.
func TestAClockThatWasWrongOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	hook := "#!/bin/sh\nwhile read old new ref; do for c in $(git rev-list $new --not --all); do\n" +
		"git show --format= $c | grep -q '\"timestamp\":\"20[3-9]' && { echo 'rule clock' >&2; exit 1; }; done; done; exit 0\n"
	if err := os.WriteFile(filepath.Join(w.hub, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	alice.now = func() time.Time { return time.Now().AddDate(20, 0, 0) }
	alice.setStatusLater(event.Closed, issue)
	alice.now = time.Now
	alice.setStatusLater(event.Archived, issue)
	alice.attempt()
	if got := len(w.hubLines("alice")); got != 2 {
		t.Fatalf("the hub has %d lines", got)
	}
	bob.sync()
	if n, err := alice.fork("alice-2"); n != 2 || err != nil {
		t.Fatalf("carried %d: %v", n, err)
	}
	alice.sync()
	late := event.TimeOf(time.Now().Add(time.Hour))
	for _, l := range w.hubLines("alice-2") {
		e, err := event.Decode(l)
		if err != nil || e.Time > late || e.Shown() > late {
			t.Errorf("%s shown as %s: %v", e.Time, e.Shown(), err)
		}
	}
	bob.sync()
	if got := bob.titles()["one"].Status; got != event.Archived {
		t.Errorf("the last change is %s", got)
	}
	bob.setStatus(event.Open, issue)
	w.converge(alice, bob)
	if got := alice.titles()["one"].Status; got != event.Open {
		t.Errorf("a later change is not the last: %s", got)
	}
	if n, err := alice.fork("alice-3"); err == nil || errorName(err) != "no-fork" {
		t.Errorf("carried %d where nothing waits: %v", n, err)
	}
	alice.sound()
}

// setStatusLater writes what the hub may refuse.
func (c *clone) setStatusLater(to event.Status, issue event.UUID) {
	c.w.t.Helper()
	c.cut(true)
	defer c.cut(false)
	_ = c.trySetStatus(to, issue)
}
