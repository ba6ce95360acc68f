package tracker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// A command that finds the refs where an earlier one has seen them answers from
// the store. Where they have moved the store follows: what is new is read from the
// cursors that lie in it. docs/decisions/0019-writes-go-on-from-the-store.md says
// why writes may do that, too.

// storeFile is the database in the replica's directory. It may be removed.
const storeFile = "store.db"

// storePatience is how long another process's update is waited for.
const storePatience = 100 * time.Millisecond

func (t *Tracker) store(ctx context.Context) *store.Store {
	return &store.Store{
		Path: filepath.Join(t.replica.Path(), storeFile),
		Lock: func() (func(), bool) {
			unlock, ok, err := t.replica.Lock(context.WithoutCancel(ctx), "store", storePatience)
			return unlock, ok && err == nil
		},
	}
}

// glance is what a read tells besides the answer. It is kept with the store.
type glance struct {
	Level  int             `json:"level"`
	Bound  bool            `json:"bound"`
	Unsent int             `json:"unsent"`
	Held   map[string]held `json:"held"` // by agent

	newer bool // the ledger has rules that only newer programs know; then nothing is kept
}

// held is what an agent has, and when it last wrote.
type held struct {
	Issue event.UUID `json:"issue"`
	Wrote event.Time `json:"wrote"`
}

func (s *snapshot) glance() glance {
	g := glance{Level: s.level, Bound: s.bound, Unsent: s.unsent(), Held: map[string]held{}, newer: s.newerRules()}
	for _, k := range s.decidedState().Locks {
		var h held
		h.Issue, _ = s.held(k.Agent)
		if l := s.logs[k.Agent]; l != nil {
			h.Wrote = l.wrote()
		}
		g.Held[k.Agent] = h
	}
	return g
}

// errNotKept says that what was read is not kept.
var errNotKept = errors.New("what was read is not kept")

// stored returns the projection of the store if it was made from the refs of s,
// and what a read tells besides. Nothing else is read.
func (t *Tracker) stored(ctx context.Context, s *snapshot) (*store.File, glance, bool) {
	if t.replica == nil || t.joining || s.apart || t.noStore {
		return nil, glance{}, false
	}
	stamp := replay.Stamp(s.refs)
	if t.file != nil && t.file.Is(stamp) {
		t.file.See(s.seen)
		return t.file, t.fileGlance, true
	}
	f, header, err := t.store(ctx).Open(stamp, t.recall(ctx, s), s.seen)
	if err != nil {
		return nil, glance{}, false
	}
	var k kept
	if json.Unmarshal(header, &k) != nil {
		f.Close()
		return nil, glance{}, false
	}
	t.answerFrom(f, k.Glance)
	return f, k.Glance, true
}

// answerFrom makes a store the one that is asked.
func (t *Tracker) answerFrom(f *store.File, g glance) {
	if t.file != nil && t.file != f {
		t.file.Close()
	}
	t.file, t.fileGlance = f, g
}

// readStored brings the store to the refs of s, and answers from it. What hinders
// it hinders nothing else: the caller reads in memory.
func (t *Tracker) readStored(ctx context.Context, s *snapshot) error {
	if t.joining || s.apart || t.noStore {
		return errNotKept
	}
	var next *replay.State
	if f, _, ok := t.stored(ctx, s); ok {
		header, err := f.Header()
		if err != nil {
			return err
		}
		from, err := t.fromStore(replay.Stamp(s.refs), header, f.Cursors)
		if err != nil {
			return err
		}
		if next, _, err = t.advance(ctx, from, s); err != nil {
			return err
		}
		s.take(next)
		s.view, s.judge = f, t.judgeOf(ctx)
		return nil
	}
	if t.file != nil {
		t.file.Release()
	}
	f, w, err := t.store(ctx).Apply(func(was store.Saved) (*delta.Delta, error) {
		from := &replay.State{}
		if stamp := was.Inputs(); stamp != nil {
			header, err := was.Header()
			if err == nil {
				from, err = t.fromStore(stamp, header, was.Cursors)
			}
			if err != nil {
				return nil, store.ErrNeedsRebuild
			}
		}
		state, d, err := t.advance(ctx, from, s)
		if err != nil {
			return nil, err
		}
		if next = state; !next.Cacheable() {
			return nil, errNotKept
		}
		s.take(next)
		d.Header, err = json.Marshal(kept{s.glance(), d.Header})
		return d, err
	}, t.recall(ctx, s), s.seen)
	if t.o.Stored != nil && !errors.Is(err, errNotKept) {
		t.o.Stored(w, err)
	}
	if err != nil {
		return err
	}
	s.view, s.judge = f, t.judgeOf(ctx)
	t.answerFrom(f, s.glance())
	return nil
}

// distrustStore lets this process do without the store: what that says of a log is
// wrong.
func (t *Tracker) distrustStore() { t.noStore, t.loaded = true, nil }

// removeStore removes the store: what lies in it was found wrong.
func (t *Tracker) removeStore() {
	t.distrustStore()
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
	_ = os.Remove(filepath.Join(t.replica.Path(), storeFile)) // it is checked again by whoever looks
}

// What is large. The three meet: a store of so many lines is larger than that, and
// so are the packs.
const (
	keepFrom   = 1000      // lines
	followFrom = 512 << 10 // bytes of the store, of a few hundred lines
	packFrom   = 128 << 10 // bytes of the replica's packs, if there is no store
)

// large reports whether to read all into memory takes longer than to bring the store
// to it, or to make one.
func (t *Tracker) large() bool {
	st, err := os.Stat(filepath.Join(t.replica.Path(), storeFile))
	if err == nil {
		return st.Size() >= followFrom || t.o.KeepFrom > 0
	}
	packs, _ := filepath.Glob(filepath.Join(t.replica.Path(), "objects", "pack", "*.pack"))
	var sum int64
	for _, p := range packs {
		if st, err := os.Stat(p); err == nil {
			sum += st.Size()
		}
	}
	return sum >= packFrom
}

// keepWhole keeps what a command read whole that did not come to read, if it was
// much: the next one need not.
func (t *Tracker) keepWhole(ctx context.Context) {
	s := t.loaded
	if s == nil || s.read == nil {
		return
	}
	if _, inMemory := s.view.(*store.Memory); !inMemory {
		return
	}
	lines := uint64(0)
	for _, l := range s.logs {
		lines += l.counted()
	}
	if lines >= uint64(cmp.Or(t.o.KeepFrom, keepFrom)) {
		next := *s
		t.keep(ctx, &next)
		t.loaded = &next
	}
}

// keep brings the store to what was read in memory, and answers from it. What
// hinders it hinders nothing.
func (t *Tracker) keep(ctx context.Context, s *snapshot) {
	if s.read == nil || !s.read.Cacheable() {
		return
	}
	kept := *s
	if t.readStored(ctx, &kept) == nil {
		*s = kept
	}
}
