package place

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// extract returns the facts of a state. Issues assigned to one of the names are
// the operator's.
func extract(view tracker.Projection, me []string) (facts.Facts, error) {
	var f facts.Facts
	x := extractor{view: view, me: me, f: &f}
	for _, do := range []func() error{x.issues, x.totals, x.locks, x.agents} {
		if err := do(); err != nil {
			return f, err
		}
	}
	f.Health.Rejected = map[string]int{}
	for _, r := range view.Rejections() {
		f.Health.Rejected[r.Reason]++
	}
	f.Sort()
	return f, nil
}

type extractor struct {
	view tracker.Projection
	me   []string
	f    *facts.Facts
}

// issues counts the open issues and keeps those that a rule may ask about.
func (x *extractor) issues() error {
	rows, _, err := x.view.List(store.Filter{Status: "open"})
	if err != nil {
		return err
	}
	for _, i := range rows {
		one := facts.Issue{UUID: i.UUID, Name: i.Name(), Title: i.Title, Due: i.DueAt, Cyclic: len(i.Cyclic), Since: i.UpdatedAt,
			Mine: slices.ContainsFunc(x.me, func(name string) bool { return len(store.Called(i.Assignees, name)) > 0 })}
		if len(i.BlockedBy) > 0 {
			open, err := store.OpenBlockers(x.view, i.UUID)
			if err != nil {
				return err
			}
			one.Blockers = len(open)
		}
		if i.Parent != (event.UUID{}) {
			if p, err := x.view.Issue(i.Parent); err == nil && p.Status == event.Closed {
				one.Parent = p.Name()
			}
		}
		x.f.Open++
		x.f.Newest = max(x.f.Newest, i.UpdatedAt)
		if i.Lock != nil {
			x.f.Claimed++
		}
		if one.Ready = (i.Lock == nil || i.Lock.Ending) && one.Blockers == 0; one.Ready {
			if i.ScheduledAt == 0 {
				x.f.Ready++
			} else {
				x.f.Later = append(x.f.Later, i.ScheduledAt)
				one.Ready = false
			}
		}
		if one.Due != 0 || one.Blockers > 0 || one.Cyclic > 0 || one.Parent != "" || one.Mine {
			x.f.Issues = append(x.f.Issues, one)
		}
	}
	return nil
}

func (x *extractor) totals() error {
	for status, n := range map[string]*int{"closed": &x.f.Closed, "archived": &x.f.Archived} {
		_, total, err := x.view.List(store.Filter{Status: status, Limit: 1})
		if err != nil {
			return err
		}
		*n = total
	}
	return nil
}

func (x *extractor) locks() error {
	rows, err := x.view.Locked()
	if err != nil {
		return err
	}
	for _, i := range rows {
		l := i.Lock
		if l == nil {
			continue
		}
		one := facts.Lock{Issue: i.UUID, Name: i.Name(), Title: i.Title, Holder: l.Holder, Token: l.Token, Since: l.Since,
			Confirmed: l.Confirmed, Ending: l.Ending, Branch: l.Branch}
		for _, w := range i.Queue {
			one.Queue = append(one.Queue, facts.Waiter{Agent: w.Agent, Since: w.Since})
		}
		x.f.Waiting += len(one.Queue)
		x.f.Locks = append(x.f.Locks, one)
	}
	return nil
}

// agents keeps those that introduced themselves, and those that hold a lock.
func (x *extractor) agents() error {
	seen := map[string]bool{}
	add := func(a facts.Agent) {
		if seen[a.ID] {
			return
		}
		seen[a.ID] = true
		a.LastSign = x.view.LastSign(a.ID)
		a.LastLine = a.LastSign
		if p, ok := x.view.Presence(a.ID); ok {
			a.State, a.Issue = p.State, p.Issue
			if p.LastSeen == a.LastSign {
				a.LastLine = 0 // which is older is not known; nothing asks
			}
		}
		x.f.Newest = max(x.f.Newest, a.LastLine)
		x.f.Agents = append(x.f.Agents, a)
	}
	for _, a := range x.view.Agents() {
		add(facts.Agent{ID: a.ID, Kind: string(a.Kind), Retired: a.Retired})
	}
	for _, l := range x.f.Locks {
		add(facts.Agent{ID: l.Holder})
	}
	return nil
}
