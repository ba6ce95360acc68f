package reading

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Options configure a Reader.
type Options struct {
	Replica func() refs.Replica // nil as long as there is no replica
	Home    string              // directory of the replica, which has its caches

	Presence func(context.Context, map[string]refs.OID) Presence // reads presence from a list of refs
	BadSteps func([]ledger.Bad)                                  // called once with invalid steps
	Judged   func(path string, note any)                         // stores the verdict on the ledger
	Stored   func(store.Written, error)                          // called with the result of writing the store; nil drops it
	KeepFrom int                                                 // number of lines from which a store is made; 0 means 1,000
}

// Reader reads a replica for one goroutine. It remembers what it has read, and reads only
// what has changed since.
type Reader struct {
	o       Options
	joined  bool                // read the hub, although its numbers replace the local ones
	known   map[string]refs.OID // the refs, for the next Load; nil: it lists them
	loaded  *Snapshot           // the last result of Load
	replays *replay.Reader      // nil until something is read
	judged  string              // tip of the ledger up to which the verdict is stored
	metas   []replay.MetaNote   // the stored verdicts on meta tips
	noStore bool                // the store was wrong about a log: this process does not use it
	file    *store.File         // the store that was used last
	glance  Glance              // and the glance stored with it
	cursors int                 // number of cursors that were read from a store
}

// New returns a Reader that has read nothing yet.
func New(o Options) *Reader { return &Reader{o: o} }

// Close closes the store. Its projection can no longer be used.
func (r *Reader) Close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

func (r *Reader) local() refs.Local { return r.o.Replica().Local() }

// Join sets whether to read the hub although its numbers replace the local ones.
func (r *Reader) Join(join bool) { r.joined, r.loaded = join, nil }

// Joined reports whether Join was called.
func (r *Reader) Joined() bool { return r.joined }

// Cursors returns how many cursors of logs were read from a store.
func (r *Reader) Cursors() int { return r.cursors }

// Last returns the last result of Load, nil if nothing was read.
func (r *Reader) Last() *Snapshot { return r.loaded }

// Forget makes the next Load read everything again.
func (r *Reader) Forget() { r.loaded = nil }

// Expect passes the current refs, so that the next Load need not list them: code that moves
// refs knows them. If others have moved refs since, this costs another round and nothing
// else. Nil undoes it.
func (r *Reader) Expect(all map[string]refs.OID) { r.known = all }

// Expects reports whether the refs are known.
func (r *Reader) Expects() bool { return r.known != nil }

// Load returns the state of the replica. It does not read again what this process, or a
// process that left a store, has read before.
func (r *Reader) Load(ctx context.Context) (*Snapshot, error) {
	s, err := r.listed(ctx)
	if err != nil || r.o.Replica() == nil {
		return s, err
	}
	return r.loadFrom(ctx, s, false)
}

// Refs lists the refs, unless they are known.
func (r *Reader) Refs(ctx context.Context) (map[string]refs.OID, error) {
	if r.o.Replica() == nil {
		return nil, nil
	}
	if r.known != nil {
		all := maps.Clone(r.known) // keepApart removes some
		r.known = nil
		return all, nil
	}
	listed, err := r.local().Refs(ctx, "refs/")
	if err != nil {
		return nil, fmt.Errorf("list the replica's refs: %w", err)
	}
	all := make(map[string]refs.OID, len(listed))
	for _, x := range listed {
		all[x.Name] = x.OID
	}
	return all, nil
}

// listed returns a snapshot with the refs and the data that follows from them alone.
func (r *Reader) listed(ctx context.Context) (*Snapshot, error) {
	s := Of(&replay.State{})
	var err error
	if s.AllRefs, err = r.Refs(ctx); err != nil {
		return nil, err
	}
	if r.o.Replica() == nil {
		s.View = store.NewMemory(reducer.New(), nil, nil)
		return s, nil
	}
	if err := r.keepApart(ctx, s); err != nil {
		return nil, err
	}
	s.Presence = r.o.Presence(ctx, s.AllRefs)
	return s, nil
}

