package tracker

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Where only logs have grown, and what is decided of them, the store follows by
// their new lines alone. The rules are:
//
//   - no other ref has moved than logs and the ledger: meta is as it was, so what it
//     says of the old lines is, too;
//   - each log that moved counts to its end, without a question (trust.Standing),
//     and the tip in view now holds the lines of the one before and more;
//   - or the log is new, and counts to its end likewise;
//   - the new lines are good (event.Chain), the last of each log vouches for all
//     before it, and each changes nothing but the issues that hang together with
//     its own (store.Plain);
//   - the ledger's new steps are believed, bring back no lost branch, and cover no
//     line that did not count.
//
// Anything else, and whatever goes wrong, takes everything to be loaded.

// advance brings the store from the refs it was made from to these.
func (t *Tracker) advance(ctx context.Context, now map[string]refs.OID, was store.State) (is store.State, news store.News, err error) {
	old := t.loaded
	if old == nil || old.brief == nil || !bytes.Equal(digest(old.refs), was.Digest) {
		if old = readEnds(was.Rest, nil); old == nil {
			return is, news, store.ErrWhole
		}
	}
	moved, steps, err := old.brief.moved(now)
	if err != nil {
		return is, news, err
	}
	next := old.copied()
	next.goTo(now)
	for _, id := range moved {
		tail, err := t.grown(ctx, next, id)
		if err != nil {
			return is, news, err
		}
		if len(tail.Lines) > 0 {
			next.newest = max(next.newest, next.logs[id].chain.Time)
			news.Tails = append(news.Tails, tail)
		}
	}
	if steps {
		if news.Numbers, err = t.decidedSince(ctx, next); err != nil {
			return is, news, err
		}
	}
	news.Decided = next.locks()
	news.Locked = otherLocks(old.locks(), news.Decided)
	is.Digest = digest(now)
	if is.Note, err = json.Marshal(next.glance()); err == nil {
		is.Rest, err = json.Marshal(next.ends())
	}
	t.advanced = next
	return is, news, err
}

// goTo takes a brief snapshot to other refs, of which logs and ledger are still
// to be read.
func (s *snapshot) goTo(now map[string]refs.OID) {
	s.refs = now
	s.brief.see(now)
	for id, l := range s.logs {
		l.here, l.hub = now[headRoot+agents+id], now[hubRoot+agents+id]
	}
}

// otherLocks are the issues whose lock or queue differs.
func otherLocks(a, b store.Decided) (issues []event.UUID) {
	for u, l := range a.Locks {
		if is, held := b.Locks[u]; !held || is != l || !slices.Equal(a.Queue[u], b.Queue[u]) {
			issues = append(issues, u)
		}
	}
	for u := range b.Locks {
		if _, held := a.Locks[u]; !held {
			issues = append(issues, u)
		}
	}
	return issues
}

// decidedSince judges the ledger's new steps and returns the numbers that they
// give.
func (t *Tracker) decidedSince(ctx context.Context, s *snapshot) (map[event.UUID]uint64, error) {
	if err := t.loadBriefMeta(ctx, s); err != nil {
		return nil, err
	}
	was := s.brief.Ledger
	t.loadLedger(ctx, s)
	view := s.decided.view
	if s.decided.err != nil || len(view.Bad) > 0 {
		return nil, store.ErrWhole
	}
	if on, err := s.decided.reader.Extends(view.Tip, was.Tip); err != nil || !on {
		return nil, store.ErrWhole
	}
	all := view.Ledger.CountIssues() // to which steps only add
	if all < was.Numbers || !maps.Equal(view.Ledger.IssueAliases, was.Aliases) {
		return nil, store.ErrWhole
	}
	s.brief.Ledger = ledgerEnd{view.Tip, all, len(s.decided.bad) > 0, grantsOf(view.Ledger)}
	for id, at := range view.Ledger.Positions() {
		if err := t.cover(ctx, s, id, at); err != nil {
			return nil, err
		}
	}
	fresh := map[event.UUID]uint64{}
	for _, n := range view.Ledger.IssuesSince(was.Numbers) {
		fresh[n.UUID] = n.Number
	}
	return fresh, nil
}

// cover notes how far the ledger covers a log.
func (t *Tracker) cover(ctx context.Context, s *snapshot, id string, at ledger.Position) error {
	l := s.logs[id]
	if l == nil || l.hub == "" || l.hubSeq < at.Seq {
		s.brief.Short = true
	}
	if l == nil || l.end.Covered == at.Seq {
		return nil
	}
	if at.Seq > l.end.Fed {
		return store.ErrWhole // lines may count that did not
	}
	is := l.chain.Hash
	if at.Seq != l.chain.Seq {
		log, err := refs.ReadLog(ctx, t.local(), id, l.view, at.Seq)
		if err != nil {
			return err
		}
		line := log.At(at.Seq)
		if line == nil {
			return store.ErrWhole
		}
		is = event.Hash(line)
	}
	if is != at.Hash {
		return store.ErrWhole // another log than the one it covers
	}
	l.end.Covered = at.Seq
	l.open = slices.DeleteFunc(l.open, func(e *event.Envelope) bool { return e.Seq <= at.Seq })
	return nil
}

