package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/checkup"
)

// The state of a tracker, and its problems (package checkup).
type (
	Status       = checkup.Status
	LogInfo      = checkup.LogInfo
	PushShare    = checkup.PushShare
	PushBudget   = checkup.PushBudget
	DoctorReport = checkup.DoctorReport
	FsckReport   = checkup.FsckReport
	Finding      = checkup.Finding
	Who          = checkup.Who
)

// The states of a worktree's agent.
const (
	AgentOK      = checkup.AgentOK
	AgentNone    = checkup.AgentNone
	AgentCopied  = checkup.AgentCopied
	AgentForked  = checkup.AgentForked
	AgentDamaged = checkup.AgentDamaged
	AgentRetired = checkup.AgentRetired
)

func (t *Tracker) checkup() *checkup.Checkup { return &checkup.Checkup{Writer: t.writer} }

// Status reports the state of the tracker from local data, including data that the user's
// own fetches brought. In a hub it reports the hub's own data.
func (t *Tracker) Status(ctx context.Context) (*Status, error) {
	_, _ = t.takeOver(ctx) // otherwise the report shows the last known state
	if t.clone.Hub != nil && t.clone.Hub.Self {
		_ = t.freshen(ctx, Here)
	}
	return t.checkup().Status(ctx)
}

// Pushes returns how many pushes to the hub the limit still allows; nil if there is no
// limit.
func (t *Tracker) Pushes(ctx context.Context) (*PushBudget, error) { return t.checkup().Pushes(ctx) }

// Doctor looks for problems. It contacts the hub, unless offline is set.
func (t *Tracker) Doctor(ctx context.Context, offline bool) (*DoctorReport, error) {
	return t.checkup().Doctor(ctx, offline)
}

// Fsck looks for invalid data in the local copy of the tracker.
func (t *Tracker) Fsck(ctx context.Context, full bool) (*FsckReport, error) {
	return t.checkup().Fsck(ctx, full)
}

// Who returns the id that this worktree writes under, and where the id is set.
func (t *Tracker) Who(ctx context.Context) (*Who, error) { return t.checkup().Who(ctx) }
