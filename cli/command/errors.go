package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// Conclude prints an error, if there is one, and returns the exit status.
func (e *Env) Conclude(ctx context.Context, err error) int {
	e.tellOld()
	u := (*frame.Unprinted)(nil)
	lost := errors.As(err, &u) && e.Saved
	if err == nil || frame.ReaderGone(err) && !lost {
		return frame.ExitDone
	}
	if s := (*frame.Silent)(nil); errors.As(err, &s) {
		return s.Code
	}
	var f *frame.Failure
	if u != nil {
		f = u.Instead(e.Saved, e.Wrote)
	} else {
		f = e.Explain(ctx, err)
	}
	e.Trace.Debug().Err(err).Str("kind", f.Kind).Msg("error")
	e.WriteFailure(f, u == nil)
	return f.Code
}

// Explain turns an error into a failure. For an unknown id the failure also says whether
// the hub was contacted.
func (e *Env) Explain(ctx context.Context, err error) *frame.Failure {
	f := frame.Explain(err)
	var missing *store.NotFoundError
	if !errors.As(err, &missing) || missing.Deleted != "" || e.Opened == nil || ctx.Err() != nil {
		return f
	}
	remote, _ := e.Opened.Hub()
	_, last := e.Opened.Refreshed() // not Status, because that reads every event
	switch {
	case remote == "":
		return f
	case e.Offline:
		f.Message += " (hub not asked)"
	case e.asked.IsZero():
		return f
	case last.IsZero():
		f.Message += " (hub not reached)"
	case !last.Before(e.asked) && !last.After(e.Now()):
		f.Message += " (hub checked)"
	default:
		f.Message += fmt.Sprintf(" (hub not reached, last seen %s)", e.Ago(event.TimeOf(last)))
	}
	return f
}
