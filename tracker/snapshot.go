package tracker

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// log is one agent's log as this replica sees it. Its lines are not in memory:
// see linesOf.
type log struct {
	agent      string
	here, hub  refs.OID // tips; "" where there is none
	view       refs.OID // the one of the two that is shown
	chain      event.Chain
	hubSeq     uint64 // last sequence the hub holds
	ended      string // why the log stops before its end, "" if it does not
	diverged   bool   // here and hub hold different lines of this hub
	foreign    bool   // here are lines written for another hub id: not in view until bind has rebuilt them
	common     uint64 // how many lines here and hub share, where the hub's goes another way: diverged, or beyond
	beyond     bool   // what the hub has after these lines does not count: it is no part of the log
	waiting    int    // foreign: how many lines
	torn       bool   // objects of here are missing
	missing    bool   // objects of the view are
	legacyOnly bool   // level-3 lines: no chain to go on from

	verdict *trust.Verdict    // what of the lines counts; nil: all of it
	cursor  *replay.Cursor    // as it was read
	open    []*event.Envelope // lines that no step covers and that one may answer
	lines   []*event.Envelope // all, once linesOf has read them
}

// lostSteps reports whether branches of the ledger wait to be brought back.
func (s *snapshot) lostSteps() bool { return s.read != nil && len(s.read.Lost()) > 0 }

// unsent is how many lines the hub does not have.
func (l *log) unsent() int {
	seq := l.hubSeq
	if l.diverged {
		seq = l.common
	}
	if l.chain.Seq <= seq {
		return l.waiting
	}
	return l.waiting + int(l.chain.Seq-seq)
}

// counted is how many lines count.
func (l *log) counted() uint64 {
	if l.verdict == nil {
		return l.chain.Seq
	}
	return l.verdict.Fed
}

// wrote is when a log's writer says that it wrote last, 0 if it has not.
func (l *log) wrote() event.Time { return l.cursor.Shown }

// snapshot is everything read from the replica at one moment, without the lines.
type snapshot struct {
	refs       map[string]refs.OID
	meta       *trust.Meta  // of the hub, else the provisional one, else nil
	roll       *trust.State // meta and who may sign; nil if there is none of level 4
	metaBad    *replay.BadMeta
	newest     event.Time // greatest time of the lines that count
	level      int        // 0: no hub yet
	bound      bool       // the hub's own meta has been seen
	metaCommit refs.OID   // the commit roll was read from
	apart      bool       // a hub was met, but the numbers given out here stand until init --join
	logs       map[string]*log
	read       *replay.State  // what it was made of; nil at level 2 and 3
	stamped    *reducer.State // what was stamped on it
	decided    *decided       // nil until ledger reads it
	judge      func(*snapshot) decided
	view       Projection
	seen       func() map[string]event.AgentPresence // signs of life outside the logs
	unread     func() int                            // how many more of them there are
}

// hubID is the id lines written now carry; "" when there is no meta at all.
func (s *snapshot) hubID() string {
	if s.meta == nil {
		return ""
	}
	return s.meta.Hub
}

func (s *snapshot) unsent() int {
	n := 0
	for _, l := range s.logs {
		n += l.unsent()
	}
	return n
}

// unboundLines reports whether lines written here wait to be rebuilt for the hub.
func (s *snapshot) unboundLines() bool {
	for _, l := range s.logs {
		if l.foreign && l.ended == "" {
			return true
		}
	}
	return false
}

// agents returns the ids in order, so that nothing depends on map order.
func (s *snapshot) agents() []string { return slices.Sorted(maps.Keys(s.logs)) }

// project answers questions about the state.
func (s *snapshot) project() Projection { return s.view }

// take fills in what was read.
func (s *snapshot) take(r *replay.State) {
	s.read, s.meta, s.roll, s.metaBad, s.metaCommit = r, r.Meta, r.Roll, r.BadMeta, r.MetaCommit
	s.level, s.bound, s.newest = r.Level, r.Bound, r.Newest
	s.logs, s.stamped, s.decided = make(map[string]*log, len(r.Logs)), reducer.New(), nil
	for id, c := range r.Logs {
		s.logs[id] = &log{agent: id, here: c.Here, hub: c.Hub, view: c.View, chain: r.Chain(id), hubSeq: c.HubSeq, ended: c.Ended, diverged: c.Diverged, foreign: c.Foreign,
			common: c.Common, beyond: c.Beyond, waiting: int(c.Waiting), torn: c.Torn, missing: c.Missing, verdict: r.Verdict(id), cursor: c, open: r.Open(id)}
	}
}

// copied is the same snapshot, for somebody who changes it.
func (s *snapshot) copied() *snapshot {
	c := *s
	c.stamped, c.logs = reducer.New(), make(map[string]*log, len(s.logs))
	for id, l := range s.logs {
		m := *l
		m.open, m.lines = slices.Clone(l.open), nil
		c.logs[id] = &m
	}
	return &c
}

// decidedState is what the ledger has decided.
func (s *snapshot) decidedState() *replay.LedgerState {
	if s.read == nil {
		return &replay.LedgerState{}
	}
	return &s.read.Ledger
}

// ledger is what is decided, with the means to judge it. It is read now.
func (s *snapshot) ledger() *decided {
	if s.decided == nil {
		s.decided = &decided{}
		if s.judge != nil {
			*s.decided = s.judge(s)
		}
	}
	return s.decided
}

// waits reports whether an agent waits for a lock.
func (s *snapshot) waits(issue event.UUID, agent string) bool {
	return slices.ContainsFunc(s.decidedState().Queue[issue], func(w ledger.Waiter) bool { return w.Agent == agent })
}

