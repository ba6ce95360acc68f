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
		Name: "detach", Usage: "make the tracker of a fork one of its own",
		UsageText: "git crosslink fork detach [<options>] [<remote>]",
		Description: `A fork of a repository brings the branches of the tracker along: then two
repositories hold one tracker, and each goes its own way. This gives the one that
this clone writes to an id of its own, and prints it. Numbers, locks, authors,
times and texts stay what they are; signatures end, and with them the policy
'require', which becomes 'warn'. Who is approved and revoked, and whether anybody
may write, is taken over; you alone are its admin. The original is not touched.
The branches crosslink/meta and crosslink/checkpoint of the fork are replaced, in
one push, if nobody else was faster.

Other clones of the fork are told at their next sync; they follow, with what they
had not sent, by 'git crosslink init --join'.

The exit status is 1 if no other repository with this tracker is known: fetch from
the original, or name the remote whose tracker is to go its own way.

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
			return frame.Misuse("'fork detach' talks to the hub, '--offline' forbids it")
		}
		return runForkDetach(u.Context, remote, e)
	})
	return &urfave.Command{
		Name: "fork", Category: frame.GroupHub, HideHelp: true,
		Usage:     "settle what becomes of the tracker in a fork of a repository",
		UsageText: "git crosslink fork detach [<options>] [<remote>]",
		Description: `A fork of a repository holds a copy of its tracker. Either the tracker of the
original is used (git config crosslink.remote <name>), or the copy becomes a
tracker of its own.

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
	e.Progress("the tracker on '%s' (%s) is one of its own now", d.Remote, d.URL)
	e.Progress("%s of %s kept, with their numbers and locks", frame.Count(d.Events, "event"), frame.Count(d.Logs, "log"))
	if len(d.Admins) == 0 {
		e.Progress("it has no admin: whoever writes there with a key may become one (git crosslink trust approve <agent> --admin)")
	} else {
		e.Progress("its admin is %s alone; who is approved and who is revoked is as before", strings.Join(d.Admins, ", "))
	}
	if d.Signing != d.Before {
		e.Warn("policy-lowered", fmt.Sprintf("its signing policy is '%s', it was '%s': what was written again is not signed, and would not count", d.Signing, d.Before),
			"when those who write here have written something again: git crosslink trust policy --signing "+d.Before)
	}
	return e.Print(ctx, frame.Result{Data: answer.DetachedOf(d), IDs: []string{d.Hub}})
}
