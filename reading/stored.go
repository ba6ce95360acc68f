package reading

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// storeFile is the database in the replica's directory. It may be removed.
const storeFile = "store.db"

// How long to wait for another process that updates the store, or makes it from much data:
// reading the same into memory takes as long, and a lot of memory.
const (
	storePatience   = 100 * time.Millisecond
	rebuildPatience = 2 * time.Minute
)

// wordsFrom is the largest number of texts that a search reads without making an index.
// Reading 50,000 takes 60 ms, and indexing them half a second.
const wordsFrom = 100_000

func (r *Reader) storePath() string { return filepath.Join(r.o.Replica().Path(), storeFile) }

func (r *Reader) store(ctx context.Context) *store.Store {
	return &store.Store{
		Path: r.storePath(), WordsFrom: wordsFrom,
		Lock: func(rebuild bool) (func(), bool) {
			ctx, patience := ctx, storePatience
			switch {
			case !rebuild:
				ctx = context.WithoutCancel(ctx)
			case r.packsLarge():
				patience = rebuildPatience
			default:
				return nil, false
			}
			unlock, ok, err := r.o.Replica().Lock(ctx, "store", patience)
			return unlock, ok && err == nil
		},
	}
}

// errNotKept means that the data read is not stored.
var errNotKept = errors.New("what was read is not kept")

// Answer is the result of Current.
type Answer struct {
	View   Projection
	Glance Glance
	Read   *Snapshot // nil if the store answered, and nothing else was read
}

// Current answers from the store, or loads the state and stores it.
func (r *Reader) Current(ctx context.Context) (Answer, error) {
	a, err := r.Stored(ctx)
	if err != nil || a.View != nil {
		return a, err
	}
	s, err := r.loadFrom(ctx, a.Read, true)
	if err != nil {
		return Answer{}, err
	}
	return Answer{s.View, s.Glance(), s}, nil
}

// Stored answers from the store, or if there is no replica. If the store was not made from
// the current refs, it returns a snapshot that contains only the refs.
func (r *Reader) Stored(ctx context.Context) (Answer, error) {
	s, err := r.listed(ctx)
	switch {
	case err != nil:
		return Answer{}, err
	case r.o.Replica() == nil:
		return Answer{s.View, s.Glance(), s}, nil
	}
	if f, g, ok := r.stored(ctx, s); ok {
		return Answer{View: f, Glance: g}, nil
	}
	return Answer{Read: s}, nil
}

// stored returns the projection of the store if it was made from the refs of s, and its
// glance. Nothing else is read.
func (r *Reader) stored(ctx context.Context, s *Snapshot) (*store.File, Glance, bool) {
	if r.joined || s.Apart || r.noStore {
		return nil, Glance{}, false
	}
	stamp := replay.Stamp(s.AllRefs)
	if r.file != nil && r.file.Is(stamp) {
		r.file.See(s.Seen)
		return r.file, r.glance, true
	}
	f, header, err := r.store(ctx).Open(stamp, r.recall(ctx, s), s.Seen)
	if err != nil {
		return nil, Glance{}, false
	}
	var k kept
	if json.Unmarshal(header, &k) != nil {
		f.Close()
		return nil, Glance{}, false
	}
	r.answerFrom(f, k.Glance)
	return f, k.Glance, true
}

// answerFrom sets the store that answers.
func (r *Reader) answerFrom(f *store.File, g Glance) {
	if r.file != nil && r.file != f {
		r.file.Close()
	}
	r.file, r.glance = f, g
}

