package place

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// extract fills in the facts of a tracker as it is here, and says whether it may be
// written.
func (p *Place) extract(ctx context.Context, t *tracker.Tracker, f *facts.Facts) (may [2]string, err error) {
	view, err := t.Read(ctx, tracker.Offline)
	if err != nil {
		return may, err
	}
	x := extractor{view: view, me: slices.Clone(p.opened.me), named: map[string]bool{}, branch: p.opened.branch, manual: p.opened.manual && p.opened.url != "", f: f}
	if x.status, err = t.Status(ctx); err != nil {
		return may, err
	}
	x.trust, err = t.Trust(ctx)
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Code == "no-hub" {
		x.trust, err = &tracker.Trust{}, nil
	}
	if err != nil {
		return may, err
	}
	if x.bursts, err = p.lines.bursts(ctx, t, p.now()); err != nil {
		return may, err
	}
	x.times, x.talks = p.lines.times, p.talks
	if x.self, err = t.Self(ctx, view); err != nil {
		return may, err
	}
	x.me = append(x.me, x.self.Agents...)
	for _, do := range []func() error{x.issues, x.totals, x.locks, x.agents, x.requests, x.reports, x.mentions, x.refusals} {
		if err := do(); err != nil {
			return may, err
		}
	}
	x.health()
	f.Sort()
	may[0], may[1] = x.capability(&p.opened, t.Agent())
	return may, nil
}

func (p *Place) now() event.Time {
	if p.o.Now == nil {
		return event.TimeOf(time.Now())
	}
	return event.TimeOf(p.o.Now())
}

type extractor struct {
	view   tracker.Projection
	status *tracker.Status
	trust  *tracker.Trust
	bursts map[string]event.Time
	times  map[string][]event.Time // of the newest lines, by agent
	branch string                  // the default one
	self   *people.Self
	named  map[string]bool     // words that name the operator, and others
	talks  map[event.UUID]talk // what was said on issues, as it was read before
	me     []string            // issues assigned to one of these names are the operator's
	manual bool                // only people fetch
	f      *facts.Facts
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
			open, err := store.OpenBlockers(x.view, i)
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

// maxQuestion is how many characters of a question are kept.
const maxQuestion = 120

// question finds the holder's newest question on the issue of a lock. A later answer, or any
// later comment by another agent, answers it.
func (x *extractor) question(l *facts.Lock) error {
	i, err := x.view.Issue(l.Issue)
	if err != nil {
		return err
	}
	var asked *reducer.Comment
	for k := range i.Comments {
		switch c := &i.Comments[k]; {
		case c.By != l.Holder || c.Kind == "answer":
			asked = nil
		case c.Kind == "question":
			asked = c
		}
	}
	if asked == nil {
		return nil
	}
	l.Question, l.Asked = beginning(asked.Content), asked.CreatedAt
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
		if i.CommentCount > 0 && !l.Ending {
			if err := x.question(&one); err != nil {
				return err
			}
		}
		for _, w := range i.Queue {
			one.Queue = append(one.Queue, facts.Waiter{Agent: w.Agent, Since: w.Since})
		}
		x.f.Waiting += len(one.Queue)
		x.f.Locks = append(x.f.Locks, one)
	}
	return nil
}
