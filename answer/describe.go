package answer

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// describe says what an event did to an issue. The text may hold anything.
func describe(p tracker.Projection, u event.UUID, b event.Body) string {
	name := func(o event.UUID) string { return nameOf(p, o) }
	switch b := b.(type) {
	case *event.IssueCreated:
		s := fmt.Sprintf("created '%s', %s priority", b.Title, b.Priority)
		if len(b.Labels) > 0 {
			s += ", labels " + strings.Join(b.Labels, ", ")
		}
		return s
	case *event.IssueUpdated:
		var parts []string
		if b.Title != nil {
			parts = append(parts, fmt.Sprintf("title '%s'", *b.Title))
		}
		if b.Description != nil {
			parts = append(parts, "description")
		}
		if b.Priority != nil {
			parts = append(parts, "priority "+string(*b.Priority))
		}
		return "changed " + strings.Join(parts, ", ")
	case *event.StatusChanged:
		s := map[event.Status]string{event.Open: "reopened", event.Closed: "closed", event.Archived: "archived"}[b.NewStatus]
		if b.Reason != "" {
			s += ": " + b.Reason
		}
		return s
	case *event.IssueDeleted:
		return "deleted"
	case *event.IssueUndeleted:
		return "took a deletion back"
	case *event.ScheduleChanged:
		return ScheduleWords(b, func(t event.Time, _ bool) string { return t.String() })
	case *event.ParentChanged:
		if b.Parent == (event.UUID{}) {
			return "removed the parent"
		}
		return "made it a child of " + name(b.Parent)
	case *event.LabelAdded:
		return fmt.Sprintf("added label '%s'", b.Label)
	case *event.LabelRemoved:
		return fmt.Sprintf("removed label '%s'", b.Label)
	case *event.AssigneeAdded:
		return fmt.Sprintf("assigned '%s'", b.Assignee)
	case *event.AssigneeRemoved:
		return fmt.Sprintf("took '%s' off", b.Assignee)
	case *event.DependencyAdded:
		return dependencyWords(u, b.Blocked, "blocked by ", "blocks ", name(b.Blocker), name(b.Blocked))
	case *event.DependencyRemoved:
		return dependencyWords(u, b.Blocked, "waits no longer for ", "blocks no longer ", name(b.Blocker), name(b.Blocked))
	case *event.RelationAdded:
		return fmt.Sprintf("%s %s %s", name(b.A), relationPhrase(b.Kind), name(b.B))
	case *event.RelationRemoved:
		return fmt.Sprintf("no longer: %s %s %s", name(b.A), relationPhrase(b.Kind), name(b.B))
	case *event.MilestoneAssigned:
		return milestoneWords(p, b.Milestone)
	case *event.CommentAdded:
		return fmt.Sprintf("%s: %s", b.Kind, firstLine(b.Content))
	case *event.CommentEdited:
		return fmt.Sprintf("edited comment %s: %s", shortComment(p, b.Comment), firstLine(b.Content))
	case *event.CommentDeleted:
		return "deleted a comment"
	case *event.TimeEntryAdded:
		return "booked time"
	case *event.TimeEntryDeleted:
		return "deleted a time entry"
	case *event.LinkAdded:
		return fmt.Sprintf("added link '%s' (%s)", b.Ref, b.Kind)
	case *event.LinkRemoved:
		return fmt.Sprintf("removed link '%s' (%s)", b.Ref, b.Kind)
	case *event.LockClaimed:
		return "claimed the lock"
	case *event.LockReleased:
		return "released the lock"
	case *event.LockBroken:
		return "broke the lock: " + b.Reason
	}
	return b.Type()
}

func nameOf(p tracker.Projection, u event.UUID) string {
	if i, err := p.Row(u); err == nil {
		return i.Name()
	}
	return u.String()
}

func dependencyWords(u, blocked event.UUID, here, there, blocker, waiting string) string {
	if u == blocked {
		return here + blocker
	}
	return there + waiting
}

func relationPhrase(k event.RelationKind) string {
	switch k {
	case event.DiscoveredFrom:
		return "was discovered from"
	case event.Duplicates, event.Supersedes:
		return string(k)
	}
	return "is related to"
}

func milestoneWords(p tracker.Projection, u event.UUID) string {
	if u == (event.UUID{}) {
		return "took it out of its milestone"
	}
	all, err := p.Milestones()
	if err == nil {
		for _, m := range all {
			if m.UUID == u {
				return fmt.Sprintf("put it into milestone '%s'", m.Name)
			}
		}
	}
	return "put it into milestone " + u.String()
}

// shortComment names a comment, which may be gone.
func shortComment(p tracker.Projection, u event.UUID) string {
	if _, _, err := p.ResolveComment(u.String()); err != nil {
		return u.String()
	}
	return p.CommentShort(u)
}

// ScheduleWords describes new dates. Programs read moments in UTC, people in
// their zone, where the end of a day is due.
func ScheduleWords(b *event.ScheduleChanged, write func(t event.Time, due bool) string) string {
	word := func(t event.Time, due bool) string {
		if t == 0 {
			return "none"
		}
		return write(t, due)
	}
	return fmt.Sprintf("scheduled %s, due %s", word(b.ScheduledAt, false), word(b.DueAt, true))
}

// firstLine is the first line of a text, with a mark if there are more.
func firstLine(s string) string {
	line, rest, _ := strings.Cut(s, "\n")
	if strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}
