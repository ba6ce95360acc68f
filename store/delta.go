package store

import (
	"errors"
	"iter"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
)

// ErrNeedsRebuild means that a delta.Delta cannot be applied to the store, because there
// is no store, or it is damaged, or another program made it.
var ErrNeedsRebuild = errors.New("the store must be rebuilt")

// Saved is what the previous delta.Delta saved for the next one.
type Saved interface {
	Inputs() []byte // delta.Delta.To of that one; nil in the empty state
	Header() ([]byte, error)
	Index() ([]byte, error)
	Cursor(agent string) ([]byte, error) // nil if there is none
}

// Next returns the Delta that continues from what was saved. If Inputs is nil, the Delta
// starts from the empty state. The error ErrNeedsRebuild asks to be called again in that
// way.
type Next func(was Saved) (*delta.Delta, error)

// lockOf is the lock and the queue of an issue, nil if nobody holds it.
func lockOf(l delta.Lock) *lockRow {
	if l.Holder == "" {
		return nil
	}
	r := &lockRow{Lock: Lock{l.Holder, l.Token, l.Since, l.Branch, l.Confirmed, l.Ending}}
	for _, w := range l.Queue {
		r.Queue = append(r.Queue, Waiter(w))
	}
	return r
}

// lockRow is what is kept of the lock of an issue.
type lockRow struct {
	Lock  Lock
	Queue []Waiter
}

// EachLog returns an iterator over logs, for a Delta.
func EachLog(logs ...delta.Log) iter.Seq2[delta.Log, error] { return each(logs) }

// EachLine returns an iterator over lines, for a log of a Delta.
func EachLine(lines ...*event.Envelope) iter.Seq2[*event.Envelope, error] { return each(lines) }

func each[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range all {
			if !yield(x, nil) {
				return
			}
		}
	}
}
