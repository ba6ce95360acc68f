package cli

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// hooked is a tracker whose first write puts git's hooks in place, when the
// command answers, and whose state is indexed for completion at the end.
type hooked struct {
	hub
	e *env
}

func (h hooked) Read(ctx context.Context, f tracker.Freshness) (tracker.Projection, error) {
	p, err := h.hub.Read(ctx, f)
	if err == nil {
		h.e.saw = p
	}
	return p, err
}

func (h hooked) Emit(ctx context.Context, o tracker.EmitOptions, build func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	h.e.IgnoreClosedPipe()
	r, err := h.hub.Emit(ctx, o, build)
	if err == nil {
		h.e.saw = r.View
	}
	h.e.wrote = h.e.wrote || err == nil && len(r.Lines) > 0
	h.e.saved = h.e.saved || h.e.wrote
	return r, err
}

func (h hooked) Claim(ctx context.Context, u event.UUID, o tracker.ClaimOptions) (*tracker.Claim, error) {
	h.e.IgnoreClosedPipe()
	c, err := h.hub.Claim(ctx, u, o)
	if err == nil {
		h.e.saw = c.View
		h.e.saved = h.e.saved || !c.Already
	}
	h.e.wrote = h.e.wrote || err == nil
	return c, err
}

func (h hooked) Init(ctx context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	h.e.IgnoreClosedPipe()
	r, err := h.hub.Init(ctx, o)
	h.e.wrote = h.e.wrote || err == nil
	h.e.saved = h.e.saved || err == nil && !r.Already
	return r, err
}

// saving runs a write that leaves no line of the own log behind, or none that
// the command shows.
func saving[T any](h hooked, write func() (T, error)) (T, error) {
	h.e.IgnoreClosedPipe()
	r, err := write()
	h.e.saved = h.e.saved || err == nil
	return r, err
}

func (h hooked) Sync(ctx context.Context, o tracker.SyncOptions) (*tracker.SyncReport, error) {
	h.e.IgnoreClosedPipe()
	r, err := h.hub.Sync(ctx, o)
	h.e.saved = h.e.saved || err == nil && r.Received+r.Sent > 0
	return r, err
}

func (h hooked) Approve(ctx context.Context, o tracker.Approve) ([]tracker.Approved, error) {
	return saving(h, func() ([]tracker.Approved, error) { return h.hub.Approve(ctx, o) })
}

func (h hooked) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*tracker.TrustRevocation, error) {
	return saving(h, func() (*tracker.TrustRevocation, error) { return h.hub.Revoke(ctx, agent, after, reason) })
}

func (h hooked) SetPolicy(ctx context.Context, signing string, open *bool) error {
	_, err := saving(h, func() (any, error) { return nil, h.hub.SetPolicy(ctx, signing, open) })
	return err
}

func (h hooked) RotateKey(ctx context.Context) (was, is *tracker.AgentKey, err error) {
	is, err = saving(h, func() (k *tracker.AgentKey, err error) { was, k, err = h.hub.RotateKey(ctx); return k, err })
	return was, is, err
}

func (h hooked) Fork(ctx context.Context, id string, without ...string) (*tracker.Forked, error) {
	return saving(h, func() (*tracker.Forked, error) { return h.hub.Fork(ctx, id, without...) })
}

func (h hooked) Describe(ctx context.Context, o tracker.EmitOptions, text string, kind event.AgentKind) (*tracker.Receipt, error) {
	return saving(h, func() (*tracker.Receipt, error) { return h.hub.Describe(ctx, o, text, kind) })
}

func (h hooked) Retire(ctx context.Context, o tracker.EmitOptions, reason string) (*tracker.Receipt, error) {
	return saving(h, func() (*tracker.Receipt, error) { return h.hub.Retire(ctx, o, reason) })
}

func (h hooked) Detach(ctx context.Context, remote string) (*tracker.Detached, error) {
	return saving(h, func() (*tracker.Detached, error) { return h.hub.Detach(ctx, remote) })
}

func (h hooked) Heartbeat(ctx context.Context, o tracker.HeartbeatOptions) (*tracker.Heartbeat, error) {
	return saving(h, func() (*tracker.Heartbeat, error) { return h.hub.Heartbeat(ctx, o) })
}
