package event

// MilestoneCreated makes a milestone.
type MilestoneCreated struct {
	UUID        UUID
	Name        string
	Description string // "" = absent
	CreatedAt   Time
}

// MilestoneUpdated writes one register per member that is present.
type MilestoneUpdated struct {
	UUID        UUID
	Name        *string
	Description *string // "" clears
}

// MilestoneClosed closes it.
type MilestoneClosed struct {
	UUID     UUID
	ClosedAt Time
}

// MilestoneReopened opens it again.
type MilestoneReopened struct{ UUID UUID }

// MilestoneDeleted hides it for ever.
type MilestoneDeleted struct{ UUID UUID }

func (*MilestoneCreated) Type() string  { return "MilestoneCreated" }
func (*MilestoneUpdated) Type() string  { return "MilestoneUpdated" }
func (*MilestoneClosed) Type() string   { return "MilestoneClosed" }
func (*MilestoneReopened) Type() string { return "MilestoneReopened" }
func (*MilestoneDeleted) Type() string  { return "MilestoneDeleted" }
