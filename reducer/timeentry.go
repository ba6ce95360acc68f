package reducer

import "github.com/git-crosslink/git-crosslink/event"

// The rules of time entries are those of comments: all adds of one uuid are kept, the
// smallest is the entry, and those with other bytes are the Rejection duplicate-uuid.
// TimeEntryDeleted hides the entry permanently, and touches its issue. A running timer is
// local; stopping it writes the only event.

type timeEntry struct {
	adds    adds[*event.TimeEntryAdded]
	deleted *stamp
}

func (s *State) entry(id event.UUID) *timeEntry { return find(s.entries, id) }

func (s *State) timeEntryAdded(at *stamp, e *event.TimeEntryAdded) {
	s.entry(e.Entry).adds.put(at, e)
}

func (s *State) timeEntryDeleted(at *stamp, e *event.TimeEntryDeleted) {
	t := s.entry(e.Entry)
	t.deleted = latest(t.deleted, at)
}

func (t *timeEntry) merge(o *timeEntry) {
	t.adds.merge(o.adds)
	t.deleted = latest(t.deleted, o.deleted)
}

func (t *timeEntry) canonical(w *writer) {
	for _, a := range t.adds.all() {
		w.name("add")
		w.stamp(a.at)
		w.uuid(a.body.Issue)
		w.time(a.body.StartedAt)
		w.time(a.body.EndedAt)
		if a.body.DurationSeconds != nil {
			w.uint(*a.body.DurationSeconds)
		}
		w.end()
	}
	canonStamp(w, "deleted", t.deleted)
}

// touches calls f for every event of the entry that names an issue.
func (t *timeEntry) touches(f func(id event.UUID, at *stamp)) {
	for i, a := range t.adds.all() {
		if !a.at.base() && !t.adds.duplicate(i) {
			f(a.body.Issue, a.at)
		}
	}
	if a := t.adds.all(); len(a) > 0 && t.deleted != nil {
		f(a[0].body.Issue, t.deleted)
	}
}

// TimeEntry is a time entry as people see it.
type TimeEntry struct {
	UUID            event.UUID
	StartedAt       event.Time
	EndedAt         event.Time // 0 when none
	DurationSeconds *uint64    // nil when none
	By              string     // the agent whose log has it; empty if it comes from a checkpoint
}

// see must be called only if there is an add.
func (t *timeEntry) see(id event.UUID) TimeEntry {
	a := t.adds.all()[0]
	v := TimeEntry{UUID: id, StartedAt: a.body.StartedAt, EndedAt: a.body.EndedAt, By: a.at.key.Agent}
	if a.body.DurationSeconds != nil {
		d := *a.body.DurationSeconds
		v.DurationSeconds = &d
	}
	return v
}
