package tracker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// A command that finds the refs where an earlier one has seen them answers from
// the store, or goes on from it (brief.go). Where they have moved the store
// follows, if it can; else the logs are loaded, and who reads keeps what it loaded.

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
	for _, k := range s.granted().Locks {
		var h held
		h.Issue, _ = s.held(k.Agent)
		if l := s.logs[k.Agent]; l != nil {
			h.Wrote = l.wrote()
		}
		g.Held[k.Agent] = h
	}
	return g
}

// seenRoots are the refs that a snapshot follows from. Signs of life are read
// apart, and what was fetched and not believed changes nothing.
var seenRoots = []string{headRoot, hubRoot, replay.TrustedMeta, lostRoot}

func seen(name string) bool {
	return slices.ContainsFunc(seenRoots, func(root string) bool { return strings.HasPrefix(name, root) })
}

// sameSeen reports whether two lists of refs differ in nothing that a snapshot
// follows from.
func sameSeen(a, b map[string]refs.OID) bool {
	for _, name := range changed(a, b) {
		if seen(name) {
			return false
		}
	}
	return true
}

// digest stands for all refs that a snapshot follows from.
func digest(all map[string]refs.OID) []byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if seen(name) {
			fmt.Fprintf(h, "%s %s\n", all[name], name)
		}
	}
	return h.Sum(nil)
}

// stored returns the projection of the store if it was made from these refs.
func (t *Tracker) stored(ctx context.Context, s *snapshot) (*store.File, glance, bool) {
	var g glance
	if t.replica == nil || t.joining {
		return nil, g, false
	}
	all := maps.Clone(s.refs)
	recall := func() (*store.Memory, error) {
		again, err := t.loadFrom(context.WithoutCancel(ctx), &snapshot{refs: all})
		if err != nil {
			return nil, err
		}
		return again.memory(), nil
	}
	presences := s.seen
	if presences == nil {
		presences, _ = t.presences(ctx, s)
	}
	if t.file != nil && t.file.Is(digest(all)) {
		t.file.See(presences)
		return t.file, t.fileNote, true
	}
	f, note, err := t.openStore(ctx, all, recall, presences)
	if err == nil && json.Unmarshal(note, &g) != nil {
		f.Close()
		err = fmt.Errorf("the note in '%s' cannot be read", storeFile)
	}
	if err != nil {
		return nil, g, false
	}
	if t.file != nil {
		t.file.Close()
	}
	t.file, t.fileNote = f, g
	checkStored(ctx, t, f, g, all)
	return f, g, true
}

// openStore opens the store of these refs, and returns its note. One of others has to
// follow to them.
func (t *Tracker) openStore(ctx context.Context, all map[string]refs.OID, recall func() (*store.Memory, error), seen func() map[string]event.AgentPresence) (*store.File, []byte, error) {
	st := t.store(ctx)
	f, note, err := st.Open(digest(all), recall, seen)
	if err == nil {
		return f, note, nil
	}
	if t.file != nil {
		t.file.Release()
	}
	f, is, w, err := st.Follow(func(was store.State) (store.State, store.News, error) { return t.advance(ctx, all, was) }, recall, seen)
	if err == nil && t.o.Stored != nil {
		t.o.Stored(w, nil)
	}
	return f, is.Note, err
}

// Only tests change this: what the store answers is what the refs say.
var checkStored = func(context.Context, *Tracker, *store.File, glance, map[string]refs.OID) {}

// keep brings the store up to date. What hinders it hinders nothing else: the
// next command reads the logs again.
func (t *Tracker) keep(ctx context.Context, s *snapshot) {
	if t.replica == nil || t.joining || !s.lasting() {
		return
	}
	note, err := json.Marshal(s.glance())
	if err != nil {
		return
	}
	rest, err := json.Marshal(t.ends(s))
	if err != nil {
		return
	}
	w, err := t.store(ctx).Update(s.memory(), store.State{Digest: digest(s.refs), Note: note, Rest: rest})
	if t.o.Stored != nil {
		t.o.Stored(w, err)
	}
}

// What is large. The two meet: a store of so many lines is larger than that.
const (
	keepFrom  = 1000      // lines
	briefFrom = 512 << 10 // bytes of the store, of a few hundred lines
)

// large reports whether to read all takes longer than to open the store and have it
// follow.
func (t *Tracker) large() bool {
	st, err := os.Stat(filepath.Join(t.replica.Path(), storeFile))
	return err == nil && (st.Size() >= briefFrom || t.o.KeepFrom > 0)
}

// keepWhole keeps what a command read whole that did not come to read, if it was
// much: the next one need not.
func (t *Tracker) keepWhole(ctx context.Context) {
	if s := t.loaded; s != nil && s.brief == nil && len(s.lines) >= cmp.Or(t.o.KeepFrom, keepFrom) {
		t.keep(ctx, s)
	}
}

// lasting reports whether a snapshot follows from its refs for ever: nothing is
// shown in place of something that may still come.
func (s *snapshot) lasting() bool {
	if s.apart || s.decided.err != nil || s.unboundLines() {
		return false
	}
	for _, l := range s.logs {
		if l.torn || l.missing || l.here != "" && (s.level == 2 || s.level == 3) {
			return false
		}
	}
	return true
}