// moved are the agents whose logs have moved, if nothing else has but the ledger:
// steps.
func (e *ends) moved(now map[string]refs.OID) (ids []string, steps bool, err error) {
	agentsOf := map[string]bool{}
	for name, oid := range now {
		if !seen(name) || e.Refs[name] == oid {
			continue
		}
		if name == hubRoot+checkpointName || name == headRoot+checkpointName && e.Refs[hubRoot+metaName] == "" {
			steps = true
			continue
		}
		id, isLog := strings.CutPrefix(name, headRoot+agents)
		if !isLog {
			id, isLog = strings.CutPrefix(name, hubRoot+agents)
		}
		if end, known := e.Logs[id]; !isLog || known && end.Stands == nil || !known && (e.Proven || event.ValidAgentID(id) != nil) {
			return nil, false, store.ErrWhole
		}
		agentsOf[id] = true
	}
	for name := range e.Refs {
		if now[name] == "" {
			return nil, false, store.ErrWhole
		}
	}
	return slices.Sorted(maps.Keys(agentsOf)), steps, nil
}

// grown takes a log of a brief snapshot to the tips it has now, as load would, and
// returns the lines that are new.
func (t *Tracker) grown(ctx context.Context, s *snapshot, id string) (store.Tail, error) {
	none := store.Tail{}
	l := s.logs[id]
	if l == nil {
		l = s.newLog(id)
		l.here, l.hub = s.refs[headRoot+agents+id], s.refs[hubRoot+agents+id]
	}
	if l.beyond {
		return none, store.ErrWhole
	}
	if err := t.grownTip(ctx, l); err != nil {
		return none, err
	}
	lines, err := t.grownLines(ctx, l)
	if err != nil {
		return none, err
	}
	if err := t.grownOnHub(ctx, l); err != nil || len(lines) == 0 {
		return none, err
	}
	if l.end.Stands == nil {
		if err := t.firstStanding(ctx, s, l, lines); err != nil {
			return none, err
		}
	}
	stands, mark, ok := l.end.Stands.Vouch(lines)
	if !ok {
		return none, store.ErrWhole
	}
	l.end.Stands = &stands
	l.end.Shown, l.end.Fed = lines[len(lines)-1].Shown(), l.chain.Seq
	return store.Tail{Lines: lines, Mark: mark}, nil
}

// grownTip puts in view the tip that chooseTips would, if it holds all that was in
// view before.
func (t *Tracker) grownTip(ctx context.Context, l *log) error {
	was := l.view
	switch {
	case l.here == "" || l.here == l.hub:
		l.view = l.hub
	case l.hub == "":
		l.view = l.here
	default:
		rel, err := refs.IsPrefix(ctx, t.local(), l.agent, l.hub, l.here)
		switch {
		case err != nil:
			return err
		case rel == refs.Prefix || rel == refs.Equal:
			l.view = l.here
		default: // it may be beyond what counts, or another log
			return store.ErrWhole
		}
	}
	if was == "" || l.view != l.hub && l.hub == was { // there was none, or that was asked already
		return nil
	}
	rel, err := refs.IsPrefix(ctx, t.local(), l.agent, was, l.view)
	if err != nil || rel != refs.Prefix && rel != refs.Equal {
		return store.ErrWhole
	}
	return nil
}

// grownLines reads what the tip in view holds behind the end of the log.
func (t *Tracker) grownLines(ctx context.Context, l *log) (lines []*event.Envelope, err error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.view, l.chain.Seq+1)
	if err != nil || got.Bad != "" || len(got.Legacy) > 0 {
		return nil, store.ErrWhole
	}
	for n, line := range got.Lines {
		if got.First+uint64(n) <= l.chain.Seq {
			continue
		}
		e, err := l.chain.Next(bytes.Clone(line))
		if err != nil || !store.Plain(e) {
			return nil, store.ErrWhole
		}
		if lines = append(lines, e); ledger.Decides(e) {
			l.open = append(l.open, e)
		}
	}
	return lines, nil
}

// grownOnHub notes how far the hub holds the log.
func (t *Tracker) grownOnHub(ctx context.Context, l *log) error {
	switch l.hub {
	case "":
		l.hubSeq = 0
	case l.view:
		l.hubSeq = l.chain.Seq
	default: // also where it has not moved: this is one segment
		far, err := refs.ReadLog(ctx, t.local(), l.agent, l.hub, math.MaxUint64)
		if err != nil || far.Bad != "" || len(far.Lines) == 0 {
			return store.ErrWhole
		}
		l.hubSeq = far.Last()
	}
	return nil
}

// firstStanding judges a log that is new.
func (t *Tracker) firstStanding(ctx context.Context, s *snapshot, l *log, lines []*event.Envelope) error {
	if err := t.loadBriefMeta(ctx, s); err != nil {
		return err
	}
	j := s.roll.Log(l.agent, trust.LogOptions{})
	for _, e := range lines {
		j.Feed(e)
	}
	stands, ok := j.Verdict().Standing(s.roll, nil)
	if !ok {
		return store.ErrWhole
	}
	l.end.Stands = &stands
	return nil
}
