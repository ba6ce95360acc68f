package hub

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newInitCommand(e *command.Env, roll Roll) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "init", Category: frame.GroupHub,
		Usage:     "create a tracker on a remote, or join it",
		UsageText: "git crosslink init [<options>] [<remote>]",
		Description: `Creates a tracker on the remote, which is then called the hub, or joins the tracker
that is there already, and prints the id of the hub. The default remote is 'origin',
or the only remote. The command creates only branches under crosslink/. Running it
again changes nothing.

The hub is chosen once. If you add, rename or change remotes later, the hub stays the
same; 'git config crosslink.remote <name>' changes it.

With --hub, or in a bare repository without remotes, this repository itself becomes
the hub of its clones (crosslink.hub is set).

You can create issues before you run init: they stay in this clone until there is a
hub.

With --helper, plain git fetch, pull and push of the remote use
git-remote-crosslink(1) and sync the tracker as well; the URL stays the same.
--no-helper undoes only that.

With --tidy, plain git no longer fetches the tracker's branches: 'git branch -a',
'git log --all' and the summaries of git pull do not show them. It adds the refspec
'^refs/heads/crosslink/*' to remote.<name>.fetch and deletes the copies already
fetched. The cost: events no longer arrive with your own fetches, so each sync
fetches them itself. On a terminal init asks. --no-tidy undoes only that.

With --from, the tracker moves to a new hub on <remote>, which starts from the issues
of the hub on the other remote, with the same numbers, authors and times, but without
their history. Use it when the history has become too large. You must be an admin. The
old hub stays readable and takes no more changes; other clones continue on the new hub
with 'init <remote> --join'. To continue after an interruption, run the same command again.

Examples:
  git crosslink init
  git crosslink init upstream
  git crosslink init --join
  git crosslink init tracker --from origin
  git crosslink init --helper
  git crosslink init --tidy`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "hub", Usage: "make this repository itself the hub of its clones"},
			&urfave.BoolFlag{Name: "helper", Usage: "let git fetch, pull and push of the remote sync the tracker"},
			&urfave.BoolFlag{Name: "tidy", Usage: "keep the tracker's branches out of git branch -a and git log --all"},
			&urfave.BoolFlag{Name: "join", Usage: "join a hub even if issues lose the numbers they have here"},
			&urfave.StringFlag{Name: "from", Usage: "close the hub on `REMOTE`, and create one that starts from its issues"},
		},
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one remote")
		if err != nil {
			return err
		}
		remote := ""
		if len(args) == 1 {
			if remote = args[0]; u.Bool("hub") {
				return frame.Misuse("'--hub' makes this repository the hub, and '" + remote + "' is another")
			}
		}
		if u.Bool("hub") && u.Bool("tidy") {
			return frame.Misuse("'--tidy' and '--hub' exclude each other: a hub does not fetch the tracker from a remote")
		}
		if u.IsSet("helper") && !u.Bool("helper") {
			return runNoHelper(u.Context, remote, e)
		}
		if u.IsSet("tidy") && !u.Bool("tidy") {
			return runNoTidy(u.Context, remote, e)
		}
		if u.Bool("offline") {
			return frame.Misuse("'init' contacts the hub: it cannot be used with '--offline'")
		}
		if u.IsSet("from") {
			return runRoll(u, remote, roll, e)
		}
		return runInit(u.Context, tracker.InitOptions{Remote: remote, Self: u.Bool("hub"), Join: u.Bool("join")}, u.Bool("helper"), u.Bool("tidy"), e)
	})
}

func runRoll(u *urfave.Context, remote string, roll Roll, e *command.Env) error {
	from := u.String("from")
	if from == "" || remote == "" || remote == from || u.Bool("hub") || u.Bool("join") || u.Bool("helper") || u.Bool("tidy") {
		return frame.Misuse("'--from' needs the remote of the new hub and takes no other options: git crosslink init <remote> --from <old remote>")
	}
	return roll(u.Context, e, remote, from)
}

func runInit(ctx context.Context, opts tracker.InitOptions, helper, tidy bool, e *command.Env) error {
	if helper && opts.Remote != "" {
		if err := canEnrol(ctx, e, opts.Remote); err != nil {
			return err
		}
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	if tidy {
		if err := canTidy(ctx, e, repo, opts.Remote); err != nil {
			return err
		}
	}
	r, err := repo.Init(ctx, opts)
	if err != nil {
		return err
	}
	where := "on '" + frame.OneLine(r.Remote) + "' (" + frame.OneLine(r.URL) + ")"
	if r.Remote == "." {
		where = "in this repository (" + frame.OneLine(r.URL) + "); its clones share it"
	}
	switch {
	case r.Remote == "" && r.Created:
		e.Progress("created a tracker in this repository alone: it has no remote")
	case r.Remote == "":
		e.Progress("the tracker is in this repository alone: it has no remote")
	case r.Created:
		e.Progress("created the hub %s", where)
	case r.Moved:
		e.Progress("published the tracker %s", where)
	case r.Restored:
		e.Progress("restored what the hub %s had lost", where)
	case r.Already:
		e.Progress("already joined the hub %s", where)
	default:
		e.Progress("joined the hub %s", where)
	}
	if len(r.Branches) > 0 {
		e.Progress("created branches: %s", frame.OneLine(strings.Join(r.Branches, ", ")))
	}
	if r.Sent > 0 {
		e.Progress("sent %s", frame.Count(r.Sent, "event"))
	}
	if err := printRenumbered(ctx, e, repo, r.Renumbered); err != nil {
		return err
	}
	name := opts.Remote
	if name == "" {
		name = r.Remote
	}
	a := frame.Result{Data: answer.InitOf(r), IDs: []string{r.Hub}} // also if a later step fails
	if helper {
		if err := enrolRemote(ctx, e, name); err != nil {
			a.Failure = frame.Explain(err)
		}
	}
	if err := tidyRemote(ctx, e, name, tidy, r.Already); err != nil {
		a.Failure = frame.Explain(err)
	}
	return e.Print(ctx, a)
}

// printRenumbered lists the issues that lost their private numbers.
func printRenumbered(ctx context.Context, e *command.Env, repo *command.Repository, list []tracker.Renumbered) error {
	if len(list) == 0 {
		return nil
	}
	p, err := repo.Read(ctx, tracker.Offline)
	if err != nil {
		return err
	}
	for _, n := range list {
		now := "its number follows"
		if i, err := verb.Resolve(p, n.UUID); err == nil && i.Number != 0 {
			now = fmt.Sprintf("%d now", i.Number)
		}
		e.Progress("%d was %s, %s", n.Was, command.NamedBy(n.Short, n.Title), now)
	}
	return nil
}
