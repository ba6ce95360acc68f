package tracker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs/disk"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func TestEventsOfOneJobRideTogether(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	issue, other := alice.create("one"), alice.create("two")
	for _, locked := range []bool{true, false} {
		f.advance(time.Minute)
		before, job := f.count(), other
		if locked {
			if job = issue; alice.claimLock(job).Outcome != tracker.Held {
				t.Fatal("not held")
			}
		} else {
			alice.comment(other, "pushed at once") // a moment begins
		}
		alice.comment(job, "on it")
		alice.emit(func(*tracker.Tracker, tracker.Projection) []event.Body {
			return []event.Body{&event.LabelAdded{Issue: job, Label: "tested"}}
		})
		alice.emit(func(t *tracker.Tracker, _ tracker.Projection) []event.Body {
			bodies := []event.Body{&event.StatusChanged{UUID: job, NewStatus: event.Closed, ClosedAt: event.TimeOf(alice.now())}}
			if locked {
				bodies = append(bodies, &event.LockReleased{Issue: job})
			}
			return bodies
		})
		if !locked {
			alice.detachedSync()
		}
		if n := f.count() - before; n != 2 || alice.status().Unsent != 0 {
			t.Errorf("locked %v: %d pushes, %d unsent", locked, n, alice.status().Unsent)
		}
		if locked { // nobody waits for the lock of a closed issue
			var pace struct{ Pushes, Locks []time.Time }
			b, err := os.ReadFile(filepath.Join(alice.dir, ".git", "crosslink", "pace.json"))
			if err == nil {
				err = json.Unmarshal(b, &pace)
			}
			if err != nil || len(pace.Locks) != 1 || len(pace.Pushes) == 0 {
				t.Errorf("the job used %d pushes of locks and %d others: %v", len(pace.Locks), len(pace.Pushes), err)
			}
		}
	}
}

// While a claim waits for the sync lock of its clone, writes that are no claims wait
// for it, and the push of the claim sends them.
func TestClaimsGoFirst(t *testing.T) {
	tracker.ShortBounds(t, time.Second, time.Minute)
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	one := alice.create("one")
	waits, ok, err := disk.Flock(t.Context(), filepath.Join(alice.dir, ".git", "crosslink", "replica.git", "claims.lock"), 0)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	alice.comment(one, "not before the claim")
	if n := alice.status().Unsent; n != 1 {
		t.Errorf("%d unsent while a claim waits, want 1", n)
	}
	if c := alice.claimLock(one); c.Outcome != tracker.Held {
		t.Errorf("a second claim is %s", c.Outcome)
	}
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent after a claim, want 0", n)
	}
	waits.Close()
	alice.comment(one, "at once")
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent when no claim waits, want 0", n)
	}
}

func TestClaimsWaitForTheirTurn(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	var issues []event.UUID
	for i := range 8 {
		issues = append(issues, alice.create(fmt.Sprint("job ", i)))
	}
	alice.sync()
	for range 8 { // all that facts may have, and more
		alice.comment(issues[0], "a fact")
	}
	waited := time.Duration(0)
	for i, issue := range issues {
		clock := f.time()
		alice.notices = nil
		if c := alice.claimLock(issue); c.Outcome != tracker.Held {
			t.Errorf("claim %d: %s", i, c.Outcome)
		}
		d := f.time().Sub(clock)
		waited += d
		if said := alice.count("paced"); (said > 0) != (d > 0) {
			t.Errorf("claim %d waited %v and said so %d times: %v", i, d, said, alice.notices)
		}
		if d == 0 && i >= 6 && waited == 0 {
			t.Errorf("claim %d did not wait", i)
		}
	}
	if waited <= 0 || waited > time.Minute {
		t.Errorf("waited %v", waited)
	}
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent", n)
	}
}

func TestAClaimWaitsForABusyHub(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	one, two := alice.create("one"), alice.create("two")
	f.says("429 40")
	slept := time.Duration(0)
	alice.sleep = func(d time.Duration) {
		f.advance(d)
		slept += d
		f.says("")
	}
	if c := alice.claimLock(one); c.Outcome != tracker.Held || slept < 40*time.Second || slept > 50*time.Second {
		t.Errorf("%s after %v", c.Outcome, slept)
	}
	if alice.count("paced") != 1 {
		t.Errorf("%v", alice.notices)
	}
	f.says("503 1800")
	slept = 0
	if c := alice.claimLock(two); c.Outcome != tracker.Pending || slept != 0 || alice.count("queued") != 1 {
		t.Errorf("%s after %v: %v", c.Outcome, slept, alice.notices)
	}
}

