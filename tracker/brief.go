package tracker

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
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

// ends is a brief snapshot as it is kept with the store.
type ends struct {
	Hub    string              `json:"hub"`
	Refs   map[string]refs.OID `json:"-"`    // those that are seen
	Others map[string]refs.OID `json:"refs"` // those of them that are no log's
	Logs   map[string]logEnd   `json:"logs"` // by agent
	Newest event.Time          `json:"newest"`
	Proven bool                `json:"proven,omitempty"` // somebody has proven that a log forked
	Untold bool                `json:"untold,omitempty"` // and this clone has not told everybody
	Short  bool                `json:"short,omitempty"`  // the ledger covers lines that are not on the hub as it covers them
	Ledger ledgerEnd           `json:"ledger"`
}

// waitsForeign reports whether lines written for another hub wait here, because
// what the hub has of their log cannot be continued. They are not in view, so the
// end of the log says nothing of them.
func (s *snapshot) waitsForeign() bool {
	for _, l := range s.logs {
		if l.foreign {
			return true
		}
	}
	return false
}

// logEnd is where a log ends, and how it stands.
type logEnd struct {
	Here     refs.OID        `json:"here,omitempty"`
	Hub      refs.OID        `json:"hub,omitempty"`
	View     refs.OID        `json:"view"`
	Seq      uint64          `json:"seq"`
	Hash     string          `json:"hash"`
	Time     event.Time      `json:"time"`
	Shown    event.Time      `json:"shown"`            // of the last line that counts
	HubSeq   uint64          `json:"hub_seq"`          // last sequence the hub holds
	Covered  uint64          `json:"covered"`          // last sequence the ledger covers
	Open     []string        `json:"open,omitempty"`   // lines behind that which a step may answer
	Stands   *trust.Standing `json:"stands,omitempty"` // nil: what it says next takes all of it to judge
	Fed      uint64          `json:"fed"`              // lines that count
	Forked   bool            `json:"forked,omitempty"`
	Ended    string          `json:"ended,omitempty"`
	Diverged bool            `json:"diverged,omitempty"`
}

// ledgerEnd is what the ledger has decided, apart from the numbers themselves.
type ledgerEnd struct {
	Tip     string `json:"tip"`           // the commit it was read from
	Numbers int    `json:"numbers"`       // how many issues have one
	Bad     bool   `json:"bad,omitempty"` // some steps are not believed
	grants
}

// grants are what a ledger has decided that may change again.
type grants struct {
	Locks   map[event.UUID]ledger.Lock     `json:"locks"`
	Queue   map[event.UUID][]ledger.Waiter `json:"queue"`
	Aliases map[uint64]uint64              `json:"aliases"`
}

func grantsOf(l *ledger.Ledger) grants {
	if l == nil {
		return grants{}
	}
	return grants{l.Locks, l.Queue, l.IssueAliases}
}

// waits reports whether an agent waits for a lock.
func (g grants) waits(issue event.UUID, agent string) bool {
	return slices.ContainsFunc(g.Queue[issue], func(w ledger.Waiter) bool { return w.Agent == agent })
}

// granted is what the ledger grants now.
func (s *snapshot) granted() grants {
	if s.brief != nil {
		return s.brief.Ledger.grants
	}
	return grantsOf(s.decided.view.Ledger)
}

