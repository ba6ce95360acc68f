package issue

import (
	"context"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type commentOptions struct {
	id      string // id of the issue, or of the comment to edit
	text    frame.TextSource
	kind    string
	trigger string
	context string
	emit    tracker.EmitOptions
}

// CommentKinds are the usual kinds of comments.
var CommentKinds = []string{"note", "plan", "decision", "observation", "blocker", "resolution", "result", "handoff", "human", "intervention", "system"}

// intervention is the kind of comment that records why a person stopped or steered an
// agent.
const intervention = "intervention"

func newCommentCommand(e *command.Env) *urfave.Command {
	edit := e.Command(&urfave.Command{
		Name: "edit", Usage: "replace a comment's text",
		UsageText: "git crosslink comment edit [<options>] <comment> [<text>]",
		Description: `Replaces the text of a comment. Name the comment by its short uuid (see 'show').

Examples:
  git crosslink comment edit 3f9a1c2 'it was the cache'`,
		Flags: append(frame.TextFlags("text"), command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := commentOptionsOf(u, e, "the short uuid of a comment")
		if err != nil {
			return err
		}
		return runCommentEdit(u.Context, opts, e)
	})
	remove := e.Command(&urfave.Command{
		Name: "delete", Usage: "delete comments permanently",
		UsageText: "git crosslink comment delete [<options>] <comment>…",
		Description: `Deletes the comments everywhere and permanently, all or none, without asking.

Examples:
  git crosslink comment delete 3f9a1c2`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		ids, err := frame.Arguments(u, 1, -1, "the short uuid of a comment")
		if err != nil {
			return err
		}
		o, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runCommentDelete(u.Context, ids, o, e)
	})
	return e.Command(&urfave.Command{
		Name: "comment", Category: frame.GroupIssues,
		Usage:     "comment on an issue",
		UsageText: "git crosslink comment [<options>] <id> [<text>]\ngit crosslink comment edit [<options>] <comment> [<text>]\ngit crosslink comment delete [<options>] <comment>…",
		Description: `Adds a comment and prints its short uuid. Give the text as the second argument, in
a file, on stdin (-F -) or in the editor.

The usual kinds are note, plan, decision, observation, blocker, resolution, result,
handoff, human, intervention and system; other kinds are accepted. An intervention
also takes --trigger and --context.

Examples:
  git crosslink comment 12 'it is the cache'
  git crosslink comment 12 --kind decision -F decision.md
  git crosslink comment edit 3f9a1c2 'it was the cache'`,
		Flags: slices.Concat([]urfave.Flag{
			&urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "`KIND` of the comment", Value: "note"},
			&urfave.StringFlag{Name: "message", Aliases: []string{"m", "b", "body"}, Usage: "`TEXT` of the comment, in place of the argument"},
			&urfave.StringFlag{Name: "trigger", Usage: "give the reason of an intervention as one `WORD`, such as tool_rejected or redirect"},
			&urfave.StringFlag{Name: "context", Usage: "`TEXT` describes what happened before"},
		}, frame.TextFlags("text"), command.WriteFlags()),
		Subcommands: []*urfave.Command{edit, remove},
	}, func(u *urfave.Context) error {
		opts, err := commentOptionsOf(u, e, "the id of an issue")
		if err != nil {
			return err
		}
		return runComment(u.Context, opts, e)
	})
}

func commentOptionsOf(u *urfave.Context, e *command.Env, what string) (opts commentOptions, err error) {
	args, err := frame.Arguments(u, 1, -1, what)
	if err != nil {
		return opts, err
	}
	if len(args) > 2 {
		return opts, frame.Misuse(fmt.Sprintf("%d texts: a text is one argument", len(args)-1), "quote it, or use -F -")
	}
	opts.id = args[0]
	if opts.text, err = frame.TextSourceOf(u); err != nil {
		return opts, err
	}
	if u.IsSet("message") {
		args = append(args, u.String("message"))
	}
	if len(args) > 2 {
		return opts, frame.Misuse("an argument and '--message' are two texts", "give one of them")
	}
	if len(args) == 2 {
		if opts.text.File != "" {
			return opts, frame.Misuse("a text and '--file' exclude each other")
		}
		opts.text.Given = &args[1]
	}
	if opts.text.None() {
		if !e.InTTY || !e.OutTTY || u.Bool("json") {
			return opts, frame.Misuse("no text", "give it as the second argument, or with -F <file>, -F - or --edit")
		}
		opts.text.Edit = true
	}
	opts.kind, opts.trigger, opts.context = u.String("kind"), u.String("trigger"), frame.TrimText(u.String("context"))
	if (opts.trigger != "" || opts.context != "") && opts.kind != intervention {
		if u.IsSet("kind") {
			return opts, frame.Misuse("'--trigger' and '--context' go with '--kind intervention'")
		}
		opts.kind = intervention
	}
	opts.emit, err = e.EmitOptions(u)
	return opts, err
}

// commentText returns the text; old is the editor's initial text if no source is given.
func commentText(ctx context.Context, e *command.Env, s frame.TextSource, old string) (string, *frame.Draft, error) {
	text, present, err := e.ReadText(s)
	if err != nil {
		return "", nil, err
	}
	if !present {
		text = old
	}
	if s.Edit {
		return e.EditText(ctx, text, "Write the comment above. An empty text adds no comment.")
	}
	if frame.TrimTitle(text) == "" {
		return "", nil, frame.Misuse("the text is empty")
	}
	return text, nil, nil
}

func runComment(ctx context.Context, opts commentOptions, e *command.Env) error {
	text, d, err := commentText(ctx, e, opts.text, "")
	if err != nil {
		return err
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return d.Done(err)
	}
	var (
		i *store.Issue
		c = repo.MintUUID()
	)
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if i, err = verb.Resolve(p, opts.id); err != nil {
			return nil, err
		}
		return []event.Body{&event.CommentAdded{
			Issue: i.UUID, Comment: c, Author: repo.Agent(), Content: text, CreatedAt: event.TimeOf(e.Now()),
			Kind: opts.kind, TriggerType: opts.trigger, InterventionContext: opts.context,
		}}, nil
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	e.Progress("commented on %s", command.Named(i))
	return printCommentWrite(ctx, e, r, opts.emit, c, i.UUID)
}

func runCommentEdit(ctx context.Context, opts commentOptions, e *command.Env) error {
	old := ""
	if opts.text.Edit && opts.text.Given == nil && opts.text.File == "" {
		err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
			_, c, err := verb.ResolveComment(p, opts.id)
			if err == nil {
				old = c.Content
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	text, d, err := commentText(ctx, e, opts.text, old)
	if err != nil {
		return err
	}
	var (
		i *store.Issue
		c *reducer.Comment
	)
	r, err := e.Emit(ctx, opts.emit, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if i, c, err = verb.ResolveComment(p, opts.id); err != nil || c.Content == text {
			return nil, err
		}
		return []event.Body{&event.CommentEdited{Comment: c.UUID, Content: text}}, nil
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	if len(r.Lines) == 0 {
		e.Progress("the comment already has this text")
	} else {
		e.Progress("edited the comment on %s", command.Named(i))
	}
	return printCommentWrite(ctx, e, r, opts.emit, c.UUID, i.UUID)
}

func printCommentWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions, c, u event.UUID) error {
	i, err := r.View.Issue(u)
	if err != nil {
		return err
	}
	s := answer.New(r.View)
	doc := answer.CommentWrite{Write: answer.WriteOf(r)}
	if doc.Issue, err = s.Issue(i); err != nil {
		return err
	}
	marks, err := answer.MarksOf(r.View, u)
	if err != nil {
		return err
	}
	for k := range i.Comments {
		if i.Comments[k].UUID == c {
			doc.Comment = s.Comment(&i.Comments[k], marks)
		}
	}
	return e.Print(ctx, frame.Result{Data: doc, IDs: []string{r.View.CommentShort(c)}, Failure: command.Unconfirmed(r, o)})
}

func runCommentDelete(ctx context.Context, ids []string, o tracker.EmitOptions, e *command.Env) error {
	var (
		plan verb.Plan
		gone []answer.Comment
	)
	r, err := e.Emit(ctx, o, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if plan, err = verb.DeleteComments(p, ids); err != nil {
			return nil, err
		}
		gone, err = deletedComments(p, plan.Effects) // read now, because the comments are hidden afterward
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	a := frame.Result{Data: answer.CommentsWrite{Comments: gone, Write: answer.WriteOf(r)}, Failure: command.Unconfirmed(r, o)}
	for _, c := range gone {
		a.IDs = append(a.IDs, c.Short)
	}
	for _, f := range plan.Effects {
		if f.What == verb.Deleted {
			e.Progress("deleted the comment on %s", command.Named(f.Issue))
		} else {
			e.Progress("comment %s is already deleted", f.Name)
			a.IDs = append(a.IDs, f.Name)
		}
	}
	return e.Print(ctx, a)
}

// deletedComments returns the comments that a plan deletes.
func deletedComments(p tracker.Projection, effects []verb.Effect) ([]answer.Comment, error) {
	s := answer.New(p)
	list := []answer.Comment{}
	for _, f := range effects {
		if f.What != verb.Deleted {
			continue
		}
		i, c, err := verb.ResolveComment(p, f.Name)
		if err != nil {
			return nil, err
		}
		marks, err := answer.MarksOf(p, i.UUID)
		if err != nil {
			return nil, err
		}
		list = append(list, s.Comment(c, marks))
	}
	return list, nil
}
