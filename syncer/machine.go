package syncer

import (
	"slices"
	"time"
)

// Bounds of one run.
const (
	maxTries = 8   // pushes of a run that is overtaken by others each time
	maxTests = 8   // pushes of a run that look for what the hub refuses
	atOnce   = 100 // logs that one push puts back: git's time grows with the square of the branches
	insists  = 3   // times a rule has to refuse before it is believed
	pauseFor = 20 * time.Millisecond
	lately   = 5 * time.Second
)

// round says what one push of a run carries.
type round byte

const (
	everything round = iota // logs, and the step that decides them
	logsOnly                // single-writer, so they land whatever else happens
	stepOnly                // what is still undecided of what the hub has
)

// phase says which answer a run waits for.
type phase byte

const (
	idle              phase = iota
	looking                 // a fetch before anything else
	lookingAfterwards       // a fetch after a push of logs alone
	pushing
	recording
	afterRefusal // a fetch that tells why
	testingAtomic
	testingPlain
	probing // a push that looks for what is refused
	recordingProbe
	pausing
	waiting // for the next turn
	ended
)

// count is what a run has tried.
type count struct {
	tries   int  // pushes, as far as maxTries counts them
	refused int  // times in a row that nothing had moved
	looked  bool // a fetch has shown the hub lately
	fresh   bool // and had when the last push was planned
	behind  bool // others overtook a push of this run
}

// State is the state of a run. Memory is the part that the caller keeps.
type State struct {
	Memory Memory

	task    Task
	view    View
	phase   phase
	resume  phase // what was to be done when a wait began
	round   round
	count   count
	fetch   Fetch  // the fetch that is out
	out     Push   // the push that is out, or was answered last
	answer  Pushed // what came of it
	started time.Time
	ledger  Tip  // the ledger when it was planned
	taken   bool // the hub accepted something in this run
	find    search
	outcome Outcome
}

// Sent returns how many events the run has sent so far.
func (s State) Sent() int { return s.outcome.Sent }

// Next is the machine. The rules of a run are, in this order:
//
//  1. If the remote may be another repository, it is looked at first.
//  2. A search that an earlier run could not finish is continued (search.go).
//  3. What the hub has lost goes back in a push of its own: a step may rest on
//     it, and a log that the hub does not take back holds up nobody.
//  4. Logs and the step that decides them are one atomic push, without a fetch
//     before it. A hub that cannot push atomically gets the logs, then the step.
//  5. A refused push is followed by a fetch, which tells why. If a ref of the
//     push has moved, others were faster: the same is tried again at once. If the
//     ledger moves within a few seconds after a clone has looked, many write: at
//     once, and before any fetch, the clone sends its logs alone, which nobody can
//     overtake. From then on the steps of all clones that fetch cover them, too. It
//     fetches, and decides what is still undecided.
//  6. If nothing has moved, the push is repeated twice, after a pause: one that
//     was given up may still be landing. Then a rule of the hub is believed, and
//     what it refuses is searched and remembered.
//  7. A hub that answers a fetch and says nothing to a push either cannot push
//     atomically or takes none: one plain push of one log tells which.
//  8. Every push is paced (pace.go). A run waits until it may push if that is
//     within its patience, and without the sync lock: others go first. A command
//     that waits for its own events does not wait for those of other agents. A
//     claim or release that others overtook has had its turn of the limit that all
//     clones share: it is pushed again at once, and what follows waits longer.
//  9. A run ends after maxTries pushes that others overtook, and spends maxTests
//     pushes on searching, however many logs are refused.
func Next(s State, e Event) (State, Action) {
	at := e.at()
	switch e := e.(type) {
	case Began:
		s = State{Memory: e.Memory, task: e.Task, find: search{tests: maxTests}}
		return s.begin(at, e.View)
	case Fetched:
		return s.fetched(at, e)
	case Pushed:
		s.Memory, s.answer = e.Memory, e
		return s.pushed(at, e)
	case Swapped:
		s.view = e.View
		if s.phase == recordingProbe {
			return s.tested(at)
		}
		return s.judge(at, e.Appended)
	case Woke:
		return s.woke(at, e)
	}
	return s.done(Outcome{Reason: Changing})
}

