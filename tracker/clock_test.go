package tracker_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
)

func (c *clone) trySetStatus(to event.Status, issues ...event.UUID) error {
	_, err := c.tryEmit(func(*tracker.Tracker) (bodies []event.Body) {
		for _, u := range issues {
			bodies = append(bodies, &event.StatusChanged{UUID: u, NewStatus: to})
		}
		return bodies
	})
	return err
}

func (c *clone) setStatus(to event.Status, issues ...event.UUID) {
	c.w.t.Helper()
	if err := c.trySetStatus(to, issues...); err != nil {
		c.w.t.Fatalf("%s: %v", c.name, err)
	}
}

func (c *clone) problems() string {
	c.w.t.Helper()
	return strings.Join(c.status().Problems(), "\n")
}

// A line with the greatest time there is cannot be followed. Anybody who would
// change what it wrote is refused, and told whose line it is; everything else
// continues, and a revocation before the line ends it.
func TestGreatestTime(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, zed := w.clone("alice"), w.clone("zed")
	alice.init()
	issue, other := alice.create("one"), alice.create("two")
	zed.sync()
	zed.now = func() time.Time { return event.MaxTime.Std() }
	zed.setStatus(event.Closed, issue)
	alice.sync()

	before := alice.status().Hash
	err := alice.trySetStatus(event.Open, other, issue)
	var e *fail.Error
	if !errors.As(err, &e) || e.Code.Name() != "far-future" || e.Kind != fail.Denied || !strings.Contains(e.Message, "event 2 of 'zed'") ||
		!strings.HasSuffix(hints.For(e.Code, e.Fields)[0], ": git crosslink trust revoke zed --after 0") {
		t.Fatalf("%v: %+v", err, e)
	}
	if alice.status().Hash != before {
		t.Error("something was written")
	}
	if p := alice.problems(); !strings.Contains(p, "event 1 of 'zed'") || strings.Contains(p, "'alice'") {
		t.Errorf("%s", p)
	}
	alice.comment(issue, "this is new, whatever the time")
	alice.setStatus(event.Closed, other)
	if got := alice.titles()["two"].Status; got != event.Closed {
		t.Errorf("what zed did not write: %s", got)
	}

	// zed itself is stopped when its clock is right again: nobody could change what it added
	zed.now = time.Now
	if err := zed.trySetStatus(event.Open, other); errorName(err) != "own-clock" {
		t.Errorf("zed goes on at the end of time: %v", err)
	}
	// the hint, followed, also where the replica was removed meanwhile
	if err := os.RemoveAll(zed.replica()); err != nil {
		t.Fatal(err)
	}
	zed.sync()
	if n, err := zed.fork("zed-2"); n != 0 || err != nil {
		t.Fatalf("carried %d: %v", n, err)
	}
	zed.setStatus(event.Open, other)
	w.converge(alice, zed)
	if got := alice.titles()["two"].Status; got != event.Open {
		t.Errorf("what zed wrote under a new id: %s", got)
	}

	// the hint, followed
	alice.approve("alice")
	after := uint64(0)
	alice.admin(func(tr *tracker.Tracker) error {
		_, err := tr.Revoke(context.Background(), "zed", &after, "its clock was wrong")
		return err
	})
	alice.setStatus(event.Archived, issue)
	if got := alice.titles()["one"].Status; got != event.Archived {
		t.Errorf("after the revocation: %s", got)
	}
	if p := alice.problems(); strings.Contains(p, "stamped") {
		t.Errorf("%s", p)
	}
}

