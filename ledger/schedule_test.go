package ledger_test

import (
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// All schedules of two agents: the agent that makes the next call of the hub is
// chosen, and whether something goes wrong with it, until every choice has been
// made both ways. At most one thing goes wrong in one schedule.

// chooser walks the tree of choices, depth first, by running again with the
// next prefix.
type chooser struct {
	prefix []int
	made   []int
	of     []int
}

func (c *chooser) choose(n int) int {
	k := 0
	if len(c.made) < len(c.prefix) {
		k = c.prefix[len(c.made)]
	}
	c.made, c.of = append(c.made, k), append(c.of, n)
	return k
}

// next prepares the next run; false when all have been made.
func (c *chooser) next() bool {
	for i := len(c.made) - 1; i >= 0; i-- {
		if c.made[i]+1 < c.of[i] {
			c.prefix = append(c.made[:i:i], c.made[i]+1)
			c.made, c.of = nil, nil
			return true
		}
	}
	return false
}

// program is what an agent does, one call of the hub after the other.
type program struct {
	name string
	run  func(a *agent, issue event.UUID)
}

var (
	claimSync        = program{"claim,sync", func(a *agent, u event.UUID) { a.claim(u, false); a.sync() }}
	waitSync         = program{"claim --wait,sync", func(a *agent, u event.UUID) { a.claim(u, true); a.sync() }}
	newSync          = program{"new,sync", func(a *agent, _ event.UUID) { a.create(); a.sync() }}
	claimReleaseSync = program{"claim,release,sync", func(a *agent, u event.UUID) { a.claim(u, false); a.release(u); a.sync() }}
)

// coroutine runs f until its agent is about to call the hub; each call of the
// result continues from there, and is false when f has ended.
func coroutine(a *agent, f func()) (next func() bool, stop func()) {
	pull, stop := iter.Pull(func(yield func(struct{}) bool) {
		a.pause = func() { yield(struct{}{}) }
		f()
	})
	return func() bool { _, ok := pull(); return ok }, stop
}

// schedule runs one.
func schedule(t *testing.T, c *chooser, fresh bool, programs [2]program) (o *oracle, fired [faults]int) {
	w := newWorld(t)
	h := newHub(w)
	clock := 0
	var agents []*agent
	for i := range 2 {
		a := newAgent(h, fmt.Sprintf("agent-%d", i))
		a.now = func() event.Time { clock++; return at(clock) }
		agents = append(agents, a)
	}
	// One clock is far behind: no rule may care.
	agents[1].skew = -600 * 1_000_000_000
	o = newOracle(h, agents...)
	issue := w.uuid()
	if !fresh {
		issue = agents[0].create()
		agents[1].sync()
	}
	budget := 1
	h.fault = func(of []fault) fault {
		if budget == 0 {
			return none
		}
		f := of[c.choose(len(of))]
		if f != none {
			budget--
			fired[f]++
		}
		return f
	}
	type running struct {
		next func() bool
		stop func()
	}
	var live []running
	for i, a := range agents {
		next, stop := coroutine(a, func() { programs[i].run(a, issue) })
		if next() {
			live = append(live, running{next, stop})
		}
	}
	for len(live) > 0 {
		k := 0
		if len(live) > 1 {
			k = c.choose(len(live))
		}
		if !live[k].next() {
			live[k].stop()
			live = append(live[:k:k], live[k+1:]...)
		}
		o.during()
	}
	h.fault = func([]fault) fault { return none }
	for _, a := range agents {
		a.pause = func() {}
	}
	for range 2 {
		for _, a := range agents {
			a.sync()
			o.during()
		}
	}
	o.end()
	return o, fired
}

// TestEverySchedule is the proof for two agents: R2 of the claims.
func TestEverySchedule(t *testing.T) {
	pairs := []struct {
		programs [2]program
		fresh    bool
	}{
		{[2]program{claimSync, claimSync}, false},
		{[2]program{newSync, newSync}, false},
		{[2]program{newSync, newSync}, true},
		{[2]program{claimReleaseSync, claimSync}, false},
		{[2]program{claimReleaseSync, waitSync}, false},
		{[2]program{claimReleaseSync, claimReleaseSync}, false},
	}
	if testing.Short() {
		pairs = pairs[:4]
	}
	var mu sync.Mutex
	var fired [faults]int
	total := 0
	t.Run("pairs", func(t *testing.T) {
		for _, p := range pairs {
			t.Run(fmt.Sprintf("%s ‖ %s, fresh %v", p.programs[0].name, p.programs[1].name, p.fresh), func(t *testing.T) {
				t.Parallel()
				c := &chooser{}
				n := 0
				var mine [faults]int
				for more := true; more; more = c.next() {
					o, f := schedule(t, c, p.fresh, p.programs)
					if o.failed != "" {
						t.Fatalf("schedule %v: %s\n%s", c.made, o.failed, o.tell())
					}
					for k := range f {
						mine[k] += f[k]
					}
					n++
				}
				t.Logf("%d schedules", n)
				mu.Lock()
				defer mu.Unlock()
				total += n
				for k := range mine {
					fired[k] += mine[k]
				}
			})
		}
	})
	for _, f := range append(fetchFaults[1:], pushFaults[1:]...) {
		if fired[f] == 0 {
			t.Errorf("the fault '%s' never fired", faultNames[f])
		}
	}
	t.Logf("%d schedules in all", total)
}
