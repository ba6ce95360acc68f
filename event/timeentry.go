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

func (*TimeEntryAdded) Type() string { return "TimeEntryAdded" }
