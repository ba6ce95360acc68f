package reading

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Tips returns the logs that a step may cover: those known to be on the hub, and those in
// the same push.
func (s *Snapshot) Tips(push refs.Push) map[string]string {
	going := map[string]refs.OID{}
	for _, r := range push.Refs {
		going[r.Dst] = r.Src
	}
	tips := map[string]string{}
	for _, l := range s.Active() {
		id := l.Agent
		if l.Forked() {
			continue // its covered lines stay covered, and no lines are added
		}
		tip, seq := l.Hub, l.HubSeq
		if src, ok := going[replay.HereRoot+replay.Agents+id]; ok {
			tip, seq = src, l.Seq
		}
		if tip != "" && seq > l.Position {
			tips[id] = string(tip)
		}
	}
	return tips
}

// CountedUpTo returns, for each log of the hub that ends with lines that do not count, how
// many lines count: a step that covered more would make them count.
func (s *Snapshot) CountedUpTo(tips map[string]string) map[string]uint64 {
	upTo := map[string]uint64{}
	for id, tip := range tips {
		switch l := s.Log(id); {
		case tip != string(l.Hub):
		case l.Beyond:
			upTo[id] = l.Common
		case l.Trails:
			upTo[id] = l.Kept()
		}
	}
	return upTo
}

// Awaited reports whether one of the logs may have a line that a step decides. If a log has
// diverged, the hub has other lines than this snapshot.
func (s *Snapshot) Awaited(tips map[string]string) bool {
	for id := range tips {
		if l := s.Log(id); l.Diverged || len(l.Open) > 0 {
			return true
		}
	}
	return false
}

// Undecided reports whether one of an agent's lines waits for a decision. It does not
// consider lines that another process of the clone has appended since.
func (s *Snapshot) Undecided(agent string, lines []*event.Envelope) bool {
	return slices.ContainsFunc(s.Pending(agent), func(e *event.Envelope) bool {
		return e.Seq >= lines[0].Seq && e.Seq <= lines[len(lines)-1].Seq
	})
}

// AllUndecided returns how many lines of all agents wait for a step.
func (s *Snapshot) AllUndecided() (n int) {
	if s.NewerRules() {
		return 0
	}
	for _, l := range s.Active() {
		n += len(s.Pending(l.Agent))
	}
	return n
}

// Pending returns the agent's lines that wait for a step. Lines that would change nothing
// (the release of a lock that is not held, a claim that was withdrawn before anybody saw
// it) get no step of their own.
func (s *Snapshot) Pending(agent string) []*event.Envelope {
	l := s.Log(agent)
	if l == nil {
		return nil
	}
	locks := s.Ledger.Locks
	var lines []*event.Envelope
	for _, e := range l.Open {
		switch b := e.Body.(type) {
		case *event.IssueCreated, *event.MilestoneCreated, *event.LockClaimed:
			lines = append(lines, e)
		case *event.IssueDeleted:
			if locks[b.UUID].Token > 0 {
				lines = append(lines, e)
			}
		case *event.LockBroken:
			if k := locks[b.Issue]; k.Token > 0 && k.Token == b.Token {
				lines = append(lines, e)
			}
		case *event.LockReleased:
			lines = slices.DeleteFunc(lines, func(o *event.Envelope) bool {
				c, claim := o.Body.(*event.LockClaimed)
				return claim && c.Issue == b.Issue
			})
			if locks[b.Issue].Agent == agent || s.Waits(b.Issue, agent) {
				lines = append(lines, e)
			}
		}
	}
	return lines
}
