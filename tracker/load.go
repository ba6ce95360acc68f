package tracker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// Ref names inside the replica.
const (
	headRoot     = replay.HereRoot  // written here
	hubRoot      = replay.HubRoot   // last seen on the hub and believed
	incomingRoot = "refs/incoming/" // last fetched, not looked at yet
	lostRoot     = replay.LostRoot  // tips of a branch that the hub lost, by id
	agentLogs    = replay.Agents
	metaName     = replay.MetaName
	v2Name       = "hub" // the branch of a level-2 hub

	checkpointName = replay.LedgerName
)

// Level is the hub format this program writes.
const Level = replay.FormatVersion

// checkpointLimit bounds the files of a level-3 checkpoint.
const checkpointLimit = 256 << 20

// load returns the state of the replica. What was read before, by this process or
// by one that left a store, is not read again.
func (t *Tracker) load(ctx context.Context) (*snapshot, error) {
	s, err := t.listed(ctx)
	if err != nil || t.replica == nil {
		return s, err
	}
	return t.loadFrom(ctx, s, false)
}

// listed is a snapshot with the refs and what needs nothing else.
func (t *Tracker) listed(ctx context.Context) (*snapshot, error) {
	s := &snapshot{}
	if err := t.loadRefs(ctx, s); err != nil {
		return nil, err
	}
	return s, t.prepareSnapshot(ctx, s)
}

