// Package delta is the difference between two states of a replica, in the form
// in which replay passes it to a store. It is plain data and decides nothing:
// replay determines what counts, who signed it and what was decided, and a store
// derives its answers from that.
package delta

import (
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
)

// Delta takes a store from one state of a replica to the next. All of it but
// the lines is known, and fixed, before Logs is ranged over.
type Delta struct {
	// From is the stamp of the state that the store must hold; nil if nothing
	// was read before: then whatever the store holds goes first. To is the stamp
	// of the next state. A stamp stands for all refs that a state follows from.
	From, To []byte

	// Logs yields every log that changed, by agent id, each once; one log at a
	// time is in memory, and of that a chunk of lines. Range over it at most
	// once. An error ends it, and nothing of the Delta may then be kept.
	Logs iter.Seq2[Log, error]

	// Base is the state that the lines follow. It is nil unless From is: it never
	// changes.
	Base *event.Base

	// Numbers are the issues that a number was given to, which may name issues
	// that no counted line has created yet. If Renumbered, they are all there
	// are, and every other number the store holds goes.
	Numbers    map[event.UUID]uint64
	Renumbered bool

	// Milestones are the numbers of milestones: all of them, or nil if the store
	// holds them already. There are few.
	Milestones map[event.UUID]uint64

	// Aliases maps numbers that a hub lost to those that replaced them: all of
	// them, as they are now. There are few.
	Aliases map[uint64]uint64

	// Locks are the issues whose lock or queue changed, as they are now. If
	// From is nil they are all there are.
	Locks map[event.UUID]Lock

	// Header is the state without its logs, Index a summary of all logs, and Cursor
	// of a Log where the next read of that log resumes. A store keeps the three as
	// they are, with To, and hands them back when replay resumes. Index is nil if it
	// has not changed; it is as long as there are many logs.
	Header []byte
	Index  []byte
}

// Log is what changed in one agent's log. What counts of a log is always a
// beginning of it.
type Log struct {
	Agent string

	// Kept lines counted before and still do. The store holds Kept or more; those
	// after Kept no longer count, even if Lines brings others in their place.
	Kept uint64

	// Counted is how many lines count now; Lines yields those after Kept, in
	// order, Counted-Kept of them. The envelopes belong to the receiver. Range
	// over it at most once, before the next Log.
	Counted uint64
	Lines   iter.Seq2[*event.Envelope, error]

	// Marks replace the marks of the signatures of the lines from MarksFrom on, which is 1 or
	// more. The marks of earlier lines stay. MarksFrom is 0 if nothing changes.
	MarksFrom uint64
	Marks     []Mark

	// Cursor is where the next read of the log resumes; nil if the log no longer exists; then
	// Kept and Counted are 0.
	Cursor []byte
}

// Mark is the mark of the signatures of line Seq and of the lines after it, up to the next
// Mark: a rule of package trust, or "" for no mark. The first of Marks is for line MarksFrom.
// One for the line after the last that counts says why that line does not.
type Mark struct {
	Seq  uint64
	Rule string
}

// Lock is who holds an issue and who waits for it. Holder is "" where nobody
// does; then nobody waits either.
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
