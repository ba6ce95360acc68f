package frame

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal os.Signal }

func (i *Interrupted) Error() string { return "interrupted" }

// Code is 128 plus the signal's number, as shells report it.
func (i *Interrupted) Code() int {
	if s, ok := i.Signal.(syscall.Signal); ok && s == syscall.SIGTERM {
		return ExitTerminated
	}
	return ExitInterrupted
}

// Interruptible ends the context on the first SIGINT or SIGTERM, so that running work can
// end cleanly, and the process on the second. SIGPIPE keeps its default, which ends the
// process quietly. A SIGINT while an editor or pager uses the terminal is for that program.
func (s *Streams) Interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case got := <-signals:
				if got == os.Interrupt && s.busy.Load() {
					continue
				}
				if ctx.Err() != nil {
					os.Exit((&Interrupted{got}).Code())
				}
				cancel(&Interrupted{got})
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
