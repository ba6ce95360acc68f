package command

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Env is the environment of a command: its terminal, and the repository that it opens when
// it needs one.
type Env struct {
	*frame.Terminal
	Open   func(context.Context) (*Repository, error) // called once, by the first command that needs it
	Opened *Repository
	// OpenAs opens the repository for a command that writes as an agent of its own. The
	// command closes it.
	OpenAs func(ctx context.Context, agent string) (*Repository, error)

	AfterWrite func(context.Context) // called before the result of a write is printed; may be nil

	CutShort bool         // a write is saved, and a signal interrupted the work after it
	Wrote    bool         // something was written to the tracker
	Saved    bool         // something was done that a script must not repeat
	asked    time.Time    // when the hub was contacted because of an unknown id
	read     bool         // the answer depends on local data
	old      *fail.Notice // the notice that the data is old and a sync has started

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

// freshness returns the command's wish, unless --offline forbids contacting the hub.
func (e *Env) freshness(wish tracker.Freshness) tracker.Freshness {
	if e.Offline {
		return tracker.Offline
	}
	return wish
}
