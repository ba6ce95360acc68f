package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/ownlog"
)

// Forked is the result of Fork.
type Forked = ownlog.Forked

// Withdrawn is an event that Fork left out.
type Withdrawn = ownlog.Withdrawn

// Fork moves the unsent lines to a log under another id. This is needed if two clones
// wrote under one id, or if the hub refuses the lines. If newID is "", Fork creates an id.
// without names lines to leave out.
func (t *Tracker) Fork(ctx context.Context, newID string, without ...string) (*Forked, error) {
	return t.writer.Fork(ctx, newID, without...)
}
