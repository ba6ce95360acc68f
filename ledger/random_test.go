package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Random runs: 3–5 agents of 8 operations each, everything going wrong at
// once. CROSSLINK_SEED replays one run.

// Misfortunes that are not faults of one call.
const (
	hubRewound = "hub rewound"
	hubLostLog = "hub lost a log"
	hubLostAll = "hub lost its chain"
	wentOff    = "offline period"
	clockOff   = "clock skew"
	restarted  = "restart"
	mergeStep  = "merge step"
	sentAgain  = "chain sent again"
	forgedStep = "forged step"
)

// run is one random run; it returns what went wrong, if anything.
func run(t testing.TB, seed uint64, count map[string]int) (failed, trace string) {
	rnd := rand.New(rand.NewPCG(seed, 4))
	w := newWorld(t)
	h := newHub(w)
	clock := 0
	var log strings.Builder
	var agents []*agent
	for i := range 3 + rnd.IntN(3) {
		a := newAgent(h, fmt.Sprintf("agent-%d", i))
		a.now = func() event.Time { clock++; return at(clock) }
		switch rnd.IntN(4) {
		case 0:
			a.skew = event.Time(rnd.Int64N(1200)-600) * 1_000_000_000
			count[clockOff]++
		case 1:
			a.skew = event.Time(rnd.Int64N(20)-10) * 365 * 86400 * 1_000_000_000
		}
		agents = append(agents, a)
	}
	o := newOracle(h, agents...)
	risk := []int{0, 5, 15, 40}[rnd.IntN(4)] // per cent of calls that go wrong
	disasters := rnd.IntN(3) == 0            // a hub that loses things
	vandal := rnd.IntN(3) == 0               // somebody who writes what he likes
	h.fault = func(of []fault) fault {
		if rnd.IntN(100) >= risk {
			return none
		}
		f := of[rnd.IntN(len(of))]
		if f != none {
			fmt.Fprintf(&log, "  %s\n", faultNames[f])
		}
		return f
	}
	issues := []event.UUID{agents[0].create(), w.uuid(), w.uuid()} // the others exist perhaps later

	type running struct {
		next func() bool
		stop func()
	}
	var live []running
	for _, a := range agents {
		next, stop := coroutine(a, func() {
			for range 8 {
				issues = operate(rnd, a, issues, &log, count)
			}
		})
		live = append(live, running{next, stop})
	}
	for len(live) > 0 {
		if disasters && rnd.IntN(25) == 0 {
			disaster(rnd, o, agents, &log, count)
		}
		if vandal && rnd.IntN(15) == 0 {
			vandalise(rnd, o, &log, count)
		}
		k := rnd.IntN(len(live))
		if !live[k].next() {
			live[k].stop()
			live = append(live[:k:k], live[k+1:]...)
		}
		if o.during(); o.failed != "" {
			break
		}
	}
	for _, r := range live {
		r.stop()
	}
	h.fault = func([]fault) fault { return none }
	for _, a := range agents {
		a.pause, a.off = func() {}, false
	}
	h.begin(nil) // what is still under way arrives
	h.calls += 2
	h.begin(nil)
	for range 2 {
		for _, a := range agents {
			a.sync()
			o.during()
		}
	}
	o.end()
	for f, n := range h.fired {
		count[faultNames[f]] += n
	}
	count[mergeStep] += o.merges
	for _, a := range agents {
		count[sentAgain] += a.fixed
	}
	if o.failed != "" {
		return o.failed, log.String() + o.tell()
	}
	return "", ""
}

// disaster is a hub that loses what it had acknowledged.
func disaster(rnd *rand.Rand, o *oracle, agents []*agent, log *strings.Builder, count map[string]int) {
	h := o.h
	o.lost = true
	switch back := 1 + rnd.IntN(6); rnd.IntN(3) {
	case 0:
		fmt.Fprintf(log, "  %s by %d\n", hubRewound, back)
		h.rewind(back)
		count[hubRewound]++
	case 1:
		a := agents[rnd.IntN(len(agents))]
		fmt.Fprintf(log, "  %s: %s\n", hubLostLog, a.id)
		h.lose(agentRefs+a.id, rnd.IntN(2)*back)
		count[hubLostLog]++
	case 2:
		fmt.Fprintf(log, "  %s by %d\n", hubLostAll, back)
		h.lose(checkpointRef, rnd.IntN(4)*back)
		count[hubLostAll]++
	}
}

