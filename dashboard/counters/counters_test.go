package counters

import (
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

const now = event.Time(1_750_000_000_000_000_000)

func ago(d time.Duration) event.Time   { return now - event.Time(d) }
func ahead(d time.Duration) event.Time { return now + event.Time(d) }

// TestBoundaries holds every rule at its boundary, a nanosecond before and
// after.
func TestBoundaries(t *testing.T) {
	overdue := func(n Counters) int { return n.Overdue }
	dueSoon := func(n Counters) int { return n.DueSoon }
	active := func(n Counters) int { return n.ActiveAgents }
	stale := func(n Counters) int { return n.StaleLocks }
	ready := func(n Counters) int { return n.Ready }
	due := func(at event.Time) facts.Facts { return facts.Facts{Issues: []facts.Issue{{Due: at}}} }
	sign := func(at event.Time) facts.Facts {
		return facts.Facts{Agents: []facts.Agent{{ID: "a", LastSign: at}}}
	}
	lock := func(l facts.Lock) facts.Facts { return facts.Facts{Locks: []facts.Lock{l}} }
	for _, c := range []struct {
		name string
		f    facts.Facts
		get  func(Counters) int
		want int
	}{
		{"due a nanosecond ago is overdue", due(now - 1), overdue, 1},
		{"due now is not overdue", due(now), overdue, 0},
		{"due now is due soon", due(now), dueSoon, 1},
		{"due a nanosecond ago is not due soon", due(now - 1), dueSoon, 0},
		{"due in exactly 24 h is due soon", due(ahead(24 * time.Hour)), dueSoon, 1},
		{"due a nanosecond later is not", due(ahead(24*time.Hour) + 1), dueSoon, 0},
		{"no due date is neither", due(0), overdue, 0},
		{"a sign exactly 10 min old is active", sign(ago(10 * time.Minute)), active, 1},
		{"one a nanosecond older is not", sign(ago(10*time.Minute) - 1), active, 0},
		{"a sign of the future counts", sign(ahead(time.Hour)), active, 1},
		{"no sign ever does not", sign(0), active, 0},
		{"a retired agent does not", facts.Facts{Agents: []facts.Agent{{ID: "a", LastSign: now, Retired: true}}}, active, 0},
		{"a lock held for exactly 60 min is not stale", lock(facts.Lock{Since: ago(time.Hour), Confirmed: true}), stale, 0},
		{"one held a nanosecond longer is", lock(facts.Lock{Since: ago(time.Hour) - 1, Confirmed: true}), stale, 1},
		{"a claim is not", lock(facts.Lock{Since: ago(2 * time.Hour)}), stale, 0},
		{"one that is being given back is not", lock(facts.Lock{Since: ago(2 * time.Hour), Confirmed: true, Ending: true}), stale, 0},
		{"an issue scheduled for now is ready", facts.Facts{Ready: 1, Later: []event.Time{now}}, ready, 2},
		{"one scheduled a nanosecond later is not", facts.Facts{Ready: 1, Later: []event.Time{now + 1}}, ready, 1},
	} {
		if got := c.get(Of(&c.f, facts.Defaults(), facts.NewClock(now))); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestStaleOnlyIfSilent: the holder's last sign counts where the operator asks
// for it.
func TestStaleOnlyIfSilent(t *testing.T) {
	th := facts.Defaults()
	th.LockIfSilent = true
	for _, c := range []struct {
		name string
		sign event.Time
		want int
	}{
		{"a holder silent for exactly 15 min", ago(15 * time.Minute), 0},
		{"a holder silent a nanosecond longer", ago(15*time.Minute) - 1, 1},
		{"a holder that never gave a sign", 0, 1},
	} {
		f := facts.Facts{
			Locks:  []facts.Lock{{Since: ago(2 * time.Hour), Confirmed: true, Holder: "a"}},
			Agents: []facts.Agent{{ID: "a", LastSign: c.sign}},
		}
		if got := Of(&f, th, facts.NewClock(now)).StaleLocks; got != c.want {
			t.Errorf("%s: %d stale locks, want %d", c.name, got, c.want)
		}
	}
}

// TestActiveAsOfTheFetch: a hub that cannot be reached makes nobody inactive.
func TestActiveAsOfTheFetch(t *testing.T) {
	f := facts.Facts{
		Agents: []facts.Agent{{ID: "a", LastSign: ago(9*time.Minute + time.Hour)}},
		Health: facts.Health{Remote: true, FetchedAt: ago(time.Hour), Failures: 40},
	}
	if n := Of(&f, facts.Defaults(), facts.NewClock(now)); n.ActiveAgents != 1 {
		t.Errorf("%d agents are active as of the last fetch, want 1", n.ActiveAgents)
	}
	f.Health.Remote = false
	if n := Of(&f, facts.Defaults(), facts.NewClock(now)); n.ActiveAgents != 0 {
		t.Errorf("%d agents are active here, want 0", n.ActiveAgents)
	}
}

func TestSums(t *testing.T) {
	f := facts.Facts{
		Open: 3, Ready: 1, Claimed: 2, Waiting: 4,
		Issues: []facts.Issue{{Blockers: 1}, {Cyclic: 1}, {Blockers: 2}},
		Agents: []facts.Agent{{Marks: map[string]int{"unapproved": 2, "unsigned": 3, "bad-signature": 7}}},
		Health: facts.Health{Rejected: map[string]int{"self-edge": 1, "too-long": 2}, Undecided: facts.Backlog{N: 5}, Unsent: facts.Backlog{N: 6}},
	}
	want := Counters{Open: 3, Blocked: 2, Ready: 1, Claimed: 2, Waiting: 4, Undecided: 5, Unsent: 6, Rejected: 3, Unapproved: 5}
	if got := Of(&f, facts.Defaults(), facts.NewClock(now)); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
