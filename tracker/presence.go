package tracker

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Signs of life: package agents has the rules, and what is remembered of them.

func (t *Tracker) presencePath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "present.json")
}

// canShow reports whether there is anybody to show signs of life to, and a
// clone that lasts.
func (t *Tracker) canShow(bound, writable bool) bool {
	return t.hub != nil && !t.hub.Self && bound && writable && t.getenv("CI") == "" && t.config("crosslink.sync") != "manual"
}

// pulse is called at the end of commands that know the state: that somebody
// runs them is a sign of life.
func (t *Tracker) pulse(g reading.Glance) {
	has, holds := g.Held[t.agent]
	if !holds || t.unwatched || !t.canShow(g.Bound, g.Level == Level && !g.Newer) {
		return
	}
	now := t.now()
	p := agents.ReadPresence(t.presencePath(), now)
	noted, push := p.Pulse(t.agent, has.Issue, has.Wrote.Std(), now)
	// nobody waits for it: a note that cannot be kept is a sign not given
	if noted && p.Write(t.presencePath()) == nil && push {
		t.detach()
	}
}

// HeartbeatOptions say what an agent is doing.
type HeartbeatOptions struct {
	Issue   UUID   // zero: the one whose lock it got last
	State   string // "" is as before
	Offline bool
}

// What becomes of a heartbeat.
const (
	HeartbeatSent    = agents.HeartbeatSent
	HeartbeatRecent  = agents.HeartbeatRecent
	HeartbeatUnheld  = agents.HeartbeatUnheld
	HeartbeatRefused = agents.HeartbeatRefused
	HeartbeatKept    = agents.HeartbeatKept
)

// Heartbeat is what a heartbeat came to.
type Heartbeat struct {
	Agent   string
	State   string
	Issue   UUID   // zero is none
	Outcome string // one of the above
	Pushed  time.Time
}

// Heartbeat notes that this worktree's agent is alive, and shows it to others
// if one of its locks makes somebody ask.
func (t *Tracker) Heartbeat(ctx context.Context, o HeartbeatOptions) (*Heartbeat, error) {
	if t.agent == "" {
		if _, err := t.identity().Agent(); err != nil {
			return nil, err
		}
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/presence", Message: "nobody has written here yet"}
	}
	s, err := t.reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	now := t.now()
	p := agents.ReadPresence(t.presencePath(), now)
	issue, holds := s.Held(t.agent)
	if o.Issue != (UUID{}) {
		issue = o.Issue
	}
	me, outcome := p.Beat(t.agent, issue, o.State, t.canShow(s.Bound, s.Writable()) && !o.Offline, holds, now)
	if err := p.Write(t.presencePath()); err != nil {
		return nil, t.unwritable(fmt.Errorf("note the heartbeat: %w", err))
	}
	if outcome == agents.HeartbeatSent {
		t.detach()
	}
	return &Heartbeat{Agent: t.agent, State: me.State, Issue: me.Issue, Outcome: outcome, Pushed: p.Pushed}, nil
}

// showPresence is the part of a sync in the background that pushes signs of
// life, under the sync lock. What goes wrong with it is nobody's business.
func (t *Tracker) showPresence(ctx context.Context) error {
	now := t.now()
	p := agents.ReadPresence(t.presencePath(), now)
	if !p.MayPush(now) || t.contact.Refused != "" {
		return nil
	}
	s, err := t.reads.Load(ctx)
	if err != nil || !t.canShow(s.Bound, s.Writable()) {
		return err
	}
	shown := p.Show(
		func(id string) bool { return s.Logs[id] != nil && s.Logs[id].Here != "" },
		func(id string) bool { _, holds := s.Held(id); return holds })
	if len(shown) == 0 {
		return p.Write(t.presencePath())
	}
	id, err := agents.CloneID(filepath.Join(t.outer.CommonDir, "crosslink", "clone"))
	if err != nil {
		return err
	}
	tip, err := refs.WriteCommit(ctx, t.local(), map[string][]byte{"presence.json": shown.Encode()}, nil,
		refs.CommitInfo{Address: t.committer(), Author: shown[0].Agent, When: now, Message: "crosslink: presence\n\n[skip ci]\n"})
	if err != nil {
		return err
	}
	push := refs.Push{Refs: []refs.PushRef{{Src: tip, Dst: refs.HubPresence + id, Force: true}}}
	res, err := t.push(ctx, push, syncer.Facts)
	if err != nil {
		return nil // paced, or no time left: the next one shows more
	}
	p.Answered(hubs.AllAccepted(push, res), res.Reached, now)
	return p.Write(t.presencePath())
}

// presenceLimits is a variable for its test.
var presenceLimits = agents.PresenceLimits{Read: 1000, Dates: 20_000}

// presences reads, when it is first asked for, what the last fetch brought. The
// second function says how many were not read.
func (t *Tracker) presences(ctx context.Context, listed map[string]refs.OID) (seen func() map[string]event.AgentPresence, unread func() int) {
	ctx = context.WithoutCancel(ctx) // a snapshot outlives the fetch in which it was loaded
	read := sync.OnceValues(func() (map[string]event.AgentPresence, int) {
		return agents.ReadPresences(ctx, t.local(), listed, presenceLimits, t.now())
	})
	return func() map[string]event.AgentPresence { all, _ := read(); return all }, func() int { _, left := read(); return left }
}

// checkPresence is the doctor's look at signs of life.
func (t *Tracker) checkPresence(_ context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if s.Unread == nil {
		return nil, nil // nothing was fetched yet
	}
	if n := s.Unread(); n > 0 {
		found = append(found, fail.Diagnosis{Code: "presence-many", Severity: fail.Note, Text: fmt.Sprintf("the hub holds %d signs of life, of which the newest %d are read: %d are not shown", n+presenceLimits.Read, presenceLimits.Read, n)})
	}
	if _, holds := s.Held(t.agent); !holds || !t.presenceRefused() {
		return found, nil
	}
	return append(found, presenceNote()), nil
}

func (t *Tracker) presenceRefused() bool {
	p := agents.ReadPresence(t.presencePath(), t.now())
	return p.Refuses(t.now())
}

func presenceNote() fail.Diagnosis {
	return fail.Diagnosis{Code: "presence", Severity: fail.Note, Text: "the hub takes no signs of life (refs/crosslink/presence): who wants your lock sees your events only, so write one now and then"}
}
