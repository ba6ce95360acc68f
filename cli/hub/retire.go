package hub

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newAgentDescribeCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "describe", Usage: "describe this agent to others",
		UsageText: "git crosslink agent describe [<options>] <text>",
		Description: `Sets the description of this worktree's agent. 'agent list' shows its first line. An
empty text removes the description. --kind says whether a person or a program (agent)
writes under this id.

Examples:
  git crosslink agent describe 'nightly dependency updates, ask dave'
  git crosslink agent describe --kind agent 'the reviewer'`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "kind", Usage: "`KIND`: person or agent (default: unchanged)"},
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
		Name: "retire", Usage: "retire the agent of this worktree",
		UsageText: "git crosslink agent retire [<options>]",
		Description: `Retires this worktree's agent permanently: releases its locks, leaves all queues, and
marks it as retired. Its events stay. The next write creates a new id. If the
environment or the configuration sets the id, writes are refused until you set
another one.

Examples:
  git crosslink agent retire --reason 'the migration is done'`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "reason", Usage: "give `TEXT` as the reason"},
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
		e.Progress("'%s' already has this description", r.Agent)
	case text == "":
		e.Progress("removed the description of '%s'", r.Agent)
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
	if a := p.Agent(repo.Agent()); a != nil && a.Retired {
		e.Progress("'%s' is already retired", a.ID)
		return printAgent(ctx, e, &tracker.Receipt{Agent: a.ID, Sync: tracker.Confirmed, View: p}, o)
	}
	r, err := repo.Retire(ctx, o, reason, nil)
	if err != nil {
		return err
	}
	if n := released(r); n > 0 {
		e.Progress("retired '%s'; released %s", r.Agent, frame.Count(n, "lock"))
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

func printAgent(ctx context.Context, e *command.Env, r *tracker.Receipt, o tracker.EmitOptions) error {
	x := answer.AgentWrite{Write: answer.WriteOf(r), Released: released(r)}
	if a := r.View.Agent(r.Agent); a != nil {
		x.Kind, x.Description = answer.TextOrNull(string(a.Kind)), answer.TextOrNull(a.Description)
		if a.Retired {
			x.RetiredAt = answer.TimeOrNull(a.RetiredAt)
		}
	}
	return e.Print(ctx, frame.Result{Data: x, IDs: []string{r.Agent}, Failure: command.Unconfirmed(r, o)})
}
