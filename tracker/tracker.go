// Package tracker conducts: it opens the replica, has replay read it and a store
// keep what that says, appends what commands emit and carries it to the hub and
// back. It holds no rule of its own; event, reducer, trust and replay do.
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
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Tracker is a session with a repository's tracker: a few calls of one goroutine
// that belong together. A call may rest on what the ones before it have read or
// learned of the hub. Programs that go on for long hold a Repo.
type Tracker struct {
	o       Options
	environ []string
	outer   repository
	conf    refs.Config
	replica refs.Replica // nil until there is one
	contact *hubs.Contact

	hub  *hubs.Hub  // nil: this repository has no hub to talk to
	link *hubs.Link // how it is talked with

	reads *reading.Reader // of the replica

	agent     string                  // settled by the first Emit
	joining   bool                    // join a hub although numbers end by it
	forks     map[string]*trust.Proof // that the last fetch brought, by agent
	unwatched bool                    // a detached sync: nobody reads what is told
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
func OpenError(err error) error {
	switch {
	case errors.Is(err, git.ErrNotRepository):
		return &fail.Error{Kind: fail.Fatal, Code: "no-repository", Message: "not a git repository (or any of the parent directories)", Err: err}
	}
	var unsafe *git.UnsafeError
	if errors.As(err, &unsafe) {
		return unsafeError(unsafe, err)
	}
	return err
}

// unsafeError takes the cure from git's own words, which name the directory.
func unsafeError(unsafe *git.UnsafeError, err error) error {
	e := &fail.Error{Kind: fail.Fatal, Code: "unsafe-repository", Message: unsafe.Error(), Err: err}
	if strings.Contains(unsafe.Says, "safe.bareRepository") {
		e.Code = "unsafe-repository/bare"
		return e
	}
	for line := range strings.Lines(unsafe.Says) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "git config ") {
			e.Code, e.Fields = "unsafe-repository/git", fail.Fields{"git": line}
			return e
		}
	}
	return e
}

// Close ends the helper processes.
func (t *Tracker) Close() error {
	t.reads.Close()
	if t.replica == nil {
		return nil
	}
	return t.replica.Close()
}

// Agent returns the id this worktree writes under, "" before the first write.
func (t *Tracker) Agent() string { return t.agent }

// HubID is the id of the hub, "" while there is none.
func (t *Tracker) HubID() string {
	if s := t.reads.Last(); s != nil {
		return s.Hub
	}
	return t.contact.Hub
}

// Worktree is where what belongs to this worktree alone is kept.
func (t *Tracker) Worktree() string { return filepath.Dir(t.identity().File) }

// Home is where this clone keeps its tracker, whether it has one yet or not.
func (t *Tracker) Home() string {
	return filepath.Dir(t.contactPath())
}

// HubBranches names the tracker's branches as last seen on the hub, below
// refs/heads/.
func (t *Tracker) HubBranches(ctx context.Context) []string {
	if t.replica == nil {
		return nil
	}
	all, err := t.local().Refs(ctx, hubRoot)
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range all {
		names = append(names, strings.TrimPrefix(headRoot, "refs/heads/")+strings.TrimPrefix(r.Name, hubRoot))
	}
	return names
}

// Hub returns the remote the tracker lives on and its URL, "" if there is none
// or the repository is the hub itself.
func (t *Tracker) Hub() (remote, url string) {
	if t.hub == nil || t.hub.Self {
		return "", ""
	}
	return t.hub.Name, t.hub.URL
}

func (t *Tracker) local() refs.Local { return t.replica.Local() }

func (t *Tracker) now() time.Time {
	if t.o.Now != nil {
		return t.o.Now()
	}
	return time.Now()
}

func (t *Tracker) notice(n fail.Notice) {
	if t.o.Notice != nil && t.conf.Bool("advice.crosslink."+n.Code.Name(), true) {
		t.o.Notice(n)
	}
}

// Config returns a value of the user's configuration as git sees it from where
// the tracker was opened.
func (t *Tracker) Config(key string) (string, bool) { return t.conf.Get(key) }

func (t *Tracker) config(key string) string {
	v, _ := t.conf.Get(key)
	return v
}

func (t *Tracker) ensureReplica(ctx context.Context) error {
	if t.replica != nil {
		return nil
	}
	return t.openReplica(ctx, true)
}

// MintUUID draws a fresh uuid v4 whose first 7 hex digits hold a letter, so
// that its short form is never taken for a number.
func (t *Tracker) MintUUID() UUID {
	for {
		if u := uuid.New(); strings.ContainsAny(u.String()[:7], "abcdef") {
			return u
		}
	}
}
