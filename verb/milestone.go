package verb

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TakenError refuses a name that another milestone already has.
type TakenError struct {
	Name string
	UUID event.UUID
}

func (e *TakenError) Error() string { return "there is already a milestone '" + e.Name + "'" }

// milestoneTaken refuses a name that another milestone has, in any form and case, and a name
// that looks like a milestone's number.
func milestoneTaken(p tracker.Projection, name string, but event.UUID) error {
	if _, ok := milestoneNumber(name); ok {
		return &event.MemberError{Reason: event.BadValue, Member: "name", Detail: "'" + name + "' is the number of a milestone, and cannot be its name"}
	}
	all, err := p.Milestones()
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.UUID != but && strings.EqualFold(store.Name(m.Name), store.Name(name)) {
			return &TakenError{m.Name, m.UUID}
		}
	}
	return nil
}

// CreateMilestone returns the event that creates a milestone. No milestone may have the
// same name, in any case or form of Unicode.
func CreateMilestone(p tracker.Projection, m event.MilestoneCreated) ([]event.Body, error) {
	m.Name = store.Name(m.Name)
	if err := milestoneTaken(p, m.Name, event.UUID{}); err != nil {
		return nil, err
	}
	return Check([]event.Body{&m}, nil)
}

// MilestoneEdit has new values for a milestone; nil leaves a value unchanged, and a due
// date of 0 clears it.
type MilestoneEdit struct {
	Name, Description *string
	Due               *event.Time
}

// Apply returns the event that gives a milestone these values, none if it has them.
// A name that another milestone has is refused.
func (e MilestoneEdit) Apply(p tracker.Projection, m *reducer.Milestone) ([]event.Body, error) {
	u := &event.MilestoneUpdated{UUID: m.UUID}
	if e.Name != nil && *e.Name != m.Name {
		if err := milestoneTaken(p, *e.Name, m.UUID); err != nil {
			return nil, err
		}
		u.Name = e.Name
	}
	if e.Description != nil && *e.Description != m.Description {
		u.Description = e.Description
	}
	if e.Due != nil && *e.Due != m.DueAt {
		u.DueAt = e.Due
	}
	if u.Name == nil && u.Description == nil && u.DueAt == nil {
		return nil, nil
	}
	return []event.Body{u}, nil
}

// SetMilestoneStatus closes or reopens a milestone; it returns nothing if the milestone
// already has that status.
func SetMilestoneStatus(m *reducer.Milestone, to event.Status, now event.Time) []event.Body {
	switch {
	case m.Status == to:
		return nil
	case to == event.Closed:
		return []event.Body{&event.MilestoneClosed{UUID: m.UUID, ClosedAt: now}}
	}
	return []event.Body{&event.MilestoneReopened{UUID: m.UUID}}
}

// SetMilestone moves an issue into a milestone, or out of its milestone; it returns
// nothing if nothing changes.
func SetMilestone(i *store.Issue, milestone event.UUID) []event.Body {
	if i.Milestone == milestone {
		return nil
	}
	return []event.Body{&event.MilestoneAssigned{Issue: i.UUID, Milestone: milestone}}
}

// IntoMilestone moves issues into a milestone; nil removes them from theirs.
func IntoMilestone(p tracker.Projection, m *reducer.Milestone, rows []*store.Issue) (plan Plan, err error) {
	all, err := p.Milestones()
	if err != nil {
		return plan, err
	}
	of := map[event.UUID]*reducer.Milestone{}
	for _, x := range all {
		of[x.UUID] = x
	}
	done, already, to := MilestoneLeft, NoMilestone, event.UUID{}
	if m != nil {
		done, already, to = MilestoneSet, MilestoneAlready, m.UUID
	}
	for _, i := range rows {
		e := Effect{What: done, Issue: i, Into: m, From: of[i.Milestone]}
		bodies := SetMilestone(i, to)
		if bodies == nil {
			e.What = already
		}
		plan.add(e, bodies...)
	}
	return plan, nil
}
