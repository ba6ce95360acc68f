package syncer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What many agents get of a hub that answers each request over http after a while. Each
// agent works in a clone of its own. Time passes only where something waits, so that the
// result does not depend on the machine of the test, and an hour takes a second.
const (
	loadAnswers = 200 * time.Millisecond // a request
	loadServe   = 15 * time.Millisecond  // processor time of a request on the hub,
	loadGate    = 60 * time.Millisecond  // of a push there,
	loadGit     = 30 * time.Millisecond  // of git in a clone,
	loadLook    = 20 * time.Millisecond  // of a look at the clone,
	loadCommand = 60 * time.Millisecond  // and of the rest of a command
	loadWait    = 3 * time.Second        // how long a command waits that is no claim
	loadAsks    = 5 * time.Second        // from one question of a clone that watches to its next
)

// loadEvent is an event. what is 'f' of a fact; all others await a decision: a claim, the
// end of the lock of a closed issue, a new issue.
type loadEvent struct {
	what byte
	at   time.Time
}

func (e loadEvent) urgency() Urgency {
	switch e.what {
	case 'f':
		return Facts
	case 'c':
		return Locks
	}
	return Numbers
}

type loadHub struct {
	sync.Mutex
	answers time.Duration
	cpu     chan bool // processors of everybody together
	limit   uint64    // pushes a minute of all clones
	logs    [][]loadEvent
	ledger  int
	covered []int // how much of each log is decided

	pushes        int // that reached the hub
	locks, sights []time.Duration
	unconfirmed   int
}

func (h *loadHub) work(d time.Duration) {
	h.cpu <- true
	time.Sleep(d)
	<-h.cpu
}

func (h *loadHub) ask() {
	time.Sleep(h.answers)
	h.work(loadServe)
}

// loadClone is one clone.
type loadClone struct {
	*loadHub
	n    int
	name string
	rng  *rand.Rand
	sync chan bool // the sync lock
	next chan bool // of detached syncs
	turn time.Time // of the last of them

	own     []loadEvent
	seen    []int // of each log, and so on, as of the last fetch or push
	step    int
	decided []int
	looked  time.Time
	memory  Memory
}

// undecided are events of a log that await a decision. upTo is how much of it counts.
func (c *loadClone) undecided(n, upTo int) (all []loadEvent) {
	log := c.logs[n]
	if n == c.n {
		log = c.own
	}
	for _, e := range log[:upTo][min(c.decided[n], upTo):] {
		if e.what != 'f' {
			all = append(all, e)
		}
	}
	return all
}

// decides reports whether a step would decide something, with the own log up to there.
func (c *loadClone) decides(upTo int) bool {
	for n := range c.logs {
		if n != c.n && len(c.undecided(n, c.seen[n])) > 0 {
			return true
		}
	}
	return len(c.undecided(c.n, upTo)) > 0
}

func (c *loadClone) view() View {
	c.Lock()
	defer c.Unlock()
	v := View{Open: true, Ledger: Tip(fmt.Sprint(c.step)), Step: c.decides(c.seen[c.n])}
	for _, e := range c.undecided(c.n, len(c.own)) {
		v.Mine, v.Urgency = true, max(v.Urgency, e.urgency())
	}
	if len(c.own) > c.seen[c.n] {
		v.Logs = []Log{{Name: c.name, Last: uint64(len(c.own)), OnHub: uint64(c.seen[c.n]), Sends: true}}
	}
	return v
}

func (c *loadClone) at() At { return At{Now: time.Now(), Jitter: c.rng.Float64()} }

// fetch asks for the refs with two requests, and for what is new with a third one.
func (c *loadClone) fetch() (moved []string) {
	began := time.Now()
	c.work(loadGit)
	c.ask()
	c.ask()
	c.Lock()
	seen, step, decided := make([]int, len(c.logs)), c.ledger, slices.Clone(c.covered)
	for n, log := range c.logs {
		seen[n] = len(log)
	}
	c.Unlock()
	if !slices.Equal(seen, c.seen) || step != c.step {
		c.ask()
	}
	c.work(2 * loadLook)
	c.Lock()
	defer c.Unlock()
	if step != c.step {
		moved = []string{Ledger}
	}
	c.seen, c.step, c.decided, c.looked = seen, step, decided, began
	return moved
}

