package ledger

import (
	"maps"
	"math"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Plan is what a writer wants the next step to be decided from.
type Plan struct {
	On   View   // its base: the view of the hub's tip
	Meta string // the meta commit it is decided under
	By   string
	At   event.Time

	// Logs is the tip of every log that may be covered, agent → commit: what
	// the hub was seen to have, or gets in the same push. Logs that did not
	// change since the base may be left out.
	Logs map[string]string

	// UpTo is the last line of a log that is to be covered, where that is fewer
	// than the policy lets a step cover.
	UpTo map[string]uint64

	// Lost is the lost tip, in a merge step; its logs' tips should be among
	// Logs.
	Lost string
}

// Draft is a step that may be committed and pushed. Until it has been seen on
// the hub it is scratch: never shown as decided, never a base.
type Draft struct {
	Ledger  *Ledger
	Parents []string // of the commit, in order
	On      View
}

// Files returns the files of the step's tree that differ from those of the
// tree of On.Step (all of them if there is none).
func (d *Draft) Files() map[string][]byte { return d.Ledger.Changes(d.On.Ledger) }

// Next makes the next step. It returns nil if there is nothing to decide.
//
// Every log is covered as far as it goes and the policy lets it: what is
// covered now is read once and never again.
func (r *Reader) Next(p Plan) (*Draft, error) {
	base := p.On.Ledger
	policy, ok, err := r.src.Meta(p.Meta, base.Meta)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, bad(MetaBack)
	}
	s := &step{base: base, policy: policy, moved: map[string]Position{}}
	if p.Lost != "" {
		if s.lost, err = r.lost(p.On.Tip, p.Lost); err != nil {
			return nil, err
		}
	}
	d := &Draft{On: p.On, Parents: []string{p.On.Tip}}
	for _, agent := range slices.Sorted(maps.Keys(p.Logs)) {
		upTo := uint64(math.MaxUint64)
		if n, ok := p.UpTo[agent]; ok {
			upTo = n
		}
		moved, err := r.cover(s, p.Logs[agent], agent, upTo)
		if err != nil {
			return nil, err
		}
		if moved {
			d.Parents = append(d.Parents, p.Logs[agent])
		}
	}
	if p.Meta != base.Meta {
		d.Parents = append(d.Parents, p.Meta)
	}
	if p.Lost != "" {
		d.Parents = append(d.Parents, p.Lost)
	}
	l, decided := Decide(base, Input{
		Moved: s.moved, Facts: s.facts, Meta: p.Meta, By: p.By, At: p.At, Since: p.On.Since, Lost: s.lost,
	})
	if !decided {
		return nil, nil
	}
	d.Ledger = l
	return d, nil
}

// cover moves one agent's position as far as its log goes, at most to upTo.
func (r *Reader) cover(s *step, tip, agent string, upTo uint64) (bool, error) {
	from := s.base.Position(agent)
	var lost Position
	if s.lost != nil {
		lost = s.lost.Ledger.Position(agent)
	}
	covers, err := s.policy.Covers(tip, agent, from)
	if err != nil {
		return false, err
	}
	to, known := from, len(s.facts)
	see := func(at Position, e *event.Envelope) {
		to = at
		s.see(e)
	}
	err = r.eachLine(tip, agent, from, upTo, func(at Position, e *event.Envelope) {
		covers.Feed(e)
		see(at, e)
		if at == lost {
			// A log that stops short of what the lost branch had covered is
			// another log, or one that the caller should have given in full.
			s.lost.Over[agent] = lost.Seq
		}
	})
	if err != nil {
		return false, err
	}
	if limit := covers.UpTo(); limit < to.Seq { // fewer, which is only known now
		to, s.facts = from, s.facts[:known]
		if err := r.eachLine(tip, agent, from, limit, see); err != nil {
			return false, err
		}
	}
	if to == from {
		return false, nil
	}
	s.moved[agent] = to
	return true, nil
}
