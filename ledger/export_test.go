package ledger

import "github.com/git-crosslink/git-crosslink/event"

// What forgers need: ledgers that Decide would never make, and a policy.

// ForgeNumbers returns l with other issue numbers.
func (l *Ledger) ForgeNumbers(list []Numbered) *Ledger {
	n := *l
	n.issues = newNumbers("numbers/issues/", 0)
	for _, x := range list {
		n.issues.add(x)
	}
	return &n
}

// ForgePositions returns l with some positions set.
func (l *Ledger) ForgePositions(moved map[string]Position) *Ledger {
	n := *l
	n.positions = l.positions.with(moved)
	return &n
}

// ForgeWithout returns l without the positions of one agent.
func (l *Ledger) ForgeWithout(agent string) *Ledger {
	n := *l
	all := l.positions.all()
	delete(all, agent)
	n.positions = noPositions.with(all)
	return &n
}

// Copy returns a ledger whose exported fields may be altered.
func (l *Ledger) Copy() *Ledger {
	n := *l
	n.Locks, n.Queue, n.IssueAliases = own(l.Locks), own(l.Queue), own(l.IssueAliases)
	for u, q := range n.Queue {
		n.Queue[u] = append([]Waiter(nil), q...)
	}
	return &n
}

// Free is the Policy that covers everything and requires no signature.
type Free struct{}

// Covers returns no limit.
func (Free) Covers(string, string, Position) (Coverage, error) { return UpTo(1<<53 - 1), nil }

// UpTo is the Coverage that says the same whatever the lines.
type UpTo uint64

// Feed does nothing.
func (UpTo) Feed(*event.Envelope) {}

// UpTo returns the number.
func (u UpTo) UpTo() uint64 { return uint64(u) }

// Accepts returns true.
func (Free) Accepts(*Ledger) bool { return true }

// Rules returns 1.
func (Free) Rules() uint64 { return Rules }
