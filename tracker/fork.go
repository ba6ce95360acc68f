package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/ownlog"
)

// Forked is what Fork did.
type Forked = ownlog.Forked

// Withdrawn is an event that Fork did not carry over.
type Withdrawn = ownlog.Withdrawn

// Fork continues under another id where two clones wrote under one, or the hub
// does not take what waits here. newID "" mints one; without names lines that are
// not carried over.
func (t *Tracker) Fork(ctx context.Context, newID string, without ...string) (*Forked, error) {
	return t.writer.Fork(ctx, newID, without...)
}
