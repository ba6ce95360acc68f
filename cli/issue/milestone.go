package issue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

const theMilestone = "a milestone, by name, number (%1) or short uuid"

func newMilestoneCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "milestone", Category: frame.GroupMilestones, HideHelp: true,
		Usage: "group issues that are due together",
		UsageText: `git crosslink milestone new [<options>] <name>
git crosslink milestone list [<options>]
git crosslink milestone show [<options>] <milestone>
git crosslink milestone edit [<options>] <milestone>
git crosslink milestone close|reopen|delete [<options>] <milestone>
git crosslink milestone add [<options>] <milestone> <id>…
git crosslink milestone remove [<options>] <id>…`,
		Description: `A milestone is a set of issues with a name and, if you want, a due date. An issue is
in at most one milestone. Commands accept the name of a milestone, in upper or lower
case, its number, written %1, or its short uuid.

Examples:
  git crosslink milestone new 1.0 --due 2030-06-30
  git crosslink milestone add 1.0 11 12
  git crosslink milestone show %1`,
		Subcommands: []*urfave.Command{
			newMilestoneNew(e), newMilestoneList(e), newMilestoneShow(e), newMilestoneEdit(e),
			newMilestoneStatus(e, "close", "close a milestone", "Closes a milestone. Its issues stay as they are; a warning names the open issues.", event.Closed),
			newMilestoneStatus(e, "reopen", "open a closed milestone again", "Opens a closed milestone again.", event.Open),
			newMilestoneDelete(e), newMilestoneAdd(e), newMilestoneRemove(e),
		},
	}
}

func milestoneDue() urfave.Flag {
	return &urfave.StringFlag{Name: "due", Usage: "due at `DATE`: 2026-03-01, tomorrow, +3d, friday"}
}

func newMilestoneNew(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "new", Usage: "create a milestone",
		UsageText: "git crosslink milestone new [<options>] <name>",
		Description: `Creates a milestone and prints its short uuid. If a milestone already has this name,
in upper or lower case, the command prints that milestone and changes nothing.

Examples:
  git crosslink milestone new 1.0 --due 2030-06-30 -d 'the first release'`,
		Flags: slices.Concat(frame.DescriptionFlags(), []urfave.Flag{milestoneDue()}, command.WriteFlags()),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "one name; quote it if it has several words")
		if err != nil {
			return err
		}
		name := store.Name(args[0])
		if name == "" {
			return frame.Misuse("the name is empty")
		}
		text, err := frame.TextSourceOf(u)
		if err != nil {
			return err
		}
		due, err := command.DateOf(u, e, "due", frame.DayEnd)
		if err != nil {
			return err
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runMilestoneNew(u.Context, event.MilestoneCreated{Name: name, DueAt: due}, text, emit, e)
	})
}

func runMilestoneNew(ctx context.Context, m event.MilestoneCreated, text frame.TextSource, emit tracker.EmitOptions, e *command.Env) error {
	description, d, err := milestoneText(ctx, e, text, "")
	if err != nil {
		return err
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return d.Done(err)
	}
	m.UUID, m.CreatedAt, m.Description = repo.MintUUID(), event.TimeOf(e.Now()), description
	var was *verb.TakenError
	r, err := e.Emit(ctx, emit, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		bodies, err := verb.CreateMilestone(p, m)
		if was = nil; errors.As(err, &was) {
			return nil, nil
		}
		return bodies, err
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	u := m.UUID
	if was != nil {
		u = was.UUID
		tellTaken(e, r.View, was, m)
	} else {
		e.Progress("created milestone '%s'", m.Name)
	}
	return printMilestoneWrite(ctx, e, r, emit, u)
}

// tellTaken reports that a milestone existed before, and which requested values it does not
// have.
func tellTaken(e *command.Env, p tracker.Projection, was *verb.TakenError, asked event.MilestoneCreated) {
	change := "git crosslink milestone edit " + shell.Word(was.Name)
	var keeps []string
	if m := answer.New(p).Milestones[was.UUID]; m != nil {
		if asked.DueAt != 0 && asked.DueAt != m.DueAt {
			keeps, change = append(keeps, "due date"), change+" --due "+shell.Word(e.DateAt(asked.DueAt, frame.DayEnd))
		}
		if asked.Description != "" && asked.Description != m.Description {
			keeps, change = append(keeps, "description"), change+" --edit"
		}
	}
	if keeps == nil {
		e.Progress("%s", was.Error())
		e.ProgressHint("show it: git crosslink milestone show " + shell.Word(was.Name))
		return
	}
	e.Warn("milestone-kept", was.Error()+"; it keeps its "+strings.Join(keeps, " and its "), "change it: "+change)
}

// milestoneText returns a description; old is the editor's initial text.
func milestoneText(ctx context.Context, e *command.Env, s frame.TextSource, old string) (string, *frame.Draft, error) {
	text, present, err := e.ReadText(s)
	if err != nil || !s.Edit {
		return text, nil, err
	}
	if !present {
		text = old
	}
	return e.EditText(ctx, text, "This is the description of the milestone.")
}

func newMilestoneEdit(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "edit", Usage: "change name, description or due date",
		UsageText: "git crosslink milestone edit [<options>] <milestone>",
		Description: `Changes only what the options name. -d '' clears the description, and --no-due clears
the due date. Two milestones cannot have the same name.

Examples:
  git crosslink milestone edit 1.0 --due +2w
  git crosslink milestone edit 1.0 --title '1.0 LTS'`,
		Flags: slices.Concat([]urfave.Flag{
			&urfave.StringFlag{Name: "title", Aliases: []string{"t"}, Usage: "set the name to `TEXT`"},
		}, frame.DescriptionFlags(), []urfave.Flag{milestoneDue(), &urfave.BoolFlag{Name: "no-due", Usage: "clear the due date"}}, command.WriteFlags()),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, theMilestone)
		if err != nil {
			return err
		}
		var change verb.MilestoneEdit
		if u.IsSet("title") {
			name := store.Name(u.String("title"))
			if name == "" {
				return frame.Misuse("the name is empty")
			}
			change.Name = &name
		}
		text, err := frame.TextSourceOf(u)
		if err != nil {
			return err
		}
		if u.IsSet("due") || u.Bool("no-due") {
			if u.IsSet("due") && u.Bool("no-due") {
				return frame.Misuse("'--due' and '--no-due' exclude each other")
			}
			due, err := command.DateOf(u, e, "due", frame.DayEnd)
			if err != nil {
				return err
			}
			change.Due = &due
		}
		if change == (verb.MilestoneEdit{}) && text.None() {
			return frame.Misuse("nothing to change", "name a change: --title, --description, --file, --edit, --due or --no-due")
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runMilestoneEdit(u.Context, args[0], change, text, emit, e)
	})
}

