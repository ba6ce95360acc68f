package syncer

import (
	"slices"
	"time"
)

// pushed handles an answer to a push.
func (s State) pushed(at At, e Pushed) (State, Action) {
	var later *Paced
	s.Memory.Pace, later = s.Memory.Pace.Answered(e, s.task, s.started)
	switch {
	case e.Nothing: // another process has sent it
		s.answer.Refs = nil
		return s.judge(at, false)
	case later != nil:
		return s.later(at.Now, *later)
	case e.Failure == Silent || e.Failure == Cut:
		return s.done(Outcome{Reason: PushFailed, Failure: e.Failure})
	}
	switch s.phase {
	case testingAtomic:
		return s.testedAtomic(at, e)
	case testingPlain:
		return s.testedPlain(at, e)
	}
	s.outcome.Asked = s.outcome.Asked || e.Failure == None
	if e.Apart {
		return s.done(Outcome{Reason: PushesApart})
	}
	next := recording
	if s.phase == probing {
		next = recordingProbe
	}
	var accepted []string
	for name, st := range e.Refs {
		if st == Accepted {
			accepted = append(accepted, name)
		}
	}
	if len(accepted) == 0 {
		if next == recordingProbe {
			return s.tested(at)
		}
		return s.judge(at, false)
	}
	slices.Sort(accepted)
	s.accept(accepted)
	s.phase = next
	return s, Swap{Accepted: accepted}
}

// accept records what the hub accepted, and forgets its earlier refusals.
func (s *State) accept(accepted []string) {
	s.taken, s.Memory.Closed = true, nil
	for _, name := range accepted {
		upTo := uint64(0)
		for _, p := range s.out.Parts {
			if p.Name == name {
				upTo = p.UpTo
			}
		}
		if r, known := s.Memory.Refused[name]; known && upTo >= r.High {
			s.Memory.refuse(name, nil)
		}
		if l := s.view.log(name); l != nil && upTo > l.OnHub {
			s.outcome.Sent += int(upTo - l.OnHub)
		}
	}
}

// judge continues after an answer that was recorded.
func (s State) judge(at At, appended bool) (State, Action) {
	if left, step := s.left(); len(left) > 0 || step || s.answer.Failure != None {
		if s.overtaken(left) {
			if s.round, s.count.behind = logsOnly, true; s.answer.Rule {
				s.count.refused++ // it may have been a rule; if the log arrives, it was a race
			}
			return s.turn(at)
		}
		f := Fetch{}
		for _, p := range left {
			if s.answer.Refs[p.Name] == Rejected {
				f.Rejected = append(f.Rejected, p.Name)
			}
		}
		return s.look(afterRefusal, f)
	}
	if s.round == logsOnly && s.count.behind {
		s.count.refused = 0 // the refusal of before was a lost race
	}
	switch {
	case appended: // another process appended: its lines are sent too
		return s.turn(at)
	case s.round != logsOnly || !s.task.Decide && s.view.Urgency == Facts:
		return s.sent(at.Now) // nothing of this clone waits for a decision
	}
	s.round = stepOnly
	return s.look(lookingAfterwards, Fetch{})
}

// overtaken reports whether the logs of a push should now go alone, because the ledger
// seems to have moved: although the clone has looked, or nothing of it awaits a decision.
// left are the logs. If it was a rule of the hub, it refuses that push, too, and the fetch
// after it tells.
func (s *State) overtaken(left []Part) bool {
	st, own := s.answer.Refs[Ledger], s.task.Decide || s.view.Urgency != Facts
	return s.round == everything && len(left) > 0 && (s.count.fresh || !own) && (st == Rejected || st == Refused) && s.answer.Failure == None && !s.answer.Gate &&
		!slices.ContainsFunc(left, func(p Part) bool { return s.answer.Refs[p.Name] == Rejected })
}

// left returns the parts of the push that the hub did not accept, and whether it did not
// accept the step.
func (s *State) left() (parts []Part, step bool) {
	if s.answer.Nothing {
		return nil, false
	}
	for _, p := range s.out.Parts {
		if s.answer.Refs[p.Name] != Accepted {
			parts = append(parts, p)
		}
	}
	st, pushed := s.answer.Refs[Ledger]
	return parts, pushed && st != Accepted
}

func (s State) look(p phase, f Fetch) (State, Action) {
	s.phase, s.fetch = p, f
	return s, f
}

// fetched continues after a fetch.
func (s State) fetched(at At, e Fetched) (State, Action) {
	if e.Failure == Busy {
		var p Paced
		s.Memory.Pace, p = s.Memory.Pace.Busy(at.Now, e.Why, e.RetryAfter, at.Jitter)
		return s.later(at.Now, p)
	}
	if e.Failure != None {
		return s.done(Outcome{Reason: FetchFailed, Failure: e.Failure})
	}
	s.outcome.Asked, s.count.looked = true, true
	s.view = e.View
	switch s.phase {
	case looking:
		if e.View.Elsewhere {
			return s.done(Outcome{Reason: OtherHub})
		}
		return s.prepared(at)
	case lookingAfterwards:
		return s.turn(at)
	}
	return s.why(at, e)
}

