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
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type undoOptions struct {
	yes, dryRun bool
	emit        tracker.EmitOptions
}

func newUndoCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "undo", Category: frame.GroupIssues,
		Usage:     "undo the last command in this worktree",
		UsageText: "git crosslink undo [<options>]",
		Description: `Undoes what the last command in this worktree did to issues, comments and time
entries. It shows these changes first. On a terminal it asks for confirmation;
elsewhere it needs --yes. It writes new events; no event disappears from a log.

The command asks the hub first. If somebody else has changed the same field since,
nothing is undone; --offline checks only changes that this clone has fetched. Locks are
not undone; see 'lock' and 'unlock'. Undoing 'new' deletes the issue. Undoing an undo
restores the change.

Examples:
  git crosslink undo --dry-run
  git crosslink undo --yes`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&urfave.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only show what would be undone"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) (err error) {
		opts := undoOptions{yes: u.Bool("yes"), dryRun: u.Bool("dry-run")}
		if _, err = frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		return runUndo(u.Context, opts, e)
	})
}

func runUndo(ctx context.Context, opts undoOptions, e *command.Env) error {
	var (
		did   []*event.Envelope
		plan  verb.Plan
		lines []answer.Line
		shown []event.UUID
		view  tracker.Projection
		agent string
	)
	err := e.Read(ctx, tracker.Fresh, func(r *command.Repository, p tracker.Projection) (err error) {
		if did, err = r.LastCommand(ctx); err != nil {
			return err
		}
		if plan, err = verb.Undo(p, did, r.MintUUID); err != nil {
			return err
		}
		view, agent = p, r.Agent()
		lines, shown = undoLines(e, p, did)
		return nil
	})
	if err != nil {
		return err
	}
	if opts.emit.Offline {
		e.Warn("undo-offline", "the hub was not asked: changes by others since the last sync are not checked")
	}
	if len(plan.Bodies) == 0 {
		e.Progress("it is already undone")
		opts.dryRun = true
	}
	if opts.dryRun {
		return printUndo(ctx, e, view, shown, answer.Undone{Undone: lines, Write: answer.Write{Agent: agent, Sync: string(tracker.Confirmed)}}, nil)
	}
	if !opts.yes {
		if err := confirmUndo(e); err != nil {
			return err
		}
	}
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		plan, err = verb.Undo(p, did, repo.MintUUID)
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	printEffects(e, r.View, plan.Effects)
	return printUndo(ctx, e, r.View, shown, answer.Undone{Undone: lines, Write: answer.WriteOf(r)}, command.Unconfirmed(r, opts.emit))
}

// confirmUndo asks whether to continue, if a person can answer.
func confirmUndo(e *command.Env) error {
	if !e.CanAsk() {
		return frame.Misuse("nobody can be asked here: confirm with '--yes'", "git crosslink undo --yes")
	}
	if !e.Ask("undo it?") {
		return frame.No("not-confirmed", "nothing was undone")
	}
	return nil
}

// undoLines shows the events that are undone, and returns them and the issues that
// they are about.
func undoLines(e *command.Env, p tracker.Projection, did []*event.Envelope) (lines []answer.Line, about []event.UUID) {
	const most = 20
	e.Progress("the last command here, %s:", e.Ago(did[0].Shown()))
	for k, d := range did {
		u := verb.IssueOf(p, d.Body)
		line := answer.History(p, u, []*event.Envelope{d})[0]
		lines = append(lines, line)
		if u != (event.UUID{}) && !slices.Contains(about, u) {
			about = append(about, u)
		}
		switch {
		case k < most:
			e.Progress("  %s", frame.OneLine(fmt.Sprintf("%s: %s", undoName(p, u), line.Text)))
		case k == most:
			e.Progress("  and %d more", len(did)-most)
		}
	}
	return lines, about
}

// undoName returns the id of an issue, even if it is deleted.
func undoName(p tracker.Projection, u event.UUID) string {
	if i, err := p.Row(u); err == nil {
		return i.Name()
	}
	if _, err := p.Resolve(u.String()); verb.DeletedName(err) != "" {
		return verb.DeletedName(err)
	}
	return "agent"
}

func printUndo(ctx context.Context, e *command.Env, p tracker.Projection, about []event.UUID, doc answer.Undone, no *frame.Failure) error {
	rows := verb.Shown(p, about)
	var err error
	if doc.Issues, err = answer.New(p).Issues(rows); err != nil {
		return err
	}
	a := frame.Result{Data: doc, Failure: no}
	for _, i := range rows {
		a.IDs = append(a.IDs, i.Name())
	}
	return e.Print(ctx, a)
}
