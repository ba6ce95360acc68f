package issue

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type editOptions struct {
	id       string
	title    *string
	text     frame.TextSource
	priority *event.Priority
	emit     tracker.EmitOptions
}

func newEditCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "edit", Category: frame.GroupIssues,
		Usage:     "change title, description or priority",
		UsageText: "git crosslink edit [<options>] <id>",
		Description: `Changes only what the options name; -d '' clears the description. With --edit, or
on a terminal without options, your editor opens with the title and the
description.

Examples:
  git crosslink edit 12 --title 'fix the flux for good' -p critical
  git crosslink edit 12 -F notes.md`,
		Flags: append(append([]urfave.Flag{
			&urfave.StringFlag{Name: "title", Aliases: []string{"t"}, Usage: "set the title to `TEXT`"},
			&urfave.StringFlag{Name: "priority", Aliases: []string{"p"}, Usage: "low, medium, high or critical"},
		}, frame.DescriptionFlags()...), command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := editOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runEdit(u.Context, opts, e)
	})
}

func editOptionsOf(u *urfave.Context, e *command.Env) (opts editOptions, err error) {
	args, err := frame.Arguments(u, 1, 1, "one id of an issue")
	if err != nil {
		return opts, err
	}
	opts.id = args[0]
	if opts.text, err = frame.TextSourceOf(u); err != nil {
		return opts, err
	}
	if u.IsSet("title") {
		t := frame.TrimTitle(u.String("title"))
		if t == "" {
			return opts, frame.Misuse("the title is empty")
		}
		opts.title = &t
	}
	if u.IsSet("priority") {
		p, err := priorityOf(u)
		if err != nil {
			return opts, err
		}
		opts.priority = &p
	}
	if opts.title == nil && opts.priority == nil && opts.text.None() {
		if !e.InTTY || !e.OutTTY || u.Bool("json") {
			return opts, frame.Misuse("nothing to change", "say what: --title, --description, --file, --priority or --edit")
		}
		opts.text.Edit = true
	}
	opts.emit, err = e.EmitOptions(u)
	return opts, err
}

func runEdit(ctx context.Context, opts editOptions, e *command.Env) error {
	description, present, err := e.ReadText(opts.text)
	if err != nil {
		return err
	}
	title := opts.title
	var d *frame.Draft
	if opts.text.Edit {
		if title, description, d, err = editIssue(ctx, e, opts, title, description, present); err != nil {
			return err
		}
		present = true
	}
	var i *store.Issue
	change := verb.Edit{Title: title, Priority: opts.priority}
	if present {
		change.Description = &description
	}
	r, err := e.Emit(ctx, opts.emit, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if i, err = verb.ResolveTexts(p, opts.id); err != nil {
			return nil, err
		}
		return change.Apply(i), nil
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	if len(r.Lines) == 0 {
		e.Progress("%s already has these values", command.Named(i))
	} else {
		e.Progress("changed %s", i.Name())
	}
	return printWrite(ctx, e, r, opts.emit, i.UUID)
}

// editIssue opens the editor on an issue's title and description, or on the given ones.
func editIssue(ctx context.Context, e *command.Env, opts editOptions, title *string, description string, present bool) (*string, string, *frame.Draft, error) {
	var i *store.Issue
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) (err error) {
		i, err = verb.ResolveTexts(p, opts.id)
		return err
	})
	if err != nil {
		return nil, "", nil, err
	}
	if title == nil {
		title = &i.Title
	}
	if !present {
		description = i.Description
	}
	text, d, err := e.EditText(ctx, *title+"\n\n"+description, "The first line is the title, the rest the description.\nAn empty text changes nothing.")
	if err != nil {
		return nil, "", nil, err
	}
	t, description := frame.SplitMessage(text)
	return &t, description, d, nil
}
