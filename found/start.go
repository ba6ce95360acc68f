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

// startedFrom reports whether a ledger began with a base that was read from the same
// source. Times that the source does not name differ each time it is read.
func startedFrom(l *ledger.Ledger, base *ledger.Base) bool {
	b := l.Base()
	return b != nil && base != nil && b.HubVersion == base.HubVersion && b.Source == base.Source
}

// loseStart says that somebody else founded the tracker. A start that nothing was
// written after is set aside, because its source can be imported; a ref keeps it. What
// was written after it would be lost, so such a tracker stays as it is.
func (f *Founder) loseStart(ctx context.Context, s *reading.Snapshot, o InitOptions) error {
	l := s.Decided().View.Ledger
	switch {
	case o.From == nil || l.Base() == nil:
		return f.ApartError()
	case !startedFrom(l, o.From) || l.Sequence != 1:
		return f.foundedError("")
	}
	switch n, err := f.writtenHere(ctx, s); {
	case err != nil:
		return err
	case n > 0:
		return f.foundedError(fmt.Sprintf("; %d events were written here since", n))
	}
	var ups []refs.Update
	for _, name := range []string{replay.LedgerName, replay.MetaName} {
		ups = append(ups, refs.Update{Ref: "refs/before/" + s.Hub + "/" + name, New: s.AllRefs[replay.HereRoot+name]})
	}
	ups = append(ups, refs.Update{Ref: replay.HereRoot + replay.LedgerName, Old: s.AllRefs[replay.HereRoot+replay.LedgerName]})
	if err := f.Local().Swap(ctx, ups); err != nil {
		return fmt.Errorf("set aside the ledger that was started here: %w", err)
	}
	f.Reads.Forget()
	source := "an import"
	if o.Source != "" {
		source = "'" + o.Source + "'"
	}
	return &fail.Error{Kind: fail.Fatal, Code: "set-aside",
		Message: fmt.Sprintf("your start from %s was set aside: there is already a tracker on '%s'", source, f.HubName())}
}

// writtenHere counts the events written here besides introductions of agents, which
// belong to a start.
func (f *Founder) writtenHere(ctx context.Context, s *reading.Snapshot) (n int, err error) {
	for _, l := range s.Logs() {
		lines, err := f.Reads.Lines(ctx, l)
		if err != nil {
			return 0, err
		}
		for _, e := range lines {
			if _, intro := e.Body.(*event.AgentIntroduced); !intro {
				n++
			}
		}
	}
	return n, nil
}

// foundedError refuses to join a hub where that would end the ledger whose base holds
// the issues.
func (f *Founder) foundedError(more string) *fail.Error {
	return &fail.Error{Kind: fail.No, Code: "private-numbers/founded",
		Message: fmt.Sprintf("the tracker in this repository started from an import, and joining a hub would lose its issues%s: nothing was changed", more)}
}

// startFrom makes the ledger of a tracker that starts from a base, here: the hub gets
// it together with the rest. The meta names the base, so that nobody who finds the meta
// alone starts another ledger. If the tracker started from the same source before,
// nothing is left to do; a tracker that holds anything else is refused.
func (f *Founder) startFrom(ctx context.Context, s *reading.Snapshot, base *ledger.Base) (*reading.Snapshot, error) {
	if base == nil {
		return s, nil
	}
	again := startedFrom(s.Decided().View.Ledger, base)
	switch _, n, err := s.View.List(store.Filter{Status: "all"}); {
	case err != nil:
		return nil, err
	case again && (s.Bound || s.Meta.Base != ""):
		return s, nil
	case again: // a kill came between the ledger and the meta
	case s.Bound || s.AllRefs[replay.HereRoot+replay.LedgerName] != "" || n > 0 || s.Meta.Seq > 1:
		return nil, f.notEmptyError()
	}
	var ups []refs.Update
	hash := s.Ledger.Base
	if !again {
		data, err := ledger.EncodeBase(base)
		if err != nil {
			return nil, err
		}
		w := migrate.Writer{Local: f.Local(), Hub: s.Hub, Agent: f.Agent, Address: f.Committer(), Now: f.Now()}
		root, err := w.Root(ctx, data)
		if err != nil {
			return nil, err
		}
		hash, ups = event.Hash(data), []refs.Update{{Ref: replay.HereRoot + replay.LedgerName, New: root}}
	}
	meta, _, err := f.FirstMeta(ctx, f.FoundingOf(ctx, s.Hub, s.Meta.CreatedAt, hash))
	if err != nil {
		return nil, err
	}
	err = f.Local().SwapInOrder(ctx, append(ups, refs.Update{Ref: replay.HereRoot + replay.MetaName, Old: s.AllRefs[replay.HereRoot+replay.MetaName], New: meta}))
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
	return &fail.Error{Kind: fail.Fatal, Code: "not-empty", Message: "there is a tracker " + where + ": nothing was imported"}
}
