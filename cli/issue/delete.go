package issue

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type deleteOptions struct {
	ids  []string
	emit tracker.EmitOptions
}

func newDeleteCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "delete", Category: frame.GroupIssues,
		Usage:     "delete issues",
		UsageText: "git crosslink delete [<options>] <id>…",
		Description: `Deletes the issues everywhere, all or none, without asking. Their events stay in
the logs, and their numbers are never used again. To hide an issue that you may
want back, use 'archive'. If 'delete' was your last command, 'undo' brings the
issues back. Deleting a deleted issue succeeds.

Examples:
  git crosslink delete 12`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) (err error) {
		var opts deleteOptions
		if opts.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
			return err
		}
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		return runDelete(u.Context, opts, e)
	})
}

func runDelete(ctx context.Context, opts deleteOptions, e *command.Env) error {
	var (
		plan   verb.Plan
		shapes []answer.Issue
	)
	r, err := e.Emit(ctx, opts.emit, func(r *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		var rows []*store.Issue
		if plan, rows, err = verb.Delete(p, opts.ids, r.MintUUID); err != nil {
			return nil, err
		}
		shapes, err = answer.New(p).Issues(rows) // afterwards there is nothing to show
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	a := frame.Result{
		Data:    answer.IssuesWrite{Issues: shapes, Unblocked: []answer.Issue{}, Write: answer.WriteOf(r)},
		Failure: command.Unconfirmed(r, opts.emit),
	}
	for _, f := range plan.Effects {
		if f.Issue != nil {
			f.Name = f.Issue.Name()
		}
		a.IDs = append(a.IDs, f.Name)
	}
	printEffects(e, plan.Effects)
	return e.Print(ctx, a)
}
