package tracker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// What is in refs/hub has been seen on the hub and judged; a step built here is
// only an object until then.

// undecidedFor is how long a fact may lie undecided on the hub before
// anybody's sync decides it, counted from when this clone first saw it; up to
// hubs.Jitter more, so that not all do it at once.
const (
	undecidedFor = 30 * time.Second
)

// draft makes the next step over the tips; nil if there is nothing to decide.
func (t *Tracker) draft(ctx context.Context, s *reading.Snapshot, meta refs.OID, tips map[string]string) (*ledger.Draft, error) {
	awaited := s.Awaited(tips)
	if meta == "" || len(s.Lost()) == 0 && !awaited {
		return nil, nil
	}
	d := s.Decided()
	if d.Err != nil {
		return nil, nil
	}
	plan := ledger.Plan{On: d.View, Meta: string(meta), By: t.author(s), At: event.TimeOf(t.clone.Now()), Logs: tips, UpTo: s.CountedUpTo(tips)}
	if base := d.View.Ledger.Meta; base != "" {
		// a step may have been decided under a meta that is not on its branch:
		// others go on under that, or one such step would stop everybody
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
		root, err := t.root(ctx, s)
		if err != nil {
			return nil, err
		}
		if plan.On, err = d.Reader.Read(string(root)); err != nil {
			return nil, err
		}
	}
	return d.Reader.Next(plan)
}

// decide writes the next step over the tips; "" if there is nothing to decide.
// No ref moves.
func (t *Tracker) decide(ctx context.Context, s *reading.Snapshot, meta refs.OID, tips map[string]string) (refs.OID, error) {
	draft, err := t.draft(ctx, s, meta, tips)
	if err != nil || draft == nil {
		return "", err
	}
	if err := t.clone.SignStep(ctx, s, draft.Ledger); err != nil {
		return "", err
	}
	var parents []refs.OID
	for _, p := range draft.Parents {
		parents = append(parents, refs.OID(p))
	}
	return refs.WriteChanges(ctx, t.clone.Local(), refs.OID(draft.On.Step), draft.Files(), parents, refs.CommitInfo{
		Address: t.clone.Committer(), Author: t.author(s), When: t.clone.Now(), Message: fmt.Sprintf("crosslink: ledger %d\n\n[skip ci]\n", draft.Ledger.Sequence)})
}

// dropFound forgets lost tips that the ledger holds again.
func (t *Tracker) dropFound(ctx context.Context, s *reading.Snapshot, tip refs.OID) error {
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
	return ignoreConflict(t.clone.Local().Swap(ctx, ups))
}

// onItsWay are the agent's lines that a write waits for which wrote none, from the
// first one on that a step has still to answer or the hub has still to get.
func (t *Tracker) onItsWay(ctx context.Context, s *reading.Snapshot, agent string, o EmitOptions) ([]*event.Envelope, error) {
	l := s.Logs[agent]
	if l == nil {
		return nil, nil
	}
	from := l.Seq
	if o.Wait {
		from = l.HubSeq
	}
	if p := s.Pending(agent); o.Lock && len(p) > 0 {
		from = min(from, p[0].Seq-1)
	}
	if from >= l.Seq {
		return nil, nil
	}
	after := l.Begin()
	if e, err := t.clone.Reads.Line(ctx, l, from); err != nil {
		return nil, err
	} else if e != nil {
		after.Seq, after.Hash, after.Time = e.Seq, event.Hash(e.Raw), e.Time
	}
	return t.clone.Reads.LinesAfter(ctx, l, after)
}

// waiting reports whether it is this clone's turn to decide what others left
// undecided, or to bring back what the hub lost.
func (t *Tracker) waiting(ctx context.Context) (bool, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || !s.Bound || !s.Writable() {
		return false, err
	}
	draft, err := t.draft(ctx, s, s.MetaCommit, s.Tips(refs.Push{}))
	if err != nil {
		return false, err
	}
	if draft != nil && draft.Ledger.Merged != "" {
		return true, nil
	}
	if !t.clone.Contact.NoMeta && t.clone.Contact.Other == "" {
		if back, err := t.ledgerBack(s); err != nil || back != "" {
			return back != "", err
		}
	}
	for _, id := range s.AgentIDs() { // what was written here waits for nobody
		if draft != nil && s.Logs[id].Here != "" && !s.Logs[id].Diverged && len(s.Pending(id)) > 0 {
			return true, nil
		}
	}
	return t.overdue(draft != nil), nil
}

// root writes the first commit of a chain, which decides nothing.
func (t *Tracker) root(ctx context.Context, s *reading.Snapshot) (refs.OID, error) {
	l, err := ledger.Root(s.Hub, nil, t.author(s), event.TimeOf(t.clone.Now()))
	if err != nil {
		return "", err
	}
	return refs.WriteChanges(ctx, t.clone.Local(), "", l.Files(), nil, refs.CommitInfo{
		Address: t.clone.Committer(), Author: t.author(s), When: t.clone.Now(), Message: "crosslink: ledger begins\n\n[skip ci]\n"})
}

// author signs a step: the agent of this worktree, else any that writes here.
func (t *Tracker) author(s *reading.Snapshot) string {
	if t.clone.Agent != "" {
		return t.clone.Agent
	}
	for _, id := range s.AgentIDs() {
		if s.Logs[id].Here != "" {
			return id
		}
	}
	return ""
}

// overdue reports whether facts that others left undecided on the hub have
// lain there for long enough to decide them.
func (t *Tracker) overdue(undecided bool) bool {
	since := t.clone.Contact.Undecided
	switch {
	case !undecided:
		if !since.IsZero() {
			_ = t.clone.Contact.Remember(func(c *hubs.Note) { c.Undecided = time.Time{} })
		}
		return false
	case since.IsZero():
		_ = t.clone.Contact.Remember(func(c *hubs.Note) { c.Undecided = t.clone.Now().Add(rand.N(hubs.Jitter)) })
		return false
	}
	return t.clone.Now().Sub(since) > undecidedFor
}

// judgeLedger says whether an incoming ledger is believed. Taken with a
// problem means that decisions known here are not part of it: they are kept
// aside until a merge step has brought them back.
func (t *Tracker) judgeLedger(ctx context.Context, old, fresh refs.OID) (take bool, problem string, err error) {
	if old == "" {
		return true, "", nil
	}
	r := ledger.NewReader(replay.NewSteps(ctx, t.clone.Local(), ""), "") // only walks parents
	if on, err := r.Extends(string(fresh), string(old)); err != nil || on {
		return true, "", ignoreMissing(err)
	}
	if behind, err := r.Extends(string(old), string(fresh)); err != nil || behind {
		return false, "the hub's ledger is behind: it was set back; what was decided stands and goes back with the next push", ignoreMissing(err)
	}
	return true, "the hub has lost decisions that it had acknowledged; the next sync brings them back, and a number given twice gets an alias", nil
}

// ignoreMissing: a chain whose objects are not all here is judged, or not,
// when it is read.
func ignoreMissing(err error) error {
	if errors.Is(err, refs.ErrMissing) {
		return nil
	}
	return err
}
