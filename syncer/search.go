package syncer

import "slices"

// What a rule of the hub refuses is found by pushing less. The rules are:
//
//  1. Logs that were refused together are pushed in halves, until each one is on
//     the hub or refused by itself.
//  2. A log that is refused by itself is remembered. Of one that was written
//     here, the events up to the middle of the unsent ones are pushed, and so
//     on, until the first refused event is known and all before it are there.
//  3. If the first unsent event is the refused one and the hub has accepted
//     nothing in this run, a commit without events is pushed on top of the log.
//     If that is refused, too, the rule is not about the event; nor is it if the
//     hub refuses the first event that it would hold of a log. If that is known
//     of all logs with unsent events, and the hub takes no step of the ledger
//     either, the hub refuses all pushes.
//  4. All searches of a run share maxTests pushes; the next run continues.

// job is something to look for: which of several parts are refused, or, of a
// log that is refused, which event.
type job struct {
	parts []Part
	name  string
}

// then says what follows a search.
type then byte

const (
	takeTurn then = iota // the search was that of an earlier run
	planNext             // what the hub lost was put back
	tryAgain             // a push was refused
)

// search is what a run looks for.
type search struct {
	jobs  []job // the last one first
	tests int   // pushes left for it
	then  then
}

// halve adds the two halves of what was refused together.
func (s *State) halve(parts []Part) {
	half := len(parts) / 2
	s.find.jobs = append(s.find.jobs, job{parts: parts[half:]}, job{parts: parts[:half]})
}

// searchOn starts the next push of a search, or ends the search.
func (s State) searchOn(at At) (State, Action) {
	for len(s.find.jobs) > 0 && s.find.tests > 0 {
		last := len(s.find.jobs) - 1
		j := s.find.jobs[last]
		s.find.jobs = slices.Clip(s.find.jobs[:last])
		p := Push{Atomic: !s.Memory.NoAtomic, Parts: j.parts}
		if j.name != "" {
			l, r := s.view.log(j.name), s.Memory.Refused[j.name]
			if l == nil {
				continue
			}
			low := max(r.Low, l.OnHub)
			switch {
			case r.High > low+1:
				p.Parts = []Part{{Name: j.name, UpTo: low + (r.High-low)/2}}
			case s.taken || low == 0 || s.answer.Gate || r.About != Unknown || l.Lost:
				continue
			default:
				p.Parts = []Part{{Name: j.name, UpTo: l.OnHub, Empty: true}}
			}
		}
		s.find.tests--
		s.phase = probing
		return s.push(at, p)
	}
	s.find.jobs = nil
	return s.searched(at)
}

// tested continues after a push of a search.
func (s State) tested(at At) (State, Action) {
	if s.answer.Failure != None { // the next run continues
		s.find.jobs = nil
		return s.look(afterRefusal, Fetch{})
	}
	left, _ := s.left()
	one := s.out.Parts[0]
	switch {
	case one.Empty:
		r := s.Memory.Refused[one.Name]
		switch {
		case len(left) == 0:
			r.About = AboutEvent
		case s.answer.Rule:
			r.About = AboutLog
		}
		s.Memory.refuse(one.Name, &r)
	case len(left) > 0 && !s.answer.Rule: // a race: the next run continues
	case s.narrowing(one):
		r := s.Memory.Refused[one.Name]
		if len(left) == 0 {
			r.Low, r.About = one.UpTo, AboutEvent
		} else {
			r.High, r.Why, r.At = one.UpTo, s.answer.Why, at.Now
			r.first(s.answer.Gate)
		}
		s.Memory.refuse(one.Name, &r)
		s.find.jobs = append(s.find.jobs, job{name: one.Name})
	case len(left) == 1:
		return s.refuse(at, left[0])
	case len(left) > 1:
		s.halve(left)
	}
	return s.searchOn(at)
}

// narrowing reports whether a part was a test of some events of a refused log.
func (s *State) narrowing(p Part) bool {
	r, known := s.Memory.Refused[p.Name]
	return known && len(s.out.Parts) == 1 && !p.Back && r.High > p.UpTo
}

// refuse remembers that the hub refuses one log, and looks for the event.
func (s State) refuse(at At, p Part) (State, Action) {
	l := s.view.log(p.Name)
	r := Refusal{Why: s.answer.Why, At: at.Now}
	if l != nil && p.Back {
		r.Tip = l.Hub
	} else if l != nil {
		r.Low, r.High = l.OnHub, p.UpTo
		was, again := s.Memory.Refused[p.Name]
		if again = again && was.High == r.High; again { // it was found before
			r.Low, r.About = max(r.Low, was.Low), was.About
		}
		r.first(s.answer.Gate)
		s.find.jobs = append(s.find.jobs, job{name: p.Name})
	}
	s.noteRefusal(p.Name, r)
	return s.searchOn(at)
}

// first notes that a log is refused from its first event on: then the hub has no part of the
// log, and the rule is about its name or its writer.
func (r *Refusal) first(gate bool) {
	if r.Low == 0 && r.High == 1 && !gate {
		r.About = AboutLog
	}
}

// noteRefusal remembers a refusal and how often it was met in a row.
func (s *State) noteRefusal(name string, r Refusal) {
	was, again := s.Memory.Refused[name]
	if r.Times = 1; again && was.High == r.High && was.Tip == r.Tip {
		r.Times = was.Times + 1
	}
	s.Memory.refuse(name, &r)
}

// searched continues after a search.
func (s State) searched(at At) (State, Action) {
	switch s.find.then {
	case tryAgain:
		return s.again(at, false)
	case planNext:
		return s.next(at)
	}
	return s.turn(at)
}

// allRefused reports whether the hub has accepted nothing in this run, and
// refuses all logs that have something to send, whatever is in them.
func (s *State) allRefused() bool {
	some := false
	for _, l := range s.view.Logs {
		if l.Sends && !l.Blocked {
			if s.Memory.Refused[l.Name].About != AboutLog {
				return false
			}
			some = true
		}
	}
	return some && !s.taken
}
