package command

import (
	"context"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// Print prints the answer and returns its status as an error.
func (e *Env) Print(ctx context.Context, a frame.Result) error {
	if e.Wrote && e.AfterWrite != nil {
		e.AfterWrite(ctx)
	}
	if err := e.Write(ctx, a); err != nil {
		return &frame.Unprinted{Err: err, Failure: a.Failure, IDs: a.IDs}
	}
	if a.Failure != nil {
		return a.Failure
	}
	return nil
}
