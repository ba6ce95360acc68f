package syncer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is a hub and one clone of it. What the hub answers is drawn at random;
// what it may never do is checked after each action.
type model struct {
	*rapid.T
	now    time.Time
	hub    map[string]uint64 // how many events of each log the hub holds
	here   map[string]uint64
	seen   map[string]uint64 // as recorded here
	lost   map[string]bool   // logs that the hub has lost
	bad    map[string]uint64 // the first event that the hub refuses; 0 for none
	closed bool
	noStep bool
	plain  bool // the hub knows no atomic push
	steps  int  // the ledger on the hub
	known  int  // as seen here
	due    bool // something awaits a decision

	faults int // how many more answers may be wrong
	limits Limits
	starts []time.Time
	locks  bool
	memory Memory
	pushes int
}

func (m *model) at() At {
	m.now = m.now.Add(10 * time.Millisecond)
	return At{Now: m.now, Jitter: rapid.Float64Range(0, 0.999).Draw(m.T, "jitter")}
}

func (m *model) names() (all []string) {
	for name := range m.here {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (m *model) view() View {
	v := View{Open: true, Ledger: Tip(fmt.Sprint("s", m.known)), Step: m.due, Mine: m.due}
	for _, name := range m.names() {
		l := Log{Name: name, Last: m.here[name], OnHub: m.seen[name], Sends: m.here[name] > m.seen[name], Lost: m.lost[name], Hub: Tip(name)}
		l.Back = l.Lost
		if l.Sends && m.locks {
			v.Urgency = Locks
		}
		v.Logs = append(v.Logs, l)
	}
	return v
}

// fault is an answer that is not one, if one is drawn.
func (m *model) fault() Failure {
	if m.faults == 0 {
		return None
	}
	f := rapid.SampledFrom([]Failure{None, None, None, Unreached, Silent, Busy, Cut}).Draw(m.T, "failure")
	if f != None {
		m.faults--
	}
	return f
}

func (m *model) refuses(p Part) bool {
	return m.closed || !p.Back && m.bad[p.Name] != 0 && p.UpTo >= m.bad[p.Name]
}

// push is what the hub does with a push.
func (m *model) push(s State, a Push) Pushed {
	m.pushes++
	if p := s.task; !p.Insist && m.memory.Pace.Until.After(m.now) {
		m.Fatalf("a push at %v although the hub is left alone until %v", m.now, m.memory.Pace.Until)
	}
	m.starts = append(m.starts, m.now)
	if n := m.limits.PerMinute; n > 0 && len(m.starts) > 2*n && m.now.Sub(m.starts[len(m.starts)-2*n-1]) < minute {
		m.Fatalf("more than %d pushes in a minute", 2*n)
	}
	e := Pushed{At: m.at(), Took: 20 * time.Millisecond, Refs: map[string]Status{}, Memory: s.Memory}
	e.Failure = m.fault()
	lands := e.Failure == None || e.Failure != Busy && rapid.Bool().Draw(m.T, "landed all the same")
	if a.Atomic && m.plain {
		if e.Failure == None {
			e.Failure = Unreached
		}
		return e
	}
	if m.faults > 0 && rapid.IntRange(0, 3).Draw(m.T, "others were faster") == 0 {
		m.faults--
		m.steps++
	}
	wrong := false
	for _, p := range a.Parts {
		e.Refs[p.Name] = Accepted
		if m.refuses(p) {
			e.Refs[p.Name], wrong, e.Rule, e.Why = Refused, true, true, "a rule"
		}
	}
	if a.Step && m.due {
		e.Refs[Ledger] = Accepted
		switch {
		case m.steps != m.known && rapid.Bool().Draw(m.T, "git knew it"):
			e.Refs[Ledger], wrong = Rejected, true
		case m.steps != m.known:
			e.Refs[Ledger], wrong, e.Rule, e.Why = Refused, true, true, "a lost race"
		case m.noStep || m.closed:
			e.Refs[Ledger], wrong, e.Rule, e.Why = Refused, true, true, "a rule"
		}
	}
	if len(e.Refs) == 0 {
		e.Nothing = true
		m.starts = m.starts[:len(m.starts)-1]
		return e
	}
	if a.Atomic && wrong {
		for name, st := range e.Refs {
			if st == Accepted {
				e.Refs[name] = With
			}
		}
	}
	if e.unsent() {
		m.starts = m.starts[:len(m.starts)-1]
	}
	for _, p := range a.Parts {
		if e.Refs[p.Name] == Accepted && lands {
			m.hub[p.Name] = max(m.hub[p.Name], p.UpTo)
			if p.Back {
				m.hub[p.Name] = max(m.hub[p.Name], m.seen[p.Name])
			}
			delete(m.lost, p.Name)
		}
	}
	if e.Refs[Ledger] == Accepted && lands {
		m.steps++
		if e.Failure == None {
			m.known, m.due = m.steps, false
		}
	}
	if e.Failure != None {
		e.Refs, e.Rule = nil, false
	}
	return e
}

// run does one run and returns how it ended.
func (m *model) run(t Task) Outcome {
	if t.Limits = m.limits; rapid.Bool().Draw(m.T, "looked") {
		t.Looked = m.now
	}
	patience := t.Patience
	s, a := Next(State{}, Began{At: m.at(), Task: t, Memory: m.memory, View: m.view()})
	for range 300 {
		m.memory = s.Memory
		var e Event
		switch a := a.(type) {
		case Done:
			return a.Outcome
		case Push:
			e = m.push(s, a)
		case Fetch:
			f := Fetched{At: m.at(), Failure: m.fault()}
			if f.Failure == Silent || f.Failure == Cut {
				f.Failure = Unreached
			}
			if f.Failure == None {
				for _, name := range m.names() {
					if m.hub[name] > m.seen[name] {
						m.seen[name], f.Moved = m.hub[name], append(f.Moved, name)
					}
				}
				if m.steps != m.known {
					m.known, f.Moved = m.steps, append(f.Moved, Ledger)
					m.due = m.due && rapid.Bool().Draw(m.T, "still undecided")
				}
			}
			f.View = m.view()
			e = f
		case Swap:
			for _, name := range a.Accepted {
				if name == Ledger {
					continue
				}
				for _, p := range s.out.Parts {
					if p.Name == name && !p.Empty {
						if p.UpTo > m.hub[name] {
							m.Fatalf("%s is recorded up to %d, the hub has %d", name, p.UpTo, m.hub[name])
						}
						m.seen[name] = max(m.seen[name], p.UpTo)
					}
				}
			}
			e = Swapped{At: m.at(), View: m.view()}
		case Wait:
			d := a.Until.Sub(m.now)
			if d > longestHold+2*minute || d <= 0 {
				m.Fatalf("it waits for %v", d)
			}
			if a.Unlock {
				if patience -= d; patience < -time.Second {
					m.Fatalf("it waits longer than it may")
				}
			}
			m.now = a.Until
			e = Woke{At: m.at(), Locked: true, Memory: s.Memory, View: m.view()}
		}
		s, a = Next(s, e)
	}
	m.Fatal("a run does not end")
	return Outcome{}
}

func newModel(t *rapid.T) *model {
	m := &model{T: t, now: noon, hub: map[string]uint64{}, here: map[string]uint64{}, seen: map[string]uint64{}, lost: map[string]bool{}, bad: map[string]uint64{}}
	for i := range rapid.IntRange(1, 4).Draw(t, "logs") {
		name := fmt.Sprintf("agents/a%d", i)
		m.hub[name] = uint64(rapid.IntRange(0, 3).Draw(t, "on the hub"))
		m.here[name] = m.hub[name] + uint64(rapid.IntRange(0, 9).Draw(t, "unsent"))
		m.seen[name] = m.hub[name]
		if m.here[name] > m.hub[name] && rapid.IntRange(0, 2).Draw(t, "rule") == 0 {
			m.bad[name] = m.hub[name] + 1 + uint64(rapid.IntRange(0, int(m.here[name]-m.hub[name])-1).Draw(t, "refused"))
		} else if m.hub[name] > 0 && rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
			m.hub[name], m.lost[name] = 0, true
		}
	}
	m.plain, m.due = rapid.Bool().Draw(t, "plain"), rapid.Bool().Draw(t, "due")
	m.noStep = rapid.IntRange(0, 4).Draw(t, "no step") == 0
	return m
}

// TestModel: whatever a hub answers, a run ends, waits no longer than it may, is
// paced, and records nothing that the hub does not hold. When the hub answers
// again, everything gets there that it does not refuse: no refused log holds up
// another one, nor the ledger.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		m.faults = rapid.IntRange(0, 12).Draw(t, "faults")
		m.limits.PerMinute = rapid.SampledFrom([]int{0, 0, 1, 6}).Draw(t, "limit")
		m.locks = rapid.Bool().Draw(t, "locks")
		task := Task{Decide: rapid.Bool().Draw(t, "decide"), Insist: rapid.Bool().Draw(t, "insist"), Background: rapid.Bool().Draw(t, "background"),
			BusyToo: rapid.Bool().Draw(t, "busy, too"), Patience: time.Duration(rapid.IntRange(0, 7200).Draw(t, "patience")) * time.Second, CommandWait: 3 * time.Second}
		for range 3 {
			m.run(task)
		}
		m.faults = 0
		for range 40 {
			m.now = m.now.Add(48 * time.Hour)
			m.run(Task{Decide: true, Insist: true, BusyToo: true, Patience: 4 * time.Hour, CommandWait: 3 * time.Second})
		}
		for _, name := range m.names() {
			want := m.here[name]
			if m.bad[name] != 0 {
				want = m.bad[name] - 1
			}
			if m.hub[name] != want {
				t.Errorf("the hub holds %d events of %s, and could hold %d of %d; remembered is %+v", m.hub[name], name, want, m.here[name], m.memory.Refused)
			}
			if r := m.memory.Refused[name]; m.bad[name] != 0 && (r.High != m.bad[name] || !r.found(m.seen[name])) {
				t.Errorf("%s: event %d is refused, remembered is %+v", name, m.bad[name], r)
			}
		}
		if m.due && !m.noStep {
			t.Errorf("something is left undecided")
		}
	})
}

