package cli

import (
	"context"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// say prints the answer and returns its status as an error.
func (e *env) say(ctx context.Context, a frame.Result) error {
	if e.wrote && e.afterWrite != nil {
		e.afterWrite(ctx)
	}
	if err := e.Write(ctx, a); err != nil {
		return &frame.Unprinted{Err: err, Failure: a.Failure, IDs: a.IDs}
	}
	if a.Failure != nil {
		return a.Failure
	}
	return nil
}
