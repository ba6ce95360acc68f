// Package tracker is the conductor: it opens a clone, reads, appends the events that
// commands emit, sends them to the hub and receives others. It calls the packages that do
// the work in their order, and has no rules of its own.
//
//	clone     what one command has of its clone
//	accept    which fetched refs are accepted
//	exchange  accepting, binding, deciding, publishing
//	ownlog    appending to the own log
//	found     creating, joining, restoring and detaching a hub
//	members   who may write
//	checkup   state and problems
//
// The steps of a write (docs/architecture.md, "One command, from main to pixel"):
//
//	Emit: find the agent → ensure the replica → meet the hub →
//	      load → build → Check → Stamp → AppendLog → Swap → publish
//
// The steps of a read: load refs → ask the store, if it was made from these refs →
// otherwise replay from its cursors, or from nothing → apply the delta → project.
// Everything that is printed comes from a Projection or a report.
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

// Tracker is a session with a repository's tracker, for a few related calls of one
// goroutine. A call may use data that earlier calls have read or fetched. Long-lived
// programs use a Repo.
type Tracker struct {
	clone    *clone.Clone
	exchange *exchange.Exchange // its exchange with the hub
	writer   *ownlog.Writer     // writer of its log
}

// Open finds the repository of o.Dir and opens a session with its tracker. It writes
// nothing.
func Open(ctx context.Context, o Options) (*Tracker, error) {
	r, err := OpenRepo(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.Session(ctx)
}

// OpenError explains why no repository could be opened.
func OpenError(err error) error { return clone.OpenError(err) }

// Close ends the helper processes.
func (t *Tracker) Close() error { return t.clone.Close() }

// Agent returns the id that this worktree writes under; "" before the first write.
func (t *Tracker) Agent() string { return t.clone.Agent }

// HubID returns the id of the hub; "" if there is none.
func (t *Tracker) HubID() string {
	if s := t.clone.Reads.Last(); s != nil {
		return s.Hub
	}
	return t.clone.Contact.Hub
}

// Decisions returns the last step of the ledger and the base that the ledger started from.
func (t *Tracker) Decisions(ctx context.Context) (Decisions, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return Decisions{}, err
	}
	return s.Decided().View, nil
}

// Prove reads a line of a log with its hash and the step of the ledger that covers it,
// and checks its signature; nil if there is no such line.
func (t *Tracker) Prove(ctx context.Context, agent string, seq uint64) (*Proof, error) {
	return t.clone.Reads.Prove(ctx, agent, seq)
}

// Worktree returns the directory for files of this worktree only.
func (t *Tracker) Worktree() string { return filepath.Dir(t.clone.Identity().File) }

// Home returns the directory of this clone's tracker, which may not exist yet.
func (t *Tracker) Home() string { return t.clone.Home() }

// Unwritable explains an error of a file that could not be written in this clone; other
// errors are returned as they are.
func (t *Tracker) Unwritable(err error) error { return t.clone.Unwritable(err) }

// HubBranches returns the names of the tracker's branches that were last seen on the hub,
// below refs/heads/.
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

// Hub returns the remote that has the tracker, and its URL. Both are "" if there is none
// or if the repository is the hub itself.
func (t *Tracker) Hub() (remote, url string) {
	if t.clone.Hub == nil || t.clone.Hub.Self {
		return "", ""
	}
	return t.clone.Hub.Name, t.clone.Hub.URL
}

// Config returns a value of the user's git configuration, as git reads it in the directory
// where the tracker was opened.
func (t *Tracker) Config(key string) (string, bool) { return t.clone.Conf.Get(key) }

// MintUUID returns a new random uuid.
func (t *Tracker) MintUUID() UUID { return t.clone.MintUUID() }
