package tracker_test

import (
	"context"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// An admin limits the pushes of all clones together. Each clone sends its share, gives
// a notice when it waits, and still gets its locks at once.
func TestClonesShareALimit(t *testing.T) {
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	at := time.Now()
	for _, c := range []*clone{alice, bob} {
		c.now = func() time.Time { return at }
		c.sleep = func(d time.Duration) { at = at.Add(d) }
	}
	alice.init()
	issue := alice.create("the flux")
	bob.sync()
	bob.comment(issue, "I am here, too")
	if s := bob.status().PushShare; s != nil {
		t.Errorf("a share of no limit: %+v", s)
	}
	limit := func(n uint64) {
		alice.admin(func(tr *tracker.Tracker) error {
			return tr.SetPolicy(context.Background(), tracker.Policy{Pushes: &n})
		})
	}
	limit(4)
	bob.set("crosslink.wait", "3")
	at = at.Add(2 * time.Minute)
	w.converge(alice, bob)
	for _, c := range []*clone{alice, bob} {
		if s := c.status().PushShare; s == nil || *s != (tracker.PushShare{PerMinute: 4, Pushes: 2, Seconds: 60, Agents: 2, AgentsHere: 1}) {
			t.Fatalf("%s: %+v", c.name, s)
		}
	}
	at = at.Add(2 * time.Minute)
	bob.comment(issue, "the first of a minute")
	if n := bob.status().Unsent; n != 0 {
		t.Fatalf("%d unsent within the share", n)
	}
	reader := bob.open()
	defer reader.Close()
	if b, err := reader.Pushes(t.Context()); err != nil || *b != (tracker.PushBudget{Limit: 2, Seconds: 60, Left: 1, Shared: 4}) {
		t.Errorf("bob's pushes: %+v, %v", b, err)
	}
	at = at.Add(20 * time.Second)
	bob.notices = nil
	bob.comment(issue, "the second, which is more than facts may use of two")
	if n := bob.status().Unsent; n != 1 {
		t.Errorf("%d unsent, want 1", n)
	}
	want := "saved locally; will be sent in about 40 s (limit: 2 pushes a minute, this clone's share of 4 for the hub)"
	if len(bob.notices) != 1 || bob.notices[0].Text != want {
		t.Errorf("%v, want %q", bob.notices, want)
	}
	before := at
	if c := bob.claimLock(issue); c.Outcome != tracker.Held || !at.Equal(before) {
		t.Errorf("the claim is %s after %v", c.Outcome, at.Sub(before))
	}
	bob.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
		return []event.Body{&event.LockReleased{Issue: issue}}
	})
	if n := bob.status().Unsent; n != 0 || !at.Equal(before) {
		t.Errorf("the lock is given back with %d unsent, after %v", n, at.Sub(before))
	}
	at = at.Add(11 * time.Minute) // only alice works
	alice.sync()
	alice.comment(issue, "alone")
	if s := alice.status().PushShare; s == nil || s.Pushes != 4 || s.Agents != 1 {
		t.Errorf("alone: %+v", s)
	}
	limit(0)
	if s := alice.status().PushShare; s != nil {
		t.Errorf("without the limit: %+v", s)
	}
	at = at.Add(20 * time.Second)
	bob.sync()
	bob.notices = nil
	for range 5 {
		bob.comment(issue, "as often as I like")
	}
	if n := bob.status().Unsent; n != 0 {
		t.Errorf("%d unsent without a limit: %v", n, bob.notices)
	}
}

// Where nothing comes, a poll asks less often; what was written here, or came, makes
// it ask as before. Nobody but a poll waits longer.
func TestQuietPolls(t *testing.T) {
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	at := time.Now()
	alice.now = func() time.Time { return at }
	alice.init()
	issue := alice.create("the flux")
	asks := func() bool {
		tr := alice.open()
		defer tr.Close()
		return tr.PollIsDue(10 * time.Second)
	}
	alice.sync()
	alice.sync() // finds nothing to do, and notes it
	for _, c := range []struct {
		quiet, age time.Duration // before the last contact, and since
		want       bool
	}{
		{0, 9 * time.Second, false},
		{0, 11 * time.Second, true},
		{10 * time.Minute, 11 * time.Second, false},
		{10 * time.Minute, 44 * time.Second, false},
		{10 * time.Minute, 61 * time.Second, true},
	} {
		at = at.Add(c.quiet)
		alice.sync()
		at = at.Add(c.age)
		if got := asks(); got != c.want {
			t.Errorf("quiet for %v, asked %v ago: asks %v, want %v", c.quiet, c.age, got, c.want)
		}
	}
	at = at.Add(10 * time.Minute)
	alice.sync()
	at = at.Add(11 * time.Second)
	if asks() {
		t.Error("asks, though nothing has come for ten minutes")
	}
	alice.keep(issue, "something")
	if !asks() {
		t.Error("does not ask, though something was written")
	}
	alice.set("crosslink.syncInterval", "5")
	alice.sync()
	alice.sync()
	at = at.Add(10 * time.Minute)
	alice.sync()
	at = at.Add(11 * time.Second)
	if !asks() {
		t.Error("does not ask as often as was configured")
	}
}
