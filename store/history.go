package store

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// History returns the lines about an issue, which may be deleted, in key order, including
// rejected and overruled ones.
func (m *Memory) History(u event.UUID) ([]*event.Envelope, error) {
	if m.rows[u] == nil && !m.view.Deleted[u] {
		return nil, &NotFoundError{What: "issue", ID: u.String()}
	}
	var lines []*event.Envelope
	for _, e := range m.lines {
		comment, entry := changed(e.Body)
		if slices.Contains(IssuesOf(e.Body), u) || m.home[comment] == u || m.timed[entry] == u {
			lines = append(lines, e)
		}
	}
	slices.SortStableFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
	return lines, nil
}

// changed is the comment or time entry that an event changes, which tells the issue.
func changed(b event.Body) (comment, entry event.UUID) {
	switch e := b.(type) {
	case *event.CommentEdited:
		return e.Comment, event.UUID{}
	case *event.CommentDeleted:
		return e.Comment, event.UUID{}
	case *event.TimeEntryDeleted:
		return event.UUID{}, e.Entry
	}
	return event.UUID{}, event.UUID{}
}

// IssuesOf returns the issues that an event is about.
func IssuesOf(b event.Body) []event.UUID {
	switch e := b.(type) {
	case *event.IssueCreated:
		return []event.UUID{e.UUID}
	case *event.IssueUpdated:
		return []event.UUID{e.UUID}
	case *event.StatusChanged:
		return []event.UUID{e.UUID}
	case *event.IssueDeleted:
		return []event.UUID{e.UUID}
	case *event.IssueUndeleted:
		return []event.UUID{e.UUID}
	case *event.ScheduleChanged:
		return []event.UUID{e.Issue}
	case *event.ParentChanged:
		return []event.UUID{e.Issue}
	case *event.LabelAdded:
		return []event.UUID{e.Issue}
	case *event.LabelRemoved:
		return []event.UUID{e.Issue}
	case *event.AssigneeAdded:
		return []event.UUID{e.Issue}
	case *event.AssigneeRemoved:
		return []event.UUID{e.Issue}
	case *event.DependencyAdded:
		return []event.UUID{e.Blocked, e.Blocker}
	case *event.DependencyRemoved:
		return []event.UUID{e.Blocked, e.Blocker}
	case *event.RelationAdded:
		return []event.UUID{e.A, e.B}
	case *event.RelationRemoved:
		return []event.UUID{e.A, e.B}
	case *event.MilestoneAssigned:
		return []event.UUID{e.Issue}
	case *event.CommentAdded:
		return []event.UUID{e.Issue}
	case *event.TimeEntryAdded:
		return []event.UUID{e.Issue}
	case *event.LinkAdded:
		return []event.UUID{e.Issue}
	case *event.LinkRemoved:
		return []event.UUID{e.Issue}
	case *event.LockClaimed:
		return []event.UUID{e.Issue}
	case *event.LockReleased:
		return []event.UUID{e.Issue}
	case *event.LockBroken:
		return []event.UUID{e.Issue}
	}
	return nil
}

// Based returns the records of the base about an issue; see Issues.
func (m *Memory) Based(u event.UUID) (lines []*event.Envelope, err error) {
	if m.base == nil {
		return nil, nil
	}
	for e := range m.base.Records() {
		if b, ok := e.Body.(*event.Based); ok && (b.Of == u || slices.Contains(basedTargets(b), about(ofIssue, u))) {
			lines = append(lines, e)
		}
	}
	return lines, nil
}