// position is how many lines of a log the ledger covers.
func (s *snapshot) position(l *log) uint64 { return l.cursor.Position }

// undecidable reports whether the ledger cannot be judged, or steps of it are not
// believed.
func (s *snapshot) undecidable() bool {
	return s.decidedState().Err != nil || len(s.decidedState().Bad) > 0
}

// proven reports whether somebody has proven that a log forked.
func (s *snapshot) proven() bool {
	for _, l := range s.logs {
		if len(l.cursor.Proofs) > 0 {
			return true
		}
	}
	return false
}

// check says whether the reducer would reject an event that is written on s.
func (s *snapshot) check(author string, b event.Body) error {
	if err := s.project().Check(author, b); err != nil {
		return err
	}
	return s.stamped.Check(author, b)
}

// newLog makes the log of an agent that has written nothing yet.
func (s *snapshot) newLog(id string) *log {
	l := &log{agent: id, chain: event.Chain{Hub: s.hubID(), Agent: id}, cursor: &replay.Cursor{}}
	s.logs[id] = l
	return l
}

// append puts lines that were stamped on s, which holds their effect, at the end
// of a log.
func (s *snapshot) append(l *log, lines []*event.Envelope) {
	for _, e := range lines {
		if ledger.Decides(e) {
			l.open = append(l.open, e)
		}
	}
}

// distrust says what is wrong with the signatures of a log, "" if nothing.
func (l *log) distrust() string {
	v := l.verdict
	switch {
	case v == nil:
		return ""
	case v.Trails() && !v.Forked:
		return l.trailText()
	case v.Ends != "":
		if v.Fed == 0 {
			return fmt.Sprintf("nothing of the log of '%s' counts: %s", l.agent, v.Ends)
		}
		return fmt.Sprintf("of the log of '%s' nothing counts behind event %d: %s", l.agent, v.Fed, v.Ends)
	case v.Lapsed():
		return fmt.Sprintf("the log of '%s' was signed up to event %d, and is not since: %s", l.agent, v.Vouched, v.Mark(v.Fed))
	}
	return ""
}

// linesOf reads the good lines of one log in view.
func (t *Tracker) linesOf(ctx context.Context, l *log) (lines []*event.Envelope, err error) {
	if l.lines == nil && l.chain.Seq > 0 {
		l.lines, err = t.linesAfter(ctx, l, event.Chain{Hub: l.chain.Hub, Agent: l.agent})
	}
	return l.lines, err
}

// linesAfter reads the good lines of one log in view from the end of a chain on.
func (t *Tracker) linesAfter(ctx context.Context, l *log, from event.Chain) (lines []*event.Envelope, err error) {
	if l.legacyOnly {
		return nil, nil
	}
	err = t.reader().GoodLines(ctx, from, l.view, func(e *event.Envelope) bool {
		lines = append(lines, e)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the log of '%s': %w", l.agent, err)
	}
	return lines, nil
}

// countedLines reads the lines of one log that count.
func (t *Tracker) countedLines(ctx context.Context, l *log) ([]*event.Envelope, error) {
	lines, err := t.linesOf(ctx, l)
	return lines[:min(l.counted(), uint64(len(lines)))], err
}

// endsSo reports whether a log ends in the objects where a snapshot says. Writes
// append after this point, so a stale cache must never be able to fork the log.
func (t *Tracker) endsSo(ctx context.Context, l *log) (bool, error) {
	if l.chain.Seq == 0 {
		return l.view == "", nil
	}
	log, err := refs.ReadLog(ctx, t.local(), l.agent, l.view, l.chain.Seq)
	if err != nil || log.Bad != "" || len(log.Lines) == 0 {
		return false, err
	}
	raw := log.At(log.Last())
	last, err := event.Decode(bytes.Clone(raw))
	return err == nil && last.Hub == l.chain.Hub && last.Agent == l.agent && last.Seq == l.chain.Seq && last.Time == l.chain.Time && event.Hash(raw) == l.chain.Hash, nil
}

// endsAreHere is endsSo of all logs with lines that the hub lacks: objects may have
// gone since the store was made, and then the log is to be mended.
func (t *Tracker) endsAreHere(ctx context.Context, s *snapshot) bool {
	if s.read == nil {
		return true
	}
	for _, l := range s.logs {
		if l.here == "" || l.view != l.here || l.here == l.hub || l.foreign || l.ended != "" {
			continue
		}
		if ends, err := t.endsSo(ctx, l); err != nil || !ends {
			return false
		}
	}
	return true
}

// lineAt reads one line of a log in view, nil if it has none of that sequence.
func (t *Tracker) lineAt(ctx context.Context, l *log, seq uint64) (*event.Envelope, error) {
	switch {
	case l == nil || seq == 0 || seq > l.chain.Seq:
		return nil, nil
	case seq <= uint64(len(l.lines)):
		return l.lines[seq-1], nil
	}
	raw, err := replay.LineAt(ctx, t.local(), l.agent, l.view, seq)
	if err != nil || raw == nil {
		return nil, err
	}
	return event.Decode(raw)
}

// hashAt is the hash of a line, "" where there is none; l may be nil.
func (t *Tracker) hashAt(ctx context.Context, l *log, seq uint64) (string, error) {
	if l != nil && seq > 0 && seq == l.chain.Seq {
		return l.chain.Hash, nil
	}
	e, err := t.lineAt(ctx, l, seq)
	if err != nil || e == nil {
		return "", err
	}
	return event.Hash(e.Raw), nil
}
