package command

import (
	"context"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// Print prints a result and returns its failure.
func (e *Env) Print(ctx context.Context, r frame.Result) error {
	if e.Wrote && e.AfterWrite != nil {
		e.AfterWrite(ctx)
	}
	if err := e.Write(ctx, r); err != nil {
		return &frame.Unprinted{Err: err, Failure: r.Failure, IDs: r.IDs}
	}
	if r.Failure != nil {
		return r.Failure
	}
	return nil
}