// push asks for the refs, and sends nothing if the ledger has moved. same: the hub is as
// it was seen.
func (c *loadClone) push(p Push, m Memory) (e Pushed, same bool) {
	e = Pushed{Refs: map[string]Status{}, Memory: m}
	began := time.Now()
	defer func() { e.At, e.Took = c.at(), time.Since(began) }()
	c.Lock()
	upTo := c.seen[c.n]
	for _, part := range p.Parts {
		upTo, e.Refs[part.Name] = int(part.UpTo), With
	}
	covers, basis := slices.Clone(c.seen), c.step
	covers[c.n] = upTo
	if p.Step && c.decides(upTo) {
		e.Refs[Ledger] = Rejected
	}
	_, step := e.Refs[Ledger]
	c.Unlock()
	if e.Nothing = len(e.Refs) == 0; e.Nothing {
		return e, false
	}
	c.work(loadGit + loadLook)
	c.ask()
	c.Lock()
	lost := step && c.ledger != basis
	same = c.ledger == basis && slices.EqualFunc(c.logs, c.seen, func(log []loadEvent, n int) bool { return len(log) == n })
	c.Unlock()
	if lost {
		return e, false
	}
	c.ask()
	c.work(loadGate)
	c.Lock()
	defer c.Unlock()
	c.pushes++
	st := Accepted
	if step && c.ledger != basis {
		st, e.Rule, e.Why = Refused, true, "atomic transaction failed"
	}
	for name := range e.Refs {
		e.Refs[name] = st
	}
	if st == Refused {
		return e, false
	}
	for _, event := range c.own[len(c.logs[c.n]):max(upTo, len(c.logs[c.n]))] {
		c.logs[c.n] = append(c.logs[c.n], event)
		asks := time.Duration(c.rng.Float64() * float64(loadAsks))
		c.sights = append(c.sights, time.Since(event.at)+asks+3*c.answers+loadCommand)
	}
	if step {
		c.ledger, c.covered = c.ledger+1, covers
	}
	return e, same
}

// run is one run of the machine; the sync lock is held. each bounds it, but not what it
// waits for its turn; 0 is no bound.
func (c *loadClone) run(t Task, each time.Duration) (same bool) {
	t.Own, t.Looked, t.BusyToo, t.CommandWait = c.name, c.looked, true, loadWait
	if t.Limits.Never = c.limit == 0; c.limit > 0 {
		t.Limits.Hub = Shared{PerMinute: c.limit, Active: len(c.logs), Here: 1}
	}
	end := time.Now().Add(each)
	s, a := Next(State{}, Began{At: c.at(), Task: t, Memory: c.memory, View: c.view()})
	for ; ; c.memory = s.Memory {
		var e Event
		c.memory = s.Memory
		if each > 0 && time.Now().After(end) {
			return false
		}
		switch a := a.(type) {
		case Done:
			return same
		case Push:
			e, same = c.push(a, c.memory)
		case Fetch:
			e = Fetched{Moved: c.fetch(), At: c.at(), View: c.view()}
		case Swap:
			c.Lock()
			sent := c.seen[c.n]
			for _, p := range s.out.Parts {
				sent = int(p.UpTo)
			}
			c.seen[c.n] = sent
			if slices.Contains(a.Accepted, Ledger) {
				c.step, c.decided = c.step+1, slices.Clone(c.seen)
			}
			c.Unlock()
			e = Swapped{At: c.at(), View: c.view(), Appended: len(c.own) > sent && len(s.out.Parts) > 0}
		case Wait:
			if a.Unlock {
				<-c.sync
			}
			time.Sleep(time.Until(a.Until))
			if a.Unlock {
				c.sync <- true
				end = time.Now().Add(each)
			}
			e = Woke{At: c.at(), Locked: true, Memory: c.memory, View: c.view()}
		}
		s, a = Next(s, e)
	}
}

// arrived reports whether the first n own events are on the hub and decided.
func (c *loadClone) arrived(n int) bool {
	c.Lock()
	defer c.Unlock()
	return c.seen[c.n] >= n && len(c.undecided(c.n, n)) == 0
}

// write is a command that writes events and delivers them. It reports whether they are
// confirmed.
func (c *loadClone) write(what ...byte) bool {
	c.work(loadCommand)
	c.Lock()
	for _, w := range what {
		c.own = append(c.own, loadEvent{w, time.Now()})
	}
	n := len(c.own)
	c.Unlock()
	t, each := Task{Decide: what[len(what)-1] != 'f', Patience: loadWait}, loadWait
	if what[0] == 'c' {
		t.Waits, t.Patience, each = true, 5*time.Minute, 30*time.Second
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		select {
		case c.sync <- true:
			same := c.arrived(n) || c.run(t, each)
			<-c.sync
			if !c.arrived(n) {
				c.detach()
				return false
			}
			if t.Waits && !same && time.Since(c.looked) > 3*time.Second {
				c.fetch() // somebody may have closed the issue
			}
			return true
		default:
		}
		switch {
		case c.arrived(n):
			return true
		case time.Since(began) > each:
			c.detach()
			return false
		}
	}
}

// detach starts a sync in the background, unless one waits already.
func (c *loadClone) detach() {
	select {
	case c.next <- true:
	default:
		return
	}
	go func() {
		interval := 2 * time.Second
		if c.limit > 0 {
			interval = 10 * time.Second
		}
		time.Sleep(max(time.Until(c.turn.Add(interval)), 2*time.Second))
		c.turn = time.Now()
		c.sync <- true
		<-c.next
		c.work(loadCommand)
		c.fetch()
		c.run(Task{Decide: c.view().Mine, Background: true, Patience: time.Hour}, 0)
		<-c.sync
	}()
}

