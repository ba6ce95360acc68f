package tracker

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/event"
)

// followed counts the snapshots that were made without reading a log.
var followed atomic.Int64

// Followed is how many there were so far.
func Followed() int64 { return followed.Load() }

// Whatever a test does, a snapshot that was followed is the one that reading all
// would have given.
func init() {
	checkFollowed = func(ctx context.Context, t *Tracker, s *snapshot) {
		other := *t
		other.loaded, other.judging, other.signatures, other.unwatched = nil, nil, nil, true // who only looks tells nothing
		full, err := other.loadAll(context.WithoutCancel(ctx))
		if err != nil || !maps.Equal(full.refs, s.refs) {
			return // another process of the clone moved a ref meanwhile
		}
		followed.Add(1)
		if diff := differ(s, full); diff != "" {
			panic("a followed snapshot is not what is in the refs: " + diff)
		}
	}
}

var misled sync.Map

// MisleadOnce makes the next brief snapshot say that the own log ends where it
// does not.
func (t *Tracker) MisleadOnce() { misled.Store(t, true) }

// briefed counts the snapshots that stood on the store.
var briefed atomic.Int64

// Briefed is how many there were so far.
func Briefed() int64 { return briefed.Load() }

// And a brief one knows of the same what is in the refs.
func init() {
	checkBrief = func(ctx context.Context, t *Tracker, s *snapshot) {
		if t.getenv("GIT_TRACE2_EVENT") != "" {
			return // that test counts git processes
		}
		if _, once := misled.LoadAndDelete(t); once {
			l := s.logs[t.agent]
			l.chain.Seq, l.chain.Hash = l.chain.Seq-1, event.Hash([]byte("x"))
			return
		}
		other := *t
		other.loaded, other.judging, other.signatures, other.forks, other.unwatched = nil, nil, nil, nil, true
		full, err := other.loadFrom(context.WithoutCancel(ctx), &snapshot{refs: maps.Clone(s.refs)})
		if err != nil || !full.lasting() {
			return // objects are away
		}
		briefed.Add(1)
		if diff := differBriefly(s, full, other.ends(full)); diff != "" {
			panic("a brief snapshot is not what is in the refs: " + diff)
		}
	}
}

func differBriefly(s, full *snapshot, e ends) string {
	var diff []string
	same := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			diff = append(diff, fmt.Sprintf("%s: %v, read: %v", what, a, b))
		}
	}
	kept := s.ends()
	for id, end := range e.Logs {
		is := kept.Logs[id]
		same(id+"'s standing", is.Stands, end.Stands)
		is.Stands, end.Stands = nil, nil
		same(id+"'s end", fmt.Sprintf("%+v", is), fmt.Sprintf("%+v", end))
	}
	kept.Logs, e.Logs = nil, nil
	for _, g := range []*grants{&kept.Ledger.grants, &e.Ledger.grants} { // an empty map is none
		if len(g.Locks) == 0 {
			g.Locks = nil
		}
		if len(g.Queue) == 0 {
			g.Queue = nil
		}
		if len(g.Aliases) == 0 {
			g.Aliases = nil
		}
	}
	if kept.Untold && !e.Untold { // then everything is read
		e.Untold = true
	}
	if kept.Short && !e.Short {
		e.Short = true
	}
	same("ends", kept, e)
	same("level", s.level, full.level)
	same("bound", s.bound, full.bound)
	same("meta", s.metaCommit, full.metaCommit)
	same("bad meta", s.metaBad, full.metaBad)
	same("agents", s.agents(), full.agents())
	same("locks", fmt.Sprint(s.locks()), fmt.Sprint(full.locks()))
	same("note", s.glance(), full.glance())
	for _, id := range s.agents() {
		a, b := s.logs[id], full.logs[id]
		same(id+"'s tips", []any{a.here, a.hub, a.view}, []any{b.here, b.hub, b.view})
		same(id+"'s pending lines", len(s.pending(id)), len(full.pending(id)))
		if a.end.Stands != nil {
			same(id+"'s keys", a.verdict.Keys, b.verdict.Keys)
		}
		same(id+"'s lines that count", a.verdict.Fed, b.verdict.Fed)
	}
	if len(diff) == 0 {
		return ""
	}
	return fmt.Sprint(diff)
}

func differ(s, full *snapshot) string {
	var diff []string
	same := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			diff = append(diff, fmt.Sprintf("%s: %v, read: %v", what, a, b))
		}
	}
	same("level", s.level, full.level)
	same("bound", s.bound, full.bound)
	same("meta", s.metaCommit, full.metaCommit)
	same("hub", s.hubID(), full.hubID())
	same("newest", s.newest, full.newest)
	same("state", s.state.Hash(), full.state.Hash())
	same("numbers", s.numbers, full.numbers)
	same("aliases", s.granted().Aliases, full.granted().Aliases)
	same("apart", s.apart, full.apart)
	same("proofs", len(s.proofs), len(full.proofs))
	same("agents", s.agents(), full.agents())
	same("ledger tip", s.decided.tip, full.decided.tip)
	same("ledger view", []any{s.decided.view.Tip, s.decided.view.Step, s.decided.view.Since}, []any{full.decided.view.Tip, full.decided.view.Step, full.decided.view.Since})
	same("ledger", s.decided.view.Ledger.Files(), full.decided.view.Ledger.Files())
	same("lost", s.decided.lost, full.decided.lost)
	same("bad steps", len(s.decided.bad), len(full.decided.bad))
	same("lines", len(s.lines), len(full.lines))
	for i := range min(len(s.lines), len(full.lines)) {
		if !bytes.Equal(s.lines[i].Raw, full.lines[i].Raw) {
			same("line", s.lines[i].Key(), full.lines[i].Key())
			break
		}
	}
	for _, id := range slices.Sorted(maps.Keys(full.logs)) {
		a, b := s.logs[id], full.logs[id]
		if a == nil {
			continue // said above
		}
		same(id+"'s tips", []any{a.here, a.hub, a.view}, []any{b.here, b.hub, b.view})
		same(id+"'s chain", a.chain, b.chain)
		same(id+"'s lines on the hub", a.hubSeq, b.hubSeq)
		same(id+"'s lines", len(a.lines), len(b.lines))
		same(id+"'s faults", []any{a.ended, a.diverged, a.foreign, a.torn, a.legacyOnly}, []any{b.ended, b.diverged, b.foreign, b.torn, b.legacyOnly})
		same(id+"'s verdict", a.verdict, b.verdict)
	}
	if len(diff) == 0 {
		return ""
	}
	return fmt.Sprint(diff)
}
