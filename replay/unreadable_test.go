package replay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// faulty is a repository of which one object cannot be read, or nothing.
type faulty struct {
	refs.Local
	lost refs.OID
	as   error
	all  error // of each call; nil: it works
}

func (f *faulty) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	if f.all != nil {
		return f.all
	}
	return f.Local.Read(ctx, ids, limit, func(i int, o refs.Object, err error) error {
		if ids[i] == f.lost {
			o, err = refs.Object{}, fmt.Errorf("object '%s': %w", ids[i], f.as)
		}
		return each(i, o, err)
	})
}

// objects are all that a commit's tree holds, and the commit.
func objects(t *testing.T, l refs.Local, commit refs.OID) []refs.OID {
	t.Helper()
	head, err := refs.ReadHead(ctx, l, commit)
	must(err)
	all := []refs.OID{commit, head.Tree}
	for i := 1; i < len(all); i++ {
		must(l.Read(ctx, all[i:i+1], 1<<30, func(_ int, o refs.Object, err error) error {
			if err != nil || o.Kind != refs.Tree {
				return err
			}
			entries, err := refs.ParseTree(l.Format(), o.Data)
			for _, e := range entries {
				all = append(all, e.OID)
			}
			return err
		}))
	}
	return all
}

// TestWhatCannotBeReadIsNoVerdict: an object that is missing or damaged here, or a
// repository that cannot be asked, makes no step bad: a verdict is kept, and what
// others decide on that step would not be believed here ever again.
func TestWhatCannotBeReadIsNoVerdict(t *testing.T) {
	t.Parallel()
	const ledgerRef = replay.HubRoot + replay.LedgerName
	judged := 0
	for seed := uint64(0); judged < 2; seed++ {
		w := newWorld(seed, map[string]int{})
		for range 30 {
			w.step()
		}
		was, _, err := replay.NewReader(w.local, nil).Advance(ctx, &replay.State{}, w.refs)
		must(err)
		tip := w.refs[ledgerRef]
		if was.Ledger.Err != nil || len(was.Ledger.Bad) > 0 || was.Ledger.Step == "" || tip == "" {
			continue
		}
		head, err := refs.ReadHead(ctx, w.local, tip)
		must(err)
		if len(head.Parents) < 2 { // covers nothing
			continue
		}
		judged++
		ids := objects(t, w.local, tip)
		for _, p := range head.Parents[1:] {
			ids = append(ids, objects(t, w.local, p)...)
		}
		for _, as := range []error{refs.ErrMissing, refs.ErrCorrupt} {
			for _, id := range ids {
				l := &faulty{Local: w.local, lost: id, as: as}
				for range 2 { // and with what it noted then
					s, _, err := replay.NewReader(l, nil).Advance(ctx, &replay.State{}, w.refs)
					if err == nil && len(s.Ledger.Bad) > 0 {
						t.Fatalf("seed %d: '%s' %v: a step is bad: %+v", seed, id, as, s.Ledger.Bad)
					}
				}
			}
		}
	}
}

// TestUnaskedIsNoVerdict: where the objects of a meta commit cannot be asked for, it
// is not said to be invalid.
func TestUnaskedIsNoVerdict(t *testing.T) {
	t.Parallel()
	w := newWorld(1, map[string]int{})
	l := &faulty{Local: w.local, all: fmt.Errorf("no more processes: %w", refs.ErrStorage)}
	chain := replay.NewMetaChain(ctx, l)
	if st, err := chain.At(w.meta); !errors.Is(err, refs.ErrStorage) {
		t.Fatalf("%+v, %v", st, err)
	}
	l.all = nil
	if st, err := chain.At(w.meta); err != nil || st.Commit != w.meta {
		t.Fatalf("%+v, %v", st, err)
	}
}