// agent does one job after the other: it claims an issue, writes about it, closes it, and
// opens another one.
func (c *loadClone) agent(end time.Time) {
	rest := func() { time.Sleep(time.Duration(c.rng.ExpFloat64() * 5 * float64(time.Second))) }
	for rest(); time.Now().Before(end); rest() {
		c.work(loadCommand)
		c.sync <- true
		c.fetch()
		<-c.sync
		began := time.Now()
		confirmed := c.write('c')
		c.Lock()
		if c.locks = append(c.locks, time.Since(began)); !confirmed {
			c.unconfirmed++
		}
		c.Unlock()
		for range 4 {
			rest()
			c.write('f')
		}
		rest()
		c.write('f', 'e')
		c.write('n')
	}
}

// load lets clones do something, and waits until all is quiet.
func (h *loadHub) load(t *testing.T, clones int, do func(*loadClone)) {
	synctest.Test(t, func(t *testing.T) {
		h.cpu, h.logs, h.covered = make(chan bool, 2), make([][]loadEvent, clones), make([]int, clones)
		var all []*loadClone
		var done sync.WaitGroup
		for n := range clones {
			c := &loadClone{loadHub: h, n: n, name: fmt.Sprintf("agents/%02d", n), rng: rand.New(rand.NewPCG(1, uint64(n))),
				sync: make(chan bool, 1), next: make(chan bool, 1), seen: make([]int, clones), decided: make([]int, clones)}
			all = append(all, c)
			done.Go(func() { do(c) })
		}
		done.Wait()
		time.Sleep(10 * time.Minute)
		for _, c := range all {
			if !c.arrived(len(c.own)) {
				t.Errorf("%s has %d events, %d are on the hub, %d decided", c.name, len(c.own), len(h.logs[c.n]), h.covered[c.n])
			}
		}
	})
}

// quantile is one of the sorted durations.
func quantile(all []time.Duration, share float64) time.Duration {
	slices.Sort(all)
	return all[min(int(share*float64(len(all))), len(all)-1)].Round(10 * time.Millisecond)
}

// TestLoad measures an hour of work of many agents (docs/scaling.md).
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		agents int
		limit  uint64
		lock   time.Duration // the longest that 95 of 100 claims may take
		pushes float64       // for each event
	}{
		{2, 0, 3 * time.Second, 1.0},
		{10, 0, 4500 * time.Millisecond, 1.15},
		{10, 80, 4 * time.Second, 0.55},
		{20, 160, 4700 * time.Millisecond, 0.55},
		{20, 240, 4900 * time.Millisecond, 0.8},
	} {
		h := &loadHub{answers: loadAnswers, limit: c.limit}
		h.load(t, c.agents, func(one *loadClone) { one.agent(time.Now().Add(time.Hour)) })
		events := 0
		for _, log := range h.logs {
			events += len(log)
		}
		lock, pushes := quantile(h.locks, 0.95), float64(h.pushes)/float64(events)
		t.Logf("%d agents, limit %d: %d events, %.2f pushes an event; lock p50 %v, p95 %v; sight p50 %v, p95 %v", c.agents, c.limit, events, pushes,
			quantile(h.locks, 0.5), lock, quantile(h.sights, 0.5), quantile(h.sights, 0.95))
		if events < 600*c.agents || h.unconfirmed > 0 || lock > c.lock || pushes > c.pushes {
			t.Errorf("%d agents, limit %d: %d events, %d claims not confirmed, p95 of lock %v, want at most %v; %.2f pushes an event, want at most %.2f",
				c.agents, c.limit, events, h.unconfirmed, lock, c.lock, pushes, c.pushes)
		}
	}
}

// TestManyAtOnce: clones that write at the same moment need a few pushes each, whether
// the hub is near or far, and the last one does not wait for all others in turn.
func TestManyAtOnce(t *testing.T) {
	for _, what := range []byte{'n', 'c'} {
		for _, answers := range []time.Duration{5 * time.Millisecond, loadAnswers} {
			for _, c := range []struct {
				clones, pushes int
				last           time.Duration
			}{{2, 4, 3 * time.Second}, {10, 40, 7 * time.Second}, {30, 120, 18 * time.Second}} {
				h := &loadHub{answers: answers}
				var last time.Duration
				h.load(t, c.clones, func(one *loadClone) {
					began := time.Now()
					time.Sleep(time.Duration(one.rng.Float64() * float64(300*time.Millisecond)))
					one.write(what)
					h.Lock()
					last = max(last, time.Since(began))
					h.Unlock()
				})
				t.Logf("%d clones write '%c' to a hub that answers in %v: %d pushes, the last command took %v", c.clones, what, answers, h.pushes, last.Round(10*time.Millisecond))
				if h.pushes > c.pushes || last > c.last {
					t.Errorf("%d clones write '%c' to a hub that answers in %v: %d pushes, want at most %d; the last command took %v, want at most %v",
						c.clones, what, answers, h.pushes, c.pushes, last, c.last)
				}
			}
		}
	}
}
