package replay

import (
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
)

// Delta is what changed from one State to the next: what counts, who signed it,
// and what was decided. It is plain data for a store, which decides none of that.
// A Delta from the empty state is everything.
//
// All fields but Logs are final before Logs is ranged over. In each map the zero
// value removes an entry.
type Delta struct {
	From, To *State

	// Logs yields every log that changed, by agent id, each once; one log at a
	// time is in memory, and of that a chunk of lines. Range over it at most
	// once. After an error nothing of the Delta may be kept.
	Logs iter.Seq2[*LogDelta, error]

	// Numbers are the issues whose number changed. They may name issues that no
	// counted line has created yet.
	Numbers map[event.UUID]uint64

	// Aliases maps numbers that a hub lost to those that replaced them.
	Aliases map[uint64]uint64

	// Locks are the issues whose lock or queue changed.
	Locks map[event.UUID]Lock
}

// LogDelta is what changed in one agent's log. What counts of a log is always a
// beginning of it.
type LogDelta struct {
	Agent string

	// Keep lines counted before and still do; lines after these no longer count,
	// even if Lines brings others in their place.
	Keep uint64

	// Lines yields the lines after Keep that count now, in order. The envelopes
	// belong to the receiver. Range over it at most once, before the next log.
	Lines iter.Seq2[*event.Envelope, error]

	// Marks are what is said of the signatures of all lines of the log; nil if
	// that did not change.
	Marks []Mark

	// Cursor is where the next read of the log resumes; nil if the log is gone.
	Cursor *Cursor
}

// Mark is what is said of the signatures of the lines from From up to the next
// Mark: a rule of package trust, or "" for nothing. A mark for the line after the
// last one that counts says why that line does not.
type Mark struct {
	From uint64
	Rule string
}

// Lock is who holds an issue and who waits for it. Without a Holder there is no
// Queue.
type Lock struct {
	Holder string
	Token  uint64     // of the grant; 0 while it is not confirmed
	Since  event.Time // shown
	Branch string
	// Confirmed says that the ledger on the hub grants it; otherwise it is a
	// claim of this clone that is still undecided.
	Confirmed bool
	// Ending says that it was released or broken, which is still undecided.
	Ending bool
	Queue  []Waiter
}

// Waiter is an agent in the queue for a lock, first in, first out. Those that are
// not Confirmed are undecided claims of this clone and come last.
type Waiter struct {
	Agent     string
	Since     event.Time // shown
	Confirmed bool
}

// Cursor is where the next read of a log resumes.
type Cursor struct{}

// State is what was read of a replica, without the lines.
type State struct{}
