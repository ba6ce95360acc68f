package reducer

import (
	"bytes"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of issues are:
//
//   - IssueCreated writes title, description, priority, schedule and parent as registers and
//     adds labels. It never writes status, so a creation that arrives late cannot reopen an
//     issue; an issue without a written status is open. Several creations of one uuid are
//     register writes with their own keys; the smallest key decides who created the issue
//     and when.
//   - IssueUpdated writes one register per member present.
//   - StatusChanged writes status, close time, reason and actor as one register.
//   - ScheduleChanged, ParentChanged and MilestoneAssigned write one register each; a missing
//     value means none.
//   - Labels, assignees, blockers and links are sets.
//   - IssueDeleted hides the issue until every deletion of it was undone: one IssueUndeleted
//     that names a deletion is enough, in any order. A deletion without a name hides the issue
//     permanently.
//   - Every event that names the issue touches it, even if it loses a register. A dependency
//     touches only the blocked issue, a relation both ends. Locks, sessions and requests never
//     touch an issue.

// issue is everything known about one uuid, perhaps before its creation.
type issue struct {
	created     first[string] // created_by
	title       register[string]
	description register[string]
	priority    register[event.Priority]
	status      register[status]
	schedule    register[schedule]
	parent      register[event.UUID]
	milestone   register[event.UUID]
	deletions   set[event.UUID] // by name; a deletion without a name has the zero uuid
	undeletions set[event.UUID] // names of deletions that were undone
	touched     *stamp          // the greatest stamp of all events that named the issue
	labels      set[string]
	assignees   set[string]
	blockers    set[event.UUID]
	links       set[link]
}

// status is one register, so a close time never outlives its status.
type status struct {
	is       event.Status
	closedAt event.Time
	reason   string
	actor    string
}

type schedule struct{ scheduledAt, dueAt event.Time }

// relation is an element of the relation set. Related has no direction: its smaller uuid
// comes first. The other kinds read "a kind b".
type relation struct {
	a, b event.UUID
	kind event.RelationKind
}

func (s *State) issue(id event.UUID) *issue { return find(s.issues, id) }

// touch records that an event named the issue, and returns the issue.
func (s *State) touch(at *stamp, id event.UUID) *issue {
	i := s.issue(id)
	i.touched = latest(i.touched, at)
	return i
}

func (s *State) issueCreated(at *stamp, e *event.IssueCreated) {
	i := s.touch(at, e.UUID)
	i.created.write(at, e.CreatedBy)
	i.title.write(at, e.Title)
	i.description.write(at, e.Description)
	i.priority.write(at, e.Priority)
	i.schedule.write(at, schedule{e.ScheduledAt, e.DueAt})
	i.parent.write(at, e.Parent)
	for _, l := range e.Labels {
		i.labels.put(at, l, true)
	}
}

func (s *State) issueUpdated(at *stamp, e *event.IssueUpdated) {
	i := s.touch(at, e.UUID)
	if e.Title != nil {
		i.title.write(at, *e.Title)
	}
	if e.Description != nil {
		i.description.write(at, *e.Description)
	}
	if e.Priority != nil {
		i.priority.write(at, *e.Priority)
	}
}

func (s *State) statusChanged(at *stamp, e *event.StatusChanged) {
	v := status{is: e.NewStatus, closedAt: e.ClosedAt, reason: e.Reason, actor: at.key.Agent}
	switch {
	case v.is == event.Open:
		v.closedAt = 0
	case v.is == event.Closed && v.closedAt == 0:
		v.closedAt = at.shown
	}
	s.touch(at, e.UUID).status.write(at, v)
}

func (s *State) issueDeleted(at *stamp, e *event.IssueDeleted) {
	s.touch(at, e.UUID).deletions.put(at, e.Deletion, true)
}

func (s *State) issueUndeleted(at *stamp, e *event.IssueUndeleted) {
	s.touch(at, e.UUID).undeletions.put(at, e.Deletion, true)
}

func (s *State) scheduleChanged(at *stamp, e *event.ScheduleChanged) {
	s.touch(at, e.Issue).schedule.write(at, schedule{e.ScheduledAt, e.DueAt})
}

func (s *State) parentChanged(at *stamp, e *event.ParentChanged) {
	s.touch(at, e.Issue).parent.write(at, e.Parent)
}

func (s *State) milestoneAssigned(at *stamp, e *event.MilestoneAssigned) {
	s.touch(at, e.Issue).milestone.write(at, e.Milestone)
}

func (s *State) label(at *stamp, id event.UUID, label string, present bool) {
	s.touch(at, id).labels.put(at, label, present)
}

func (s *State) assignee(at *stamp, id event.UUID, who string, present bool) {
	s.touch(at, id).assignees.put(at, who, present)
}

// dependency touches only the blocked issue: for the blocker nothing has changed.
func (s *State) dependency(at *stamp, blocked, blocker event.UUID, present bool) {
	s.touch(at, blocked).blockers.put(at, blocker, present)
}

func (s *State) relation(at *stamp, a, b event.UUID, kind event.RelationKind, present bool) {
	s.touch(at, a)
	s.touch(at, b)
	s.relations.put(at, relationOf(a, b, kind), present)
}

// relationOf returns the only element for a relation. A missing kind means related.
func relationOf(a, b event.UUID, kind event.RelationKind) relation {
	if kind == "" {
		kind = event.Related
	}
	if kind == event.Related && bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return relation{a, b, kind}
}

// shown reports whether people see the issue.
func (i *issue) shown() bool { return i.created.at != nil && !i.deleted() }

// deleted reports whether a deletion is in force.
func (i *issue) deleted() bool {
	for name := range i.deletions {
		if _, back := i.undeletions[name]; !back {
			return true
		}
	}
	return false
}

func (i *issue) merge(o *issue) {
	i.created.merge(o.created)
	i.title.merge(o.title)
	i.description.merge(o.description)
	i.priority.merge(o.priority)
	i.status.merge(o.status)
	i.schedule.merge(o.schedule)
	i.parent.merge(o.parent)
	i.milestone.merge(o.milestone)
	i.deletions.merge(o.deletions)
	i.undeletions.merge(o.undeletions)
	i.touched = latest(i.touched, o.touched)
	i.labels.merge(o.labels)
	i.assignees.merge(o.assignees)
	i.blockers.merge(o.blockers)
	i.links.merge(o.links)
}

func (i *issue) canonical(w *writer) {
	canonFirst(w, "created", i.created, (*writer).quote)
	canonRegister(w, "title", i.title, (*writer).quote)
	canonRegister(w, "description", i.description, (*writer).quote)
	canonRegister(w, "priority", i.priority, func(w *writer, p event.Priority) { w.quote(string(p)) })
	canonRegister(w, "status", i.status, func(w *writer, v status) {
		w.quote(string(v.is))
		w.time(v.closedAt)
		w.quote(v.reason)
		w.quote(v.actor)
	})
	canonRegister(w, "schedule", i.schedule, func(w *writer, v schedule) {
		w.time(v.scheduledAt)
		w.time(v.dueAt)
	})
	canonRegister(w, "parent", i.parent, (*writer).uuid)
	canonRegister(w, "milestone", i.milestone, (*writer).uuid)
	canonSet(w, "deletion", i.deletions, cmpUUID, (*writer).uuid)
	canonSet(w, "undeletion", i.undeletions, cmpUUID, (*writer).uuid)
	canonStamp(w, "touched", i.touched)
	canonSet(w, "label", i.labels, cmpString, (*writer).quote)
	canonSet(w, "assignee", i.assignees, cmpString, (*writer).quote)
	canonSet(w, "blocker", i.blockers, cmpUUID, (*writer).uuid)
	canonSet(w, "link", i.links, cmpLink, func(w *writer, l link) {
		w.quote(l.kind)
		w.quote(l.ref)
	})
}

// Issue is an issue as people see it.
type Issue struct {
	UUID        event.UUID
	Title       string
	Description string
	Status      event.Status
	Priority    event.Priority
	Labels      []string // sorted
	Assignees   []string // sorted
	CreatedBy   string
	CreatedAt   event.Time
	UpdatedAt   event.Time
	ClosedAt    event.Time // 0 when none
	Reason      string     // of the last change of status
	StatusBy    string     // the agent that made it; empty when there was none
	ScheduledAt event.Time // 0 when none
	DueAt       event.Time // 0 when none
	Links       []Link     // sorted by kind, then ref

	// Parent is zero if there is none, if it is unknown or deleted, and if the edge is part
	// of a cycle; ParentCyclic is true in the last case.
	Parent       event.UUID
	ParentCyclic bool

	// Visible edges, by the other issue's CreatedAt, then UUID. Cyclic are the blockers
	// that are ignored because this issue blocks them, too.
	Children  []event.UUID
	BlockedBy []event.UUID
	Blocks    []event.UUID
	Cyclic    []event.UUID
	Relations []Relation // by the other issue's CreatedAt, UUID, then kind, outgoing first

	Milestone event.UUID  // zero when none, unknown or deleted
	Comments  []Comment   // by CreatedAt, then UUID
	Time      []TimeEntry // by StartedAt, then UUID

	Created event.Key // of the smallest creation
}

// Relation is one end of a relation. Outgoing means that this issue is the first in "a
// supersedes b"; related is always outgoing, at both ends.
type Relation struct {
	Other    event.UUID
	Kind     event.RelationKind
	Outgoing bool
}

// see fills in the values that do not depend on other objects.
func (i *issue) see(id event.UUID, v *Issue) {
	*v = Issue{
		UUID:        id,
		Title:       i.title.val,
		Description: i.description.val,
		Status:      event.Open,
		Priority:    i.priority.val,
		Labels:      present(i.labels),
		Assignees:   present(i.assignees),
		CreatedBy:   i.created.val,
		CreatedAt:   i.created.at.shown,
		ScheduledAt: i.schedule.val.scheduledAt,
		DueAt:       i.schedule.val.dueAt,
		Links:       seeLinks(i.links),
		Created:     i.created.at.key,
	}
	if i.status.at != nil {
		v.Status = i.status.val.is
		v.ClosedAt = i.status.val.closedAt
		v.Reason = i.status.val.reason
		v.StatusBy = i.status.val.actor
	}
}
