package hub

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newAgentFold(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "fold", Usage: "archive the logs of retired and revoked agents",
		UsageText: "git crosslink agent fold [<options>]",
		Description: `Moves the logs of retired agents, and of agents that an admin revoked, to the archive,
which is the branch crosslink/archive of the hub, and deletes the branches of these logs.
Nothing else changes: all events stay, and all clones show the same issues. A hub with
few branches answers faster. Anybody may run this command. If a hub has more than 200
logs of retired agents, a sync in the background runs it too.

A log stays a branch if the agent holds a lock or waits for one, if
events follow the retirement, or if the log cannot be read to its end. It also stays until
the hub has decided that nothing follows (undecided; the next sync does this).

The exit status is 3 if the hub cannot be reached, and 4 if it refuses the change.

Examples:
  git crosslink agent fold
  git crosslink agent fold --older 30d --dry-run`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "older", Usage: "only agents that retired before `DATE`, such as 30d or 2026-03-01"},
			&urfave.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only show what would be archived"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		if u.Bool("offline") {
			return frame.Misuse("'agent fold' contacts the hub: it cannot be used with '--offline'")
		}
		f := tracker.Folding{Dry: u.Bool("dry-run")}
		if s := u.String("older"); u.IsSet("older") {
			t, err := frame.ParsePast("--older", s, e.Now())
			if err != nil {
				return err
			}
			f.Before = t.Std()
		}
		return runAgentFold(u.Context, f, e)
	})
}

func runAgentFold(ctx context.Context, f tracker.Folding, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	all, err := repo.Fold(ctx, f)
	x := answer.FoldOf(all, f.Dry)
	if err != nil {
		if n := len(x.Archived); n > 0 {
			e.Progress("archived %s", frame.Count(n, "log"))
		}
		return err
	}
	a := frame.Result{Data: x, Page: func(pg *frame.Page) { foldTable(e, pg, all) }}
	for _, l := range x.Archived {
		a.IDs = append(a.IDs, l.Agent)
	}
	does := "archived"
	if f.Dry {
		does = "would archive"
	}
	switch {
	case len(all) == 0:
		e.Progress("no retired agent has a branch of its own")
	case len(x.Archived) == 0:
		e.Progress("no log can be archived")
	default:
		e.Progress("%s %s", does, frame.Count(len(x.Archived), "log"))
	}
	return e.Print(ctx, a)
}

// foldReasons explain why a log stays a branch.
var foldReasons = map[string]string{
	"":                    "",
	tracker.FoldRecent:    "stays: retired too recently",
	tracker.FoldUndecided: "stays: undecided (git crosslink sync)",
	tracker.FoldHolds:     "stays: holds a lock, or waits for one",
	tracker.FoldContinued: "stays: events follow the retirement",
	tracker.FoldDamaged:   "stays: cannot be read to its end (git crosslink doctor)",
}

func foldTable(e *command.Env, pg *frame.Page, all []tracker.FoldedLog) {
	t := &frame.Table{Header: []string{"agent", "events", "retired", ""}, Flex: 3, Shrink: []int{0}, Drop: []int{1}}
	for _, l := range all {
		t.Add(frame.Agent.Cell(l.Agent), frame.Plain.Cell(fmt.Sprint(l.Events)), frame.Time.Cell(whenRetired(e, pg, l.RetiredAt)), frame.Plain.Cell(foldReasons[l.Why]))
	}
	t.Write(pg)
}

func whenRetired(e *command.Env, pg *frame.Page, at event.Time) string {
	if pg.Width == 0 {
		return at.String()
	}
	return e.Ago(at)
}
