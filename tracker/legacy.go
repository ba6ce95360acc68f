package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// loadLegacy reads a hub of level 3 or 2. Its checkpoint is taken as the base,
// and every line of every log is applied over it: events that the original's
// watermark dropped are there again. Numbers are the checkpoint's.
func (t *Tracker) loadLegacy(ctx context.Context, s *snapshot) error {
	base, err := t.legacyBase(ctx, s)
	if err != nil {
		return err
	}
	if base != nil {
		s.state.ApplyBase(base)
		for u, n := range base.Numbers {
			s.numbers[u] = n
		}
	}
	var want []refs.LogRequest
	for name, oid := range s.refs {
		id, ok := strings.CutPrefix(name, hubRoot+agents)
		if !ok || event.ValidAgentID3(id) != nil {
			continue
		}
		s.logs[id] = &log{agent: id, hub: oid, view: oid, legacyOnly: true}
		want = append(want, refs.LogRequest{Agent: id, Tip: oid})
	}
	bad := make([]int, len(want))
	got, err := refs.WalkLogs(ctx, t.local(), want, func(i int, seq uint64, line []byte) bool {
		if seq != 0 {
			return true
		}
		e, err := event.Decode3(bytes.Clone(line))
		if err != nil || e.Agent != want[i].Agent {
			bad[i]++ // a level-3 line carries no chain, so the next one still stands
			return true
		}
		l := s.logs[e.Agent]
		l.lines = append(l.lines, e)
		s.state.Apply(e)
		return true
	})
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	for i, r := range want {
		l := s.logs[r.Agent]
		l.chain = event.Chain{Agent: r.Agent, Seq: uint64(len(l.lines))}
		l.hubSeq = l.chain.Seq
		l.missing = got[i].Missing
		if l.ended = got[i].Bad; bad[i] > 0 {
			l.ended = fmt.Sprintf("%d lines are not events of this agent", bad[i])
		}
		s.lines = append(s.lines, l.lines...)
	}
	return t.loadWaiting(ctx, s)
}

// loadWaiting keeps in view what was written here before such a hub was met; it
// waits until the hub is of this program's level.
func (t *Tracker) loadWaiting(ctx context.Context, s *snapshot) error {
	for name, oid := range s.refs {
		id, ok := strings.CutPrefix(name, headRoot+agents)
		if !ok || event.ValidAgentID(id) != nil || s.logs[id] != nil {
			continue
		}
		lines, err := t.goodLines(ctx, id, oid)
		if err != nil {
			return fmt.Errorf("read the log of '%s': %w", id, err)
		}
		l := &log{agent: id, here: oid, view: oid, lines: lines, chain: event.Chain{Agent: id, Seq: uint64(len(lines))}}
		s.logs[id], s.lines = l, append(s.lines, lines...)
		for _, e := range lines {
			s.state.Apply(e)
		}
	}
	return nil
}

// newerRules reports whether the ledger holds a step that was decided by rules
// that this program does not know, and the hub's meta admits them.
func (s *snapshot) newerRules() bool { return errors.Is(s.decided.err, ledger.ErrNewer) }

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
