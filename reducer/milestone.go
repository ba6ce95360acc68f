package reducer

import "github.com/git-crosslink/git-crosslink/event"

// The rules of milestones are those of issues: name, description, due date and status (with
// its close time) are registers; MilestoneCreated never writes status; the smallest
// creation decides by whom and when it was created. MilestoneDeleted hides the milestone
// permanently, and cannot be undone.

type milestone struct {
	created     first[event.Time] // created_at
	name        register[string]
	description register[string]
	due         register[event.Time]
	status      register[status]
	deleted     *stamp
}

func (s *State) milestone(id event.UUID) *milestone { return find(s.milestones, id) }

func (s *State) milestoneCreated(at *stamp, e *event.MilestoneCreated) {
	m := s.milestone(e.UUID)
	m.created.write(at, e.CreatedAt)
	m.name.write(at, e.Name)
	m.description.write(at, e.Description)
	m.due.write(at, e.DueAt)
}

func (s *State) milestoneUpdated(at *stamp, e *event.MilestoneUpdated) {
	m := s.milestone(e.UUID)
	if e.Name != nil {
		m.name.write(at, *e.Name)
	}
	if e.Description != nil {
		m.description.write(at, *e.Description)
	}
	if e.DueAt != nil {
		m.due.write(at, *e.DueAt)
	}
}

func (s *State) milestoneClosed(at *stamp, e *event.MilestoneClosed) {
	s.milestone(e.UUID).status.write(at, status{is: event.Closed, closedAt: e.ClosedAt, actor: at.key.Agent})
}

func (s *State) milestoneReopened(at *stamp, e *event.MilestoneReopened) {
	s.milestone(e.UUID).status.write(at, status{is: event.Open, actor: at.key.Agent})
}

func (s *State) milestoneDeleted(at *stamp, e *event.MilestoneDeleted) {
	m := s.milestone(e.UUID)
	m.deleted = latest(m.deleted, at)
}

// shown reports whether people see the milestone.
func (m *milestone) shown() bool { return m != nil && m.created.at != nil && m.deleted == nil }

func (m *milestone) merge(o *milestone) {
	m.created.merge(o.created)
	m.name.merge(o.name)
	m.description.merge(o.description)
	m.due.merge(o.due)
	m.status.merge(o.status)
	m.deleted = latest(m.deleted, o.deleted)
}

func (m *milestone) canonical(w *writer) {
	canonFirst(w, "created", m.created, (*writer).time)
	canonRegister(w, "name", m.name, (*writer).quote)
	canonRegister(w, "description", m.description, (*writer).quote)
	canonRegister(w, "due", m.due, (*writer).time)
	canonRegister(w, "status", m.status, func(w *writer, v status) {
		w.quote(string(v.is))
		w.time(v.closedAt)
		w.quote(v.actor)
	})
	canonStamp(w, "deleted", m.deleted)
}

// Milestone is a milestone as people see it.
type Milestone struct {
	UUID        event.UUID
	Name        string
	Description string
	Status      event.Status
	CreatedAt   event.Time   // the event's own member, or when the event was written if that is unknown
	CreatedBy   string       // the agent; empty if it comes from a checkpoint
	ClosedAt    event.Time   // 0 when none
	DueAt       event.Time   // 0 when none
	StatusBy    string       // the agent that closed or reopened it last
	Issues      []event.UUID // its visible issues, by CreatedAt, then UUID
	Created     event.Key    // of the smallest creation
}

func (m *milestone) see(id event.UUID) *Milestone {
	v := &Milestone{
		UUID:        id,
		Name:        m.name.val,
		Description: m.description.val,
		Status:      event.Open,
		DueAt:       m.due.val,
		CreatedAt:   m.created.at.known(m.created.val),
		CreatedBy:   m.created.at.key.Agent,
		Created:     m.created.at.key,
	}
	if m.status.at != nil {
		v.Status = m.status.val.is
		v.ClosedAt = m.status.at.known(m.status.val.closedAt)
		v.StatusBy = m.status.val.actor
	}
	return v
}
