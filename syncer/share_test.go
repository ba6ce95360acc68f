package syncer

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// What a clone may send of the limit that all clones share.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		name string
		h    Shared
		want string
	}{
		{"no limit", Shared{0, 5, 1}, "0 in 0s"},
		{"a limit that is none", Shared{math.MaxUint64, 5, 1}, "0 in 0s"},
		{"nobody was seen", Shared{60, 0, 0}, "60 in 1m0s"},
		{"alone", Shared{60, 1, 1}, "60 in 1m0s"},
		{"20 clones", Shared{60, 20, 1}, "3 in 1m0s"},
		{"20 clones, and not seen among them", Shared{60, 20, 0}, "3 in 1m0s"},
		{"1,000 clones", Shared{600, 1000, 1}, "1 in 1m40s"},
		{"1,000 clones and a limit of 1", Shared{1, 1000, 1}, "1 in 10m0s"},
		{"50 agents of 1,000 in one clone", Shared{600, 1000, 50}, "30 in 1m0s"},
		{"all of them", Shared{600, 1000, 1000}, "600 in 1m0s"},
		{"more here than there are", Shared{6, 1, 50}, "6 in 1m0s"},
		{"the largest limit", Shared{MaxPerMinute, 1, 1}, "100000 in 1m0s"},
		{"a million agents", Shared{60, 1_000_000, 1}, "1 in 10m0s"},
	} {
		r := c.h.Share()
		if got := fmt.Sprintf("%d in %v", r.Pushes, r.Per); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// The shares of all clones together are no more than the limit, as long as no share
// is less than a push in 10 min.
func TestSharesAddUp(t *testing.T) {
	for limit := uint64(1); limit <= 600; limit += 7 {
		for clones := 1; clones <= int(limit)*10; clones = clones*3/2 + 1 {
			r := Shared{limit, clones, 1}.Share()
			if sum := float64(clones*r.Pushes) * float64(minute) / float64(r.Per); sum > float64(limit)+1e-6 {
				t.Fatalf("limit %d, %d clones: %v each, %v together", limit, clones, r, sum)
			}
		}
	}
}

// The slower of two limits holds: of the clone, or of the hub. A claim goes first
// even where the share is used up.
func TestSharedLimits(t *testing.T) {
	shared := Limits{Hub: Shared{PerMinute: 60, Active: 600, Here: 1}} // 1 in 10 min
	for _, c := range []struct {
		name string
		l    Limits
		p    Pace
		u    Urgency
		want string // when, and why
	}{
		{"the first", shared, Pace{}, Facts, "now"},
		{"facts have used the share", shared, Pace{Pushes: times(-120)}, Facts, "480 limit: 1 push in 10 min, this clone's share of 60 for the hub"},
		{"a command that waits, too", shared, Pace{Pushes: times(-120)}, Somebody, "480 limit: 1 push in 10 min, this clone's share of 60 for the hub"},
		{"a claim", shared, Pace{Pushes: times(-120)}, Locks, "now"},
		{"the release", shared, Pace{Pushes: times(-120), Locks: times(-20)}, Locks, "now"},
		{"the next claim", shared, Pace{Locks: times(-20, -10)}, Locks, "40 limit: 2 pushes of locks a minute, this clone's share of 60 for the hub"},
		{"ten minutes later", shared, Pace{Pushes: times(-601)}, Facts, "now"},
		{"the clone's own limit is less", Limits{Set: true, PerMinute: 1, Hub: Shared{600, 2, 1}}, Pace{Pushes: times(-10)}, Facts, "50 limit: 1 push a minute"},
		{"the clone has no limit of its own", Limits{Set: true, Hub: Shared{12, 2, 1}}, Pace{Pushes: times(-50, -40, -30)}, Facts, "10 limit: 6 pushes a minute, this clone's share of 12 for the hub"},
		{"a path", Limits{Never: true, Hub: Shared{2, 1, 1}}, Pace{Pushes: times(-50)}, Facts, "10 limit: 2 pushes a minute, this clone's share of 2 for the hub"},
	} {
		got := "now"
		if later := c.p.May(noon, c.l, c.u, false); later != nil {
			got = fmt.Sprint(int(later.Until.Sub(noon).Seconds()), " ", later.Why)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A clone of many agents that hand over locks all the time never runs out of pushes: it
// sends one every three seconds, and no claim waits for longer.
func TestManyLocksAreSpread(t *testing.T) {
	l, p, worst := Limits{Set: true, PerMinute: 30}, Pace{}, time.Duration(0)
	starts := times()
	for at := noon; at.Before(noon.Add(10 * time.Minute)); at = at.Add(700 * time.Millisecond) { // a claim
		if wait := p.MayStart(at, l, Locks).Sub(at); wait > 0 {
			worst = max(worst, wait)
			continue // goes with the push that the first one waits for
		}
		p, starts = p.Started(at, l, Locks), append(starts, at)
	}
	if worst > 3*time.Second {
		t.Errorf("a claim waits %v", worst)
	}
	for i := range starts[:len(starts)-30] {
		if d := starts[i+30].Sub(starts[i]); d < minute {
			t.Fatalf("31 pushes in %v", d)
		}
	}
	if len(starts) < 210 {
		t.Errorf("%d pushes in ten minutes, of 300 that may be", len(starts))
	}
}

// A push of which git sent nothing uses nothing of the limit; one that the hub refused
// or did not answer does.
func TestUnsentPushes(t *testing.T) {
	l := Limits{Set: true, PerMinute: 1}
	for _, c := range []struct {
		name string
		e    Pushed
		want bool // another one may start
	}{
		{"accepted", Pushed{Refs: map[string]Status{Ledger: Accepted}}, false},
		{"the ledger had moved", Pushed{Refs: map[string]Status{Ledger: Rejected, "agents/own": With}}, true},
		{"meta had moved", Pushed{Refs: map[string]Status{Ledger: With, "agents/own": With}}, true},
		{"a log had moved, and the step was accepted", Pushed{Refs: map[string]Status{Ledger: Accepted, "agents/own": Rejected}}, false},
		{"refused by the hub", Pushed{Rule: true, Refs: map[string]Status{Ledger: Refused, "agents/own": With}}, false},
		{"meta was refused by the hub", Pushed{Rule: true, Refs: map[string]Status{Ledger: With, "agents/own": With}}, false},
		{"the ledger had moved, and git names nothing else", Pushed{Refs: map[string]Status{Ledger: Rejected, "agents/own": NotNamed}}, true},
		{"it said nothing of them", Pushed{Refs: map[string]Status{Ledger: NotNamed}}, false},
		{"nothing to push", Pushed{Nothing: true}, true},
		{"no answer", Pushed{Failure: Unreached}, false},
	} {
		for _, u := range []Urgency{Somebody, Locks} {
			p := Pace{}.Started(noon, l, u)
			p = p.Started(noon.Add(time.Nanosecond), Limits{Set: true, PerMinute: 60}, Facts) // by another process
			p, _ = p.Answered(c.e, Task{}, noon)
			if n := len(p.Pushes) + len(p.Locks); n != map[bool]int{true: 1, false: 2}[c.want] {
				t.Errorf("%s, urgency %d: %d pushes count", c.name, u, n)
			}
		}
	}
}

// If there was nothing to push, the hub was not asked, and what is known of it remains.
func TestNothingToPush(t *testing.T) {
	was := Pace{Holds: 3, Until: noon.Add(time.Hour), Why: "busy", Cut: noon}
	p, later := was.Started(noon, Limits{Set: true, PerMinute: 6}, Facts).Answered(Pushed{At: At{Now: noon}, Nothing: true}, Task{}, noon)
	if later != nil || len(p.Pushes) > 0 || p.Holds != 3 || !p.Until.Equal(was.Until) || !p.Cut.Equal(was.Cut) {
		t.Errorf("%+v, %+v", p, later)
	}
}

// However little the share is, and whatever was noted, a push starts within ten
// minutes and a claim within one.
func TestNobodyWaitsForever(t *testing.T) {
	l := Limits{Hub: Shared{1, 1_000_000, 1}}
	p := Pace{}
	for n, at := 0, noon; n < 100; n++ {
		for u := Facts; u <= Locks; u++ {
			bound := longestShare
			if u == Locks {
				bound = minute
			}
			if wait := p.MayStart(at, l, u).Sub(at); wait > bound {
				t.Fatalf("push %d, urgency %d: %v", n, u, wait)
			}
		}
		at = latest(at, p.MayStart(at, l, Urgency(n%4)))
		p = p.Started(at, l, Urgency(n%4))
		if len(p.Pushes)+len(p.Locks) > 4 {
			t.Fatalf("%d pushes are noted", len(p.Pushes)+len(p.Locks))
		}
	}
}

// A poll asks less often the longer nothing comes, up to once a minute, and at once
// as often as in the beginning when something does.
func TestPause(t *testing.T) {
	for _, c := range []struct{ first, quiet, least, most time.Duration }{
		{10 * time.Second, 0, 7500 * time.Millisecond, 10 * time.Second},
		{10 * time.Second, 50 * time.Second, 7500 * time.Millisecond, 10 * time.Second},
		{10 * time.Second, 200 * time.Second, 30 * time.Second, 40 * time.Second},
		{10 * time.Second, 5 * time.Minute, 45 * time.Second, time.Minute},
		{10 * time.Second, 100 * 24 * time.Hour, 45 * time.Second, time.Minute},
		{time.Second, -time.Hour, 750 * time.Millisecond, time.Second},
		{5 * time.Minute, time.Hour, 225 * time.Second, 5 * time.Minute},
	} {
		if most, least := Pause(c.first, c.quiet, 0), Pause(c.first, c.quiet, 0.99999999); most != c.most || least.Round(time.Millisecond) != c.least {
			t.Errorf("%v, quiet for %v: %v to %v, want %v to %v", c.first, c.quiet, least, most, c.least, c.most)
		}
	}
}

// A command that waits for its claim ends when the claim is decided, even if other
// agents of the clone have events that may not be sent yet.
func TestNobodyWaitsForOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		own  Log
		mine bool
		want bool // it waits
	}{
		{"its own events are not sent", Log{Name: "agents/own", Last: 2, OnHub: 1, Sends: true}, false, true},
		{"its claim is not decided", Log{Name: "agents/own", Last: 2, OnHub: 2}, true, true},
		{"all is there", Log{Name: "agents/own", Last: 2, OnHub: 2}, false, false},
		{"all is there, and so the log is not named", Log{Name: "agents/third", Last: 2, OnHub: 2}, false, false},
	} {
		b := Began{At: At{Now: noon}, Memory: Memory{Pace: Pace{Pushes: times(-10), Locks: times(-10)}},
			Task: Task{Waits: true, Own: "agents/own", Patience: 5 * time.Minute, Limits: Limits{Set: true, PerMinute: 1}},
			View: View{Open: true, Mine: c.mine, Step: c.mine, Logs: []Log{c.own, {Name: "agents/other", Last: 9, OnHub: 3, Sends: true}}}}
		_, a := Next(State{}, b)
		wait, waits := a.(Wait)
		if waits != c.want {
			t.Errorf("%s: %#v", c.name, a)
		}
		if end, ok := a.(Done); !waits && (!ok || end.Outcome.Reason != NotYet) {
			t.Errorf("%s: %#v, %v", c.name, a, wait)
		}
	}
}
