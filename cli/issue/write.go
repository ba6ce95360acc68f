package issue

import (
	"context"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// printWrite prints the answer of a write to one issue.
func printWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions, u event.UUID) error {
	return printIssueWrite(ctx, e, r, u, command.Unconfirmed(r, o))
}

func printIssueWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, u event.UUID, no *frame.Failure) error {
	i, err := r.View.Issue(u)
	if err != nil {
		return err
	}
	shape, err := answer.New(r.View).Issue(i)
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{
		Data: answer.IssueWrite{Issue: shape, Write: answer.WriteOf(r)}, IDs: []string{i.Name()}, Failure: no,
	})
}

// printIssuesWrite prints the answer of a write to several issues.
func printIssuesWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions, rows []*store.Issue) error {
	issues, err := answer.New(r.View).Issues(rows)
	if err != nil {
		return err
	}
	a := frame.Result{Data: answer.IssuesWrite{Issues: issues, Unblocked: []answer.Issue{}, Write: answer.WriteOf(r)}, Failure: command.Unconfirmed(r, o)}
	for _, i := range rows {
		a.IDs = append(a.IDs, i.Name())
	}
	return e.Print(ctx, a)
}
