package tracker

import (
	"bytes"
	"context"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A snapshot is brief where the store stands in for the lines. Of each log it
// holds where it ends, how it stands and which of its lines wait for a step; what
// people are shown is asked of the store; the ledger is read when it is first
// needed. That is all a command needs that appends, sends, or takes in what came,
// so it costs the same however much there is to read. Whoever needs lines calls
// loadAll. docs/decisions/0019-writes-go-on-from-the-store.md says why this is safe.
//
// It is the same that reading all would give: every test of this package sees to
// that (checkBrief).

// granted is what the ledger grants now.
func (s *snapshot) granted() grants {
	if s.brief != nil {
		return s.brief.Ledger.grants
	}
	return grantsOf(s.decided.view.Ledger)
}

// ledger is what is decided. A brief snapshot reads it now.
func (s *snapshot) ledger() *decided {
	if s.later != nil {
		s.later(s)
	}
	return &s.decided
}

// position is how many lines of a log the ledger covers.
func (s *snapshot) position(l *log) uint64 {
	switch {
	case l.end != nil:
		return l.end.Covered
	case s.decided.view.Ledger == nil:
		return 0
	}
	return s.decided.view.Ledger.Position(l.agent).Seq
}

// open are the lines of a log that no step covers and that one may answer.
func (s *snapshot) open(l *log) (lines []*event.Envelope) {
	if l.end != nil {
		return l.open
	}
	at, all := s.position(l), l.lines
	if l.trails() {
		all = l.fed()
	}
	for _, e := range slices.Backward(all) {
		if e.Seq <= at {
			break
		}
		if ledger.Decides(e) {
			lines = append(lines, e)
		}
	}
	slices.Reverse(lines)
	return lines
}

// wrote is when a log's writer says that it wrote last, 0 if it has not.
func (l *log) wrote() event.Time {
	switch {
	case l.end != nil:
		return l.end.Shown
	case len(l.lines) == 0:
		return 0
	}
	return l.lines[len(l.lines)-1].Shown()
}

// undecidable reports whether the ledger cannot be judged, or steps of it are not
// believed.
func (s *snapshot) undecidable() bool {
	return s.decided.err != nil || len(s.decided.bad) > 0 || s.brief != nil && s.brief.Ledger.Bad
}

// proven reports whether somebody has proven that a log forked.
func (s *snapshot) proven() bool { return len(s.proofs) > 0 || s.brief != nil && s.brief.Proven }

// copied is the same brief snapshot, for somebody who changes it.
func (s *snapshot) copied() *snapshot {
	c, e := *s, *s.brief
	c.brief, c.state, c.logs = &e, reducer.New(), make(map[string]*log, len(s.logs))
	for id, l := range s.logs {
		m, end := *l, *l.end
		m.end, m.open = &end, slices.Clone(l.open)
		c.logs[id] = &m
	}
	return &c
}

// briefly is the snapshot of the refs that s was listed with, on what the store
// holds; nil if it does not hold that, or something of it is to be told.
func (t *Tracker) briefly(ctx context.Context, s *snapshot) *snapshot {
	if t.noBrief || s.apart || !t.large() {
		return nil
	}
	f, _, ok := t.stored(ctx, s)
	if !ok {
		return nil
	}
	b := t.advanced
	if b == nil || !sameSeen(b.refs, s.refs) {
		rest, err := f.Rest()
		if err != nil {
			return nil
		}
		b = readEnds(rest, s.refs)
	}
	if b == nil || b.newest > event.Follows(event.TimeOf(t.now())) {
		return nil // only lines tell what a new one can be ordered after
	}
	if b.refs = s.refs; t.loadBriefMeta(ctx, b) != nil {
		return nil
	}
	for id, l := range b.logs {
		if l.verdict = (&trust.Verdict{Agent: id, Lines: l.chain.Seq, Fed: l.end.Fed, Forked: l.end.Forked}); l.end.Stands != nil {
			l.verdict = l.end.Stands.Verdict(b.roll, id, l.chain.Seq)
		}
	}
	if own := b.logs[t.agent]; own != nil && own.end.Stands == nil {
		return nil // it is to be told why
	}
	b.seen, b.unread, b.view = s.seen, s.unread, f
	if b.decided.reader == nil {
		b.later = func(s *snapshot) { t.loadLedger(ctx, s) }
	}
	checkBrief(ctx, t, b)
	return b
}

// loadBriefMeta reads the meta of a brief snapshot, once. store.ErrWhole if it is not
// one of this level, of the hub whose logs ended so.
func (t *Tracker) loadBriefMeta(ctx context.Context, s *snapshot) error {
	if s.roll == nil {
		if err := t.loadMeta(ctx, s); err != nil {
			return err
		}
	}
	if s.level != Level || s.roll == nil || s.roll.Newer() > 0 || s.hubID() != s.brief.Hub {
		return store.ErrWhole
	}
	return nil
}

// Only tests change this.
var checkBrief = func(context.Context, *Tracker, *snapshot) {}

// check says whether the reducer would reject an event that is written on s.
func (s *snapshot) check(author string, b event.Body) error {
	if s.brief != nil {
		if err := s.project().Check(author, b); err != nil {
			return err
		}
	}
	return s.state.Check(author, b)
}

// newLog makes the log of an agent that has written nothing yet.
func (s *snapshot) newLog(id string) *log {
	l := &log{agent: id, chain: event.Chain{Hub: s.hubID(), Agent: id}}
	if s.brief != nil {
		l.chain.Hub, l.end = s.brief.Hub, &logEnd{}
	}
	s.logs[id] = l
	return l
}

// append puts lines that were stamped on s, which holds their effect, at the end
// of a log.
func (s *snapshot) append(l *log, lines []*event.Envelope) {
	if s.brief == nil {
		s.lines, l.lines = append(s.lines, lines...), append(l.lines, lines...)
		l.verdict = s.judge(l, nil)
		return
	}
	for _, e := range lines {
		if ledger.Decides(e) {
			l.open = append(l.open, e)
		}
	}
}

// endsSo reports whether a log ends in the objects where a brief snapshot says: what
// is written goes behind that, and nothing that a store may have wrong may part a
// log in two.
func (t *Tracker) endsSo(ctx context.Context, l *log) (bool, error) {
	if l.chain.Seq == 0 {
		return l.view == "", nil
	}
	is, err := refs.ReadLog(ctx, t.local(), l.agent, l.view, l.chain.Seq)
	if err != nil || is.Bad != "" || len(is.Lines) == 0 {
		return false, err
	}
	raw := is.At(is.Last())
	last, err := event.Decode(bytes.Clone(raw))
	return err == nil && last.Hub == l.chain.Hub && last.Agent == l.agent && last.Seq == l.chain.Seq && last.Time == l.chain.Time && event.Hash(raw) == l.chain.Hash, nil
}

// readWhole lets this process do without the store: what that says of a log is not
// so.
func (t *Tracker) readWhole() { t.noBrief, t.loaded = true, nil }

// endsAreHere is endsSo of all logs with lines that the hub lacks: objects may have
// gone since the store was made, and then the log is to be mended.
func (t *Tracker) endsAreHere(ctx context.Context, s *snapshot) bool {
	for _, l := range s.logs {
		if l.here == "" || l.view != l.here || l.here == l.hub {
			continue
		}
		if is, err := t.endsSo(ctx, l); err != nil || !is {
			return false
		}
	}
	return true
}
