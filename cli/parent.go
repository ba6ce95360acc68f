package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

type parentOptions struct {
	id, parent string // parent "none" removes it
	emit       tracker.EmitOptions
}

func newParentCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "parent", Category: frame.GroupIssues,
		Usage:     "make an issue the child of another",
		UsageText: "git crosslink parent [<options>] <id> (<parent> | none)",
		Description: `Sets the one parent of an issue, or removes it. What would close a cycle is
refused.

Examples:
  git crosslink parent 12 3
  git crosslink parent 12 none`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 2, 2, "the id of an issue, and that of its parent or 'none'")
		if err != nil {
			return err
		}
		opts := parentOptions{id: args[0], parent: args[1]}
		if opts.emit, err = e.emitOptions(u); err != nil {
			return err
		}
		return runParent(u.Context, opts, e)
	})
}

func runParent(ctx context.Context, opts parentOptions, e *env) error {
	s := single{opts.id, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) ([]event.Body, error) {
		if opts.parent == "none" {
			if i.Parent == (event.UUID{}) && !i.ParentCyclic {
				said.add("%s has no parent", i.Name())
				return nil, nil
			}
			said.add("%s has no parent any more", i.Name())
			return []event.Body{&event.ParentChanged{Issue: i.UUID}}, nil
		}
		o, err := resolve(p, opts.parent)
		if err != nil {
			return nil, err
		}
		if i.Parent == o.UUID {
			said.add("%s is a child of %s already", i.Name(), named(o))
			return nil, nil
		}
		up := func(i *store.Issue) []event.UUID { return []event.UUID{i.Parent} }
		if path := pathTo(p, o, i.UUID, up); path != nil {
			return nil, cycle("be a child of", i, path)
		}
		said.add("%s is a child of %s", i.Name(), named(o))
		return []event.Body{&event.ParentChanged{Issue: i.UUID, Parent: o.UUID}}, nil
	}}
	return s.run(ctx, e)
}