// why finds out from the refs why a push failed: messages are only for people.
func (s State) why(at At, e Fetched) (State, Action) {
	moved := false
	left, step := s.left()
	for _, p := range s.out.Parts {
		moved = moved || slices.Contains(e.Moved, p.Name)
	}
	moved = moved || step && slices.Contains(e.Moved, Ledger) || slices.Contains(e.Moved, Meta) && s.out.Atomic
	switch {
	case e.View.Lost:
		return s.done(Outcome{Reason: MetaLost})
	case e.View.Elsewhere:
		return s.done(Outcome{Reason: OtherHub})
	case e.Apart:
		return s.done(Outcome{Reason: PushesApart})
	case e.Rebased:
		return s.again(at, true)
	case s.answer.Failure != None:
		return s.withoutAtomic(at)
	}
	if moved || !s.answer.Rule {
		if !moved {
			s.count.refused++
		}
		if s.count.refused >= insists {
			return s.done(Outcome{Reason: OtherLog})
		}
		return s.again(at, moved)
	}
	if s.count.refused++; s.count.refused < insists && !s.onRecord() {
		return s.again(at, false)
	}
	s.count.refused = 0 // the next push has not been refused yet
	switch {
	case len(left) > 0:
		s.find.then = tryAgain
		if len(left) == 1 {
			return s.refuse(at, left[0])
		}
		s.halve(left)
		return s.searchOn(at)
	case step:
		s.noteRefusal(Ledger, Refusal{Tip: s.ledger, Why: s.answer.Why, At: at.Now})
		if s.allRefused() {
			break
		}
		return s.done(Outcome{Reason: StepRefused, Why: s.answer.Why})
	}
	return s.close(at.Now, ClosedHub, s.answer.Why)
}

// again plans the next push of a run after one that failed.
func (s State) again(at At, moved bool) (State, Action) {
	if moved {
		s.count.behind = true
		return s.turn(at)
	}
	if s.round == everything {
		s.round = logsOnly
	}
	s.phase = pausing
	d := pauseFor << min(max(s.count.tries-1, 0)+3*s.count.refused, 6)
	return s, Wait{Until: at.Now.Add(d/2 + time.Duration(at.Jitter*float64(d)))}
}

// woke continues after a wait.
func (s State) woke(at At, e Woke) (State, Action) {
	s.Memory = e.Memory
	switch s.phase {
	case waiting:
		if !e.Locked {
			return s.done(Outcome{Reason: NotYet, Paced: s.outcome.Paced, Why: s.outcome.Paced.Why})
		}
		s.phase, s.view, s.outcome.Paced = s.resume, e.View, nil
		s.count.looked = false // a busy hub has moved in the meantime
		if s.Memory.NoAtomic && s.round == everything {
			s.round = logsOnly
		}
		switch s.phase {
		case pushing:
			return s.next(at)
		case probing, testingAtomic, testingPlain:
			return s.push(at, s.out)
		}
		return s, s.fetch
	}
	s.view = e.View
	return s.turn(at)
}

// onRecord reports whether everything in a push was refused before.
func (s *State) onRecord() bool {
	for _, p := range s.out.Parts {
		if _, known := s.Memory.Refused[p.Name]; !known {
			return false
		}
	}
	_, step := s.answer.Refs[Ledger]
	_, known := s.Memory.Refused[Ledger]
	return (!step || known) && (step || len(s.out.Parts) > 0)
}

// withoutAtomic handles a hub that answered a fetch but not a push.
func (s State) withoutAtomic(at At) (State, Action) {
	if !s.out.Atomic || s.answer.Failure == Forbidden {
		return s.close(at.Now, TakesNone, s.answer.Why)
	}
	s.phase = testingAtomic
	return s.push(at, s.out)
}

func (s State) testedAtomic(at At, e Pushed) (State, Action) {
	if e.Failure == None { // only a connection was lost
		return s.again(at, false)
	}
	one := Push{Step: len(s.out.Parts) == 0}
	if !one.Step {
		one.Parts = s.out.Parts[:1]
	}
	s.phase = testingPlain
	return s.push(at, one)
}

func (s State) testedPlain(at At, e Pushed) (State, Action) {
	if e.Failure == None {
		s.Memory.NoAtomic = true
		return s.again(at, false)
	}
	return s.close(at.Now, TakesNone, s.answer.Why)
}

// close remembers that the hub accepts no push.
func (s State) close(now time.Time, why Reason, words string) (State, Action) {
	r := Refusal{Why: words, At: now, Times: 1}
	if c := s.Memory.Closed; c != nil {
		r.Times = c.Times + 1
	}
	s.Memory.Closed = &r
	return s.done(Outcome{Reason: why, Why: words})
}
