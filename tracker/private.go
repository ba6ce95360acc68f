package tracker

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// A repository without a remote decides numbers by itself. When it meets a hub
// that has numbers, too, its own would end; so the two are kept apart, and what
// is here stays in view, until somebody says 'init --join'.

// privateNumbers are the numbers that joining a hub would end.
func (t *Tracker) privateNumbers(ctx context.Context, o InitOptions) ([]Renumbered, error) {
	if !o.Join {
		return nil, nil
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || s.Bound || s.AllRefs[replay.HereRoot+replay.LedgerName] == "" {
		return nil, err
	}
	rows, _, err := s.View.List(store.Filter{Status: "all", Sort: "number"})
	if err != nil {
		return nil, err
	}
	var ended []Renumbered
	for _, i := range rows {
		if i.Number != 0 {
			ended = append(ended, Renumbered{i.Number, i.UUID.String(), i.Short, i.Title})
		}
	}
	return ended, nil
}

// startFrom makes the ledger of a tracker that starts from a base, here: the hub gets
// it together with the rest. Done before with the same base, nothing is left to do;
// a tracker that holds anything else is refused.
func (t *Tracker) startFrom(ctx context.Context, s *reading.Snapshot, base *ledger.Base) (*reading.Snapshot, error) {
	if base == nil {
		return s, nil
	}
	data, err := ledger.EncodeBase(base)
	if err != nil {
		return nil, err
	}
	if s.Ledger.Base == event.Hash(data) {
		return s, nil
	}
	if s.Bound || s.AllRefs[replay.HereRoot+replay.LedgerName] != "" {
		return nil, t.notEmptyError()
	}
	if _, n, err := s.View.List(store.Filter{Status: "all"}); err != nil || n > 0 {
		if err == nil {
			err = t.notEmptyError()
		}
		return nil, err
	}
	l, err := ledger.Root(s.Hub, data, t.clone.Agent, event.TimeOf(t.clone.Now()))
	if err != nil {
		return nil, err
	}
	root, err := refs.WriteChanges(ctx, t.clone.Local(), "", l.Files(), nil, refs.CommitInfo{
		Address: t.clone.Committer(), Author: t.clone.Agent, When: t.clone.Now(), Message: "crosslink: ledger begins\n\n[skip ci]\n"})
	if err != nil {
		return nil, fmt.Errorf("write what the tracker starts from: %w", err)
	}
	here := s.AllRefs[replay.HereRoot+replay.MetaName]
	err = t.clone.Local().Swap(ctx, []refs.Update{{Ref: replay.HereRoot + replay.MetaName, Old: here, New: here}, {Ref: replay.HereRoot + replay.LedgerName, New: root}})
	switch {
	case errors.Is(err, refs.ErrConflict):
		return nil, t.notEmptyError()
	case err != nil:
		return nil, fmt.Errorf("start the ledger: %w", err)
	}
	t.clone.Reads.Forget()
	return t.clone.Reads.Load(ctx)
}

func (t *Tracker) notEmptyError() *fail.Error {
	where := "in this repository"
	if t.clone.Hub != nil {
		where = fmt.Sprintf("on '%s' or in this repository", t.clone.Hub.Name)
	}
	return &fail.Error{Kind: fail.Fatal, Code: "not-empty", Message: "there is a tracker " + where + ": nothing was written"}
}
