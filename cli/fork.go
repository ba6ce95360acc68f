package cli

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func newForkCommand(e *env) *urfave.Command {
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

type detachedShape struct {
	Remote *string `json:"remote"`
	URL    *string `json:"url"`
	Was    string  `json:"was"`
	Hub    string  `json:"hub"`
	Logs   int     `json:"logs"`
	Events int     `json:"events"`
	Sent   int     `json:"sent"`

	Admins  []string `json:"admins"`
	Signing string   `json:"signing"`
	Open    bool     `json:"open"`
	Before  string   `json:"signing_before"`
}

func runForkDetach(ctx context.Context, remote string, e *env) error {
	repo, err := e.repository(ctx)
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
	return e.say(ctx, frame.Result{
		Data: detachedShape{answer.TextOrNull(d.Remote), answer.TextOrNull(d.URL), d.Was, d.Hub, d.Logs, d.Events, d.Sent, d.Admins, d.Signing, d.Open, d.Before}, IDs: []string{d.Hub}})
}
