package event

// MilestoneCreated makes a milestone.
type MilestoneCreated struct {
	UUID        UUID
	Name        string
	Description string // "" = absent
	CreatedAt   Time
	DueAt       Time // due_at?
}

// MilestoneUpdated writes one register per member that is present.
type MilestoneUpdated struct {
	UUID        UUID
	Name        *string
	Description *string // "" clears
	DueAt       *Time   // 0 clears, "" on the wire
}

// MilestoneClosed closes it.
type MilestoneClosed struct {
	UUID     UUID
	ClosedAt Time
}

// MilestoneReopened opens it again.
type MilestoneReopened struct{ UUID UUID }

// MilestoneDeleted hides it forever.
type MilestoneDeleted struct{ UUID UUID }

func (e *MilestoneCreated) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.str("name", &e.Name, name)
	m.optStr("description", &e.Description, freeText)
	m.time("created_at", &e.CreatedAt)
	m.optTime("due_at", &e.DueAt)
}

func (e *MilestoneUpdated) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.strPtr("name", &e.Name, name)
	m.strPtr("description", &e.Description, freeText)
	m.timePtr("due_at", &e.DueAt)
	m.some(e.Name != nil || e.Description != nil || e.DueAt != nil, "name", "and all other members are absent: nothing is updated")
}

func (e *MilestoneClosed) members(m *members) {
	m.uuid("uuid", &e.UUID)
	m.time("closed_at", &e.ClosedAt)
}

func (e *MilestoneReopened) members(m *members) { m.uuid("uuid", &e.UUID) }

func (e *MilestoneDeleted) members(m *members) { m.uuid("uuid", &e.UUID) }

func (*MilestoneCreated) Type() string  { return "MilestoneCreated" }
func (*MilestoneUpdated) Type() string  { return "MilestoneUpdated" }
func (*MilestoneClosed) Type() string   { return "MilestoneClosed" }
func (*MilestoneReopened) Type() string { return "MilestoneReopened" }
func (*MilestoneDeleted) Type() string  { return "MilestoneDeleted" }
