package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newAssignCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "assign", Category: frame.GroupIssues,
		Usage:     "assign people or agents",
		UsageText: "git crosslink assign [<options>] <id> <who>…",
		Description: `Adds assignees to an issue; @me is yourself. The number of an issue cannot be
an assignee.

Examples:
  git crosslink assign 12 @me
  git crosslink assign 12 alice bob`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "an assignee")
		if err != nil {
			return err
		}
		if opts.words, err = assigning.names(opts.words); err != nil {
			return err
		}
		return runAssign(u.Context, opts, e)
	})
}

func runAssign(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(h hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		if err := assigning.refuseIssues(p, "assign", i, opts.words); err != nil {
			return nil, err
		}
		for _, w := range opts.words {
			w = whom(h, w)
			if len(store.Called(i.Assignees, w)) > 0 {
				said.add("%s is assigned to '%s' already", i.Name(), frame.OneLine(w))
				continue
			}
			bodies = append(bodies, &event.AssigneeAdded{Issue: i.UUID, Assignee: w})
			said.add("assigned %s to '%s'", i.Name(), frame.OneLine(w))
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}

func newUnassignCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unassign", Category: frame.GroupIssues,
		Usage:     "take assignees off",
		UsageText: "git crosslink unassign [<options>] <id> <who>…",
		Description: `Removes assignees from an issue; @me is yourself.

Examples:
  git crosslink unassign 12 @me`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "an assignee")
		if err != nil {
			return err
		}
		return runUnassign(u.Context, opts, e)
	})
}

func runUnassign(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(h hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		if err := assigning.refuseIssues(p, "unassign", i, opts.words); err != nil {
			return nil, err
		}
		for _, w := range opts.words {
			w = whom(h, w)
			stored := store.Called(i.Assignees, w)
			if len(stored) == 0 {
				said.add("%s is not assigned to '%s'", i.Name(), frame.OneLine(w))
				continue
			}
			for _, s := range stored {
				bodies = append(bodies, &event.AssigneeRemoved{Issue: i.UUID, Assignee: s})
			}
			said.add("took '%s' off %s", frame.OneLine(w), i.Name())
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}
