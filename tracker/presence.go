package tracker

import (
	"context"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/fail"
)

// Heartbeats. Package agents has the rules, and stores their state.

// HeartbeatOptions describe what an agent is doing.
type HeartbeatOptions struct {
	Issue   UUID   // zero: the issue whose lock the agent got last
	State   string // "": unchanged
	Offline bool
}

// The outcomes of a heartbeat.
const (
	HeartbeatSent    = agents.HeartbeatSent
	HeartbeatRecent  = agents.HeartbeatRecent
	HeartbeatUnheld  = agents.HeartbeatUnheld
	HeartbeatRefused = agents.HeartbeatRefused
	HeartbeatKept    = agents.HeartbeatKept
)

// Heartbeat is the result of a heartbeat.
type Heartbeat struct {
	Agent   string
	State   string
	Issue   UUID   // zero is none
	Outcome string // one of the above
	Pushed  time.Time
}

// Heartbeat records that this worktree's agent is active. It sends this to the hub only if
// the agent has a lock that others may ask about.
func (t *Tracker) Heartbeat(ctx context.Context, o HeartbeatOptions) (*Heartbeat, error) {
	if t.clone.Agent == "" {
		if _, err := t.clone.Identity().Agent(); err != nil {
			return nil, err
		}
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/presence", Message: "nobody has written here yet"}
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	now := t.clone.Now()
	p := agents.ReadPresence(t.clone.PresencePath(), now)
	issue, holds := s.Held(t.clone.Agent)
	if o.Issue != (UUID{}) {
		issue = o.Issue
	}
	me, outcome := p.Beat(t.clone.Agent, issue, o.State, t.clone.CanShow(s.Bound, s.Writable()) && !o.Offline, holds, now)
	if err := p.Write(t.clone.PresencePath()); err != nil {
		return nil, t.clone.Unwritable(fmt.Errorf("note the heartbeat: %w", err))
	}
	if outcome == agents.HeartbeatSent {
		t.clone.Detach()
	}
	return &Heartbeat{Agent: t.clone.Agent, State: me.State, Issue: me.Issue, Outcome: outcome, Pushed: p.Pushed}, nil
}