// readStored brings the store to the refs of s, and answers from it. An error here prevents
// nothing else: the caller reads into memory.
func (r *Reader) readStored(ctx context.Context, s *Snapshot) error {
	if r.joined || s.Apart || r.noStore {
		return errNotKept
	}
	var next *replay.State
	if f, _, ok := r.stored(ctx, s); ok {
		from, err := r.fromStore(f.Inputs(), f)
		if err != nil {
			return err
		}
		if next, _, err = r.advance(ctx, from, s); err != nil {
			return err
		}
		next.ReadWith(r.cursorsOf(ctx, f, s.AllRefs))
		s.take(next)
		s.View, s.judge = f, r.judgeOf(ctx)
		return nil
	}
	from := &replay.State{}
	f, w, err := r.store(ctx).Apply(ctx, r.file, func(was store.Saved) (*delta.Delta, error) {
		from = &replay.State{}
		if stamp := was.Inputs(); stamp != nil {
			var err error
			if from, err = r.fromStore(stamp, was); err != nil {
				return nil, store.ErrNeedsRebuild
			}
			from.ReadWith(func(agent string) (*replay.Cursor, error) { return r.cursor(was, agent) })
		}
		state, d, err := r.advance(ctx, from, s)
		if err == nil && mostlyNew(from, state) {
			from = &replay.State{}
			state, d, err = r.advance(ctx, from, s)
		}
		if err != nil {
			return nil, err
		}
		if next = state; !next.Cacheable() {
			return nil, errNotKept
		}
		s.take(next)
		d.Header, err = json.Marshal(kept{s.Glance(), d.Header})
		return d, err
	}, r.recall(ctx, s), s.Seen)
	if r.o.Stored != nil && !errors.Is(err, errNotKept) {
		r.o.Stored(w, err)
	}
	if err != nil {
		if was := r.loaded; was != nil && was.State == from {
			from.ReadWith(r.cursorsOf(ctx, nil, was.AllRefs))
		}
		return err
	}
	read := r.cursorsOf(ctx, f, s.AllRefs)
	next.ReadWith(read)
	from.ReadWith(read) // the new data was read from it
	s.View, s.judge = f, r.judgeOf(ctx)
	r.answerFrom(f, s.Glance())
	return nil
}

// manyLines is how many new lines justify making another store.
const manyLines = 1000

// mostlyNew reports whether a store has less than half of the lines of the next state. For
// each new line it reduces one object again, so making it from all lines takes less time.
func mostlyNew(from, next *replay.State) bool {
	was, is := from.Lines(), next.Lines()
	return was > 0 && is > 2*was && is-was >= manyLines
}

// Distrust makes this process work without the store, because the store was wrong about a
// log.
func (r *Reader) Distrust() { r.noStore, r.loaded = true, nil }

// RemoveStore removes the store, because its content was found wrong.
func (r *Reader) RemoveStore() {
	r.Distrust()
	r.Close()
	_ = os.Remove(r.storePath()) // the next process checks it again
}

// When a state is large. The limits agree: a store of so many lines of the usual length is
// larger than followFrom, and so are the packs. From about 250 lines on, reading them all
// takes longer than opening the store and updating it.
const (
	keepFrom   = 200       // lines
	followFrom = 256 << 10 // bytes of the store; an empty one has 184 KB
	packFrom   = 128 << 10 // bytes of the replica's packs, if there is no store
)

// large reports whether reading everything into memory takes longer than updating the
// store, or making one.
func (r *Reader) large() bool {
	st, err := os.Stat(r.storePath())
	if err == nil {
		return st.Size() >= followFrom || r.o.KeepFrom > 0
	}
	return r.packsLarge()
}

// packsLarge reports whether the replica has packs of many objects.
func (r *Reader) packsLarge() bool {
	packs, _ := filepath.Glob(filepath.Join(r.o.Replica().Path(), "objects", "pack", "*.pack"))
	var sum int64
	for _, p := range packs {
		if st, err := os.Stat(p); err == nil {
			sum += st.Size()
		}
	}
	return sum >= packFrom
}

// KeepMuch stores what a command other than a read had to read, if it was much, so that the
// next command need not.
func (r *Reader) KeepMuch(ctx context.Context) {
	s := r.loaded
	if s == nil || !s.Replayed() {
		return
	}
	if _, inMemory := s.View.(*store.Memory); !inMemory {
		return
	}
	if _, err := os.Stat(r.storePath()); err == nil && !r.large() {
		return // only reads use it
	}
	lines := uint64(0)
	for _, id := range s.AgentIDs() {
		lines += s.Counted(id)
	}
	if lines >= uint64(cmp.Or(r.o.KeepFrom, keepFrom)) {
		next := *s
		r.keep(ctx, &next)
		r.loaded = &next
	}
}

// keep brings the store to the state in memory, and answers from it. An error here prevents
// nothing.
func (r *Reader) keep(ctx context.Context, s *Snapshot) {
	if !s.Replayed() || !s.Cacheable() {
		return
	}
	kept := *s
	if r.readStored(ctx, &kept) == nil {
		*s = kept
	}
}
