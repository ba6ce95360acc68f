package answer

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// describe says what an event did, to the issue u if it is about one. The text may hold
// anything.
func describe(p tracker.Projection, names *people.Names, u event.UUID, b event.Body) string {
	name := func(o event.UUID) string { return nameOf(p, o) }
	switch b := b.(type) {
	case *event.IssueCreated:
		return createdWords(b, event.Time.String, event.Time.String)
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
		return "undeleted"
	case *event.ScheduleChanged:
		return scheduleWords(b, event.Time.String, event.Time.String)
	case *event.ParentChanged:
		if b.Parent == (event.UUID{}) {
			return "removed the parent"
		}
		return "set the parent to issue " + name(b.Parent)
	case *event.LabelAdded:
		return fmt.Sprintf("added label '%s'", b.Label)
	case *event.LabelRemoved:
		return fmt.Sprintf("removed label '%s'", b.Label)
	case *event.AssigneeAdded:
		return "assigned " + names.Quoted(b.Assignee)
	case *event.AssigneeRemoved:
		return "unassigned " + names.Quoted(b.Assignee)
	case *event.DependencyAdded:
		return dependencyWords(u, b.Blocked, "blocked by issue ", "blocks issue ", name(b.Blocker), name(b.Blocked))
	case *event.DependencyRemoved:
		return dependencyWords(u, b.Blocked, "no longer blocked by issue ", "no longer blocks issue ", name(b.Blocker), name(b.Blocked))
	case *event.RelationAdded:
		return fmt.Sprintf("issue %s %s issue %s", name(b.A), relationPhrase(b.Kind), name(b.B))
	case *event.RelationRemoved:
		return fmt.Sprintf("no longer: issue %s %s issue %s", name(b.A), relationPhrase(b.Kind), name(b.B))
	case *event.MilestoneAssigned:
		return milestoneWords(p, b.Milestone)
	case *event.CommentAdded:
		return fmt.Sprintf("%s: %s", b.Kind, firstLine(b.Content))
	case *event.CommentEdited:
		return fmt.Sprintf("edited comment %s: %s", shortComment(p, b.Comment), firstLine(b.Content))
	case *event.CommentDeleted:
		return "deleted a comment"
	case *event.TimeEntryAdded:
		return "recorded time"
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
	return elsewhere(p, names, b)
}

// elsewhere says what an event did that is about no issue.
func elsewhere(p tracker.Projection, names *people.Names, b event.Body) string {
	switch b := b.(type) {
	case *event.AgentIntroduced:
		return "introduced itself"
	case *event.KeyRotated:
		return "changed its key"
	case *event.AgentRetired:
		return "retired"
	case *event.MilestoneCreated:
		return fmt.Sprintf("created milestone '%s'", b.Name)
	case *event.MilestoneUpdated:
		return "changed milestone " + milestoneName(p, b.UUID)
	case *event.MilestoneClosed:
		return "closed milestone " + milestoneName(p, b.UUID)
	case *event.MilestoneReopened:
		return "reopened milestone " + milestoneName(p, b.UUID)
	case *event.MilestoneDeleted:
		return "deleted milestone " + milestoneName(p, b.UUID)
	case *event.StatusReported:
		return fmt.Sprintf("reported that '%s' is %s on %s", b.Context, b.State, b.Branch)
	case *event.RequestSent:
		return fmt.Sprintf("asked %s: %s", names.Brief(b.Target), b.Kind)
	case *event.RequestAcked:
		return "answered a request: " + b.Result
	case *event.SessionStarted:
		return "started a session"
	case *event.SessionWorked:
		return "began work on issue " + nameOf(p, b.Issue)
	case *event.SessionEnded:
		return "ended the session"
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
		return "removed from its milestone"
	}
	return "added to milestone " + milestoneName(p, u)
}

// milestoneName is the name of a milestone in quotes; the uuid of one that is gone.
func milestoneName(p tracker.Projection, u event.UUID) string {
	all, err := p.Milestones()
	if err == nil {
		for _, m := range all {
			if m.UUID == u {
				return "'" + m.Name + "'"
			}
		}
	}
	return u.String()
}

// shortComment names a comment, which may be gone.
func shortComment(p tracker.Projection, u event.UUID) string {
	if _, _, err := p.ResolveComment(u.String()); err != nil {
		return u.String()
	}
	return p.CommentShort(u)
}

// WithDates describes an event that has dates. start formats the time when work begins,
// due the end of a day: programs show dates in UTC, people in their own zone. It returns
// false for other events.
func WithDates(b event.Body, start, due func(event.Time) string) (string, bool) {
	switch b := b.(type) {
	case *event.IssueCreated:
		return createdWords(b, start, due), true
	case *event.ScheduleChanged:
		return scheduleWords(b, start, due), true
	}
	return "", false
}

func createdWords(b *event.IssueCreated, start, due func(event.Time) string) string {
	s := fmt.Sprintf("created '%s', %s priority", b.Title, b.Priority)
	if len(b.Labels) > 0 {
		s += ", labels " + strings.Join(b.Labels, ", ")
	}
	if b.ScheduledAt != 0 {
		s += ", start " + start(b.ScheduledAt)
	}
	if b.DueAt != 0 {
		s += ", due " + due(b.DueAt)
	}
	return s
}

func scheduleWords(b *event.ScheduleChanged, start, due func(event.Time) string) string {
	orNone := func(t event.Time, write func(event.Time) string) string {
		if t == 0 {
			return "none"
		}
		return write(t)
	}
	return fmt.Sprintf("set dates: start %s, due %s", orNone(b.ScheduledAt, start), orNone(b.DueAt, due))
}

// firstLine is the first line of a text, with a mark if there are more.
func firstLine(s string) string {
	line, rest, _ := strings.Cut(s, "\n")
	if strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}