func runMilestoneEdit(ctx context.Context, id string, change verb.MilestoneEdit, text frame.TextSource, emit tracker.EmitOptions, e *command.Env) error {
	old := ""
	if text.Edit && text.Given == nil && text.File == "" {
		err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
			m, err := verb.ResolveMilestone(p, id)
			if err == nil {
				old = m.Description
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	description, d, err := milestoneText(ctx, e, text, old)
	if err != nil {
		return err
	}
	if !text.None() {
		change.Description = &description
	}
	err = writeMilestone(ctx, e, id, emit, func(p tracker.Projection, m *reducer.Milestone) ([]event.Body, error) {
		return change.Apply(p, m)
	}, "changed milestone '%s'", "milestone '%s' already has these values")
	if taken := (*verb.TakenError)(nil); errors.As(err, &taken) {
		err = frame.Fatal("name-taken", taken.Error(), "list milestones: git crosslink milestone list --status all")
	}
	return d.Done(err)
}

// writeMilestone writes the events that build returns for a milestone, and prints done or
// already with the milestone's name.
func writeMilestone(ctx context.Context, e *command.Env, id string, emit tracker.EmitOptions,
	build func(p tracker.Projection, m *reducer.Milestone) ([]event.Body, error), done, already string) error {
	var (
		m    *reducer.Milestone
		seen tracker.Projection
	)
	r, err := e.Emit(ctx, emit, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if m, err = verb.ResolveMilestone(p, id); err != nil {
			return nil, err
		}
		seen = p
		return build(p, m)
	})
	if err != nil {
		return err
	}
	for _, l := range r.Lines {
		if _, closed := l.Body.(*event.MilestoneClosed); closed {
			warnStillOpen(e, seen, m)
		}
	}
	if len(r.Lines) == 0 {
		done = already
	}
	e.Progress(done, m.Name)
	return printMilestoneWrite(ctx, e, r, emit, m.UUID)
}

func printMilestoneWrite(ctx context.Context, e *command.Env, r *tracker.Receipt, emit tracker.EmitOptions, u event.UUID) error {
	s := answer.New(r.View)
	m := s.Milestones[u]
	if m == nil {
		return cmp.Or(s.Err, error(frame.No("not-found", "somebody has deleted the milestone", "list milestones: git crosslink milestone list --status all")))
	}
	shapes, err := s.MilestoneInfos([]*reducer.Milestone{m})
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: answer.MilestoneWrite{Milestone: shapes[0], Write: answer.WriteOf(r)},
		IDs: []string{shapes[0].Short}, Failure: command.Unconfirmed(r, emit)})
}