// vandalise puts a forged step on the hub's chain.
func vandalise(rnd *rand.Rand, o *oracle, log *strings.Builder, count map[string]int) {
	tip := o.h.refs[checkpointRef]
	if tip == "" {
		return
	}
	v := o.follow(tip).view
	l := v.Ledger.Copy()
	l.Sequence += v.Since + 1
	u := o.h.w.uuid()
	for x := range l.Locks {
		u = x
	}
	delete(l.Queue, u)
	l.Locks[u] = ledger.Lock{Agent: "agent-0", ClaimedAt: at(1), ClaimSeq: 1, Token: l.Sequence}
	c := &commit{parents: []string{tip}, forged: true, files: l.Files()}
	switch rnd.IntN(3) {
	case 0:
		c.files = map[string][]byte{"x": nil}
	case 1:
		c.files = o.h.w.commits[tip].files // what is there, once more
	}
	fmt.Fprintf(log, "  %s\n", forgedStep)
	count[forgedStep]++
	o.h.apply([]update{{checkpointRef, o.h.w.add(c)}}, o.h.refs)
}

// operate does one operation of one agent.
func operate(rnd *rand.Rand, a *agent, issues []event.UUID, log *strings.Builder, count map[string]int) []event.UUID {
	u := issues[rnd.IntN(len(issues))]
	say := func(what string) { fmt.Fprintf(log, "%s %s %s\n", a.id, what, u.String()[:4]) }
	if rnd.IntN(12) == 0 {
		if a.off = !a.off; a.off {
			count[wentOff]++
		}
	}
	switch rnd.IntN(13) {
	case 0, 1:
		u = a.create()
		say("new")
		return append(issues, u)
	case 2:
		a.append(&event.MilestoneCreated{UUID: a.w.uuid(), Name: "m", CreatedAt: at(1)})
		say("milestone")
		a.publish()
	case 3, 4:
		say("claim")
		a.claim(u, false)
	case 5:
		say("claim --wait")
		a.claim(u, true)
	case 6:
		say("release")
		a.release(u)
	case 7:
		if k := a.view.Ledger.Locks[u]; k.Token > 0 {
			say("break")
			a.append(&event.LockBroken{Issue: u, Token: k.Token, Reason: "x"})
			a.publish()
		}
	case 8:
		if rnd.IntN(3) == 0 {
			say("delete")
			a.append(&event.IssueDeleted{UUID: u})
			a.publish()
		}
	case 9:
		say("close")
		a.append(&event.StatusChanged{UUID: u, NewStatus: event.Closed})
		if a.holds(u) {
			a.append(&event.LockReleased{Issue: u})
		}
		a.publish()
	case 10:
		say("restart")
		count[restarted]++
		a.restart()
	default:
		say("sync")
		a.sync()
	}
	return issues
}

// TestRandomRuns tests claims R4, R5 and R8 for more agents. The number of runs has a minimum,
// and every kind of fault must have occurred.
func TestRandomRuns(t *testing.T) {
	count := map[string]int{}
	if s := os.Getenv("CROSSLINK_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if failed, trace := run(t, seed, count); failed != "" {
			t.Fatalf("%s\n%s", failed, trace)
		}
		return
	}
	floor, slice, wanted := 300, 8*time.Second, 5
	switch {
	case nightly:
		floor, slice, wanted = 10_000, 0, 100
	case testing.Short():
		floor, slice, wanted = 100, time.Second, 1
	}
	first := uint64(time.Now().UnixNano())
	t.Logf("first seed %d", first)
	runs := 0
	for start := time.Now(); runs < floor || time.Since(start) < slice; runs++ {
		seed := first + uint64(runs)
		if failed, trace := run(t, seed, count); failed != "" {
			t.Fatalf("%s; CROSSLINK_SEED=%d replays it\n%s", failed, seed, trace)
		}
	}
	t.Logf("%d runs: %v", runs, count)
	for _, what := range append(faultNames[1:], hubRewound, hubLostLog, hubLostAll, wentOff, clockOff, restarted, mergeStep, sentAgain, forgedStep) {
		if count[what] < wanted {
			t.Errorf("'%s' happened %d times", what, count[what])
		}
	}
}