func TestAHubWithoutALimit(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	issue := alice.create("one")
	burst := func() int {
		t.Helper()
		before := f.count()
		for i := range 8 {
			alice.comment(issue, fmt.Sprint(i))
		}
		return f.count() - before
	}
	unlimited := func(when string) {
		t.Helper()
		if n, s := burst(), alice.status(); n != 8 || s.Unsent != 0 {
			t.Errorf("%s: %d pushes, %d unsent", when, n, s.Unsent)
		}
	}
	unlimited("at first")
	for _, c := range []struct {
		when   string
		answer string
		takes  time.Duration
	}{{"busy", "429", 0}, {"down", "503", 0}, {"slow", "", 11 * time.Second}} {
		f.says(c.answer)
		f.mu.Lock()
		f.takes = c.takes
		f.mu.Unlock()
		alice.comment(issue, c.when)
		f.says("")
		f.mu.Lock()
		f.takes = 0
		f.mu.Unlock()
		f.advance(5 * time.Minute)
		if n := burst(); n != 1 {
			t.Errorf("%s: %d pushes 5 min later", c.when, n)
		}
		alice.detachedSync()
		if s := alice.status(); s.Unsent != 0 {
			t.Errorf("%s: %d unsent", c.when, s.Unsent)
		}
		if got := diagnoses(alice.doctor(true)); got != "note slowed" {
			t.Errorf("%s: the doctor says %q", c.when, got)
		}
		f.advance(56 * time.Minute)
		unlimited("an hour after it was " + c.when)
		if got := diagnoses(alice.doctor(true)); got != "" {
			t.Errorf("an hour after it was %s: the doctor says %q", c.when, got)
		}
	}
}

func TestSyncsInTheBackground(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	free, forged := f.at(w.clone("free"), f.url), f.as(w.clone("forged"))
	free.init()
	issue := free.create("one")
	for _, c := range []struct {
		who     *clone
		written bool
		waits   time.Duration
	}{{free, true, 2 * time.Second}, {free, false, 10 * time.Second}, {forged, true, 10 * time.Second}, {forged, false, 10 * time.Second}} {
		f.advance(time.Hour)
		c.who.sync()
		sync := func() {
			tr := c.who.open()
			defer tr.Close()
			if _, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil {
				t.Error(err)
			}
		}
		sync()
		if c.written {
			c.who.keep(issue, "a word")
		}
		clock := f.time()
		sync()
		if d := f.time().Sub(clock); d != c.waits {
			t.Errorf("%s, written %v: waited %v, want %v", c.who.name, c.written, d, c.waits)
		}
		if n := c.who.status().Unsent; n != 0 {
			t.Errorf("%s: %d unsent", c.who.name, n)
		}
	}
}

func TestSignsOfLifeArePaced(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	issue := alice.create("one")
	alice.claimLock(issue)
	f.advance(16 * time.Minute)
	tr := alice.open()
	if h, err := tr.Heartbeat(context.Background(), tracker.HeartbeatOptions{}); err != nil || h.Outcome != tracker.HeartbeatSent {
		t.Fatalf("%+v, %v", h, err)
	}
	tr.Close()
	alice.keep(issue, "still at it")
	shown := func() string { return w.git(w.hub, "for-each-ref", "refs/crosslink/presence") }
	before := f.count()
	alice.detachedSync()
	if n := f.count() - before; n != 1 || shown() != "" {
		t.Errorf("%d pushes at once, shown: %s", n, shown())
	}
	f.advance(10 * time.Second)
	alice.detachedSync()
	if n := f.count() - before; n != 2 || shown() == "" {
		t.Errorf("%d pushes after a moment, shown: %s", n, shown())
	}
	clock := f.time()
	alice.keep(issue, "and still")
	alice.detachedSync()
	if d := f.time().Sub(clock); d != 10*time.Second {
		t.Errorf("the next fact waited %v", d)
	}
}