// begin starts a run.
func (s State) begin(at At, v View) (State, Action) {
	s.view = v
	if s.Memory.NoAtomic {
		s.round = logsOnly
	}
	age := at.Now.Sub(s.task.Looked)
	s.count.looked = age >= 0 && age < lately
	for _, l := range v.Logs {
		if r := s.Memory.Refused[l.Name]; r.High > 0 && (l.Changed || r.High <= l.OnHub) {
			s.Memory.refuse(l.Name, nil)
		}
	}
	switch c := s.Memory.Closed; {
	case s.task.Insist:
		s.askAgain(func(string, Refusal) bool { return true })
	case s.task.Waits:
		s.askAgain(func(name string, _ Refusal) bool { return name == Ledger || name == s.task.Own })
	case c != nil && c.Due(at.Now):
		s.askAgain(func(_ string, r Refusal) bool { return r.About == AboutLog })
	}
	if s.task.Look {
		return s.look(looking, Fetch{})
	}
	return s.prepared(at)
}

// askAgain lets what was refused be offered again.
func (s *State) askAgain(which func(string, Refusal) bool) {
	for name, r := range s.Memory.Refused {
		if which(name, r) {
			r.At = time.Time{}
			s.Memory.refuse(name, &r)
		}
	}
	if c := s.Memory.Closed; c != nil {
		again := *c
		again.At = time.Time{}
		s.Memory.Closed = &again
	}
}

// prepared continues earlier searches, then takes the first turn.
func (s State) prepared(at At) (State, Action) {
	s.find.then = takeTurn
	for _, l := range slices.Backward(s.view.Logs) {
		r, known := s.Memory.Refused[l.Name]
		if known && r.High > 0 && !r.Due(at.Now) && !r.found(l.OnHub) && l.Sends && !l.Blocked && s.view.Open {
			s.find.jobs = append(s.find.jobs, job{name: l.Name})
		}
	}
	return s.searchOn(at)
}

// turn plans the next push, after what the hub has lost.
func (s State) turn(at At) (State, Action) {
	if s.count.tries++; s.count.tries > maxTries {
		return s.done(Outcome{Reason: Changing})
	}
	if s.view.Open && s.mayPush(at.Now) == nil {
		s.find.then = planNext
		for some := range slices.Chunk(s.lost(at.Now), atOnce) {
			s.find.jobs = slices.Insert(s.find.jobs, 0, job{parts: some})
		}
		return s.searchOn(at)
	}
	return s.next(at)
}

// next plans the next push.
func (s State) next(at At) (State, Action) {
	p := s.plan(at.Now)
	if len(p.Parts) > 0 || p.Step && s.view.Step {
		if o := s.mayPush(at.Now); o != nil {
			return s.done(*o)
		}
		s.phase, s.ledger, s.count.fresh = pushing, s.view.Ledger, s.count.looked
		return s.push(at, p)
	}
	if s.round != logsOnly {
		return s.sent(at.Now)
	}
	s.round = stepOnly
	return s.turn(at)
}

// plan is the push that would bring the hub up to date.
func (s *State) plan(now time.Time) Push {
	p := Push{Atomic: !s.Memory.NoAtomic}
	if !s.view.Open {
		return p
	}
	for _, l := range s.view.Logs {
		if s.round == stepOnly || !l.Sends || l.Blocked {
			continue
		}
		upTo := l.Last
		if r := s.Memory.Refused[l.Name]; r.High > l.OnHub {
			if !r.Due(now) {
				continue
			}
			if r.High < l.Last && !l.Lost {
				upTo = r.High
			}
		}
		p.Parts = append(p.Parts, Part{Name: l.Name, UpTo: upTo})
	}
	if s.round != logsOnly && !s.stepWithheld(now) {
		p.Step = s.task.Decide || len(p.Parts) > 0 || s.round == stepOnly
	}
	return p
}

