package hub

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newSyncCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "sync", Category: frame.GroupHub,
		Usage:     "exchange events with the hub",
		UsageText: "git crosslink sync [<options>]",
		Description: `Fetches new events from the hub and sends unsent events. Other commands do this in
the background; this one waits until it is done. The exit status is 3 if some events
could not be sent. They are saved locally, and a later sync sends them.

Examples:
  git crosslink sync
  git crosslink sync --wait   # the same`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "wait", Usage: "accepted for uniformity: sync always waits until it is done"},
			&urfave.BoolFlag{Name: "detached", Usage: "for scripts: never prompt, and exit if another sync runs"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		if u.Bool("offline") {
			return frame.Misuse("'sync' contacts the hub: it cannot be used with '--offline'")
		}
		return runSync(u.Context, tracker.SyncOptions{Detached: u.Bool("detached")}, e)
	})
}

func runSync(ctx context.Context, opts tracker.SyncOptions, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	r, err := repo.Sync(ctx, opts)
	if err != nil {
		return err
	}
	followRename(ctx, e, r.Remote)
	if r.Received+r.Sent > 0 && ctx.Err() == nil {
		e.Wrote = true
	}
	a := frame.Result{Data: answer.SyncOf(r)}
	switch {
	case opts.Detached:
	case r.Remote == "":
		e.Progress("nothing to do: the repository has no remote")
	case r.State == tracker.Local:
		e.Progress("nothing is shared yet")
		e.ProgressHint("git crosslink init")
	default:
		e.Progress("received %d, sent %s ('%s')", r.Received, frame.Count(r.Sent, "event"), frame.OneLine(r.Remote))
	}
	if !opts.Detached && r.State == tracker.Queued {
		why := ""
		if r.Reason != "" {
			why = ": " + strings.TrimSuffix(r.Reason, ".")
		}
		message := fmt.Sprintf("%s saved locally, not on the hub%s", frame.Count(r.Unsent, "event"), why)
		if r.Unsent == 0 {
			message = fmt.Sprintf("%s undecided%s", frame.Count(r.Undecided, "event"), why)
		}
		a.Failure = &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "unconfirmed", Message: message, Hints: hints.For(r.Code, r.Fields)}
		if why != "" && len(a.Failure.Hints) == 0 {
			a.Failure.Hints = []string{"git crosslink doctor"}
		}
	}
	return e.Print(ctx, a)
}