// loadFrom is load of a snapshot with refs; keep makes a store where there is none,
// however little it would hold.
func (t *Tracker) loadFrom(ctx context.Context, s *snapshot, keep bool) (*snapshot, error) {
	if was := t.loaded; was != nil && was.apart == s.apart && sameSeen(was.refs, s.refs) {
		next := *was
		next.refs, next.seen, next.unread = s.refs, s.seen, s.unread
		switch p := next.view.(type) { // a fetch may have brought signs of life
		case *store.File:
			p.See(s.seen)
		case *store.Memory:
			p.WithPresence(s.seen)
		}
		if _, inMemory := next.view.(*store.Memory); keep && inMemory {
			t.keep(ctx, &next)
		}
		t.loaded = &next
		return &next, nil
	}
	if legacy, err := t.isLegacy(ctx, s); err != nil || legacy {
		if err == nil {
			err = t.loadLegacy(ctx, s, keep)
		}
		return s, err
	}
	err := errNotKept
	if keep || t.large() {
		err = t.readStored(ctx, s)
	}
	if err != nil {
		err = t.readInMemory(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	if t.loaded = s; s.read.Ledger.Err != nil {
		t.loaded = nil
		return s, nil
	}
	t.keepWhole(ctx) // else all of it is reduced again after each move of a ref
	return t.loaded, nil
}

// prepareSnapshot fills in what needs nothing but the refs.
func (t *Tracker) prepareSnapshot(ctx context.Context, s *snapshot) error {
	s.logs, s.stamped = map[string]*log{}, reducer.New()
	if t.replica == nil {
		s.view = store.NewMemory(reducer.New(), nil, nil)
		return nil
	}
	if err := t.keepApart(ctx, s); err != nil {
		return err
	}
	s.seen, s.unread = t.presences(ctx, s)
	return nil
}

// loadRefs lists the refs, unless this process has just done so, or knows them
// from what it has just moved: whoever moves refs says what they were, so a list
// that is outdated by others costs another round and nothing else.
func (t *Tracker) loadRefs(ctx context.Context, s *snapshot) error {
	if t.replica == nil {
		return nil
	}
	if t.knownRefs != nil {
		s.refs, t.knownRefs = maps.Clone(t.knownRefs), nil // who is apart takes some away
		return nil
	}
	all, err := t.local().Refs(ctx, "refs/")
	if err != nil {
		return fmt.Errorf("list the replica's refs: %w", err)
	}
	s.refs = make(map[string]refs.OID, len(all))
	for _, r := range all {
		s.refs[r.Name] = r.OID
	}
	return nil
}

// sameSeen reports whether two lists of refs differ in nothing that a snapshot
// follows from.
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

// reader reads the replica; it is one for a process.
func (t *Tracker) reader() *replay.Reader {
	if t.replays == nil {
		t.replays = replay.NewReader(t.local(), t.stepFiles())
		t.replays.Note = t.judgedBefore
	}
	return t.replays
}

// advance reads from a State on what the refs of a snapshot say, and keeps what it
// judged of the ledger.
func (t *Tracker) advance(ctx context.Context, from *replay.State, s *snapshot) (*replay.State, *delta.Delta, error) {
	next, d, err := t.reader().Advance(ctx, from, s.refs)
	if err != nil {
		return nil, nil, err
	}
	t.noteJudged(from, next)
	return next, d, nil
}

// readInMemory makes the projection in memory: of nothing, or from the one of
// before.
func (t *Tracker) readInMemory(ctx context.Context, s *snapshot) error {
	from, m := &replay.State{}, &store.Memory{}
	if was := t.loaded; was != nil && was.read != nil {
		if old, ok := was.view.(*store.Memory); ok {
			*m = *old
			from = was.read
		}
	}
	var next *replay.State
	apply := func(store.Saved) (d *delta.Delta, err error) {
		next, d, err = t.advance(ctx, from, s)
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
	s.view, s.judge = m.WithPresence(s.seen), t.judgeOf(ctx)
	return nil
}

// recall returns the Memory of a snapshot's refs, for a store that fails.
func (t *Tracker) recall(ctx context.Context, s *snapshot) func() (*store.Memory, error) {
	ctx, all := context.WithoutCancel(ctx), s.refs
	return func() (*store.Memory, error) {
		again := &snapshot{refs: all, logs: map[string]*log{}}
		legacy, err := t.isLegacy(ctx, again)
		switch {
		case err != nil:
			return nil, err
		case legacy:
			err = t.loadLegacy(ctx, again, false)
			m, _ := again.view.(*store.Memory)
			return m, err
		}
		m := &store.Memory{}
		return m, m.Apply(func(store.Saved) (*delta.Delta, error) {
			_, d, err := t.reader().Advance(ctx, &replay.State{}, all)
			return d, err
		})
	}
}

// kept is what lies with a store beside its rows: what a read tells besides the
// answer, and the State without its cursors.
type kept struct {
	Glance glance          `json:"glance"`
	State  json.RawMessage `json:"state"`
}

// fromStore is the State that a store was made of.
func (t *Tracker) fromStore(stamp, header []byte, cursors func() (map[string][]byte, error)) (*replay.State, error) {
	if was := t.loaded; was != nil && was.read != nil && bytes.Equal(replay.Stamp(was.read.Refs), stamp) {
		return was.read, nil
	}
	var k kept
	if err := json.Unmarshal(header, &k); err != nil {
		return nil, err
	}
	all, err := cursors()
	if err != nil {
		return nil, err
	}
	return replay.Decode(k.State, all)
}

// newestWithin is the greatest time up to limit of the lines that count.
func (t *Tracker) newestWithin(ctx context.Context, s *snapshot, limit event.Time) (newest event.Time, err error) {
	if s.newest <= limit {
		return s.newest, nil
	}
	for _, id := range s.agents() {
		at, err := t.newestIn(ctx, s.logs[id], s.logs[id].counted(), limit)
		if err != nil {
			return 0, err
		}
		newest = max(newest, at)
	}
	return newest, nil
}

// newestIn is the greatest time up to limit in the first lines of a log.
func (t *Tracker) newestIn(ctx context.Context, l *log, first uint64, limit event.Time) (event.Time, error) {
	switch {
	case first == 0:
		return 0, nil
	case first == l.counted() && l.cursor.Newest <= limit:
		return l.cursor.Newest, nil
	}
	if e, err := t.lineAt(ctx, l, first); err != nil || e != nil && e.Time <= limit {
		if err != nil {
			return 0, err
		}
		return e.Time, nil
	}
	lines, err := t.linesOf(ctx, l)
	if err != nil {
		return 0, err
	}
	n, _ := slices.BinarySearchFunc(lines[:min(first, uint64(len(lines)))], limit+1, func(e *event.Envelope, at event.Time) int { return cmp.Compare(e.Time, at) })
	if n == 0 {
		return 0, nil
	}
	return lines[n-1].Time, nil
}