// lost are the logs that the hub has lost and may take back.
func (s *State) lost(now time.Time) (parts []Part) {
	for _, l := range s.view.Logs {
		r, known := s.Memory.Refused[l.Name]
		withheld := l.Blocked || r.High > l.OnHub
		switch {
		case !l.Lost || !l.Back || l.Blocked:
		case l.Sends && !withheld: // it goes with its new events
		case known && !r.Due(now) && (r.Tip == l.Hub || r.High > 0):
		default:
			parts = append(parts, Part{Name: l.Name, Back: true})
		}
	}
	return parts
}

// stepWithheld reports whether the hub is known to refuse a step on the one it
// has.
func (s *State) stepWithheld(now time.Time) bool {
	r, known := s.Memory.Refused[Ledger]
	return known && !r.Due(now) && r.Tip == s.view.Ledger
}

// mayPush is why nothing may be pushed, nil if it may.
func (s *State) mayPush(now time.Time) *Outcome {
	switch c := s.Memory.Closed; {
	case c != nil && !c.Due(now):
		return &Outcome{Reason: ClosedHub, Why: c.Why}
	case s.view.Apart && !s.task.Insist:
		return &Outcome{Reason: PushesApart}
	case s.view.Lost && s.Memory.NoAtomic: // otherwise the lease on meta sees to it
		return &Outcome{Reason: MetaLost}
	case s.view.Elsewhere && s.Memory.NoAtomic:
		return &Outcome{Reason: OtherHub}
	}
	return nil
}

// push starts a push if the pace allows it.
func (s State) push(at At, p Push) (State, Action) {
	p.Urgency = max(s.task.Urgency, s.view.Urgency)
	s.out = p
	l := s.task.Limits
	if s.count.behind && p.Urgency == Locks {
		l.Hub = Shared{}
	}
	if later := s.Memory.Pace.May(at.Now, l, p.Urgency, s.task.Insist); later != nil {
		return s.later(at.Now, *later)
	}
	s.Memory.Pace, s.started = s.Memory.Pace.Started(at.Now, s.task.Limits, p.Urgency), at.Now
	return s, p
}

// later waits until a push may start, or ends the run.
func (s State) later(now time.Time, p Paced) (State, Action) {
	for_ := p.Until.Sub(now)
	if for_ > s.task.Patience || s.task.Waits && s.arrived() || p.Busy && !s.task.BusyToo {
		return s.done(Outcome{Reason: NotYet, Paced: &p, Why: p.Why})
	}
	s.task.Patience -= for_
	s.resume, s.phase, s.outcome.Paced = s.phase, waiting, &p
	return s, Wait{Until: p.Until, Why: p.Why, Unlock: true}
}

// arrived reports whether what a command waits for is on the hub and decided: what is
// left is of other agents of the clone, and others send it.
func (s *State) arrived() bool {
	own := s.view.log(s.task.Own)
	return (own == nil || !own.Sends) && !s.view.Mine
}

// sent ends a run that has sent what may be sent.
func (s State) sent(now time.Time) (State, Action) {
	if s.answer.Rule && s.allRefused() {
		return s.close(now, ClosedHub, s.answer.Why)
	}
	if c := s.Memory.Closed; c != nil && !c.Due(now) && slices.ContainsFunc(s.view.Logs, func(l Log) bool { return l.Sends && !l.Blocked }) {
		return s.done(Outcome{Reason: ClosedHub, Why: c.Why})
	}
	if s.stepWithheld(now) && s.view.Mine {
		return s.done(Outcome{Reason: StepRefused, Why: s.Memory.Refused[Ledger].Why})
	}
	return s.done(Outcome{})
}

func (s State) done(o Outcome) (State, Action) {
	o.Sent, o.Asked = s.outcome.Sent, s.outcome.Asked
	s.phase, s.outcome = ended, o
	return s, Done{o}
}
