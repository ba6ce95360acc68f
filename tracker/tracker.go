// Package tracker conducts: it opens a clone, reads, appends what commands emit,
// carries it to the hub and back, and calls the rooms in which that is done, in
// their order. It holds no rule of its own.
//
//	clone     what one command has of its clone
//	accept    what of a fetch is believed
//	exchange  taking over, binding, deciding, publishing
//	ownlog    appending to the own log
//	found     a hub is made, joined, restored, detached
//	members   who may write
//	checkup   what is wrong, and how it stands
//
// The way of a write (docs/architecture.md, "One command from main to pixel"):
//
//	Emit: settle who writes → ensure the replica → learn of the hub →
//	      load → build → Check → Stamp → AppendLog → Swap → publish
//
// and of a read: load refs → ask the store, if it was made from these → else
// replay from its cursors, or from nothing → apply the delta → project.
// Everything printed comes from a Projection or a report.
package tracker

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Tracker is a session with a repository's tracker: a few calls of one goroutine
// that belong together. A call may rest on what the ones before it have read or
// learned of the hub. Programs that continue for long hold a Repo.
type Tracker struct {
	clone    *clone.Clone
	exchange *exchange.Exchange // of it with its hub
	writer   *ownlog.Writer     // of its log
}

// Open finds the repository of o.Dir and opens a session with its tracker. Nothing
// is written.
func Open(ctx context.Context, o Options) (*Tracker, error) {
	r, err := OpenRepo(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.Session(ctx)
}

// OpenError explains why there is no repository to work in.
func OpenError(err error) error { return clone.OpenError(err) }

// Close ends the helper processes.
func (t *Tracker) Close() error { return t.clone.Close() }

// Agent returns the id this worktree writes under, "" before the first write.
func (t *Tracker) Agent() string { return t.clone.Agent }

// HubID is the id of the hub, "" while there is none.
func (t *Tracker) HubID() string {
	if s := t.clone.Reads.Last(); s != nil {
		return s.Hub
	}
	return t.clone.Contact.Hub
}

// Decisions is what the ledger says: of its last step, and of what it began with.
func (t *Tracker) Decisions(ctx context.Context) (Decisions, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return Decisions{}, err
	}
	return s.Decided().View, nil
}

// Worktree is where what belongs to this worktree alone is kept.
func (t *Tracker) Worktree() string { return filepath.Dir(t.clone.Identity().File) }

// Home is where this clone keeps its tracker, whether it has one yet or not.
func (t *Tracker) Home() string { return t.clone.Home() }

// HubBranches names the tracker's branches as last seen on the hub, below
// refs/heads/.
func (t *Tracker) HubBranches(ctx context.Context) []string {
	if t.clone.Replica == nil {
		return nil
	}
	all, err := t.clone.Local().Refs(ctx, replay.HubRoot)
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range all {
		names = append(names, strings.TrimPrefix(replay.HereRoot, "refs/heads/")+strings.TrimPrefix(r.Name, replay.HubRoot))
	}
	return names
}

// Hub returns the remote the tracker lives on and its URL, "" if there is none
// or the repository is the hub itself.
func (t *Tracker) Hub() (remote, url string) {
	if t.clone.Hub == nil || t.clone.Hub.Self {
		return "", ""
	}
	return t.clone.Hub.Name, t.clone.Hub.URL
}

// Config returns a value of the user's configuration as git sees it from where
// the tracker was opened.
func (t *Tracker) Config(key string) (string, bool) { return t.clone.Conf.Get(key) }

// MintUUID draws a fresh uuid for an object.
func (t *Tracker) MintUUID() UUID { return t.clone.MintUUID() }
