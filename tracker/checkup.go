package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/checkup"
)

// How it stands with a tracker, and what is wrong with it (package checkup).
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

// How it stands with the agent of a worktree.
const (
	AgentOK      = checkup.AgentOK
	AgentNone    = checkup.AgentNone
	AgentCopied  = checkup.AgentCopied
	AgentForked  = checkup.AgentForked
	AgentDamaged = checkup.AgentDamaged
	AgentRetired = checkup.AgentRetired
)

func (t *Tracker) checkup() *checkup.Checkup { return &checkup.Checkup{Writer: t.writer} }

// Status tells the tracker's own condition from what is here: what the user's
// own fetch or clone brought, and in a hub what it holds.
func (t *Tracker) Status(ctx context.Context) (*Status, error) {
	_, _ = t.takeOver(ctx) // otherwise the report shows the last known state
	if t.clone.Hub != nil && t.clone.Hub.Self {
		_ = t.freshen(ctx, Here)
	}
	return t.checkup().Status(ctx)
}

// Pushes returns what is left of the limit on pushes to the hub; nil if it has none.
func (t *Tracker) Pushes(ctx context.Context) (*PushBudget, error) { return t.checkup().Pushes(ctx) }

// Doctor asks the hub, unless offline, and looks for what is wrong.
func (t *Tracker) Doctor(ctx context.Context, offline bool) (*DoctorReport, error) {
	return t.checkup().Doctor(ctx, offline)
}

// Fsck looks for what is wrong with the tracker as it is here.
func (t *Tracker) Fsck(ctx context.Context, full bool) (*FsckReport, error) {
	return t.checkup().Fsck(ctx, full)
}

// Who tells under which id this worktree writes, and what says so.
func (t *Tracker) Who(ctx context.Context) (*Who, error) { return t.checkup().Who(ctx) }
