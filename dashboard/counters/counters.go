// Package counters computes the numbers of a project's tile from its facts. The
// poller stores them (dashboard/poll), pages show them (dashboard/web).
package counters

import (
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Counters are the numbers of one project. The first six are the original's.
type Counters struct {
	Open         int `json:"open_issues"`
	Overdue      int `json:"overdue_issues"`
	DueSoon      int `json:"due_soon_issues"`
	Blocked      int `json:"blocked_issues"`
	ActiveAgents int `json:"active_agents"`
	StaleLocks   int `json:"stale_locks"`

	Ready      int `json:"ready"`
	Claimed    int `json:"claimed"`
	Waiting    int `json:"waiting"`
	Undecided  int `json:"undecided"`
	Unsent     int `json:"unsent"`
	Rejected   int `json:"rejected"`
	Unapproved int `json:"unapproved"`
}

// Of counts. The rules are:
//
//   - overdue: open and due before now;
//   - due soon: open, not overdue, due within the threshold, that moment included;
//   - blocked: open with an open blocker that lies on no cycle;
//   - active: not retired, a sign no older than the threshold; a sign from the
//     future counts;
//   - stale: see Stale.
func Of(f *facts.Facts, th facts.Thresholds, c *facts.Clock) Counters {
	n := Counters{
		Open: f.Open, Ready: f.Ready, Claimed: f.Claimed, Waiting: f.Waiting,
		Undecided: f.Health.Undecided.N, Unsent: f.Health.Unsent.N,
	}
	for k := range f.Issues {
		i := &f.Issues[k]
		if i.Due != 0 {
			switch {
			case c.After(i.Due):
				n.Overdue++
			case c.From(i.Due - event.Time(th.DueSoon)):
				n.DueSoon++
			}
		}
		if i.Blockers > 0 {
			n.Blocked++
		}
	}
	for _, t := range f.Later {
		if c.From(t) {
			n.Ready++
		}
	}
	seen := c.Seen(&f.Health)
	for k := range f.Agents {
		a := &f.Agents[k]
		if !a.Retired && a.LastSign != 0 && !seen.After(a.LastSign+event.Time(th.Active)) {
			n.ActiveAgents++
		}
		n.Unapproved += a.Marks["unapproved"] + a.Marks["unsigned"] + a.Marks["unknown-signer"]
	}
	for k := range f.Locks {
		if Stale(f, &f.Locks[k], th, c) {
			n.StaleLocks++
		}
	}
	for _, k := range f.Health.Rejected {
		n.Rejected += k
	}
	return n
}

// Stale reports whether a lock is stale: confirmed, not being given back, and
// held longer than the threshold. Where the operator asks for it the holder
// must also have been silent.
func Stale(f *facts.Facts, l *facts.Lock, th facts.Thresholds, c *facts.Clock) bool {
	if !l.Confirmed || l.Ending || !c.After(l.Since+event.Time(th.LockStale)) {
		return false
	}
	if !th.LockIfSilent {
		return true
	}
	a := f.Agent(l.Holder)
	return a == nil || c.Seen(&f.Health).After(a.LastSign+event.Time(th.LockSilent))
}
