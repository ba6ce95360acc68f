package hub

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newAgentDescribeCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "describe", Usage: "say to others what you are",
		UsageText: "git crosslink agent describe [<options>] <text>",
		Description: `Says in a few words who writes under this worktree's id; 'agent list' shows the
first line. An empty text takes it back. --kind says whether that is a person or
an agent, which is a program.

Examples:
  git crosslink agent describe 'nightly dependency updates, ask dave'
  git crosslink agent describe --kind agent 'the reviewer'`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "kind", Usage: "`KIND`: person or agent (default: as before)"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "a text; quote it if it has several words")
		if err != nil {
			return err
		}
		kind, err := frame.OneOf(u, "kind", []string{string(event.Person), string(event.Machine)})
		if err != nil {
			return err
		}
		o, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runAgentDescribe(u.Context, args[0], event.AgentKind(kind), o, e)
	})
}

func newAgentRetireCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "retire", Usage: "say that nothing more comes from this id",
		UsageText: "git crosslink agent retire [<options>]",
		Description: `Gives back every lock of this worktree's agent, leaves every queue, and says that
nothing more will come: 'agent list' shows it as retired, for ever. What it wrote
stays. The next write here makes a new id; where the id is set by the environment
or the configuration, writes are refused until another one is set.

Examples:
  git crosslink agent retire --reason 'the migration is done'`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "reason", Usage: "say why"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		o, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		return runAgentRetire(u.Context, u.String("reason"), o, e)
	})
}

func runAgentDescribe(ctx context.Context, text string, kind event.AgentKind, o tracker.EmitOptions, e *command.Env) error {
	if err := event.Check(&event.AgentIntroduced{Kind: event.Person, Description: text}); err != nil {
		return err
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	r, err := repo.Describe(ctx, o, text, kind)
	if err != nil {
		return err
	}
	switch {
	case len(r.Lines) == 0:
		e.Progress("'%s' is described so already", r.Agent)
	case text == "":
		e.Progress("'%s' has no description now", r.Agent)
	default:
		e.Progress("described '%s'", r.Agent)
	}
	return printAgent(ctx, e, r, o)
}

func runAgentRetire(ctx context.Context, reason string, o tracker.EmitOptions, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	p, err := repo.Read(ctx, tracker.Offline)
	if err != nil {
		return err
	}
	if a := describedAgent(p, repo.Agent()); a != nil && a.Retired {
		e.Progress("'%s' is retired already", a.ID)
		return printAgent(ctx, e, &tracker.Receipt{Agent: a.ID, Sync: tracker.Confirmed, View: p}, o)
	}
	r, err := repo.Retire(ctx, o, reason)
	if err != nil {
		return err
	}
	if n := released(r); n > 0 {
		e.Progress("retired '%s'; gave back %s", r.Agent, frame.Count(n, "lock"))
	} else {
		e.Progress("retired '%s'", r.Agent)
	}
	return printAgent(ctx, e, r, o)
}

func released(r *tracker.Receipt) (n int) {
	for _, l := range r.Lines {
		if _, ok := l.Body.(*event.LockReleased); ok {
			n++
		}
	}
	return n
}

func describedAgent(p tracker.Projection, id string) *reducer.Agent {
	for _, a := range p.Agents() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func printAgent(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions) error {
	x := answer.AgentWrite{Write: answer.WriteOf(r), Released: released(r)}
	if a := describedAgent(r.View, r.Agent); a != nil {
		x.Kind, x.Description = answer.TextOrNull(string(a.Kind)), answer.TextOrNull(a.Description)
		if a.Retired {
			x.RetiredAt = answer.TimeOrNull(a.RetiredAt)
		}
	}
	return e.Print(ctx, frame.Result{Data: x, IDs: []string{r.Agent}, Failure: command.Unconfirmed(r, o)})
}
