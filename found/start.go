package found

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// startFrom makes the ledger of a tracker that starts from a base, here: the hub gets
// it together with the rest. Done before with the same base, nothing is left to do;
// a tracker that holds anything else is refused.
func (f *Founder) startFrom(ctx context.Context, s *reading.Snapshot, base *ledger.Base) (*reading.Snapshot, error) {
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
		return nil, f.notEmptyError()
	}
	if _, n, err := s.View.List(store.Filter{Status: "all"}); err != nil || n > 0 {
		if err == nil {
			err = f.notEmptyError()
		}
		return nil, err
	}
	w := migrate.Writer{Local: f.Local(), Hub: s.Hub, Agent: f.Agent, Address: f.Committer(), Now: f.Now()}
	root, err := w.Root(ctx, data)
	if err != nil {
		return nil, err
	}
	here := s.AllRefs[replay.HereRoot+replay.MetaName]
	err = f.Local().Swap(ctx, []refs.Update{{Ref: replay.HereRoot + replay.MetaName, Old: here, New: here}, {Ref: replay.HereRoot + replay.LedgerName, New: root}})
	switch {
	case errors.Is(err, refs.ErrConflict):
		return nil, f.notEmptyError()
	case err != nil:
		return nil, fmt.Errorf("start the ledger: %w", err)
	}
	f.Reads.Forget()
	return f.Reads.Load(ctx)
}

func (f *Founder) notEmptyError() *fail.Error {
	where := "in this repository"
	if f.Hub != nil {
		where = fmt.Sprintf("on '%s' or in this repository", f.Hub.Name)
	}
	return &fail.Error{Kind: fail.Fatal, Code: "not-empty", Message: "there is a tracker " + where + ": nothing was written"}
}
