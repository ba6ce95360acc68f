package clone

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// PresencePath is the file that records heartbeats.
func (c *Clone) PresencePath() string {
	return filepath.Join(c.Outer.CommonDir, "crosslink", "present.json")
}

// CanShow reports whether heartbeats would have a reader, and whether the clone lasts.
func (c *Clone) CanShow(bound, writable bool) bool {
	return c.Hub != nil && !c.Hub.Self && bound && writable && c.Getenv("CI") == "" && c.Config("crosslink.sync") != "manual"
}

// Pulse records a heartbeat at the end of commands that know the state, because somebody
// runs them.
func (c *Clone) Pulse(g reading.Glance) {
	has, holds := g.Held[c.Agent]
	if !holds || c.Unwatched || !c.CanShow(g.Bound, g.Level == replay.FormatVersion && !g.Newer) {
		return
	}
	now := c.Now()
	p := agents.ReadPresence(c.PresencePath(), now)
	noted, push := p.Pulse(c.Agent, has.Issue, has.Wrote.Std(), now)
	// nobody waits for it: on a failure a heartbeat is missing
	if noted && p.Write(c.PresencePath()) == nil && push {
		c.Detach()
	}
}

// ShowPresence is the part of a background sync that pushes heartbeats, under the sync
// lock. Its failures are not reported.
func (c *Clone) ShowPresence(ctx context.Context) error {
	now := c.Now()
	p := agents.ReadPresence(c.PresencePath(), now)
	if !p.MayPush(now) || c.Contact.Refused != "" {
		return nil
	}
	s, err := c.Reads.Load(ctx)
	if err != nil || !c.CanShow(s.Bound, s.Writable()) {
		return err
	}
	shown := p.Show(
		func(id string) bool {
			_, archived := replay.HubTip(s.AllRefs, id)
			return s.Log(id) != nil && s.Log(id).Here != "" && !archived
		},
		func(id string) bool { _, holds := s.Held(id); return holds })
	if len(shown) == 0 {
		return p.Write(c.PresencePath())
	}
	id, err := agents.CloneID(filepath.Join(c.Outer.CommonDir, "crosslink", "clone"))
	if err != nil {
		return err
	}
	tip, err := refs.WriteCommit(ctx, c.Local(), map[string][]byte{"presence.json": shown.Encode()}, nil,
		refs.CommitInfo{Address: c.Committer(), Author: shown[0].Agent, When: now, Message: "crosslink: presence\n\n[skip ci]\n"})
	if err != nil {
		return err
	}
	push := refs.Push{Refs: []refs.PushRef{{Src: tip, Dst: refs.HubPresence + id, Force: true}}}
	res, err := c.push(ctx, push, syncer.Facts)
	if err != nil {
		return nil // paced, or no time left: the next sync sends the others
	}
	p.Answered(hubs.AllAccepted(push, res), res.Reached, now)
	return p.Write(c.PresencePath())
}

// PresenceLimits is a variable for its test.
var PresenceLimits = agents.PresenceLimits{Read: 1000, Dates: 20_000}

// Presences returns a function that reads the heartbeats of the last fetch when first
// called, and a function that returns how many were not read.
func (c *Clone) Presences(ctx context.Context, listed map[string]refs.OID) (seen func() map[string]event.AgentPresence, unread func() int) {
	ctx = context.WithoutCancel(ctx) // a snapshot outlives the fetch in which it was loaded
	read := sync.OnceValues(func() (map[string]event.AgentPresence, int) {
		return agents.ReadPresences(ctx, c.Local(), listed, PresenceLimits, c.Now())
	})
	return func() map[string]event.AgentPresence { all, _ := read(); return all }, func() int { _, left := read(); return left }
}

// PresenceRefused reports whether the hub accepts no heartbeats.
func (c *Clone) PresenceRefused() bool {
	p := agents.ReadPresence(c.PresencePath(), c.Now())
	return p.Refuses(c.Now())
}
