package command

import (
	"context"
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// tracked is a tracker whose writes are recorded in Env.
type tracked struct {
	*tracker.Tracker
	e *Env
}

// Track returns a repository whose writes are recorded in e.
func (e *Env) Track(t *tracker.Tracker) *Repository {
	x := tracked{t, e}
	return &Repository{x, x, x, x, x, x, x}
}

func (t tracked) Emit(ctx context.Context, o tracker.EmitOptions, build func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	t.e.IgnoreClosedPipe()
	r, err := t.Tracker.Emit(ctx, o, build)
	t.e.Wrote = t.e.Wrote || err == nil && len(r.Lines) > 0
	t.e.Saved = t.e.Saved || t.e.Wrote
	return r, err
}

func (t tracked) EmitEach(ctx context.Context, builds iter.Seq[tracker.Build]) (agent string, events int, err error) {
	t.e.IgnoreClosedPipe()
	agent, events, err = t.Tracker.EmitEach(ctx, builds)
	t.e.Wrote = t.e.Wrote || events > 0
	t.e.Saved = t.e.Saved || t.e.Wrote
	return agent, events, err
}

func (t tracked) Claim(ctx context.Context, u event.UUID, o tracker.ClaimOptions) (*tracker.Claim, error) {
	t.e.IgnoreClosedPipe()
	c, err := t.Tracker.Claim(ctx, u, o)
	t.e.Saved = t.e.Saved || err == nil && !c.Already
	t.e.Wrote = t.e.Wrote || err == nil
	return c, err
}

func (t tracked) Init(ctx context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	t.e.IgnoreClosedPipe()
	r, err := t.Tracker.Init(ctx, o)
	t.e.Wrote = t.e.Wrote || err == nil
	t.e.Saved = t.e.Saved || err == nil && !r.Already
	return r, err
}

func (t tracked) MoveHub(ctx context.Context, remote string) error {
	_, err := saving(t, func() (any, error) { return nil, t.Tracker.MoveHub(ctx, remote) })
	return err
}

func (t tracked) Roll(ctx context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	return saving(t, func() (*tracker.InitReport, error) { return t.Tracker.Roll(ctx, o) })
}

// saving records a write that adds no line to the agent's own log, or none that the command
// shows.
func saving[T any](t tracked, write func() (T, error)) (T, error) {
	t.e.IgnoreClosedPipe()
	r, err := write()
	t.e.Saved = t.e.Saved || err == nil
	return r, err
}

func (t tracked) Sync(ctx context.Context, o tracker.SyncOptions) (*tracker.SyncReport, error) {
	t.e.IgnoreClosedPipe()
	r, err := t.Tracker.Sync(ctx, o)
	t.e.Saved = t.e.Saved || err == nil && r.Received+r.Sent > 0
	return r, err
}

func (t tracked) Approve(ctx context.Context, o tracker.Approve) ([]tracker.Approved, error) {
	return saving(t, func() ([]tracker.Approved, error) { return t.Tracker.Approve(ctx, o) })
}

func (t tracked) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*tracker.TrustRevocation, error) {
	return saving(t, func() (*tracker.TrustRevocation, error) { return t.Tracker.Revoke(ctx, agent, after, reason) })
}

func (t tracked) SetPolicy(ctx context.Context, p tracker.Policy) error {
	_, err := saving(t, func() (any, error) { return nil, t.Tracker.SetPolicy(ctx, p) })
	return err
}

func (t tracked) RotateKey(ctx context.Context) (was, is *tracker.AgentKey, err error) {
	is, err = saving(t, func() (k *tracker.AgentKey, err error) { was, k, err = t.Tracker.RotateKey(ctx); return k, err })
	return was, is, err
}

func (t tracked) Fork(ctx context.Context, id string, without ...string) (*tracker.Forked, error) {
	return saving(t, func() (*tracker.Forked, error) { return t.Tracker.Fork(ctx, id, without...) })
}

func (t tracked) Describe(ctx context.Context, o tracker.EmitOptions, text string, kind event.AgentKind) (*tracker.Receipt, error) {
	return saving(t, func() (*tracker.Receipt, error) { return t.Tracker.Describe(ctx, o, text, kind) })
}

func (t tracked) Retire(ctx context.Context, o tracker.EmitOptions, reason string, before func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	return saving(t, func() (*tracker.Receipt, error) { return t.Tracker.Retire(ctx, o, reason, before) })
}

func (t tracked) Detach(ctx context.Context, remote string) (*tracker.Detached, error) {
	return saving(t, func() (*tracker.Detached, error) { return t.Tracker.Detach(ctx, remote) })
}

func (t tracked) Heartbeat(ctx context.Context, o tracker.HeartbeatOptions) (*tracker.Heartbeat, error) {
	return saving(t, func() (*tracker.Heartbeat, error) { return t.Tracker.Heartbeat(ctx, o) })
}
