package cli

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// elementOptions are those of commands that put words on an issue or take them
// off: labels, assignees.
type elementOptions struct {
	id    string
	words []string
	emit  tracker.EmitOptions
}

func elementOptionsOf(u *urfave.Context, e *env, what string) (o elementOptions, err error) {
	args, err := frame.Arguments(u, 2, -1, "the id of an issue and "+what)
	if err != nil {
		return o, err
	}
	o.id = args[0]
	for _, w := range args[1:] {
		if w == "" {
			return o, frame.Misuse(what + " cannot be empty")
		}
		if len(store.Called(o.words, w)) == 0 {
			o.words = append(o.words, w)
		}
	}
	o.emit, err = e.emitOptions(u)
	return o, err
}

// labelsOf checks labels to be added. One with a comma is most likely a list,
// which is not what the reader of 'a,b' would look for.
func labelsOf(labels []string) ([]string, error) {
	for _, l := range labels {
		if strings.Contains(l, ",") {
			return nil, frame.Misuse(fmt.Sprintf("label '%s' has a comma", l), "name each label on its own")
		}
	}
	return labeling.names(labels)
}

func newLabelCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "label", Category: frame.GroupIssues,
		Usage:     "add labels",
		UsageText: "git crosslink label [<options>] <id> <label>…",
		Description: `Adds labels to an issue. Adding a label twice is not an error. Blanks around a
label are dropped. The number of an issue cannot be a label.

Examples:
  git crosslink label 12 bug ui`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "a label")
		if err != nil {
			return err
		}
		if opts.words, err = labelsOf(opts.words); err != nil {
			return err
		}
		return runLabel(u.Context, opts, e)
	})
}

func runLabel(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		if err := labeling.refuseIssues(p, "label", i, opts.words); err != nil {
			return nil, err
		}
		for _, l := range opts.words {
			if len(store.Called(i.Labels, l)) > 0 {
				said.add("%s has label '%s' already", i.Name(), frame.OneLine(l))
				continue
			}
			bodies = append(bodies, &event.LabelAdded{Issue: i.UUID, Label: l})
			said.add("added label '%s' to %s", frame.OneLine(l), i.Name())
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}

func newUnlabelCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unlabel", Category: frame.GroupIssues,
		Usage:     "remove labels",
		UsageText: "git crosslink unlabel [<options>] <id> <label>…",
		Description: `Removes labels from an issue. One that is not there is no mistake.

Examples:
  git crosslink unlabel 12 ui`,
		Flags: writeFlags(),
	}, func(u *urfave.Context) error {
		opts, err := elementOptionsOf(u, e, "a label")
		if err != nil {
			return err
		}
		return runUnlabel(u.Context, opts, e)
	})
}

func runUnlabel(ctx context.Context, opts elementOptions, e *env) error {
	s := single{opts.id, opts.emit, func(_ hub, p tracker.Projection, i *store.Issue, said *said) (bodies []event.Body, _ error) {
		if err := labeling.refuseIssues(p, "unlabel", i, opts.words); err != nil {
			return nil, err
		}
		for _, l := range opts.words {
			stored := store.Called(i.Labels, l)
			if len(stored) == 0 {
				said.add("%s has no label '%s'", i.Name(), frame.OneLine(l))
				continue
			}
			for _, s := range stored {
				bodies = append(bodies, &event.LabelRemoved{Issue: i.UUID, Label: s})
			}
			said.add("removed label '%s' from %s", frame.OneLine(l), i.Name())
		}
		return bodies, nil
	}}
	return s.run(ctx, e)
}
