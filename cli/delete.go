package cli

import (
	"context"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

type deleteOptions struct {
	ids  []string
	emit tracker.EmitOptions
}

func newDeleteCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "delete", Category: frame.GroupIssues,
		Usage:     "hide issues for ever",
		UsageText: "git crosslink delete [<options>] <id>…",
		Description: `Hides the issues, all or none, everywhere and for ever, without asking. The
events stay in the logs, a number is never given again. To put an issue away so
that it can come back, use 'archive'. Deleting a deleted issue succeeds.

Examples:
  git crosslink delete 12`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) (err error) {
		var opts deleteOptions
		if opts.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
			return err
		}
		if opts.emit, err = e.emitOptions(u); err != nil {
			return err
		}
		return runDelete(u.Context, opts, e)
	})
}

func runDelete(ctx context.Context, opts deleteOptions, e *env) error {
	var (
		rows   []*store.Issue
		shapes []answer.Issue
		before []string // what those were called that are deleted already
	)
	r, err := e.emit(ctx, opts.emit, func(_ hub, p tracker.Projection) (bodies []event.Body, err error) {
		rows, before = nil, nil
		for _, id := range opts.ids {
			found, err := resolveAll(p, []string{id})
			if name := deletedAs(err); name != "" {
				before = append(before, name)
				continue
			}
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(rows, func(o *store.Issue) bool { return o.UUID == found[0].UUID }) {
				rows = append(rows, found...)
			}
		}
		s, err := answer.New(p) // afterwards there is nothing to show
		if err != nil {
			return nil, err
		}
		if shapes, err = s.Issues(rows); err != nil {
			return nil, err
		}
		for _, i := range rows {
			bodies = append(bodies, &event.IssueDeleted{UUID: i.UUID})
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	a := frame.Result{
		Data:    answer.IssuesWrite{Issues: shapes, Unblocked: []answer.Issue{}, Write: answer.WriteOf(r)},
		Failure: unconfirmed(r, opts.emit),
	}
	for _, i := range rows {
		e.Progress("deleted %s", named(i))
		a.IDs = append(a.IDs, i.Name())
	}
	for _, name := range unique(before) {
		e.Progress("%s is deleted already", name)
		a.IDs = append(a.IDs, name)
	}
	return e.say(ctx, a)
}
