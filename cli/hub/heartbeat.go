package hub

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newHeartbeatCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "heartbeat", Category: frame.GroupAgents,
		Usage:     "show others that you are still working",
		UsageText: "git crosslink heartbeat [<options>] [<id>]",
		Description: `If an agent holds a lock and has not been seen for an hour, others may break the
lock. A heartbeat shows others that you are still working, in which state, and on
which issue: the issue that you locked last, or the issue that you name. It is sent
in the background, at most every 5 minutes, and only while you hold a lock. Every
other command sends one as well. If you start or stop waiting for a person
(awaiting_input, paused), others see it within a minute, even if you hold no lock.
Heartbeats are not written to a log.

Examples:
  git crosslink heartbeat
  git crosslink heartbeat --state awaiting_input 12`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "state", Usage: "`STATE`: working, idle, awaiting_input or paused (default: unchanged)"},
		},
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one id")
		if err != nil {
			return err
		}
		state, err := frame.OneOf(u, "state", event.PresenceStates)
		if err != nil {
			return err
		}
		return runHeartbeat(u.Context, args, state, e)
	})
}

func runHeartbeat(ctx context.Context, ids []string, state string, e *command.Env) error {
	var (
		repo *command.Repository
		p    tracker.Projection
		row  *store.Issue
	)
	err := e.Read(ctx, tracker.Here, func(opened *command.Repository, view tracker.Projection) (err error) {
		repo, p = opened, view
		if len(ids) == 1 {
			row, err = verb.Resolve(p, ids[0])
		}
		return err
	})
	if err != nil {
		return err
	}
	o := tracker.HeartbeatOptions{State: state, Offline: e.Offline}
	if row != nil {
		o.Issue = row.UUID
	}
	b, err := repo.Heartbeat(ctx, o)
	if err != nil {
		return err
	}
	on := ""
	if row, err := p.Row(b.Issue); err == nil {
		on = " on " + command.Named(row)
	}
	switch b.Outcome {
	case tracker.HeartbeatSent:
		e.Progress("sent a heartbeat: %s%s", b.State, on)
	case tracker.HeartbeatRecent:
		e.Progress("noted: %s%s; the last heartbeat was sent %s", b.State, on, e.Ago(event.TimeOf(b.Pushed)))
	case tracker.HeartbeatUnheld:
		e.Progress("noted; you hold no lock, so no heartbeat is needed")
	case tracker.HeartbeatRefused:
		e.Progress("noted; the hub accepts no heartbeats, so others see only your events")
	default:
		e.Progress("noted; no heartbeat can be sent at the moment")
	}
	return e.Print(ctx, frame.Result{Data: answer.HeartbeatOf(b), IDs: []string{b.Agent}})
}