// A clock that is years ahead, but not near the end of time, is followed and
// stops nobody. The one whose clock it was is named, not those who followed.
func TestYearsAhead(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, zed := w.clone("alice"), w.clone("zed")
	alice.init()
	issue := alice.create("one")
	zed.sync()
	zed.now = func() time.Time { return time.Now().AddDate(30, 0, 0) }
	zed.setStatus(event.Closed, issue)
	alice.sync()
	alice.setStatus(event.Open, issue)
	if got := alice.titles()["one"].Status; got != event.Open {
		t.Errorf("a later change: %s", got)
	}
	if p := alice.problems(); !strings.Contains(p, "the clock of 'zed' was years ahead") || strings.Contains(p, "'alice'") {
		t.Errorf("%s", p)
	}
	// a clock that is stuck at the beginning still orders its events after those it has seen
	bob := w.clone("bob")
	bob.now = func() time.Time { return time.Unix(1000, 0) }
	bob.sync()
	bob.setStatus(event.Archived, issue)
	alice.sync()
	if got := alice.titles()["one"].Status; got != event.Archived {
		t.Errorf("a later change by a clock of 1970: %s", got)
	}
	if p := alice.problems(); !strings.Contains(p, "'zed'") || strings.Contains(p, "'bob'") {
		t.Errorf("%s", p)
	}
}

// Anybody who lies about its clock is named anyway: no line that it could have
// followed explains its time.
func TestFarAheadWithAWall(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, liar := w.clone("alice"), w.clone("liar")
	alice.init()
	issue := alice.create("one")
	liar.sync()
	liar.setStatus(event.Closed, issue)
	lines := w.hubLines("liar")
	chain := event.Chain{Hub: alice.status().Hub, Agent: "liar"}
	for _, l := range lines {
		if _, err := chain.Next(l); err != nil {
			t.Fatal(err)
		}
	}
	signedBy(t, &chain, liar.key())
	now := event.TimeOf(time.Now())
	line, err := chain.Stamp(&event.Envelope{Body: &event.StatusChanged{UUID: issue, NewStatus: event.Closed}}, now, now+30*365*24*3600*1e9)
	if err != nil {
		t.Fatal(err)
	}
	w.landBehind(w.hub, "liar", lines, line)
	alice.sync()
	alice.setStatus(event.Open, issue)
	if got := alice.titles()["one"].Status; got != event.Open {
		t.Errorf("a later change: %s", got)
	}
	if p := alice.problems(); !strings.Contains(p, "the clock of 'liar' was years ahead") || strings.Contains(p, "'alice'") {
		t.Errorf("%s", p)
	}
}

// A line that does not count moves nobody's clock, and hinders nobody's change.
func TestClockOfAStranger(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	bob.sync()
	bob.comment(issue, "hi")
	alice.sync()
	alice.approve("alice", "bob")
	closed := false
	alice.admin(func(tr *tracker.Tracker) error {
		return tr.SetPolicy(context.Background(), tracker.Policy{Signing: trust.Require, Open: &closed})
	})
	bob.sync()
	chain := event.Chain{Hub: alice.status().Hub, Agent: "stranger"}
	for _, b := range []event.Body{&event.AgentIntroduced{Kind: event.Machine}, &event.StatusChanged{UUID: issue, NewStatus: event.Closed}} {
		line, err := chain.Stamp(&event.Envelope{Body: b}, event.MaxTime, 0)
		if err != nil {
			t.Fatal(err)
		}
		lines := w.strangers(chain.Agent)
		w.landBehind(w.hub, "stranger", lines, line)
	}
	for _, c := range []*clone{alice, bob} {
		c.sync()
	}
	bob.setStatus(event.Archived, issue)
	alice.sync()
	alice.setStatus(event.Closed, issue)
	if got := alice.titles()["one"].Status; got != event.Closed {
		t.Errorf("the later change of the smaller id: %s", got)
	}
	for _, agent := range []string{"alice", "bob"} {
		for _, l := range w.hubLines(agent) {
			if e, err := event.Decode(l); err != nil || e.Time > event.TimeOf(time.Now().Add(time.Hour)) {
				t.Errorf("a line of '%s' is stamped %s: %v", agent, e.Time, err)
			}
		}
	}
	if p := alice.problems(); strings.Contains(p, "stamped") {
		t.Errorf("%s", p)
	}
}

// strangers are the lines of a log that may not be there yet.
func (w *world) strangers(agent string) [][]byte {
	if w.tip(branches+"agents/"+agent) == "" {
		return nil
	}
	return w.hubLines(agent)
}
