package store

import (
	"errors"
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
)

// ErrNeedsRebuild says that a store cannot be brought to a state by a Delta from
// the one it holds: there is none, or it is damaged, or made by another program.
var ErrNeedsRebuild = errors.New("the store must be rebuilt")

// Delta is the difference between two states of the tracker. The state a store
// is made from first is the empty one, so a Delta from there is everything.
//
// Only what changed is listed; in each map the zero value removes an entry.
// Logs is ranged over once, and each log's Lines before the next log is asked
// for. All other fields may be filled in while that is done: they are read
// afterwards.
type Delta struct {
	Inputs []byte // hash of all that the new state follows from
	Header []byte // opaque; kept with the rows

	Logs iter.Seq2[*LogDelta, error] // logs that changed; nil is none
	Base *event.Base                 // of a hub of level 2 or 3; only in a Delta from the empty state

	Numbers map[event.UUID]uint64    // of issues
	Aliases map[uint64]uint64        // a number that a hub lost → the one that replaced it
	Locks   map[event.UUID]LockState // of issues
}

// LogDelta is the difference between two states of one log. The lines that count
// are always a beginning of the log.
type LogDelta struct {
	Agent string
	Keep  uint64                            // lines 1 … Keep counted before and still do; lines after these no longer count
	Lines iter.Seq2[*event.Envelope, error] // lines Keep+1, Keep+2 … that count now; nil is none

	// These are read after Lines.
	Marks  []Mark // of the whole log; nil leaves them as they are, empty removes them
	Cursor []byte // opaque; nil leaves it as it is, empty removes it
}

// Mark is what is to be said of the signatures of a log's lines from From up to
// the next Mark: a rule of package trust, or "" for nothing.
type Mark struct {
	From uint64
	Rule string
}

// LockState is who holds an issue and who waits for it. Without a Lock there is
// no Queue.
type LockState struct {
	Lock  *Lock
	Queue []Waiter
}

// Saved is what the Delta before left for the next one.
type Saved interface {
	Inputs() []byte // nil in the empty state
	Header() ([]byte, error)
	Cursor(agent string) ([]byte, error) // nil if there is none
	Cursors() (map[string][]byte, error) // of all logs
}

// EachLog lists logs for a Delta.
func EachLog(logs ...*LogDelta) iter.Seq2[*LogDelta, error] {
	return func(yield func(*LogDelta, error) bool) {
		for _, l := range logs {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// EachLine lists lines for a LogDelta.
func EachLine(lines ...*event.Envelope) iter.Seq2[*event.Envelope, error] {
	return func(yield func(*event.Envelope, error) bool) {
		for _, e := range lines {
			if !yield(e, nil) {
				return
			}
		}
	}
}
