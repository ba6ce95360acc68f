package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/standing"
	"github.com/git-crosslink/git-crosslink/store"
)

// Describe says what the agent of this worktree is: a text for others, "" for
// none, and its kind, "" to leave it.
func (t *Tracker) Describe(ctx context.Context, o EmitOptions, text string, kind event.AgentKind) (*Receipt, error) {
	return t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		now := t.clone.Identity().Introduction(nil)
		was := ownlog.AgentNamed(p, t.clone.Agent)
		if was != nil && was.Kind != "" {
			now.Kind, now.Machine = was.Kind, was.Machine
		}
		if kind != "" {
			now.Kind = kind
		}
		now.Description, now.PublicKey = text, "" // a key said before stands
		if was != nil && was.Kind == now.Kind && was.Description == text {
			return nil, nil
		}
		return []Body{now}, nil
	})
}

// Retire ends the log of this worktree's agent: its locks are given back, its
// places in queues too, and nothing more will come. An id from the identity
// file is given up with it, so the next write makes a new one; an id that the
// environment or the configuration names is refused from then on.
func (t *Tracker) Retire(ctx context.Context, o EmitOptions, reason string) (*Receipt, error) {
	agent, err := t.clone.Identity().Agent()
	if err != nil {
		return nil, err
	}
	if agent == "" {
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/retire", Message: "nobody has written here: there is nobody to retire"}
	}
	r, err := t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		if t.clone.Agent != agent {
			return nil, nil // it was retired before
		}
		rows, _, err := p.List(store.Filter{Status: "all"})
		if err != nil {
			return nil, err
		}
		var bodies []Body
		for _, i := range rows {
			if i.Lock != nil && i.Lock.Holder == agent && !i.Lock.Ending || standing.Waits(i.Queue, agent) > 0 {
				bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
			}
		}
		return append(bodies, &event.AgentRetired{Reason: reason}), nil
	})
	if err != nil {
		return nil, err
	}
	_, err = t.clone.Identity().GiveUp(agent)
	return r, err
}
