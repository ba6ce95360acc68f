package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// The options and results of Fold (package exchange).
type (
	Folding   = exchange.Folding
	FoldedLog = exchange.FoldedLog
)

// Reasons why a retired agent's log stays a branch.
const (
	FoldRecent    = exchange.FoldRecent
	FoldUndecided = exchange.FoldUndecided
	FoldHolds     = exchange.FoldHolds
	FoldContinued = exchange.FoldContinued
	FoldDamaged   = exchange.FoldDamaged
)

// foldAbove is how many logs of retired agents a hub may have as branches before a
// detached sync moves them to the archive.
const foldAbove = 200

// Fold moves the logs of retired agents to the hub's archive.
func (t *Tracker) Fold(ctx context.Context, want Folding) ([]FoldedLog, error) {
	if err := t.clone.Chosen(); err != nil {
		return nil, err
	}
	if t.clone.Hub == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "unshared/fold", Message: "this repository has no remote: only a hub has an archive"}
	}
	if err := t.clone.EnsureReplica(ctx); err != nil {
		return nil, t.clone.Unwritable(err)
	}
	if err := t.clone.CheckCommitter(); err != nil {
		return nil, err
	}
	unlock, err := t.writer.LockHub(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := t.exchange.Fetch(ctx); err != nil {
		if re, ok := errors.AsType[*refs.RemoteError](err); ok {
			return nil, t.clone.Unfetched(re)
		}
		return nil, err
	}
	if t.clone.Contact.Other != "" {
		return nil, t.clone.ElsewhereError()
	}
	s, err := t.clone.Reads.Load(ctx)
	switch {
	case err != nil:
		return nil, err
	case !s.Bound:
		return nil, &fail.Error{Kind: fail.No, Code: "unshared", Message: fmt.Sprintf("there is no tracker on '%s' yet", t.clone.Hub.Name)}
	case !s.Writable():
		return nil, t.clone.LevelError(s)
	}
	all, err := t.exchange.Fold(ctx, want)
	return all, t.clone.Unwritable(err)
}

// foldAgain is how long a detached sync waits after a fold that failed: a hub that forbids
// deletions refuses each of them.
const foldAgain = 24 * time.Hour

// foldMany moves logs to the archive, in a detached sync, if there are many. Nobody waits
// for it, so a failure is tried again later.
func (t *Tracker) foldMany(ctx context.Context) {
	if t.clone.Now().Sub(t.clone.Contact.FoldFailed).Abs() < foldAgain {
		return
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || !s.Bound || !s.Writable() {
		return
	}
	retired := 0
	for _, a := range s.View.Agents() {
		if a.Retired && s.AllRefs[replay.HubRoot+replay.Agents+a.ID] != "" {
			retired++
		}
	}
	if retired <= foldAbove {
		return
	}
	want := Folding{Before: t.clone.Now().Add(-time.Hour)}
	all, err := t.exchange.Foldable(s, want.Before) // some may have to stay branches
	if all = slices.DeleteFunc(all, func(l FoldedLog) bool { return l.Why != "" }); err == nil && len(all) > foldAbove {
		_, err = t.exchange.Fold(ctx, want)
	}
	if err != nil && ctx.Err() == nil {
		_ = t.clone.Contact.Remember(func(n *hubs.Note) { n.FoldFailed = t.clone.Now() })
	}
}
