package issue

import (
	"context"
	"slices"
	"strings"

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
	ids      []string
	yes      bool
	breaking bool // also if somebody else holds the lock
	emit     tracker.EmitOptions
}

func newDeleteCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "delete", Category: frame.GroupIssues,
		Usage:     "delete issues",
		UsageText: "git crosslink delete [<options>] <id>…",
		Description: `Deletes the issues everywhere, all or none. On a terminal the command asks first.
Their events stay in the logs, and their numbers are never used again. To hide an
issue that you may want back, use 'archive'. If 'delete' was your last command,
'undo' brings the issues back. Deleting a deleted issue succeeds.

Deleting an issue also ends its lock. If somebody else holds the lock, --break is
needed; otherwise the exit status is 2.

Examples:
  git crosslink delete 12`,
		Flags: append([]urfave.Flag{frame.YesFlag(), breakFlag()}, command.WriteFlags()...),
	}, func(u *urfave.Context) (err error) {
		opts := deleteOptions{yes: u.Bool("yes"), breaking: u.Bool("break")}
		if opts.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
			return err
		}
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		return runDelete(u.Context, opts, e)
	})
}

// toDelete are the issues that the user has confirmed.
type toDelete struct {
	shown []string // uuids of the issues in the question
	gone  []string // arguments that named a deleted issue
}

// confirmDelete shows what would be deleted, and asks.
func confirmDelete(ctx context.Context, opts deleteOptions, e *command.Env) (*toDelete, error) {
	var named toDelete
	var names []string
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		named, names = toDelete{}, nil
		for _, id := range opts.ids {
			i, err := verb.Resolve(p, id)
			if verb.DeletedName(err) != "" {
				named.gone = append(named.gone, id)
				continue
			} else if err != nil {
				return err
			}
			named.shown, names = append(named.shown, i.UUID.String()), append(names, command.Named(i))
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		return &named, err
	}
	return &named, e.Confirm(opts.yes, "delete "+strings.Join(names, ", ")+" everywhere? ('git crosslink undo' can bring it back)", "nothing was deleted")
}

// ids returns the ids to delete: an argument may now name another issue than in the
// question.
func (d *toDelete) ids(p tracker.Projection) []string {
	return slices.Concat(d.shown, slices.DeleteFunc(slices.Clone(d.gone), func(id string) bool {
		_, err := verb.Resolve(p, id)
		return verb.DeletedName(err) == ""
	}))
}

func runDelete(ctx context.Context, opts deleteOptions, e *command.Env) error {
	named, err := confirmDelete(ctx, opts, e)
	if err != nil {
		return err
	}
	var (
		plan   verb.Plan
		shapes []answer.Issue
	)
	r, err := e.Emit(ctx, opts.emit, func(r *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		var rows []*store.Issue
		if plan, rows, err = verb.Delete(p, r.Agent(), named.ids(p), r.MintUUID); err != nil {
			return nil, err
		}
		if !opts.breaking {
			if err = lockedByOthers(e, r, p, plan.Effects, "ask the holder: git crosslink comment -m '…' "); err != nil {
				return nil, err
			}
		}
		shapes, err = answer.New(p).Issues(rows) // read now, because the issues are hidden afterward
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
		if f.Lock == nil {
			a.IDs = append(a.IDs, f.Name)
		}
	}
	printEffects(e, r.View, plan.Effects)
	return e.Print(ctx, a)
}
