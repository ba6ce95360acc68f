package verb

import "github.com/git-crosslink/git-crosslink/event"

// field is a part of an issue that an event writes: a register, or one element of a
// set.
type field struct {
	issue event.UUID // zero for a comment or a time entry, whose uuid is the element
	what  string
	elem  string
}

// fieldsOf are the fields that an event writes; nil for an event that is not undone.
func fieldsOf(b event.Body) []field {
	switch b := b.(type) {
	case *event.IssueCreated:
		return []field{{b.UUID, "creation", ""}}
	case *event.IssueUpdated:
		var fs []field
		if b.Title != nil {
			fs = append(fs, field{b.UUID, "title", ""})
		}
		if b.Description != nil {
			fs = append(fs, field{b.UUID, "description", ""})
		}
		if b.Priority != nil {
			fs = append(fs, field{b.UUID, "priority", ""})
		}
		return fs
	case *event.StatusChanged:
		return []field{{b.UUID, "status", ""}}
	case *event.IssueDeleted:
		return []field{{b.UUID, "deletion", b.Deletion.String()}}
	case *event.IssueUndeleted:
		return []field{{b.UUID, "deletion", b.Deletion.String()}}
	case *event.ScheduleChanged:
		return []field{{b.Issue, "dates", ""}}
	case *event.ParentChanged:
		return []field{{b.Issue, "parent", ""}}
	case *event.MilestoneAssigned:
		return []field{{b.Issue, "milestone", ""}}
	case *event.CommentAdded:
		return []field{{what: "comment", elem: b.Comment.String()}}
	case *event.CommentEdited:
		return []field{{what: "comment", elem: b.Comment.String()}}
	case *event.TimeEntryAdded:
		return []field{{what: "time entry", elem: b.Entry.String()}}
	}
	return elementOf(b)
}

// elementOf is the element of a set that an event adds or removes.
func elementOf(b event.Body) []field {
	switch b := b.(type) {
	case *event.LabelAdded:
		return []field{{b.Issue, "label", b.Label}}
	case *event.LabelRemoved:
		return []field{{b.Issue, "label", b.Label}}
	case *event.AssigneeAdded:
		return []field{{b.Issue, "assignee", b.Assignee}}
	case *event.AssigneeRemoved:
		return []field{{b.Issue, "assignee", b.Assignee}}
	case *event.LinkAdded:
		return []field{{b.Issue, "link", b.Kind + " " + b.Ref}}
	case *event.LinkRemoved:
		return []field{{b.Issue, "link", b.Kind + " " + b.Ref}}
	case *event.DependencyAdded:
		return []field{{b.Blocked, "blocker", b.Blocker.String()}}
	case *event.DependencyRemoved:
		return []field{{b.Blocked, "blocker", b.Blocker.String()}}
	case *event.RelationAdded:
		return []field{relationField(b.A, b.B, b.Kind)}
	case *event.RelationRemoved:
		return []field{relationField(b.A, b.B, b.Kind)}
	}
	return nil
}

// relationField is the field of a relation; related has no direction.
func relationField(a, b event.UUID, kind event.RelationKind) field {
	if kind == event.Related && a.String() > b.String() {
		a, b = b, a
	}
	return field{a, "relation", string(kind) + " " + b.String()}
}
