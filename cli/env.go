package cli

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// env is what a command has: the terminal it talks to, and the repository that
// it opens when it needs one.
type env struct {
	*frame.Terminal
	open   func(context.Context) (*repository, error) // called once, by the first command that needs it
	opened *repository

	afterWrite func(context.Context) // called before the result of a write is printed; may be nil

	cutShort bool               // a write is kept, and a signal ended what came after it
	wrote    bool               // something was written to the tracker
	saved    bool               // something was done that a script must not do again
	saw      tracker.Projection // what was read last
	asked    time.Time          // when the hub was asked for an id that is not here
}

// repository opens the repository when a command first needs it.
func (e *env) repository(ctx context.Context) (*repository, error) {
	if e.opened == nil {
		r, err := e.open(ctx)
		if err != nil {
			return nil, err
		}
		e.opened, e.Config = r, r.Config
	}
	return e.opened, nil
}

// close closes the repository if it was opened.
func (e *env) close() {
	if e.opened == nil {
		return
	}
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
