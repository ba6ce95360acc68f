// Package cli is the command line: it parses, asks or tells the tracker, and
// prints. It holds no rule of the tracker's own.
//
// The rules are:
//
//   - stdout is the result, stderr is progress, warnings and failures. The result
//     of a write is the number, or its short uuid while it has none.
//   - Parse, then run: newCloseCommand parses into closeOptions, runClose acts.
//     The outside world is in env.
//   - What people and scripts see of it goes through package frame.
//   - What programs read has its shape from package answer (docs/json.md).
//   - A change that is already in place is not written again: the command says
//     so, prints the datum and succeeds.
package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Version is the program's version; a release sets it when it is linked.
var Version = "0.1.0"

// Main runs one command line, args[0] being the program, and returns the exit
// status.
func Main(args []string) int {
	e := newEnv()
	ctx, stop := e.Interruptible(context.Background())
	defer stop()
	if len(args) > 0 {
		args = args[1:]
	}
	return e.run(ctx, args)
}

// run carries one command line from its words to its exit status.
func (e *env) run(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == hookVerb {
		return e.hook(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == frame.CompleteVerb {
		return e.Complete(e.completer(ctx), args[1:])
	}
	defer e.close()
	defer e.index()
	err := e.Dispatch(ctx, tree(e), args, func() error { return runVersion(versionOptions{}, e) })
	if i := (*frame.Interrupted)(nil); errors.As(context.Cause(ctx), &i) && (err != nil || e.cutShort) {
		f := &frame.Failure{Code: i.Code(), Kind: "interrupted", Message: i.Error(), Cause: err}
		if e.cutShort {
			f.Hints = []string{"the event is kept and sent later: git crosslink sync"}
		} else {
			f.Hints = frame.Explain(err).Hints
		}
		err = f
	}
	code := e.conclude(ctx, err)
	e.Trace.Debug().Int("code", code).Msg("exit")
	return code
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
	e.afterWrite = e.putHooks
	e.open = func(ctx context.Context) (*repository, error) {
		program, err := os.Executable()
		if err != nil {
			program = ""
		}
		x, err := tracker.Open(ctx, tracker.Options{Now: e.Now, Program: program, Notice: e.Notice, Ask: e.InTTY && e.OutTTY && !e.JSON,
			Detached: tracker.IsDetached(e.Getenv)})
		if err != nil {
			return nil, err
		}
		return e.track(x), nil
	}
	return e
}
