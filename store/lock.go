package store

import (
	"cmp"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Lock is who holds an issue. Confirmed says that the ledger on the hub grants
// it; otherwise it is a claim of this clone that nobody has decided yet.
type Lock struct {
	Holder    string
	Token     uint64 // of the grant; 0 while unconfirmed
	Since     event.Time
	Branch    string
	Confirmed bool
	// Ending reports that the lock was released or broken, but that is not decided yet.
	Ending bool
}

// Waiter is an agent in the queue for a lock, first in, first out. Waiters that are not
// Confirmed are claims of this clone that are not decided yet, and are last.
type Waiter struct {
	Agent     string
	Since     event.Time
	Confirmed bool
}

// Decided is what the ledger has decided besides numbers.
type Decided struct {
	// Milestones are the numbers of milestones.
	Milestones map[event.UUID]uint64

	Aliases map[uint64]uint64 // a number that a hub lost → the one that stands
	Locks   map[event.UUID]Lock
	Queue   map[event.UUID][]Waiter
}

// WithDecided adds locks and aliases to the projection. Call it once, before any other
// method.
func (m *Memory) WithDecided(d Decided) *Memory {
	m.aliases, m.miles = d.Aliases, d.Milestones
	for u, l := range d.Locks {
		queue := d.Queue[u]
		if len(queue) == 0 {
			queue = nil
		}
		for _, row := range []*Issue{m.rows[u], m.listed[u]} {
			if row != nil {
				row.Lock, row.Queue = &l, queue
			}
		}
	}
	return m
}

// Aliases maps numbers that a hub lost to the current ones.
func (m *Memory) Aliases() map[uint64]uint64 { return m.aliases }

// Locked returns the issues that are locked or claimed, oldest lock first.
func (m *Memory) Locked() ([]*Issue, error) {
	rows := []*Issue{}
	for _, i := range m.listed {
		if i.Lock != nil {
			rows = append(rows, i)
		}
	}
	slices.SortFunc(rows, lockOrder)
	return rows, nil
}

func lockOrder(a, b *Issue) int {
	return cmp.Or(cmp.Compare(a.Lock.Since, b.Lock.Since), byCreation(a, b))
}

// LastSign returns when an agent was last seen: the displayed time of its newest line, or
// of a newer heartbeat outside its log; 0 if there is neither.
func (m *Memory) LastSign(agent string) event.Time {
	var last *event.Envelope
	based := m.base != nil && len(m.base.Lines) > 0 // what it began from is no heartbeat
	for _, e := range m.lines {
		if based && e.V == 3 {
			continue
		}
		if e.Agent == agent && (last == nil || e.Seq > last.Seq) {
			last = e
		}
	}
	var at event.Time
	if last != nil {
		at = last.Shown()
	}
	if p, ok := m.Presence(agent); ok {
		at = max(at, p.LastSeen)
	}
	return at
}
