package event

// TimeEntryAdded books time on an issue. A running timer is local and never an
// event.
type TimeEntryAdded struct {
	Issue           UUID // issue_uuid
	Entry           UUID // entry_uuid
	StartedAt       Time
	EndedAt         Time    // ended_at?
	DurationSeconds *uint64 // duration_seconds?
}

func (e *TimeEntryAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.uuid("entry_uuid", &e.Entry)
	m.time("started_at", &e.StartedAt)
	m.optTime("ended_at", &e.EndedAt)
	m.uintPtr("duration_seconds", &e.DurationSeconds)
}

func (*TimeEntryAdded) Type() string { return "TimeEntryAdded" }
