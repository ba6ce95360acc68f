package tracker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// agentNamed is what an agent has said of itself, nil if nothing.
func agentNamed(p Projection, id string) *reducer.Agent {
	for _, a := range p.Agents() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// Describe says what the agent of this worktree is: a text for others, "" for
// none, and its kind, "" to leave it.
func (t *Tracker) Describe(ctx context.Context, o EmitOptions, text string, kind event.AgentKind) (*Receipt, error) {
	return t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		now := *t.introduction(nil).(*event.AgentIntroduced)
		was := agentNamed(p, t.agent)
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
		return []Body{&now}, nil
	})
}

// Retire ends the log of this worktree's agent: its locks are given back, its
// places in queues too, and nothing more will come. An id from the identity
// file is given up with it, so the next write makes a new one; an id that the
// environment or the configuration names is refused from then on.
func (t *Tracker) Retire(ctx context.Context, o EmitOptions, reason string) (*Receipt, error) {
	agent, err := t.knownAgent()
	if err != nil {
		return nil, err
	}
	if agent == "" {
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/retire", Message: "nobody has written here: there is nobody to retire"}
	}
	r, err := t.Emit(ctx, o, func(p Projection) ([]Body, error) {
		if t.agent != agent {
			return nil, nil // it was retired before
		}
		rows, _, err := p.List(store.Filter{Status: "all"})
		if err != nil {
			return nil, err
		}
		var bodies []Body
		for _, i := range rows {
			if i.Lock != nil && i.Lock.Holder == agent && !i.Lock.Ending || waits(i.Queue, agent) > 0 {
				bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
			}
		}
		return append(bodies, &event.AgentRetired{Reason: reason}), nil
	})
	if err != nil {
		return nil, err
	}
	_, err = t.giveUp(agent)
	return r, err
}

// giveUp removes the identity file if it names that agent.
func (t *Tracker) giveUp(agent string) (was bool, err error) {
	id, err := readIdentity(t.identityPath())
	if err != nil || id == nil || id.Agent != agent {
		return false, err
	}
	if err := os.Remove(t.identityPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("give up the id of this worktree: %w", err)
	}
	return true, nil
}

// outlived goes on under a new id where the identity file still names one that
// is retired: a kill came between the last line of its log and giveUp.
func (t *Tracker) outlived(ctx context.Context) (bool, error) {
	if t.getenv("GIT_CROSSLINK_AGENT") != "" || t.config("crosslink.agent") != "" {
		return false, nil
	}
	if was, err := t.giveUp(t.agent); err != nil || !was {
		return false, err
	}
	agent, err := t.settleAgent(ctx)
	if err != nil {
		return false, err
	}
	t.agent, t.loaded = agent, nil
	return true, nil
}

// retiredError refuses a line behind the last one.
func (t *Tracker) retiredError(p Projection) error {
	a := agentNamed(p, t.agent)
	if a == nil || !a.Retired {
		return nil
	}
	e := &fail.Error{Kind: fail.Denied, Code: "retired", Message: fmt.Sprintf("'%s' is retired: nothing was written", t.agent), Fields: fail.Fields{"agent": t.agent}}
	if t.getenv("GIT_CROSSLINK_AGENT") != "" {
		e.Code = "retired/environment"
	}
	return e
}

// said reports whether an introduction says more than the one every log begins
// with.
func said(b Body) bool {
	i, ok := b.(*event.AgentIntroduced)
	return ok && (i.Description != "" || i.Machine != "")
}
