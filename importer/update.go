package importer

import (
	"cmp"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Side is the state of an issue on one side.
type Side struct {
	reducer.OwnIssue
	Comments map[event.UUID]string // texts of comments, without deleted comments
}

// Conflict is a field that has changed both in the source and here.
type Conflict struct {
	Issue event.UUID `json:"issue"`
	Field string     `json:"field"`
	Kept  string     `json:"kept"` // "local" or "source"
}

// Update returns the events for the changes in a source since its last import. base is the
// issue as the importers of this scope have written it, ours is its current state, theirs
// is its state in the source. A field that changed only in the source is written; a field
// that changed only here stays; if it changed in both, preferSource decides, and the
// conflict is listed. Sets are merged element by element. Data that is no longer in the
// source is not removed.
func Update(base, ours, theirs *Side, preferSource bool) (bodies []event.Body, conflicts []Conflict) {
	m := &merge{u: theirs.Issue.UUID, source: preferSource}
	if ours.Deleted {
		return nil, nil // deleted here, which is permanent
	}
	b, o, t := &base.Issue, &ours.Issue, &theirs.Issue
	edit := &event.IssueUpdated{UUID: m.u}
	if m.field("title", b.Title, o.Title, t.Title) {
		edit.Title = &t.Title
	}
	if m.field("description", b.Description, o.Description, t.Description) {
		edit.Description = &t.Description
	}
	if m.field("priority", string(b.Priority), string(o.Priority), string(t.Priority)) {
		edit.Priority = &t.Priority
	}
	if edit.Title != nil || edit.Description != nil || edit.Priority != nil {
		m.say(edit)
	}
	m.dates(b, o, t)
	if m.field("parent", base.Parent.String(), ours.Parent.String(), theirs.Parent.String()) {
		m.say(&event.ParentChanged{Issue: m.u, Parent: theirs.Parent})
	}
	if m.field("milestone", base.Milestone.String(), ours.Milestone.String(), theirs.Milestone.String()) {
		m.say(&event.MilestoneAssigned{Issue: m.u, Milestone: theirs.Milestone})
	}
	m.sets(base, ours, theirs)
	m.comments(base, ours, theirs)
	if m.field("status", status(b), status(o), status(t)) {
		m.say(&event.StatusChanged{UUID: m.u, NewStatus: t.Status, ClosedAt: t.ClosedAt, Reason: t.Reason})
	}
	return m.bodies, m.conflicts
}

// status returns all values that one change of status writes.
func status(i *reducer.Issue) string {
	return string(cmp.Or(i.Status, event.Open)) + "\x00" + i.Reason
}

type merge struct {
	u         event.UUID
	source    bool
	bodies    []event.Body
	conflicts []Conflict
}

func (m *merge) say(b event.Body) { m.bodies = append(m.bodies, b) }

// field reports whether to write theirs.
func (m *merge) field(name, base, ours, theirs string) bool {
	switch {
	case theirs == base || theirs == ours:
		return false
	case ours == base:
		return true
	}
	c := Conflict{m.u, name, "local"}
	if m.source {
		c.Kept = "source"
	}
	m.conflicts = append(m.conflicts, c)
	return m.source
}

// dates merges both dates, because one event writes them together.
func (m *merge) dates(b, o, t *reducer.Issue) {
	due := m.field("due", b.DueAt.String(), o.DueAt.String(), t.DueAt.String())
	scheduled := m.field("scheduled", b.ScheduledAt.String(), o.ScheduledAt.String(), t.ScheduledAt.String())
	if !due && !scheduled {
		return
	}
	both := &event.ScheduleChanged{Issue: m.u, DueAt: o.DueAt, ScheduledAt: o.ScheduledAt}
	if due {
		both.DueAt = t.DueAt
	}
	if scheduled {
		both.ScheduledAt = t.ScheduledAt
	}
	m.say(both)
}

func (m *merge) sets(base, ours, theirs *Side) {
	elements(base.Issue.Labels, ours.Issue.Labels, theirs.Issue.Labels,
		func(l string) { m.say(&event.LabelAdded{Issue: m.u, Label: l}) },
		func(l string) { m.say(&event.LabelRemoved{Issue: m.u, Label: l}) })
	elements(base.Issue.Assignees, ours.Issue.Assignees, theirs.Issue.Assignees,
		func(a string) { m.say(&event.AssigneeAdded{Issue: m.u, Assignee: a}) },
		func(a string) { m.say(&event.AssigneeRemoved{Issue: m.u, Assignee: a}) })
	elements(base.Blockers, ours.Blockers, theirs.Blockers,
		func(b event.UUID) { m.say(&event.DependencyAdded{Blocked: m.u, Blocker: b}) },
		func(b event.UUID) { m.say(&event.DependencyRemoved{Blocked: m.u, Blocker: b}) })
	elements(outside(base), outside(ours), outside(theirs),
		func(l Link) { m.say(&event.LinkAdded{Issue: m.u, Kind: l.Kind, Ref: l.Ref}) },
		func(l Link) { m.say(&event.LinkRemoved{Issue: m.u, Kind: l.Kind, Ref: l.Ref}) })
	elements(base.Relations, ours.Relations, theirs.Relations,
		func(t reducer.Tie) { m.say(&event.RelationAdded{A: t.A, B: t.B, Kind: t.Kind}) },
		func(t reducer.Tie) { m.say(&event.RelationRemoved{A: t.A, B: t.B, Kind: t.Kind}) })
}

// outside returns the links of an issue, no matter who added them.
func outside(s *Side) (links []Link) {
	for _, l := range s.Issue.Links {
		links = append(links, Link{l.Kind, l.Ref})
	}
	return links
}

// elements merges a set: it adds elements that the source added since base, removes
// elements that the source removed, and writes nothing for elements that already match.
func elements[T comparable](base, ours, theirs []T, add, remove func(T)) {
	in := func(all []T) map[T]bool {
		set := make(map[T]bool, len(all))
		for _, e := range all {
			set[e] = true
		}
		return set
	}
	was, here, there := in(base), in(ours), in(theirs)
	for _, e := range theirs {
		if !was[e] && !here[e] {
			add(e)
		}
	}
	for _, e := range base {
		if !there[e] && here[e] {
			remove(e)
		}
	}
}

// comments adds new comments, and writes the new texts of changed ones.
func (m *merge) comments(base, ours, theirs *Side) {
	for _, c := range theirs.Issue.Comments {
		was, known := base.Comments[c.UUID]
		now, here := ours.Comments[c.UUID]
		switch {
		case !known && !here:
			m.say(&event.CommentAdded{Issue: m.u, Comment: c.UUID, Author: c.Author, Content: c.Content, CreatedAt: c.CreatedAt, Kind: c.Kind})
		case here && m.field("comment", was, now, c.Content):
			m.say(&event.CommentEdited{Comment: c.UUID, Content: c.Content})
		}
	}
}
