package tracker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// isLegacy reports whether the hub is of level 3 or 2.
func (t *Tracker) isLegacy(ctx context.Context, s *snapshot) (bool, error) {
	name := hubRoot + metaName
	if s.bound = s.refs[name] != ""; !s.bound {
		if t.isLevel2(ctx, s.refs[hubRoot+v2Name]) {
			s.level = 2
			return true, nil
		}
		if name = headRoot + metaName; s.refs[name] == "" {
			return false, nil
		}
	}
	files, err := refs.ReadFiles(ctx, t.local(), s.refs[name], replay.MetaLimit)
	if err != nil {
		return false, fmt.Errorf("read '%s': %w", name, err)
	}
	s.level = trust.Claimed(files["hub.json"]).Level
	return s.level == 2 || s.level == 3, nil
}

// loadLegacy reads a hub of level 3 or 2. Its checkpoint is taken as the base,
// and every line of every log is applied over it: events that the original's
// watermark dropped are there again. Numbers are the checkpoint's.
func (t *Tracker) loadLegacy(ctx context.Context, s *snapshot, keep bool) error {
	base, err := t.legacyBase(ctx, s)
	if err != nil {
		return err
	}
	d := &delta.Delta{To: replay.Stamp(s.refs), Base: base, Numbers: map[event.UUID]uint64{}}
	if base != nil {
		maps.Copy(d.Numbers, base.Numbers)
	}
	var want []refs.LogRequest
	for name, oid := range s.refs {
		id, ok := strings.CutPrefix(name, hubRoot+agentLogs)
		if !ok || event.ValidAgentID3(id) != nil {
			continue
		}
		s.logs[id] = &log{agent: id, hub: oid, view: oid, legacyOnly: true, cursor: &replay.Cursor{}}
		want = append(want, refs.LogRequest{Agent: id, Tip: oid})
	}
	bad, lines := make([]int, len(want)), map[string][]*event.Envelope{}
	got, err := refs.WalkLogs(ctx, t.local(), want, func(i int, seq uint64, line []byte) bool {
		if seq != 0 {
			return true
		}
		e, err := event.Decode3(bytes.Clone(line))
		if err != nil || e.Agent != want[i].Agent {
			bad[i]++ // a level-3 line carries no chain, so the next one still stands
			return true
		}
		lines[e.Agent] = append(lines[e.Agent], e)
		return true
	})
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	for i, r := range want {
		l := s.logs[r.Agent]
		l.chain = event.Chain{Agent: r.Agent, Seq: uint64(len(lines[r.Agent]))}
		l.hubSeq = l.chain.Seq
		l.missing = got[i].Missing
		if l.ended = got[i].Bad; bad[i] > 0 {
			l.ended = fmt.Sprintf("%d lines are not events of this agent", bad[i])
		}
	}
	if err := t.loadWaiting(ctx, s, lines); err != nil {
		return err
	}
	var logs []delta.Log
	for _, id := range slices.Sorted(maps.Keys(s.logs)) {
		if n := len(lines[id]); n > 0 {
			s.logs[id].cursor.Shown = lines[id][n-1].Shown()
		}
		logs = append(logs, delta.Log{Agent: id, Counted: uint64(len(lines[id])), Lines: store.EachLine(lines[id]...), Cursor: []byte{}})
	}
	d.Logs = store.EachLog(logs...)
	m := &store.Memory{}
	if err := m.Apply(func(store.Saved) (*delta.Delta, error) { return d, nil }); err != nil {
		return err
	}
	if s.view = m.WithPresence(s.seen); keep {
		t.keepLegacy(ctx, s, d)
	}
	return nil
}

// keepLegacy makes a store of what was read, if it follows from the refs alone.
// What hinders it hinders nothing else.
func (t *Tracker) keepLegacy(ctx context.Context, s *snapshot, d *delta.Delta) {
	for _, l := range s.logs {
		if l.missing || l.here != "" {
			return
		}
	}
	var err error
	if d.Header, err = json.Marshal(kept{Glance: s.glance()}); err != nil || t.joining || s.apart {
		return
	}
	f, w, err := t.store(ctx).Apply(func(was store.Saved) (*delta.Delta, error) {
		if was.Inputs() != nil {
			return nil, store.ErrNeedsRebuild
		}
		return d, nil
	}, nil, nil)
	if t.o.Stored != nil {
		t.o.Stored(w, err)
	}
	if err == nil {
		f.Close()
	}
}