func newMilestoneStatus(e *command.Env, name, usage, about string, to event.Status) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: name, Usage: usage, UsageText: "git crosslink milestone " + name + " [<options>] <milestone>",
		Description: about + "\n\nExamples:\n  git crosslink milestone " + name + " 1.0",
		Flags:       command.WriteFlags(),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, theMilestone)
		if err != nil {
			return err
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return writeMilestone(u.Context, e, args[0], emit, func(p tracker.Projection, m *reducer.Milestone) ([]event.Body, error) {
			return verb.SetMilestoneStatus(m, to, event.TimeOf(e.Now())), nil
		}, map[event.Status]string{event.Closed: "closed milestone '%s'", event.Open: "reopened milestone '%s'"}[to], "milestone '%s' is already "+string(to))
	})
}

// warnStillOpen names the open issues of a milestone.
func warnStillOpen(e *command.Env, p tracker.Projection, m *reducer.Milestone) {
	var open []string
	for _, i := range verb.Shown(p, m.Issues) {
		if i.Status == event.Open {
			open = append(open, i.Name())
		}
	}
	if n := len(open); n > 0 {
		const most = 10
		more := ""
		if n > most {
			open, more = open[:most], " …"
		}
		e.Warn("still-open", fmt.Sprintf("%s of milestone '%s' still open: %s%s", frame.Count(n, "issue"), m.Name, strings.Join(open, ", "), more))
	}
}

func newMilestoneDelete(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "delete", Usage: "delete a milestone permanently",
		UsageText: "git crosslink milestone delete [<options>] <milestone>",
		Description: `Hides a milestone everywhere and permanently. On a terminal the command asks first.
Its issues stay, and belong to no milestone.

Examples:
  git crosslink milestone delete 1.0`,
		Flags: append([]urfave.Flag{frame.YesFlag()}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, theMilestone)
		if err != nil {
			return err
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runMilestoneDelete(u.Context, args[0], u.Bool("yes"), emit, e)
	})
}

func runMilestoneDelete(ctx context.Context, id string, yes bool, emit tracker.EmitOptions, e *command.Env) error {
	var question string
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		m, err := verb.ResolveMilestone(p, id)
		if err == nil {
			id = m.UUID.String() // by the time of the answer, another milestone may have the name
			question = fmt.Sprintf("delete milestone '%s' everywhere and permanently?", m.Name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err = e.Confirm(yes, question, "nothing was deleted"); err != nil {
		return err
	}
	var shapes []answer.MilestoneInfo // read now, because the milestone is hidden afterward
	r, err := e.Emit(ctx, emit, func(_ *command.Repository, p tracker.Projection) ([]event.Body, error) {
		m, err := verb.ResolveMilestone(p, id)
		if err != nil {
			return nil, err
		}
		shapes, err = answer.New(p).MilestoneInfos([]*reducer.Milestone{m})
		return []event.Body{&event.MilestoneDeleted{UUID: m.UUID}}, err
	})
	if err != nil {
		return err
	}
	e.Progress("deleted milestone '%s'", shapes[0].Name)
	return e.Print(ctx, frame.Result{Data: answer.MilestoneWrite{Milestone: shapes[0], Write: answer.WriteOf(r)},
		IDs: []string{shapes[0].Short}, Failure: command.Unconfirmed(r, emit)})
}

func newMilestoneAdd(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "add", Usage: "add issues to a milestone",
		UsageText: "git crosslink milestone add [<options>] <milestone> <id>…",
		Description: `Adds issues to a milestone, all or none. An issue is in at most one milestone: an
issue of another milestone moves to this one.

Examples:
  git crosslink milestone add 1.0 11 12`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 2, -1, "a milestone and the id of an issue")
		if err != nil {
			return err
		}
		return runMilestoneAssign(u, &args[0], args[1:], e)
	})
}

func newMilestoneRemove(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "remove", Usage: "remove issues from their milestone",
		UsageText: "git crosslink milestone remove [<options>] <id>…",
		Description: `Removes issues from their milestones, all or none. Removing an issue that is in no
milestone is not an error.

Examples:
  git crosslink milestone remove 12`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		ids, err := frame.Arguments(u, 1, -1, "the id of an issue")
		if err != nil {
			return err
		}
		return runMilestoneAssign(u, nil, ids, e)
	})
}

func runMilestoneAssign(u *urfave.Context, into *string, of []string, e *command.Env) error {
	emit, err := e.EmitOptions(u)
	if err != nil {
		return err
	}
	var (
		rows []*store.Issue
		plan verb.Plan
	)
	r, err := e.Emit(u.Context, emit, func(_ *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		var m *reducer.Milestone
		if into != nil {
			if m, err = verb.ResolveMilestone(p, *into); err != nil {
				return nil, err
			}
		}
		if rows, err = verb.ResolveAll(p, of); err != nil {
			return nil, err
		}
		plan, err = verb.IntoMilestone(p, m, rows)
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	printEffects(e, r.View, plan.Effects)
	return printIssuesWrite(u.Context, e, r, emit, verb.Shown(r.View, ids(rows)))
}
