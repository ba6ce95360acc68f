package cli

import (
	"context"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

var relationKinds = []string{string(event.Related), string(event.DiscoveredFrom), string(event.Duplicates), string(event.Supersedes)}

type relateOptions struct {
	a, b string
	kind event.RelationKind // "" for unrelate is every kind
	emit tracker.EmitOptions
}

func relateOptionsOf(u *urfave.Context, e *env) (o relateOptions, err error) {
	args, err := frame.Arguments(u, 2, 2, "two ids of issues")
	if err != nil {
		return o, err
	}
	o.a, o.b = args[0], args[1]
	kind, err := frame.OneOf(u, "kind", relationKinds)
	if err != nil {
		return o, err
	}
	o.kind = event.RelationKind(kind)
	o.emit, err = e.emitOptions(u)
	return o, err
}

func newRelateCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "relate", Category: frame.GroupIssues,
		Usage:     "relate two issues",
		UsageText: "git crosslink relate [<options>] <a> <b>",
		Description: `Relates two issues. Kinds but 'related' have a direction: '<a> duplicates <b>'.
A relation orders nothing; for that see 'block' and 'parent'.

Examples:
  git crosslink relate 12 7
  git crosslink relate 12 7 --kind duplicates`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "related (default), discovered-from, duplicates or supersedes", Value: "related"},
		}, writeFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := relateOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runRelate(u.Context, opts, e)
	})
}

func runRelate(ctx context.Context, opts relateOptions, e *env) error {
	s := single{opts.a, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) ([]event.Body, error) {
		o, err := resolve(p, opts.b)
		if err != nil {
			return nil, err
		}
		if o.UUID == i.UUID {
			return nil, cycle("be related to", i, []*store.Issue{i})
		}
		words := relationWords(reducer.Relation{Kind: opts.kind, Outgoing: true})
		if slices.Contains(i.Relations, reducer.Relation{Other: o.UUID, Kind: opts.kind, Outgoing: true}) {
			said.add("%s: %s %s already", i.Name(), words, named(o))
			return nil, nil
		}
		said.add("%s: %s %s", i.Name(), words, named(o))
		return []event.Body{&event.RelationAdded{A: i.UUID, B: o.UUID, Kind: opts.kind}}, nil
	}}
	return s.run(ctx, e)
}

func newUnrelateCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unrelate", Category: frame.GroupIssues,
		Usage:     "take relations of two issues back",
		UsageText: "git crosslink unrelate [<options>] <a> <b>",
		Description: `Takes back every relation between two issues, in both directions, or only the
kind that is named.

Examples:
  git crosslink unrelate 12 7`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "only related, discovered-from, duplicates or supersedes"},
		}, writeFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := relateOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runUnrelate(u.Context, opts, e)
	})
}

func runUnrelate(ctx context.Context, opts relateOptions, e *env) error {
	s := single{opts.a, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		o, err := resolve(p, opts.b)
		if err != nil {
			return nil, err
		}
		for _, r := range i.Relations {
			if r.Other != o.UUID || opts.kind != "" && r.Kind != opts.kind {
				continue
			}
			gone := &event.RelationRemoved{A: i.UUID, B: o.UUID, Kind: r.Kind}
			if !r.Outgoing {
				gone.A, gone.B = gone.B, gone.A
			}
			bodies = append(bodies, gone)
			said.add("%s: no longer %s %s", i.Name(), relationWords(r), named(o))
		}
		if bodies == nil {
			said.add("%s is not related to %s", i.Name(), named(o))
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}
