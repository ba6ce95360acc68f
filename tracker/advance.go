package tracker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
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
//   - the new lines are good (event.Chain), the last of each log vouches for all
//     before it, and each changes nothing but its issue (store.Plain);
//   - the ledger's new steps are believed, and decide numbers only.
//
// Anything else, and whatever goes wrong, takes everything to be loaded.

// ends are the refs of a snapshot, and where its logs that may be followed end.
type ends struct {
	Hub     string              `json:"hub"`
	Refs    map[string]refs.OID `json:"refs"`
	Logs    map[string]logEnd   `json:"logs"` // by agent
	Decided decidedEnd          `json:"decided"`
}

// logEnd is where a log ends.
type logEnd struct {
	View   refs.OID       `json:"view"`
	Seq    uint64         `json:"seq"`
	Hash   string         `json:"hash"`
	Time   event.Time     `json:"time"`
	HubSeq uint64         `json:"hub_seq"` // last sequence the hub holds
	Stands trust.Standing `json:"stands"`
}

// decidedEnd is what the ledger has decided.
type decidedEnd struct {
	Last    uint64       `json:"last"`    // number given
	Numbers string       `json:"numbers"` // hash of all up to it
	Rest    string       `json:"rest"`    // hash of locks, queues and aliases
	Open    bool         `json:"open"`    // lines about locks wait for a step
	Early   []event.UUID `json:"early"`   // locked, and not created yet, or deleted
}

// decidedEnd returns it with the numbers that are new since last.
func (s *snapshot) decidedEnd(last uint64) (d decidedEnd, before string, fresh map[event.UUID]uint64, err error) {
	l := s.decided.view.Ledger
	h := sha256.New()
	fresh = map[event.UUID]uint64{}
	sum := func() string { return hex.EncodeToString(h.Sum(nil)) }
	before = sum()
	for _, n := range l.Issues() {
		if fmt.Fprintf(h, "%d %s\n", n.Number, n.UUID); n.Number <= last {
			before = sum()
		} else {
			fresh[n.UUID] = n.Number
		}
	}
	d.Last, d.Numbers = l.LastIssue(), sum()
	b, err := json.Marshal([]any{l.Locks, l.Queue, l.IssueAliases})
	rest := sha256.Sum256(b)
	d.Rest = hex.EncodeToString(rest[:])
	return d, before, fresh, err
}

func (s *snapshot) ends() ends {
	e := ends{Hub: s.hubID(), Refs: map[string]refs.OID{}, Logs: map[string]logEnd{}}
	for name, oid := range s.refs {
		if seen(name) {
			e.Refs[name] = oid
		}
	}
	if s.level != Level || s.roll == nil {
		return e
	}
	e.Decided = s.decidedNow()
	for id, l := range s.logs {
		if l.ended != "" || l.diverged || l.foreign || l.verdict == nil || l.verdict.Lines != l.chain.Seq {
			continue
		}
		if stands, ok := l.verdict.Standing(s.roll, s.proofs[id]); ok {
			e.Logs[id] = logEnd{l.view, l.chain.Seq, l.chain.Hash, l.chain.Time, l.hubSeq, stands}
		}
	}
	return e
}

// decidedNow is what is decided, and what of it is still open.
func (s *snapshot) decidedNow() decidedEnd {
	d, _, _, err := s.decidedEnd(0)
	d.Open = err != nil
	l := s.decided.view.Ledger
	for u := range l.Locks {
		if _, err := s.project().Issue(u); err != nil {
			d.Early = append(d.Early, u)
		}
	}
	for id, log := range s.logs {
		for _, e := range log.lines[min(l.Position(id).Seq, uint64(len(log.lines))):] {
			switch e.Body.(type) {
			case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
				d.Open = true
			}
		}
	}
	return d
}

// advance brings the store from the refs it was made from to these.
func (t *Tracker) advance(ctx context.Context, now map[string]refs.OID, was store.State) (is store.State, news store.News, err error) {
	var e ends
	var g glance
	if json.Unmarshal(was.Rest, &e) != nil || json.Unmarshal(was.Note, &g) != nil {
		return is, news, store.ErrWhole
	}
	moved, steps, err := e.moved(now)
	if err != nil {
		return is, news, err
	}
	if steps {
		if news.Numbers, err = t.decidedSince(ctx, &e); err != nil {
			return is, news, err
		}
	}
	for _, id := range moved {
		l, err := t.grown(ctx, e.Hub, e.Logs[id], id, now)
		if err != nil {
			return is, news, err
		}
		for _, x := range l.lines {
			if c, ok := x.Body.(*event.IssueCreated); ok && slices.Contains(e.Decided.Early, c.UUID) {
				return is, news, store.ErrWhole
			}
		}
		last := e.Logs[id]
		g.Unsent += l.unsent() - (&log{chain: event.Chain{Seq: last.Seq}, hubSeq: last.HubSeq}).unsent()
		if h, holds := g.Held[id]; holds && len(l.lines) > 0 {
			h.Wrote = l.lines[len(l.lines)-1].Shown()
			g.Held[id] = h
		}
		if len(l.lines) > 0 {
			mark, ok := last.Stands.Vouch(l.lines)
			if !ok {
				return is, news, store.ErrWhole
			}
			news.Tails = append(news.Tails, store.Tail{Lines: l.lines, Mark: mark})
		}
		e.Logs[id] = logEnd{l.view, l.chain.Seq, l.chain.Hash, l.chain.Time, l.hubSeq, last.Stands}
	}
	is.Digest = digest(now)
	if is.Note, err = json.Marshal(g); err == nil {
		is.Rest, err = json.Marshal(e)
	}
	return is, news, err
}

