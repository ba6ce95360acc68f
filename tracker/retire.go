package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// Describe publishes a description of this worktree's agent, or removes it if text is "",
// and sets the agent's kind unless kind is "".
func (t *Tracker) Describe(ctx context.Context, o EmitOptions, text string, kind event.AgentKind) (*Receipt, error) {
	return t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		now := t.clone.Identity().Introduction(nil)
		was := p.Agent(t.clone.Agent)
		if was != nil && was.Kind != "" {
			now.Kind, now.Machine = was.Kind, was.Machine
		}
		if kind != "" {
			now.Kind = kind
		}
		name, set := t.clone.Identity().Name(now.Kind)
		if now.Name = name; !set && was != nil {
			now.Name = was.Name
		}
		now.Description, now.PublicKey = text, "" // an earlier key stays
		if was != nil && was.Kind == now.Kind && was.Description == text && was.Name == now.Name {
			return nil, nil
		}
		return []Body{now}, nil
	})
}

// LastCommand returns the events that the last command in this worktree wrote.
func (t *Tracker) LastCommand(ctx context.Context) ([]*event.Envelope, error) {
	return t.clone.Reads.LastCommand(ctx, t.clone.Agent)
}

// Retire ends the log of this worktree's agent. It releases the agent's locks and places in
// queues. An id from the identity file is removed, so the next write makes a new one; an id
// from the environment or the configuration is refused from then on.
//
// before, if not nil, returns events that are written first, in the same commit.
func (t *Tracker) Retire(ctx context.Context, o EmitOptions, reason string, before func(Projection) ([]Body, error)) (*Receipt, error) {
	agent, err := t.clone.Identity().Agent()
	if err != nil {
		return nil, err
	}
	if agent == "" {
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/retire", Message: "nobody has written here: there is no agent to retire"}
	}
	r, err := t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		if t.clone.Agent != agent {
			if before != nil {
				return before(p) // the events of before are written anyway
			}
			return nil, nil // it was retired before
		}
		bodies, err := reading.Releases(p, agent, before)
		return append(bodies, &event.AgentRetired{Reason: reason}), err
	})
	if err != nil {
		return nil, err
	}
	_, err = t.clone.Identity().GiveUp(agent)
	return r, err
}
