package tracker

import (
	"fmt"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What of the logs counts. The chain (event) says which lines are good, trust
// which of them count and which are signed, and only these reach the reducer.
// A verdict follows from the meta that is believed, the log in view, the proofs
// of forks in all logs, and what the ledger covers.

// judgeLogs gives each log its verdict and the reducer the lines that count.
func (t *Tracker) judgeLogs(s *snapshot) {
	t.giveVerdicts(s)
	for _, id := range s.agents() {
		fed := s.logs[id].fed()
		for _, e := range fed {
			s.state.Apply(e)
		}
		s.lines = append(s.lines, fed...)
	}
}

// giveVerdicts judges every log.
func (t *Tracker) giveVerdicts(s *snapshot) {
	memo := t.memo()
	s.proofs = map[string][]*trust.Proof{}
	for _, id := range s.agents() {
		for _, e := range s.logs[id].lines {
			if _, ok := e.Body.(*event.AgentForked); !ok {
				continue
			}
			if p := trust.ProofIn(e, memo); p != nil {
				s.proofs[p.Agent] = append(s.proofs[p.Agent], p)
			}
		}
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		l.verdict = s.judge(l, memo)
		if counted := l.fed(); len(counted) > 0 {
			s.newest = max(s.newest, counted[len(counted)-1].Time)
		}
	}
	t.keepMemo(memo)
}

// fed are the lines that count.
func (l *log) fed() []*event.Envelope {
	if l.verdict == nil {
		return l.lines
	}
	return l.lines[:l.verdict.Fed]
}

// judge is the verdict on one log, nil where there is no meta to judge by.
func (s *snapshot) judge(l *log, memo *trust.Memo) *trust.Verdict {
	if s.roll == nil || s.roll.Newer() > 0 {
		return nil
	}
	j := s.roll.Log(l.agent, trust.LogOptions{Covered: s.covered(l), Proofs: s.proofs[l.agent], Memo: memo})
	for _, e := range l.lines {
		j.Feed(e)
	}
	return j.Verdict()
}

// covered is how many lines of the log in view the ledger covers: none if it
// covers another log of that agent.
func (s *snapshot) covered(l *log) uint64 {
	if s.decided.view.Ledger == nil {
		return 0
	}
	at := s.decided.view.Ledger.Position(l.agent)
	if at.Seq == 0 || at.Seq > uint64(len(l.lines)) || event.Hash(l.lines[at.Seq-1].Raw) != at.Hash {
		return 0
	}
	return at.Seq
}

// memoPath is a cache: which lines' signatures were checked. Without it they
// are checked again.
func (t *Tracker) memoPath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "signatures.json")
}

func (t *Tracker) memo() *trust.Memo {
	if t.signatures == nil {
		if readNote(t.memoPath(), maxSignatures, &t.signatures) != nil || t.signatures == nil {
			t.signatures = map[string]bool{}
		}
	}
	return trust.NewMemo(t.signatures)
}

func (t *Tracker) keepMemo(m *trust.Memo) {
	used, fresh := m.Used()
	if !fresh {
		return
	}
	t.signatures = used
	if len(used) < maxSignatures/80 { // what is larger would not be read
		t.keepCache(t.memoPath(), used)
	}
}

// mark is what is to be said of a line's signature where it is shown.
func (s *snapshot) mark(agent string, seq uint64) string {
	if l := s.logs[agent]; l != nil && l.verdict != nil {
		return l.verdict.Mark(seq)
	}
	return ""
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