// decidedSince judges the ledger's new steps, which must decide numbers only.
func (t *Tracker) decidedSince(ctx context.Context, e *ends) (map[event.UUID]uint64, error) {
	s := &snapshot{refs: e.Refs, logs: map[string]*log{}, numbers: map[event.UUID]uint64{}}
	if err := t.loadMeta(ctx, s); err != nil {
		return nil, err
	}
	if s.level != Level || s.roll == nil || s.hubID() != e.Hub {
		return nil, store.ErrWhole
	}
	t.loadLedger(ctx, s)
	if s.decided.err != nil || len(s.decided.view.Bad) > 0 {
		return nil, store.ErrWhole
	}
	d, before, fresh, err := s.decidedEnd(e.Decided.Last)
	if err != nil || before != e.Decided.Numbers || d.Rest != e.Decided.Rest || e.Decided.Open {
		return nil, store.ErrWhole
	}
	d.Early = e.Decided.Early
	e.Decided = d
	return fresh, nil
}

// moved are the agents whose logs have moved, if nothing else has but the ledger:
// steps. The refs are the new ones afterwards.
func (e *ends) moved(now map[string]refs.OID) (ids []string, steps bool, err error) {
	agentsOf := map[string]bool{}
	fresh := map[string]refs.OID{}
	for name, oid := range now {
		if !seen(name) {
			continue
		}
		if fresh[name] = oid; e.Refs[name] == oid {
			continue
		}
		if name == hubRoot+checkpointName || name == headRoot+checkpointName && e.Refs[hubRoot+metaName] == "" {
			steps = true
			continue
		}
		id, isLog := strings.CutPrefix(name, headRoot+agents)
		if isLog && e.Refs[name] == "" && e.Decided.Open {
			return nil, false, store.ErrWhole // an open claim is shown where it is one's own
		}
		if !isLog {
			id, isLog = strings.CutPrefix(name, hubRoot+agents)
		}
		if _, known := e.Logs[id]; !isLog || !known {
			return nil, false, store.ErrWhole
		}
		agentsOf[id] = true
	}
	for name := range e.Refs {
		if fresh[name] == "" {
			return nil, false, store.ErrWhole
		}
	}
	e.Refs = fresh
	for id := range maps.Keys(agentsOf) {
		ids = append(ids, id)
	}
	return ids, steps, nil
}

// grown reads what a log has more than it had, as load would.
func (t *Tracker) grown(ctx context.Context, hub string, was logEnd, id string, now map[string]refs.OID) (*log, error) {
	l := &log{agent: id, here: now[headRoot+agents+id], hub: now[hubRoot+agents+id], hubSeq: was.HubSeq}
	l.chain = event.Chain{Hub: hub, Agent: id, Seq: was.Seq, Hash: was.Hash, Time: was.Time}
	switch {
	case l.here == "" || l.here == l.hub:
		l.view = l.hub
	case l.hub == "":
		l.view = l.here
	default:
		rel, err := refs.IsPrefix(ctx, t.local(), id, l.hub, l.here)
		switch {
		case err != nil:
			return nil, err
		case rel == refs.Prefix || rel == refs.Equal:
			l.view = l.here
		case rel == refs.Extends:
			l.view = l.hub
		default:
			return nil, store.ErrWhole
		}
	}
	if l.view == l.hub || l.hub != was.View { // else that was asked already
		rel, err := refs.IsPrefix(ctx, t.local(), id, was.View, l.view)
		if err != nil || rel != refs.Prefix && rel != refs.Equal {
			return nil, store.ErrWhole
		}
	}
	got, err := refs.ReadLog(ctx, t.local(), id, l.view, was.Seq+1)
	if err != nil || got.Bad != "" || len(got.Legacy) > 0 {
		return nil, store.ErrWhole
	}
	for n, line := range got.Lines {
		if got.First+uint64(n) <= was.Seq {
			continue
		}
		x, err := l.chain.Next(bytes.Clone(line))
		if err != nil || !store.Plain(x.Body) {
			return nil, store.ErrWhole
		}
		l.lines = append(l.lines, x)
	}
	switch l.hub {
	case "":
		l.hubSeq = 0
	case l.view:
		l.hubSeq = l.chain.Seq
	default: // also where it has not moved: this is one segment
		far, err := refs.ReadLog(ctx, t.local(), id, l.hub, math.MaxUint64)
		if err != nil || far.Bad != "" || len(far.Lines) == 0 {
			return nil, store.ErrWhole
		}
		l.hubSeq = far.First + uint64(len(far.Lines)) - 1
	}
	return l, nil
}
