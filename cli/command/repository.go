package command

import (
	"context"
	"iter"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Repository is the opened repository as commands see it, in parts. In the program all
// parts are *tracker.Tracker, whose comments are the contract.
type Repository struct {
	IssueLog
	Sharing
	Identity
	Admin
	Place
	Moving
	Archive
}

// IssueLog reads and writes issues.
type IssueLog interface {
	Agent() string
	HubID() string
	MintUUID() event.UUID
	Read(context.Context, tracker.Freshness) (tracker.Projection, error)
	Refreshed() (now bool, last time.Time)
	Emit(context.Context, tracker.EmitOptions, func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error)
	Claim(context.Context, event.UUID, tracker.ClaimOptions) (*tracker.Claim, error)
	Heartbeat(context.Context, tracker.HeartbeatOptions) (*tracker.Heartbeat, error)
}

// Sharing exchanges the tracker with a hub.
type Sharing interface {
	Hub() (remote, url string)
	Init(context.Context, tracker.InitOptions) (*tracker.InitReport, error)
	Sync(context.Context, tracker.SyncOptions) (*tracker.SyncReport, error)
	Detach(ctx context.Context, remote string) (*tracker.Detached, error)
	SyncLater(after time.Duration) (started bool)
	Status(context.Context) (*tracker.Status, error)
	Doctor(ctx context.Context, offline bool) (*tracker.DoctorReport, error)
	Fsck(ctx context.Context, full bool) (*tracker.FsckReport, error)
}

// Moving imports the data of another tracker or an older hub.
type Moving interface {
	Taken(ctx context.Context, remote string) (bool, error)
	MoveHub(ctx context.Context, remote string) error
	Roll(context.Context, tracker.InitOptions) (*tracker.InitReport, error)
	EmitEach(context.Context, iter.Seq[tracker.Build]) (agent string, events int, err error)
	Migration(ctx context.Context, dry bool, progress func(string)) (*migrate.Runner, func(), error)
}

// Archive keeps the logs of retired agents.
type Archive interface {
	Fold(context.Context, tracker.Folding) ([]tracker.FoldedLog, error)
}

// Identity is who writes here.
type Identity interface {
	Who(context.Context) (*tracker.Who, error)
	Commands(context.Context, tracker.Projection, []*reducer.Request) ([]tracker.Command, error)
	Describe(context.Context, tracker.EmitOptions, string, event.AgentKind) (*tracker.Receipt, error)
	Retire(ctx context.Context, o tracker.EmitOptions, reason string, before func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error)
	Fork(ctx context.Context, newID string, without ...string) (*tracker.Forked, error)
	LastCommand(context.Context) ([]*event.Envelope, error)
	Key(context.Context) (*tracker.AgentKey, error)
	RotateKey(context.Context) (was, is *tracker.AgentKey, err error)
}

// Admin reads and changes who may write, and who people are.
type Admin interface {
	Self(context.Context, tracker.Projection) (*people.Self, error)
	Trust(context.Context) (*tracker.Trust, error)
	Approve(context.Context, tracker.Approve) ([]tracker.Approved, error)
	Revoke(ctx context.Context, agent string, after *uint64, reason string) (*tracker.TrustRevocation, error)
	SetPolicy(ctx context.Context, p tracker.Policy) error
	ProofOf(ctx context.Context, agent string) (*tracker.ForkProof, error)
	Trusted(mark, signer string) bool
}

// Place is where the repository is and how it is configured.
type Place interface {
	Home() string
	Worktree() string
	Unwritable(error) error
	Config(key string) (string, bool)
	Decisions(context.Context) (tracker.Decisions, error)
	Close() error
}
