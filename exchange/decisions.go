package exchange

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// undecidedFor is how long an event may stay undecided on the hub, from when this clone
// first saw it, before any sync decides it. A random time up to hubs.Jitter is added, so
// that not all clones decide at once.
const (
	undecidedFor = 30 * time.Second
)

// draft makes the next step over the tips; nil if there is nothing to decide.
func (x *Exchange) draft(ctx context.Context, s *reading.Snapshot, meta refs.OID, tips map[string]string) (*ledger.Draft, error) {
	awaited := s.Awaited(tips)
	if meta == "" || len(s.Lost()) == 0 && !awaited {
		return nil, nil
	}
	d := s.Decided()
	if d.Err != nil {
		return nil, nil
	}
	plan := ledger.Plan{On: d.View, Meta: string(meta), By: x.author(s), At: event.TimeOf(x.Now()), Logs: tips, UpTo: s.CountedUpTo(tips)}
	if base := d.View.Ledger.Meta; base != "" {
		// a step may have been decided under a meta that is not on its branch:
		// others continue under that, or one such step would stop everybody
		onBranch, err := d.Metas.Descends(refs.OID(base), meta)
		if err != nil {
			return nil, err
		}
		if !onBranch {
			plan.Meta = base
		}
	}
	for _, lost := range d.Lost {
		held, err := d.Reader.Holds(d.View.Tip, string(lost))
		if err != nil {
			return nil, err
		}
		if !held {
			plan.Lost = string(lost)
			break
		}
	}
	if plan.Lost == "" && !awaited {
		return nil, nil
	}
	if plan.On.Tip == "" {
		if s.Meta.Base != "" { // the founder has yet to send what the ledger starts from
			return nil, nil
		}
		root, err := x.root(ctx, s)
		if err != nil {
			return nil, err
		}
		if plan.On, err = d.Reader.Read(string(root)); err != nil {
			return nil, err
		}
	}
	return d.Reader.Next(plan)
}

// Decide writes the next step for the given tips and moves no ref. It returns "" if there
// is nothing to decide.
func (x *Exchange) Decide(ctx context.Context, s *reading.Snapshot, meta refs.OID, tips map[string]string) (refs.OID, error) {
	draft, err := x.draft(ctx, s, meta, tips)
	if err != nil || draft == nil {
		return "", err
	}
	if err := x.SignStep(ctx, s, draft.Ledger); err != nil {
		return "", err
	}
	var parents []refs.OID
	for _, p := range draft.Parents {
		parents = append(parents, refs.OID(p))
	}
	return refs.WriteChanges(ctx, x.Local(), refs.OID(draft.On.Step), draft.Files(), parents, refs.CommitInfo{
		Address: x.Committer(), Author: x.author(s), When: x.Now(), Message: fmt.Sprintf("crosslink: ledger %d\n\n[skip ci]\n", draft.Ledger.Sequence)})
}

// dropFound forgets lost tips that the ledger holds again.
func (x *Exchange) dropFound(ctx context.Context, s *reading.Snapshot, tip refs.OID) error {
	var ups []refs.Update
	d := s.Decided()
	for _, lost := range d.Lost {
		held, err := d.Reader.Holds(string(tip), string(lost))
		if err != nil {
			return err
		}
		if held { // else its merge step is the next one
			ups = append(ups, refs.Update{Ref: replay.LostRoot + string(lost), Old: lost})
		}
	}
	return refs.IgnoreConflict(x.Local().Swap(ctx, ups))
}

// Waiting reports whether this clone should now decide events that others left undecided,
// or restore data that the hub lost.
func (x *Exchange) Waiting(ctx context.Context) (bool, error) {
	s, err := x.Reads.Load(ctx)
	if err != nil || !s.Bound || !s.Writable() {
		return false, err
	}
	draft, err := x.draft(ctx, s, s.MetaCommit, s.Tips(refs.Push{}))
	if err != nil {
		return false, err
	}
	if draft != nil && draft.Ledger.Merged != "" {
		return true, nil
	}
	if !x.Contact.NoMeta && x.Contact.Other == "" {
		if back, err := accept.LedgerBack(s, x.Link.Reached); err != nil || back != "" {
			return back != "", err
		}
	}
	for _, l := range s.Active() { // what was written here waits for nobody
		if draft != nil && l.Here != "" && !l.Diverged && len(s.Pending(l.Agent)) > 0 {
			return true, nil
		}
	}
	return x.overdue(draft != nil), nil
}

// root writes the first commit of a chain, which decides nothing.
func (x *Exchange) root(ctx context.Context, s *reading.Snapshot) (refs.OID, error) {
	l, err := ledger.Root(s.Hub, nil, x.author(s), event.TimeOf(x.Now()))
	if err != nil {
		return "", err
	}
	return refs.WriteChanges(ctx, x.Local(), "", l.Files(), nil, refs.CommitInfo{
		Address: x.Committer(), Author: x.author(s), When: x.Now(), Message: "crosslink: ledger begins\n\n[skip ci]\n"})
}

// author signs a step: the agent of this worktree, else any that writes here.
func (x *Exchange) author(s *reading.Snapshot) string {
	if x.Agent != "" {
		return x.Agent
	}
	for _, l := range s.Active() {
		if l.Here != "" {
			return l.Agent
		}
	}
	return ""
}

// overdue reports whether facts that others left undecided on the hub have
// lain there for long enough to decide them.
func (x *Exchange) overdue(undecided bool) bool {
	since := x.Contact.Undecided
	switch {
	case !undecided:
		if !since.IsZero() {
			_ = x.Contact.Remember(func(c *hubs.Note) { c.Undecided = time.Time{} })
		}
		return false
	case since.IsZero():
		_ = x.Contact.Remember(func(c *hubs.Note) { c.Undecided = x.Now().Add(rand.N(hubs.Jitter)) })
		return false
	}
	return x.Now().Sub(since) > undecidedFor
}
