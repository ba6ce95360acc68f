package tracker

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// ends is a brief snapshot as it is kept with the store.
type ends struct {
	Hub    string              `json:"hub"`
	Refs   map[string]refs.OID `json:"-"`    // those that are seen
	Others map[string]refs.OID `json:"refs"` // those of them that are no log's
	Logs   map[string]logEnd   `json:"logs"` // by agent
	Newest event.Time          `json:"newest"`
	Proven bool                `json:"proven,omitempty"` // somebody has proven that a log forked
	Untold bool                `json:"untold,omitempty"` // and an agent of this clone may have to tell everybody
	Short  bool                `json:"short,omitempty"`  // the ledger covers lines that are not on the hub as it covers them
	Ledger ledgerEnd           `json:"ledger"`
}

// logEnd is where a log ends, and how it stands.
type logEnd struct {
	Here     refs.OID        `json:"here,omitempty"`
	Hub      refs.OID        `json:"hub,omitempty"`
	View     refs.OID        `json:"view"`
	Seq      uint64          `json:"seq"`
	Hash     string          `json:"hash"`
	Time     event.Time      `json:"time"`
	Shown    event.Time      `json:"shown"`            // of the last line, as it is shown
	HubSeq   uint64          `json:"hub_seq"`          // last sequence the hub holds
	Covered  uint64          `json:"covered"`          // last sequence the ledger covers
	Made     []uint64        `json:"made,omitempty"`   // of the open lines, those that make something: their sequences say all
	Open     []string        `json:"open,omitempty"`   // the others
	Stands   *trust.Standing `json:"stands,omitempty"` // nil: what it says next takes all of it to judge
	Fed      uint64          `json:"fed"`              // lines that count
	Forked   bool            `json:"forked,omitempty"`
	Ended    string          `json:"ended,omitempty"`
	Diverged bool            `json:"diverged,omitempty"`
	Trails   uint64          `json:"trails,omitempty"` // lines before the unsigned ones that follow them and do not count
	Beyond   bool            `json:"beyond,omitempty"`
	Common   uint64          `json:"common,omitempty"`
}

// tips are the refs of the log, "" where there is none.
func (e logEnd) tips(id string) map[string]refs.OID {
	return map[string]refs.OID{headRoot + agents + id: e.Here, hubRoot + agents + id: e.Hub}
}

// note notes the open lines.
func (e *logEnd) note(open []*event.Envelope) {
	e.Made, e.Open = nil, nil
	for _, x := range open {
		switch x.Body.(type) {
		case *event.IssueCreated, *event.MilestoneCreated: // there may be many, written without a hub
			e.Made = append(e.Made, x.Seq)
		default:
			e.Open = append(e.Open, string(x.Raw))
		}
	}
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
	Aliases map[uint64]uint64              `json:"aliases"` // numbers a hub lost → the ones that stand
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

// ends is what is to be kept of a snapshot that is not brief. Logs are in it only at
// level 4.
func (t *Tracker) ends(s *snapshot) ends {
	e := ends{Hub: s.hubID(), Newest: s.newest}
	e.see(s.refs)
	if s.level != Level || s.roll == nil || s.roll.Newer() > 0 || s.waitsForeign() {
		return e
	}
	l := s.decided.view.Ledger
	e.Ledger = ledgerEnd{s.decided.view.Tip, l.CountIssues(), len(s.decided.bad) > 0, grantsOf(l)}
	e.Newest = max(e.Newest, s.state.Newest())
	e.Proven, e.Untold, e.Short = s.proven(), len(t.untold(s, "")) > 0, len(s.short()) > 0
	e.Logs = map[string]logEnd{}
	for id, l := range s.logs {
		end := logEnd{Here: l.here, Hub: l.hub, View: l.view, Seq: l.chain.Seq, Hash: l.chain.Hash, Time: l.chain.Time, Shown: l.wrote(), HubSeq: l.hubSeq,
			Covered: s.position(l), Fed: l.verdict.Fed, Forked: l.verdict.Forked, Ended: l.ended, Diverged: l.diverged,
			Beyond: l.beyond, Common: l.common}
		if l.trails() {
			end.Trails = l.kept()
		}
		end.note(s.open(l))
		if stands, ok := l.verdict.Standing(s.roll, s.proofs[id]); ok && l.ended == "" && !l.diverged && !l.foreign && l.verdict.Lines == l.chain.Seq {
			end.Stands = &stands
		}
		e.Logs[id] = end
	}
	e.Others = e.others()
	return e
}

// readEnds is the brief snapshot of these refs, of which the ends were kept; of the
// refs it was kept with, where all is nil. nil if they cannot be read.
func readEnds(rest []byte, all map[string]refs.OID) *snapshot {
	e := &ends{}
	if json.Unmarshal(rest, e) != nil || e.Logs == nil {
		return nil
	}
	if e.Refs = e.Others; e.Refs == nil {
		e.Refs = map[string]refs.OID{}
	}
	for id, end := range e.Logs {
		for name, oid := range end.tips(id) {
			if oid != "" {
				e.Refs[name] = oid
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
		for name, oid := range end.tips(id) {
			if oid == others[name] {
				delete(others, name)
			}
		}
	}
	return others
}

// snapshot is the brief one, without the meta and what follows from it; nil if a
// line cannot be read.
func (e *ends) snapshot(all map[string]refs.OID) *snapshot {
	s := &snapshot{refs: all, brief: e, level: Level, bound: all[hubRoot+metaName] != "", newest: e.Newest,
		logs: map[string]*log{}, state: reducer.New()}
	for id, end := range e.Logs {
		l := &log{agent: id, here: all[headRoot+agents+id], hub: all[hubRoot+agents+id], view: end.View, hubSeq: end.HubSeq,
			chain: event.Chain{Hub: e.Hub, Agent: id, Seq: end.Seq, Hash: end.Hash, Time: end.Time}, ended: end.Ended, diverged: end.Diverged,
			beyond: end.Beyond, common: end.Common, end: &end}
		for _, raw := range end.Open {
			x, err := event.Decode([]byte(raw))
			if err != nil {
				return nil
			}
			l.open = append(l.open, x)
		}
		for _, seq := range end.Made {
			l.open = append(l.open, &event.Envelope{Agent: id, Seq: seq, Body: &event.IssueCreated{}})
		}
		slices.SortFunc(l.open, func(a, b *event.Envelope) int { return cmp.Compare(a.Seq, b.Seq) })
		s.logs[id] = l
	}
	return s
}

// ends is Tracker.ends of a brief snapshot, which may have moved on.
func (s *snapshot) ends() ends {
	e := *s.brief
	e.Newest, e.Logs = s.newest, map[string]logEnd{}
	for id, l := range s.logs {
		end := *l.end
		end.Here, end.Hub, end.View, end.Seq, end.Hash, end.Time, end.HubSeq = l.here, l.hub, l.view, l.chain.Seq, l.chain.Hash, l.chain.Time, l.hubSeq
		end.note(l.open)
		e.Logs[id] = end
	}
	e.Others = e.others()
	return e
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
