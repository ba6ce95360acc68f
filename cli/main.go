// Package cli is the command line: it parses, asks or tells the tracker, and
// prints. It holds no rule of the tracker's own.
//
// The rules are:
//
//   - stdout is the answer, stderr is the talk. The answer of a write is the
//     issue's number, or its short uuid while it has none.
//   - Parse, then run: newCloseCommand parses into closeOptions, runClose acts.
//     Everything of the outside world stands in env.
//   - Every byte that came from elsewhere passes frame's sanitizer before a
//     terminal may see it; in JSON the encoder escapes it (json.go).
//   - One place turns errors into words and an exit status (frame.Explain,
//     docs/exit-codes.md); one place gives an issue its JSON shape (shape.go,
//     docs/json.md).
//   - What is already so is not written again: the command says so, prints the
//     datum and succeeds.
//   - Nothing prompts; an editor opens only when asked for, or on a terminal
//     when a text is missing.
package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// Version is the program's version; a release sets it when it is linked.
var Version = "0.1.0"

// Main runs one command line, args[0] being the program, and returns the exit
// status.
func Main(args []string) int {
	e := newEnv()
	ctx, stop := e.interruptible(context.Background())
	defer stop()
	if len(args) > 0 {
		args = args[1:]
	}
	return e.run(ctx, args)
}

// interrupted is why a context ended when a signal ended it.
type interrupted struct{ signal os.Signal }

func (i *interrupted) Error() string { return "interrupted" }

// code is 128 plus the signal's number, as shells report it.
func (i *interrupted) code() int {
	if s, ok := i.signal.(syscall.Signal); ok && s == syscall.SIGTERM {
		return frame.ExitTerminated
	}
	return frame.ExitInterrupted
}

// interruptible ends the context on the first SIGINT or SIGTERM, so that what
// is under way can be left in order, and the process on the second. SIGPIPE
// keeps its default, which ends the process quietly. A SIGINT while an editor
// or pager has the terminal is meant for that.
func (e *env) interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if s == os.Interrupt && e.lent.Load() {
					continue
				}
				if ctx.Err() != nil {
					os.Exit((&interrupted{s}).code())
				}
				cancel(&interrupted{s})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// run carries one command line from its words to its exit status.
func (e *env) run(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == hookVerb {
		return e.hook(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == completeVerb {
		return e.complete(ctx, args[1:])
	}
	defer e.closeHub()
	err := e.dispatch(ctx, args)
	if i := (*interrupted)(nil); errors.As(context.Cause(ctx), &i) && (err != nil || e.cutShort) {
		f := &frame.Failure{Code: i.code(), Kind: "interrupted", Message: i.Error(), Cause: err}
		if e.cutShort {
			f.Hints = []string{"the event is kept and sent later: git crosslink sync"}
		} else {
			f.Hints = frame.Explain(err).Hints
		}
		err = f
	}
	code := e.conclude(ctx, err)
	e.trace.Debug().Int("code", code).Msg("exit")
	return code
}
