package store

import "errors"

// ErrNeedsRebuild says that a store cannot be brought to a state by a delta.Delta
// from the one it holds: there is none, or it is damaged, or made by another program.
var ErrNeedsRebuild = errors.New("the store must be rebuilt")

// Saved is what the delta.Delta before left for the next one.
type Saved interface {
	Inputs() []byte // delta.Delta.To of that one; nil in the empty state
	Header() ([]byte, error)
	Cursor(agent string) ([]byte, error) // nil if there is none
	Cursors() (map[string][]byte, error) // of all logs
}
