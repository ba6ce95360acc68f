package hub

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func newForkCommand(e *command.Env) *urfave.Command {
	detach := e.Command(&urfave.Command{
		Name: "detach", Usage: "give the tracker of a fork an identity of its own",
		UsageText: "git crosslink fork detach [<options>] [<remote>]",
		Description: `If you fork a repository, the fork gets a copy of the branches of the tracker. The
two trackers have the same id, but different histories from then on. This command
gives the tracker that this clone writes to a new id, and prints it. Numbers, locks,
authors, times and texts stay the same. Signatures are lost, so the signing policy
'require' becomes 'warn'. Approved and revoked agents and the setting open or closed
are kept. You become the only admin. The original is not changed. The branches
crosslink/meta and crosslink/checkpoint of the fork are replaced in one push.

Other clones of the fork learn of this at their next sync. They follow, with their
unsent events, when you run 'git crosslink init --join' in them.

The exit status is 1 if no other repository with this tracker is known. In that case
fetch from the original, or name the remote whose tracker gets the new id.

To use the tracker of the original instead: git config crosslink.remote <name>

Examples:
  git remote add upstream https://example.org/project.git
  git fetch upstream
  git crosslink fork detach
  git crosslink fork detach origin`,
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one remote")
		if err != nil {
			return err
		}
		remote := ""
		if len(args) == 1 {
			if remote = args[0]; remote == "" {
				return frame.Misuse("the remote's name is empty")
			}
		}
		if u.Bool("offline") {
			return frame.Misuse("'fork detach' contacts the hub: it cannot be used with '--offline'")
		}
		return runForkDetach(u.Context, remote, e)
	})
	return &urfave.Command{
		Name: "fork", Category: frame.GroupHub, HideHelp: true,
		Usage:     "manage the tracker in a fork of a repository",
		UsageText: "git crosslink fork detach [<options>] [<remote>]",
		Description: `A fork of a repository contains a copy of the tracker. Either use the tracker of the
original (git config crosslink.remote <name>), or make the copy an independent
tracker.

Examples:
  git crosslink fork detach`,
		Subcommands: []*urfave.Command{detach},
	}
}

func runForkDetach(ctx context.Context, remote string, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	d, err := repo.Detach(ctx, remote)
	if err != nil {
		return err
	}
	e.Progress("the tracker on '%s' (%s) now has an id of its own", d.Remote, d.URL)
	e.Progress("%s of %s kept, with their numbers and locks", frame.Count(d.Events, "event"), frame.Count(d.Logs, "log"))
	if len(d.Admins) == 0 {
		e.Progress("it has no admin: anybody who writes there with a key can become one (git crosslink trust approve <agent> --admin)")
	} else {
		e.Progress("its only admin is %s; approved and revoked agents are the same as before", strings.Join(d.Admins, ", "))
	}
	if d.Signing != d.Before {
		e.Warn("policy-lowered", fmt.Sprintf("its signing policy is now '%s' instead of '%s': the rewritten events are not signed, and would not count", d.Signing, d.Before),
			"after all agents have written again: git crosslink trust policy --signing "+d.Before)
	}
	return e.Print(ctx, frame.Result{Data: answer.DetachedOf(d), IDs: []string{d.Hub}})
}
