package verb

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// NewIssue is an issue to create. It names other things by ids, which are resolved when it
// is created.
type NewIssue struct {
	UUID           event.UUID
	Title          string
	Description    string
	Priority       event.Priority
	Labels         []string
	Assignees      []string
	Parent         string
	BlockedBy      []string
	DiscoveredFrom string
	Milestone      string
	Due, Scheduled event.Time
}

// Create returns the events with which an agent creates an issue.
func Create(p tracker.Projection, me string, n *NewIssue) ([]event.Body, error) {
	created := &event.IssueCreated{
		UUID: n.UUID, Title: n.Title, Description: n.Description, Priority: n.Priority, Labels: n.Labels,
		CreatedBy: me, ScheduledAt: n.Scheduled, DueAt: n.Due,
	}
	bodies := []event.Body{created}
	if n.Parent != "" {
		i, err := Resolve(p, n.Parent)
		if err != nil {
			return nil, err
		}
		created.Parent = i.UUID
	}
	blockers, err := ResolveAll(p, n.BlockedBy)
	if err != nil {
		return nil, err
	}
	for _, b := range blockers {
		bodies = append(bodies, &event.DependencyAdded{Blocked: n.UUID, Blocker: b.UUID})
	}
	if n.DiscoveredFrom != "" {
		i, err := Resolve(p, n.DiscoveredFrom)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, &event.RelationAdded{A: n.UUID, B: i.UUID, Kind: event.DiscoveredFrom})
	}
	for _, a := range n.Assignees {
		bodies = append(bodies, &event.AssigneeAdded{Issue: n.UUID, Assignee: a})
	}
	if n.Milestone != "" {
		m, err := ResolveMilestone(p, n.Milestone)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, &event.MilestoneAssigned{Issue: n.UUID, Milestone: m.UUID})
	}
	return bodies, nil
}

// Edit has new values for an issue; nil leaves a value unchanged.
type Edit struct {
	Title, Description *string
	Priority           *event.Priority
}

// Apply returns the event that sets these values; none if the issue already has them.
func (e Edit) Apply(i *store.Issue) []event.Body {
	u := &event.IssueUpdated{UUID: i.UUID}
	if e.Title != nil && *e.Title != i.Title {
		u.Title = e.Title
	}
	if e.Description != nil && *e.Description != i.Description {
		u.Description = e.Description
	}
	if e.Priority != nil && *e.Priority != i.Priority {
		u.Priority = e.Priority
	}
	if u.Title == nil && u.Description == nil && u.Priority == nil {
		return nil
	}
	return []event.Body{u}
}

// Schedule sets the dates of an issue. nil leaves a date unchanged, 0 clears it.
func Schedule(i *store.Issue, due, scheduled *event.Time) (p Plan) {
	c := &event.ScheduleChanged{Issue: i.UUID, ScheduledAt: i.ScheduledAt, DueAt: i.DueAt}
	var effects []Effect
	if due != nil {
		c.DueAt = *due
		effects = append(effects, Effect{What: DueSet, Issue: i, Time: *due})
	}
	if scheduled != nil {
		c.ScheduledAt = *scheduled
		effects = append(effects, Effect{What: ScheduledSet, Issue: i, Time: *scheduled})
	}
	if c.DueAt == i.DueAt && c.ScheduledAt == i.ScheduledAt {
		p.add(Effect{What: DatesAlready, Issue: i})
		return p
	}
	return Plan{[]event.Body{c}, effects}
}

// Delete deletes issues, each with a deletion that has an id of its own, and ends their
// locks. For an issue that is already deleted, the effect has no issue.
func Delete(p tracker.Projection, me string, ids []string, mint func() event.UUID) (plan Plan, rows []*store.Issue, err error) {
	var before []Effect
	for _, id := range ids {
		i, err := Resolve(p, id)
		if name := DeletedName(err); name != "" {
			if e := (Effect{What: DeletedAlready, Name: name}); !slices.Contains(before, e) {
				before = append(before, e)
			}
			continue
		}
		if err != nil {
			return Plan{}, nil, err
		}
		rows = appendOnce(rows, i)
	}
	for _, i := range rows {
		plan.add(Effect{What: Deleted, Issue: i}, &event.IssueDeleted{UUID: i.UUID, Deletion: mint()})
		endLock(&plan, me, i, "deleted")
	}
	plan.Effects = append(plan.Effects, before...)
	return plan, rows, nil
}

// DeleteComments deletes comments.
func DeleteComments(p tracker.Projection, ids []string) (plan Plan, err error) {
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		i, c, err := ResolveComment(p, id)
		if name := DeletedName(err); name != "" {
			plan.add(Effect{What: DeletedAlready, Name: name})
			continue
		}
		if err != nil {
			return Plan{}, err
		}
		plan.add(Effect{What: Deleted, Issue: i, Name: c.UUID.String()}, &event.CommentDeleted{Comment: c.UUID})
	}
	return plan, nil
}
