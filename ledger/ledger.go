package ledger

import (
	"maps"

	"github.com/git-crosslink/git-crosslink/event"
)

// Rules is the number of the rules this program decides by.
const Rules = 1

// Version is the hub format level of the ledger.
const Version = 4

// Position is how far one log is covered: so many lines, and the hash that the
// next line names as its `prev`, the event.Hash of the last line.
type Position struct {
	Seq  uint64
	Hash string
}

// Lock is a grant: who holds an issue.
type Lock struct {
	Agent     string
	Branch    string     // "" = not said
	ClaimedAt event.Time // the claim's timestamp
	ClaimSeq  uint64     // the claim's sequence in its agent's log
	Token     uint64     // the sequence of the step that granted it: rises per issue
}

// Waiter is a claim that waits for a grant.
type Waiter struct {
	Agent     string
	Branch    string
	ClaimedAt event.Time
	ClaimSeq  uint64
}

// Numbered is one decided number and the creation that it was given to.
type Numbered struct {
	Number uint64
	UUID   event.UUID
	Agent  string
	Seq    uint64
}

// Ledger is what has been decided up to one step. A Ledger is never altered
// once it is made, apart from SignedBy and Signature by the one who writes it;
// those derived from one another share memory and may be read concurrently.
type Ledger struct {
	Hub       string
	Sequence  uint64 // of the step; 0 only for Empty
	WrittenAt event.Time
	WrittenBy string
	Meta      string // id of the meta commit it was decided under; "" only on a root
	Merged    string // id of the lost tip, in a merge step only

	// Locks and Queue are by issue. An issue with a queue has a lock.
	Locks map[event.UUID]Lock
	Queue map[event.UUID][]Waiter

	// IssueAliases and MilestoneAliases: a number that a hub acknowledged and
	// lost → the number that its issue has now.
	IssueAliases, MilestoneAliases map[uint64]uint64

	SignedBy, Signature string

	given
	positions positions
	base      *base
}

// given are the numbers that were given out.
type given struct{ issues, milestones numbers }

// Empty is the ledger before the root step: nothing is decided.
func Empty(hub string) *Ledger {
	return &Ledger{
		Hub:       hub,
		given:     given{issues: newNumbers("numbers/issues/", 0), milestones: newNumbers("numbers/milestones/", 0)},
		positions: noPositions,
	}
}

// Root is the ledger of a chain's first commit: sequence 1, nothing covered,
// nothing decided but what baseJSON (nil: not a migrated hub) brings. It has no
// inputs, so its commit has no parents, and that is how the chain's end is
// known.
func Root(hub string, baseJSON []byte, by string, at event.Time) (*Ledger, error) {
	l := Empty(hub)
	l.Sequence, l.WrittenBy, l.WrittenAt = 1, by, at
	if baseJSON == nil {
		return l, nil
	}
	b, err := readBase(baseJSON)
	if err != nil {
		return nil, err
	}
	l.base = b
	l.issues.last, l.milestones.last = b.NextIssue-1, b.NextMilestone-1
	return l, nil
}

// derive returns a copy that may be built into the next step. The maps are
// still base's: replace them before writing to them (own).
func (l *Ledger) derive() *Ledger {
	n := *l
	n.Merged, n.SignedBy, n.Signature = "", "", ""
	return &n
}

// own returns a map that may be written to.
func own[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// Issue returns an issue's number, 0 if none was decided.
func (l *Ledger) Issue(u event.UUID) uint64 {
	if n, ok := l.issues.number(u); ok {
		return n
	}
	if l.base != nil {
		return l.base.Numbers[u]
	}
	return 0
}

// Milestone returns a milestone's number, 0 if none was decided.
func (l *Ledger) Milestone(u event.UUID) uint64 {
	if n, ok := l.milestones.number(u); ok {
		return n
	}
	if l.base != nil {
		return l.base.milestones[u]
	}
	return 0
}

// Issues returns the decided issue numbers in the order of decision; those of
// a migration base come first, by number, without creation.
func (l *Ledger) Issues() []Numbered {
	if l.base == nil {
		return l.issues.all()
	}
	return append(sorted(l.base.Numbers), l.issues.all()...)
}

// IssuesSince returns Issues without the first n; nil if there are no more.
func (l *Ledger) IssuesSince(n int) []Numbered {
	if l.base != nil {
		b := len(l.base.Numbers)
		if n < b {
			return l.Issues()[n:]
		}
		n -= b
	}
	if n >= l.issues.n {
		return nil
	}
	return l.issues.since(n)
}

// CountIssues is how many issues have a number.
func (l *Ledger) CountIssues() int {
	if l.base == nil {
		return l.issues.n
	}
	return len(l.base.Numbers) + l.issues.n
}

// Milestones is Issues for milestones.
func (l *Ledger) Milestones() []Numbered {
	if l.base == nil {
		return l.milestones.all()
	}
	return append(sorted(l.base.milestones), l.milestones.all()...)
}

// LastIssue and LastMilestone are the greatest numbers ever given out.
func (l *Ledger) LastIssue() uint64 { return l.issues.last }

// LastMilestone is LastIssue for milestones.
func (l *Ledger) LastMilestone() uint64 { return l.milestones.last }

// Position returns how far an agent's log is covered, zero if not at all.
func (l *Ledger) Position(agent string) Position { return l.positions.get(agent) }

// Positions returns every agent's position.
func (l *Ledger) Positions() map[string]Position { return l.positions.all() }

// Base returns the base that the hub started from, nil if it started empty.
func (l *Ledger) Base() *Base {
	if l.base == nil {
		return nil
	}
	return &l.base.Base
}

// BaseHash returns the hash of base.json, "" if there is none.
func (l *Ledger) BaseHash() string {
	if l.base == nil {
		return ""
	}
	return l.base.hash
}
