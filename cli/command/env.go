package command

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Env is what a command has: the terminal it talks to, and the repository that
// it opens when it needs one.
type Env struct {
	*frame.Terminal
	Open   func(context.Context) (*Repository, error) // called once, by the first command that needs it
	Opened *Repository
	// OpenAs opens it for a command that writes as an agent of its own. The command
	// closes it.
	OpenAs func(ctx context.Context, agent string) (*Repository, error)

	AfterWrite func(context.Context) // called before the result of a write is printed; may be nil

	CutShort bool         // a write is kept, and a signal ended what came after it
	Wrote    bool         // something was written to the tracker
	Saved    bool         // something was done that a script must not do again
	asked    time.Time    // when the hub was asked for an id that is not here
	read     bool         // the answer follows from what was read here
	old      *fail.Notice // says that it is old, and that a sync has begun

	unreached bool // the hub did not answer this command
}

// Repository opens the repository when a command first needs it.
func (e *Env) Repository(ctx context.Context) (*Repository, error) {
	if e.Opened == nil {
		r, err := e.Open(ctx)
		if err != nil {
			return nil, err
		}
		e.Opened, e.Config = r, r.Config
	}
	return e.Opened, nil
}

// Close closes the repository if it was opened.
func (e *Env) Close() {
	if e.Opened == nil {
		return
	}
	if err := e.Opened.Close(); err != nil {
		e.Trace.Debug().Err(err).Msg("close")
	}
}

// freshness is the command's wish, unless --offline forbids the hub.
func (e *Env) freshness(wish tracker.Freshness) tracker.Freshness {
	if e.Offline {
		return tracker.Offline
	}
	return wish
}
