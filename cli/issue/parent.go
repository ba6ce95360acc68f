package issue

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type parentOptions struct {
	id, parent string // parent "none" removes the parent
	emit       tracker.EmitOptions
}

func newParentCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "parent", Category: frame.GroupIssues,
		Usage:     "set or remove the parent of an issue",
		UsageText: "git crosslink parent [<options>] <id> (<parent> | none)",
		Description: `Sets the parent of an issue, or removes it with 'none'. A change that would create
a cycle is refused.

Examples:
  git crosslink parent 12 3
  git crosslink parent 12 none`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 2, 2, "the id of an issue, and that of its parent or 'none'")
		if err != nil {
			return err
		}
		opts := parentOptions{id: args[0], parent: args[1]}
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		return runParent(u.Context, opts, e)
	})
}

func runParent(ctx context.Context, opts parentOptions, e *command.Env) error {
	s := single{opts.id, opts.emit, func(_ *command.Repository, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
		if opts.parent == "none" {
			return verb.SetParent(p, i, nil)
		}
		parent, err := verb.Resolve(p, opts.parent)
		if err != nil {
			return verb.Plan{}, err
		}
		return verb.SetParent(p, i, parent)
	}}
	return s.run(ctx, e)
}
