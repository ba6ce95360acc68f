package event

// TimeEntryAdded records time spent on an issue. A running timer is local and never an
// event.
type TimeEntryAdded struct {
	Issue           UUID // issue_uuid
	Entry           UUID // entry_uuid
	StartedAt       Time
	EndedAt         Time    // ended_at?
	DurationSeconds *uint64 // duration_seconds?
}

// TimeEntryDeleted hides a time entry forever.
type TimeEntryDeleted struct {
	Entry UUID // entry_uuid
}

func (e *TimeEntryAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.uuid("entry_uuid", &e.Entry)
	m.time("started_at", &e.StartedAt)
	m.optTime("ended_at", &e.EndedAt)
	m.uintPtr("duration_seconds", &e.DurationSeconds)
}

func (e *TimeEntryDeleted) members(m *members) { m.uuid("entry_uuid", &e.Entry) }

func (*TimeEntryAdded) Type() string   { return "TimeEntryAdded" }
func (*TimeEntryDeleted) Type() string { return "TimeEntryDeleted" }
