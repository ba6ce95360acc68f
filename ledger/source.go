package ledger

import (
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
)

// Source reads what steps are made of. Every answer follows from the ids
// alone, never from refs: the same question has the same answer in every
// clone, now and later.
//
// An error means that the answer is not known here (an object is missing, the disk fails); the
// reader then stops without a verdict. Invalid data is not an error: the methods below define
// how it is reported.
type Source interface {
	// Parents returns the parents of a commit of the chain, first parent first.
	Parents(id string) ([]string, error)

	// Files returns the tree of a commit of the chain, path → bytes. ok is
	// false for a tree that cannot be that of a step: other modes than plain
	// files and directories, files over MaxState (MaxBase for base.json) or an
	// unreasonable number of them. Handing out the same slice for the same
	// blob makes judging cheaper. The bytes must not be altered afterward.
	Files(id string) (files map[string][]byte, ok bool, err error)

	// Lines returns the lines that follow the position after, up to the sequence
	// upTo, of the log whose tip is the commit tip: as many as are in the good
	// part of agent's log (as event.Chain walks it from its start). Fewer, or
	// none, if the log is shorter, bad earlier, another agent's, does not hold
	// after.Hash at after.Seq, or if tip is no log at all. After an error there are none.
	// While lines are given no other call is made.
	Lines(tip, agent string, after Position, upTo uint64) iter.Seq2[*event.Envelope, error]

	// Meta returns the policy of a meta commit. ok is false if id is not a
	// valid meta commit of this hub, or is neither from nor a descendant of
	// it. from is "" for a step on a root.
	Meta(id, from string) (p Policy, ok bool, err error)
}

// Policy is what a meta commit says about steps decided under it.
type Policy interface {
	// Covers returns what says how far a step may cover a log, given the lines
	// after its base's position after. tip is the commit that these are read
	// from: it holds those before them, too. An error means that the answer is
	// not known here.
	Covers(tip, agent string, after Position) (Coverage, error)

	// Accepts reports whether the step's signature (SignedBy, Signature over
	// l.Signed(), by l.WrittenBy) is what the policy requires.
	Accepts(l *Ledger) bool

	// Rules is the greatest number of decision rules that the meta admits, 1
	// where it says nothing. A step that claims a greater one is bad; one that
	// is admitted but unknown to this program stops it (ErrNewer).
	Rules() uint64
}

// Coverage says how far a step may cover one log.
type Coverage interface {
	// Feed takes the next line after the base's position.
	Feed(e *event.Envelope)

	// UpTo returns the last sequence of the log up to which a step may cover it,
	// given the lines so far: not beyond a revocation, nothing of an agent that
	// is not admitted, under `require` nothing beyond the last validly signed
	// line. A result below the base's position means that nothing may be added;
	// it undoes nothing.
	UpTo() uint64
}

// advance returns the position after the line e, if e is the next line of a
// log after p.
func (p Position) advance(e *event.Envelope, agent string) (Position, bool) {
	if e.Agent != agent {
		return p, false
	}
	if e.V != Version {
		h, err := event.ResumeRunningHash(p.Hash)
		if err != nil {
			return p, false
		}
		h.Add(e.Raw)
		return Position{p.Seq + 1, h.String()}, true
	}
	if e.Prev != p.Hash || e.Seq != p.Seq+1 {
		return p, false
	}
	return Position{e.Seq, event.Hash(e.Raw)}, true
}
