// Package cli is the command line: it parses, reads or writes through the tracker, and
// prints. It has no rule of the tracker. This package has the tree of commands; the
// commands are in cli/issue, cli/hub and their neighbors, the common parts in cli/command
// and cli/frame.
//
// The rules are:
//
//   - stdout is the result; stderr is progress, warnings and failures. The result of a write is
//     the number, or its short uuid while it has none.
//   - Parse, then run: newNewCommand parses into newOptions, runNew acts. The environment is in
//     command.Env.
//   - All output for people and scripts goes through package frame.
//   - Package answer defines the shapes of output for programs (docs/json.md).
//   - If the state already matches a change, nothing is written: the command reports this,
//     prints the value and succeeds.
package cli

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/dashboard"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hub"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Main runs one command line and returns the exit status; args[0] is the program.
func Main(args []string) int {
	collectLate()
	e := newEnv()
	ctx, stop := e.Interruptible(context.Background())
	defer stop()
	if len(args) > 0 {
		args = args[1:]
	}
	return run(ctx, e, args)
}

// collectLate delays the first garbage collection until the heap has 16 MB instead of 4,
// which most commands never reach: writing one event costs a fifth less. From then on the
// usual rule applies, so large commands need no more memory.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(400)
	runtime.AddCleanup(new(*int), func(percent int) { debug.SetGCPercent(percent) }, usual)
}

// run runs one command line and returns the exit status.
func run(ctx context.Context, e *command.Env, args []string) int {
	if len(args) > 0 && args[0] == hub.HookVerb {
		return hub.Hook(ctx, e, args[1:])
	}
	defer e.Close()
	if len(args) > 0 && args[0] == frame.CompleteVerb {
		return e.Complete(completer(ctx, e), args[1:])
	}
	if ran, err := dashboard.Run(ctx, e.Terminal, args); ran {
		return e.Conclude(ctx, err)
	}
	if ran, err := hub.Git(ctx, e, args); ran {
		return e.Conclude(ctx, err)
	}
	err := e.Dispatch(ctx, tree(e), args, func() error { return runVersion(versionOptions{}, e) })
	if i := (*frame.Interrupted)(nil); errors.As(context.Cause(ctx), &i) && (err != nil || e.CutShort) {
		f := &frame.Failure{Code: i.Code(), Kind: "interrupted", Message: i.Error(), Cause: err}
		if e.CutShort {
			f.Hints = []string{"the change is saved locally and sent later; send it now: git crosslink sync"}
		} else {
			f.Hints = frame.Explain(err).Hints
		}
		err = f
	}
	code := e.Conclude(ctx, err)
	e.Trace.Debug().Int("code", code).Msg("exit")
	return code
}

// skew is added to the clock. Only the linker sets it, for programs with a wrong clock that
// 'make soak' builds.
var skew string

func clock() func() time.Time {
	by, err := time.ParseDuration(skew)
	if err != nil || by == 0 {
		return time.Now
	}
	return func() time.Time { return time.Now().Add(by) }
}

func newEnv() *command.Env {
	e := &command.Env{Terminal: frame.NewTerminal(clock())}
	e.AfterWrite = func(ctx context.Context) { hub.PutHooks(ctx, e) }
	e.Open = func(ctx context.Context) (*command.Repository, error) { return open(ctx, e, nil) }
	e.OpenAs = func(ctx context.Context, agent string) (*command.Repository, error) {
		return open(ctx, e, append(os.Environ(), "GIT_CROSSLINK_AGENT="+agent))
	}
	return e
}

func open(ctx context.Context, e *command.Env, environ []string) (*command.Repository, error) {
	program, err := os.Executable()
	if err != nil {
		program = ""
	}
	x, err := tracker.Open(ctx, tracker.Options{Environ: environ, Unwatched: environ != nil, Now: e.Now, Program: program, Notice: e.Notice, Ask: e.InTTY && e.OutTTY && !e.JSON,
		Detached: tracker.IsDetached(e.Getenv)})
	if err != nil {
		return nil, err
	}
	return e.Track(x), nil
}