// ledger is what is decided. A brief snapshot reads it now.
func (s *snapshot) ledger() *decided {
	if later := s.later; later != nil {
		s.later = nil
		later(s)
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
	for _, e := range l.lines[min(s.position(l), uint64(len(l.lines))):] {
		if ledger.Decides(e) {
			lines = append(lines, e)
		}
	}
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

// ends is what is to be kept of a snapshot. Logs are in it only at level 4.
func (t *Tracker) ends(s *snapshot) ends {
	e := ends{Hub: s.hubID(), Newest: s.newest}
	e.see(s.refs)
	if s.level != Level || s.roll == nil || s.roll.Newer() > 0 || s.waitsForeign() {
		return e
	}
	l := s.decided.view.Ledger
	e.Ledger = ledgerEnd{s.decided.view.Tip, l.CountIssues(), len(s.decided.bad) > 0, grantsOf(l)}
	e.Newest = max(e.Newest, s.state.Newest())
	e.Proven, e.Untold, e.Short = s.proven(), len(t.untold(s)) > 0, len(s.short()) > 0
	e.Logs = map[string]logEnd{}
	for id, l := range s.logs {
		end := logEnd{Here: l.here, Hub: l.hub, View: l.view, Seq: l.chain.Seq, Hash: l.chain.Hash, Time: l.chain.Time, Shown: l.wrote(), HubSeq: l.hubSeq,
			Covered: s.position(l), Fed: l.verdict.Fed, Forked: l.verdict.Forked, Ended: l.ended, Diverged: l.diverged}
		for _, x := range s.open(l) {
			end.Open = append(end.Open, string(x.Raw))
		}
		if stands, ok := l.verdict.Standing(s.roll, s.proofs[id]); ok && l.ended == "" && !l.diverged && !l.foreign && l.verdict.Lines == l.chain.Seq {
			end.Stands = &stands
		}
		e.Logs[id] = end
	}
	e.Others = e.others()
	return e
}

// restOf reads what was kept of a snapshot of these refs; nil if it cannot be read.
func restOf(rest []byte, all map[string]refs.OID) *snapshot {
	e := &ends{}
	if json.Unmarshal(rest, e) != nil || e.Logs == nil {
		return nil
	}
	if e.Refs = e.Others; e.Refs == nil {
		e.Refs = map[string]refs.OID{}
	}
	for id, end := range e.Logs {
		for root, oid := range map[string]refs.OID{headRoot: end.Here, hubRoot: end.Hub} {
			if oid != "" {
				e.Refs[root+agents+id] = oid
			}
		}
	}
	if all == nil {
		all = e.Refs
	}
	return e.snapshot(all)
}

// see notes the refs that a snapshot follows from.
func (e *ends) see(all map[string]refs.OID) {
	e.Refs = map[string]refs.OID{}
	for name, oid := range all {
		if seen(name) {
			e.Refs[name] = oid
		}
	}
}

// others are the refs that are no log's.
func (e *ends) others() map[string]refs.OID {
	others := maps.Clone(e.Refs)
	for id, end := range e.Logs {
		for root, oid := range map[string]refs.OID{headRoot: end.Here, hubRoot: end.Hub} {
			if name := root + agents + id; oid == others[name] {
				delete(others, name)
			}
		}
	}
	return others
}

// snapshot is the brief one, without the meta and what follows from it; nil if a
// line cannot be read.
func (e *ends) snapshot(all map[string]refs.OID) *snapshot {
	s := &snapshot{refs: all, brief: e, level: Level, bound: all[hubRoot+metaName] != "", newest: e.Newest, aliases: e.Ledger.Aliases,
		logs: map[string]*log{}, state: reducer.New()}
	for id, end := range e.Logs {
		l := &log{agent: id, here: all[headRoot+agents+id], hub: all[hubRoot+agents+id], view: end.View, hubSeq: end.HubSeq,
			chain: event.Chain{Hub: e.Hub, Agent: id, Seq: end.Seq, Hash: end.Hash, Time: end.Time}, ended: end.Ended, diverged: end.Diverged, end: &end}
		for _, raw := range end.Open {
			x, err := event.Decode([]byte(raw))
			if err != nil {
				return nil
			}
			l.open = append(l.open, x)
		}
		s.logs[id] = l
	}
	return s
}

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

// keep is a brief snapshot that has moved on, as it is to be kept.
func (s *snapshot) keep() ends {
	e := *s.brief
	e.Newest, e.Logs = s.newest, map[string]logEnd{}
	for id, l := range s.logs {
		end := *l.end
		end.Here, end.Hub, end.View, end.Seq, end.Hash, end.Time, end.HubSeq = l.here, l.hub, l.view, l.chain.Seq, l.chain.Hash, l.chain.Time, l.hubSeq
		end.Open = nil
		for _, x := range l.open {
			end.Open = append(end.Open, string(x.Raw))
		}
		e.Logs[id] = end
	}
	e.Others = e.others()
	return e
}

// briefly is the snapshot of the refs that s was listed with, on what the store
// holds; nil if it does not hold that, or something of it is to be told.
func (t *Tracker) briefly(ctx context.Context, s *snapshot) *snapshot {
	if t.whole || s.apart {
		return nil
	}
	f, _, ok := t.stored(ctx, s)
	if !ok {
		return nil
	}
	b := t.next
	if b == nil || !sameSeen(b.refs, s.refs) {
		rest, err := f.Rest()
		if err != nil {
			return nil
		}
		b = restOf(rest, s.refs)
	}
	if b == nil || b.newest > event.TimeOf(t.now().Add(farAhead)) {
		return nil
	}
	if b.refs = s.refs; b.roll == nil && t.loadMeta(ctx, b) != nil {
		return nil
	}
	if b.level != Level || b.roll == nil || b.roll.Newer() > 0 || b.hubID() != b.brief.Hub {
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

// ownEnd reports whether the log that is written here ends in the objects where a
// brief snapshot says: what is written goes behind that, and nothing that a store
// may have wrong may part a log in two.
func (t *Tracker) ownEnd(ctx context.Context, l *log) (bool, error) {
	if l.chain.Seq == 0 {
		return l.view == "", nil
	}
	is, err := refs.ReadLog(ctx, t.local(), l.agent, l.view, l.chain.Seq)
	if err != nil {
		return false, err
	}
	n := len(is.Lines)
	return is.Bad == "" && n > 0 && is.First+uint64(n)-1 == l.chain.Seq && event.Hash(is.Lines[n-1]) == l.chain.Hash, nil
}

// endsAreHere is ownEnd of all logs with lines that the hub lacks: objects may have
// gone since the store was made, and then the log is to be mended.
func (t *Tracker) endsAreHere(ctx context.Context, s *snapshot) bool {
	for _, l := range s.logs {
		if l.here == "" || l.view != l.here || l.here == l.hub {
			continue
		}
		if is, err := t.ownEnd(ctx, l); err != nil || !is {
			return false
		}
	}
	return true
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

// hasLost reports whether a branch of the ledger that the hub lost waits to be
// brought back.
func (s *snapshot) hasLost() bool {
	for name := range s.refs {
		if strings.HasPrefix(name, lostRoot) {
			return true
		}
	}
	return false
}