// TestClosedHub: a hub that refuses everything is found out, is asked again at
// once by who waits, and else after pauses that grow from a minute to a day.
func TestClosedHub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		m.plain, m.closed, m.lost, m.noStep, m.bad = false, true, map[string]bool{}, false, map[string]uint64{}
		unsent := false
		for _, name := range m.names() {
			m.hub[name], unsent = m.seen[name], unsent || m.here[name] > m.seen[name]
		}
		if !unsent {
			return
		}
		o := m.run(Task{Decide: true, Insist: true})
		for range 40 { // a search of many logs takes several runs
			if o.Reason == ClosedHub {
				break
			}
			o = m.run(Task{Decide: true, Insist: true})
		}
		if o.Reason != ClosedHub {
			t.Fatalf("%+v, remembered is %+v", o, m.memory)
		}
		was := m.memory.Closed.Times
		m.memory.Closed.Times = 1
		var pauses []string
		for range 14 {
			d := m.memory.Closed.pause()
			before := m.pushes
			if m.run(Task{}); m.pushes != before {
				t.Fatalf("it is asked again at once")
			}
			m.now = m.now.Add(d)
			if o := m.run(Task{}); o.Reason != ClosedHub || m.pushes == before {
				t.Fatalf("after %v: %+v, %d pushes", d, o, m.pushes-before)
			}
			pauses = append(pauses, d.String())
		}
		if got := strings.Join(pauses, " "); got != "1m0s 2m0s 4m0s 8m0s 16m0s 32m0s 1h4m0s 2h8m0s 4h16m0s 8h32m0s 17h4m0s 24h0m0s 24h0m0s 24h0m0s" {
			t.Errorf("%s (after %d)", got, was)
		}
		m.closed = false
		for range 40 {
			m.now = m.now.Add(48 * time.Hour)
			m.run(Task{Decide: true, Insist: true})
		}
		if m.memory.Closed != nil {
			t.Errorf("%+v", m.memory.Closed)
		}
	})
}