// keepApart removes the hub from a snapshot's refs while it is not joined. A repository
// without a remote assigns numbers by itself. If it meets a hub that has numbers too, its
// own numbers would be lost. So the two are kept apart, and the local state stays visible,
// until the user runs 'init --join'.
func (r *Reader) keepApart(ctx context.Context, s *Snapshot) error {
	ours, theirs := s.AllRefs[replay.HereRoot+replay.MetaName], s.AllRefs[replay.HubRoot+replay.MetaName]
	if r.joined || ours == "" || theirs == "" || s.AllRefs[replay.HereRoot+replay.LedgerName] == "" {
		return nil
	}
	var ids [2]string
	for i, tip := range []refs.OID{ours, theirs} {
		files, err := refs.ReadFiles(ctx, r.local(), tip, replay.MetaLimit)
		if err != nil {
			return fmt.Errorf("read the meta '%s': %w", tip, err)
		}
		ids[i] = trust.Claimed(files["hub.json"]).Hub
	}
	if ids[0] == ids[1] {
		return nil // the hub is a copy of this tracker
	}
	s.Apart = true
	for name := range s.AllRefs {
		if strings.HasPrefix(name, replay.HubRoot) || strings.HasPrefix(name, replay.IncomingRoot) || strings.HasPrefix(name, replay.LostRoot) || strings.HasPrefix(name, replay.ArchivedRoot) {
			delete(s.AllRefs, name)
		}
	}
	return nil
}

// loadFrom is Load for a snapshot with refs; keep makes a store if there is none, however
// small.
func (r *Reader) loadFrom(ctx context.Context, s *Snapshot, keep bool) (*Snapshot, error) {
	if was := r.loaded; was != nil && was.Apart == s.Apart && sameSeen(was.AllRefs, s.AllRefs) {
		next := *was
		next.AllRefs, next.Presence = s.AllRefs, s.Presence
		switch p := next.View.(type) { // a fetch may have brought heartbeats
		case *store.File:
			p.See(s.Seen)
		case *store.Memory:
			p.WithPresence(s.Seen)
		}
		if _, inMemory := next.View.(*store.Memory); keep && inMemory {
			r.keep(ctx, &next)
		}
		r.loaded = &next
		return &next, nil
	}
	if legacy, err := isLegacy(ctx, r.local(), s); err != nil || legacy {
		if err == nil {
			err = r.loadLegacy(ctx, s, keep)
		}
		return s, err
	}
	err := errNotKept
	if !keep && !r.large() {
		err = r.readInMemory(ctx, s, maxInMemory)
	}
	if errors.Is(err, errNotKept) {
		if err = r.readStored(ctx, s); err != nil {
			err = r.readInMemory(ctx, s, math.MaxInt)
		}
	}
	if err != nil {
		return nil, err
	}
	if r.loaded = s; s.Ledger.Err != nil {
		r.loaded = nil
		return s, nil
	}
	r.KeepMuch(ctx) // otherwise everything is reduced again after each move of a ref
	return r.loaded, nil
}

