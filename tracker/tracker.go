// Package tracker conducts: it opens the replica, reads the logs, lets the
// core judge and reduce them, appends what commands emit and carries it to the
// hub and back. It holds no rule of its own; event, reducer and trust do.
package tracker

import (
	"context"
	"errors"
)

// Tracker is one repository's tracker, seen by one process.
type Tracker struct {
	o Options
}

var errStub = errors.New("not built yet")

// Open finds the repository of o.Dir and its replica. Nothing is written.
func Open(ctx context.Context, o Options) (*Tracker, error) { return &Tracker{o: o}, nil }

// Close ends the helper processes.
func (t *Tracker) Close() error { return nil }

// Agent returns the id this worktree writes under, "" before the first write.
func (t *Tracker) Agent() string { return "" }

// Read returns the state. See Freshness.
func (t *Tracker) Read(ctx context.Context, f Freshness) (Projection, error) { return nil, errStub }

// Emit appends what build returns as one commit, all or nothing, and publishes
// it. build may run several times (another process appended meanwhile) and
// sees the newest state each time; no bodies means nothing is written.
func (t *Tracker) Emit(ctx context.Context, o EmitOptions, build func(p Projection) ([]Body, error)) (*Receipt, error) {
	return nil, errStub
}

// Sync fetches what is new on the hub and sends what is not there yet.
func (t *Tracker) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) { return nil, errStub }

// Init makes the remote a hub, or joins the one that is there.
func (t *Tracker) Init(ctx context.Context, o InitOptions) (*InitReport, error) { return nil, errStub }

// Status tells the tracker's own condition from what is here.
func (t *Tracker) Status(ctx context.Context) (*Status, error) { return nil, errStub }

// MintUUID draws a fresh uuid v4 whose first 7 hex digits hold a letter, so
// that its short form is never taken for a number.
func (t *Tracker) MintUUID() UUID { return UUID{} }