// loadWaiting keeps in view what was written here before such a hub was met; it
// waits until the hub is of this program's level.
func (t *Tracker) loadWaiting(ctx context.Context, s *snapshot, lines map[string][]*event.Envelope) error {
	for name, oid := range s.refs {
		id, ok := strings.CutPrefix(name, headRoot+agentLogs)
		if !ok || event.ValidAgentID(id) != nil || s.logs[id] != nil {
			continue
		}
		var err error
		if lines[id], err = t.goodLines(ctx, id, oid); err != nil {
			return fmt.Errorf("read the log of '%s': %w", id, err)
		}
		s.logs[id] = &log{agent: id, here: oid, view: oid, chain: event.Chain{Agent: id, Seq: uint64(len(lines[id]))}, cursor: &replay.Cursor{}}
	}
	return nil
}

// newerRules reports whether the ledger holds a step that was decided by rules
// that this program does not know, and the hub's meta admits them.
func (s *snapshot) newerRules() bool { return errors.Is(s.decidedState().Err, ledger.ErrNewer) }

// writable reports whether this program writes to a hub of this level.
func (s *snapshot) writable() bool { return s.level == Level && !s.newerRules() }

// levelReason is why nothing is sent to a hub of another level.
func (t *Tracker) levelReason(s *snapshot) string {
	switch {
	case s.newerRules():
		return "the hub decides by rules that are newer than this program"
	case s.level == 0 || s.level == Level:
		return ""
	}
	return fmt.Sprintf("the hub is of level %d, which this program does not write", s.level)
}

// isLevel2 reports whether a tip of the branch 'crosslink/hub' is a level-2
// hub: it has issues or counters. Any other is somebody's branch that happens
// to be called so. One that cannot be read may be a hub, so it counts as one.
func (t *Tracker) isLevel2(ctx context.Context, tip refs.OID) bool {
	if tip == "" {
		return false
	}
	head, err := refs.ReadHead(ctx, t.local(), tip)
	if err != nil {
		return unreadable(err)
	}
	for _, dir := range []string{"issues", "meta"} {
		below, err := t.entry(ctx, head.Tree, dir)
		if err == nil && dir == "meta" && below != "" {
			below, err = t.entry(ctx, below, "counters.json")
		}
		if err != nil || below != "" {
			return err == nil || unreadable(err)
		}
	}
	return false
}

func unreadable(err error) bool {
	return errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt)
}

// entry finds a name in a tree; "" if it is not there.
func (t *Tracker) entry(ctx context.Context, tree refs.OID, name string) (found refs.OID, err error) {
	rerr := t.local().Read(ctx, []refs.OID{tree}, replay.MetaLimit, func(_ int, o refs.Object, e error) error {
		if e != nil || o.Kind != refs.Tree {
			err = e
			return nil
		}
		entries, e := refs.ParseTree(t.local().Format(), o.Data)
		for _, x := range entries {
			if x.Name == name {
				found = x.OID
			}
		}
		err = e
		return nil
	})
	return found, errors.Join(rerr, err)
}

func (t *Tracker) legacyBase(ctx context.Context, s *snapshot) (*event.Base, error) {
	if s.level == 2 {
		files, err := refs.ReadFiles(ctx, t.local(), s.refs[hubRoot+v2Name], checkpointLimit)
		if err != nil {
			return nil, fmt.Errorf("read the level-2 branch: %w", err)
		}
		return event.ParseBase2(files)
	}
	tip := s.refs[hubRoot+"checkpoint"]
	if tip == "" {
		return nil, nil
	}
	files, err := refs.ReadFiles(ctx, t.local(), tip, checkpointLimit)
	if err != nil {
		return nil, fmt.Errorf("read the level-3 checkpoint: %w", err)
	}
	return event.ParseBase3(files["state.json"])
}

// tellLevel says to a reader that a hub may hold more than can be shown.
func (t *Tracker) tellLevel(g glance) {
	switch {
	case g.Level > Level:
		t.tellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' is of level %d, newer than this program: not all of it can be shown", t.hubName(), g.Level)})
	case g.newer:
		t.tellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' decides by rules that are newer than this program: numbers given since and locks cannot be shown", t.hubName())})
	}
}

// refuseLevel refuses to write to a hub of another level.
func (t *Tracker) refuseLevel(s *snapshot) error {
	if e := t.levelError(s); e != nil {
		return e
	}
	return nil
}

// levelError is that refusal, nil if the hub is of this program's level.
func (t *Tracker) levelError(s *snapshot) *fail.Error {
	switch {
	case s.newerRules():
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' decides by rules that are newer than this program: nothing was written", t.hubName())}
	case s.level == 0 || s.level == Level:
		return nil
	case s.level < Level:
		return &fail.Error{Kind: fail.Fatal, Code: "level/older",
			Message: fmt.Sprintf("the hub on '%s' is of level %d, which this program reads and does not write: nothing was written", t.hubName(), s.level)}
	default:
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' is of level %d, which is newer than this program: nothing was written", t.hubName(), s.level)}
	}
}