// sameSeen reports whether two lists of refs are equal as far as a snapshot depends on
// them.
func sameSeen(a, b map[string]refs.OID) bool {
	for name, oid := range a {
		if b[name] != oid && replay.Relevant(name) {
			return false
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && replay.Relevant(name) {
			return false
		}
	}
	return true
}

// Replays returns the process's reader of the replica.
func (r *Reader) Replays() *replay.Reader {
	if r.replays == nil {
		r.replays = replay.NewReader(r.local(), r.stepFiles())
		r.replays.Note, r.replays.MetaNotes = r.JudgedBefore, r.metasBefore
	}
	return r.replays
}

// stepFiles caches files of the ledger's last step beside the replica.
func (r *Reader) stepFiles() *replay.StepFiles {
	path := filepath.Join(r.o.Home, "ledger.files")
	return &replay.StepFiles{Format: r.local().Format(),
		Load: func() []byte {
			b, err := statefile.Read(path, replay.MaxStep)
			if err != nil {
				return nil
			}
			return b
		},
		Save: func(b []byte) { _ = statefile.Write(path, b) }, // if it cannot be stored, this only costs the next command time
	}
}

// advance reads from a State to the refs of a snapshot, and stores the verdict on the
// ledger.
func (r *Reader) advance(ctx context.Context, from *replay.State, s *Snapshot) (*replay.State, *delta.Delta, error) {
	next, d, err := r.Replays().Advance(ctx, from, s.AllRefs)
	if err != nil {
		return nil, nil, err
	}
	r.noteJudged(from, next)
	r.NoteMetas(ctx)
	return next, d, nil
}

// readInMemory makes the projection in memory, from nothing or from the previous one. It
// returns errNotKept if there are more than most bytes of lines to reduce.
func (r *Reader) readInMemory(ctx context.Context, s *Snapshot, most int) error {
	from, m := &replay.State{}, &store.Memory{}
	if was := r.loaded; was != nil && was.Replayed() {
		if old, ok := was.View.(*store.Memory); ok {
			*m = *old
			from = was.State
		}
	}
	var next *replay.State
	apply := func(store.Saved) (d *delta.Delta, err error) {
		if next, d, err = r.advance(ctx, from, s); err == nil && d.Logs != nil {
			d.Logs = bounded(most, d.Logs)
		}
		return d, err
	}
	err := m.Apply(apply)
	if errors.Is(err, store.ErrNeedsRebuild) {
		from, m = &replay.State{}, &store.Memory{}
		err = m.Apply(apply)
	}
	if err != nil {
		return err
	}
	s.take(next)
	s.View, s.judge = m.WithPresence(s.Seen), r.judgeOf(ctx)
	return nil
}

// maxInMemory is how many bytes of lines are reduced in memory if a store is possible: a
// small pack can unfold to any size, and reducing lines takes four times their size.
const maxInMemory = 16 << 20

// bounded yields logs as long as the total size of their lines is within the bound, then
// errNotKept.
func bounded(most int, logs iter.Seq2[delta.Log, error]) iter.Seq2[delta.Log, error] {
	return func(yield func(delta.Log, error) bool) {
		for l, err := range logs {
			if lines := l.Lines; lines != nil {
				l.Lines = func(yield func(*event.Envelope, error) bool) {
					for e, err := range lines {
						if err == nil {
							most -= len(e.Raw)
						}
						if most < 0 {
							e, err = nil, errNotKept
						}
						if !yield(e, err) || err != nil {
							return
						}
					}
				}
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// recall returns a function that makes the Memory of a snapshot's refs, for a store that
// fails.
func (r *Reader) recall(ctx context.Context, s *Snapshot) func() (*store.Memory, error) {
	ctx, all := context.WithoutCancel(ctx), s.AllRefs
	return func() (*store.Memory, error) {
		again := Of(&replay.State{})
		again.AllRefs = all
		legacy, err := isLegacy(ctx, r.local(), again)
		switch {
		case err != nil:
			return nil, err
		case legacy:
			err = r.loadLegacy(ctx, again, false)
			m, _ := again.View.(*store.Memory)
			return m, err
		}
		m := &store.Memory{}
		return m, m.Apply(func(store.Saved) (*delta.Delta, error) {
			_, d, err := r.Replays().Advance(ctx, &replay.State{}, all)
			return d, err
		})
	}
}

// kept is the data that a store has besides its rows: the glance, and the State without its
// cursors.
type kept struct {
	Glance Glance          `json:"glance"`
	State  json.RawMessage `json:"state"`
}

// savedState is the part of a State that a store keeps.
type savedState interface {
	Header() ([]byte, error)
	Index() ([]byte, error)
	Cursor(agent string) ([]byte, error)
}

// fromStore returns the State from which a store was made.
func (r *Reader) fromStore(stamp []byte, from savedState) (*replay.State, error) {
	if was := r.loaded; was != nil && was.Replayed() && bytes.Equal(was.State.Stamp(), stamp) {
		return was.State, nil
	}
	header, err := from.Header()
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(header, &k); err != nil {
		return nil, err
	}
	index, err := from.Index()
	if err != nil {
		return nil, err
	}
	return replay.Decode(replay.Saved{Stamp: stamp, Header: k.State, Index: index, Cursor: func(agent string) (*replay.Cursor, error) { return r.cursor(from, agent) }})
}

// cursor reads one cursor from a store.
func (r *Reader) cursor(from savedState, agent string) (*replay.Cursor, error) {
	r.cursors++
	b, err := from.Cursor(agent)
	if err != nil {
		return nil, err
	}
	return replay.DecodeCursor(b)
}

// cursorsOf reads the cursors of a snapshot that were not needed so far: from the store, or
// from the logs if there is no store or another process has changed it.
func (r *Reader) cursorsOf(ctx context.Context, f *store.File, all map[string]refs.OID) func(agent string) (*replay.Cursor, error) {
	ctx = context.WithoutCancel(ctx)
	var whole *replay.State
	return func(agent string) (*replay.Cursor, error) {
		if whole == nil {
			var err error
			if f != nil {
				c, err := r.cursor(f, agent)
				if err == nil {
					return c, nil
				}
			}
			if whole, _, err = r.Replays().Advance(ctx, &replay.State{}, all); err != nil {
				return nil, err
			}
		}
		if c := whole.Cursor(agent); c != nil {
			return c, nil
		}
		return nil, refs.ErrMissing
	}
}
