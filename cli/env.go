package cli

import (
	"context"
	"os"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// hub is what commands need of *tracker.Tracker, whose comments are the
// contract.
type hub interface {
	Agent() string
	Config(key string) (string, bool)
	Read(context.Context, tracker.Freshness) (tracker.Projection, error)
	Emit(context.Context, tracker.EmitOptions, func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error)
	Claim(context.Context, event.UUID, tracker.ClaimOptions) (*tracker.Claim, error)
	Refreshed() (now bool, last time.Time)
	Sync(context.Context, tracker.SyncOptions) (*tracker.SyncReport, error)
	Init(context.Context, tracker.InitOptions) (*tracker.InitReport, error)
	Status(context.Context) (*tracker.Status, error)
	Fsck(ctx context.Context, full bool) (*tracker.FsckReport, error)
	Doctor(ctx context.Context, offline bool) (*tracker.DoctorReport, error)
	Who(context.Context) (*tracker.Who, error)
	Trust(context.Context) (*tracker.Trust, error)
	Approve(context.Context, tracker.Approve) ([]tracker.Approved, error)
	Revoke(ctx context.Context, agent string, after *uint64, reason string) (*tracker.TrustRevocation, error)
	SetPolicy(ctx context.Context, signing string, open *bool) error
	ProofOf(ctx context.Context, agent string) (*tracker.ForkProof, error)
	Key(context.Context) (*tracker.AgentKey, error)
	RotateKey(context.Context) (was, is *tracker.AgentKey, err error)
	Fork(ctx context.Context, newID string, without ...string) (*tracker.Forked, error)
	Describe(context.Context, tracker.EmitOptions, string, event.AgentKind) (*tracker.Receipt, error)
	Retire(ctx context.Context, o tracker.EmitOptions, reason string) (*tracker.Receipt, error)
	Heartbeat(context.Context, tracker.HeartbeatOptions) (*tracker.Heartbeat, error)
	Detach(ctx context.Context, remote string) (*tracker.Detached, error)
	MintUUID() event.UUID
	Home() string
	Hub() (remote, url string)
	Close() error
}

var _ hub = (*tracker.Tracker)(nil)

// env is what a command has: the terminal it talks to, and the repository that
// it opens when it needs one.
type env struct {
	*frame.Terminal
	open   func(context.Context) (hub, error) // called once, by the first command that needs it
	opened hub

	cutShort bool               // a write is kept, and a signal ended what came after it
	wrote    bool               // something was written to the tracker
	saved    bool               // something was done that a script must not do again
	saw      tracker.Projection // what was read last
	asked    time.Time          // when the hub was asked for an id that is not here
}

// skew is added to the clock. Only the linker sets it, for programs that 'make
// soak' builds to have a clock that is wrong.
var skew string

func clock() func() time.Time {
	by, err := time.ParseDuration(skew)
	if err != nil || by == 0 {
		return time.Now
	}
	return func() time.Time { return time.Now().Add(by) }
}

func newEnv() *env {
	e := &env{Terminal: frame.NewTerminal(clock())}
	e.open = func(ctx context.Context) (hub, error) {
		program, err := os.Executable()
		if err != nil {
			program = ""
		}
		t, err := tracker.Open(ctx, tracker.Options{Now: e.Now, Program: program, Notice: e.Notice, Ask: e.InTTY && e.OutTTY && !e.JSON,
			Detached: tracker.IsDetached(e.Getenv)})
		if err != nil {
			return nil, err
		}
		return hooked{t, e}, nil
	}
	return e
}

// hub opens the tracker when a command first needs it.
func (e *env) hub(ctx context.Context) (hub, error) {
	if e.opened == nil {
		h, err := e.open(ctx)
		if err != nil {
			return nil, err
		}
		e.opened, e.Config = h, h.Config
	}
	return e.opened, nil
}

func (e *env) closeHub() {
	if e.opened == nil {
		return
	}
	e.index()
	if err := e.opened.Close(); err != nil {
		e.Trace.Debug().Err(err).Msg("close")
	}
}

// freshness is the command's wish, unless --offline forbids the hub.
func (e *env) freshness(wish tracker.Freshness) tracker.Freshness {
	if e.Offline {
		return tracker.Offline
	}
	return wish
}
