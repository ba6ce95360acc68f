package issue

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type scheduleOptions struct {
	id             string
	due, scheduled *event.Time // nil: unchanged, 0: clear
	emit           tracker.EmitOptions
}

func newScheduleCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "schedule", Category: frame.GroupIssues,
		Usage:     "set the due date or the start date of an issue",
		UsageText: "git crosslink schedule <id> [--due <date>] [--scheduled <date>]",
		Description: `Sets or clears the dates of an issue. A date is a day (2026-03-01, 31.12.2026, today,
tomorrow, friday, 3d, in 2 weeks, next week), a moment (2026-03-01T10:00:00Z) or
'none'. 'next week' is in 7 days, 'friday' the next one after today. A day is a day
in your time zone (TZ): an issue is due at the end of its day, and scheduled for the
beginning of its day. Others see the same moment in their own time zones.

Examples:
  git crosslink schedule 12 --due friday
  git crosslink schedule 12 --scheduled +2w --due none`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "due", Usage: "due at `DATE`"},
			&urfave.StringFlag{Name: "scheduled", Usage: "not ready before `DATE`"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := scheduleOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runSchedule(u.Context, opts, e)
	})
}

func scheduleOptionsOf(u *urfave.Context, e *command.Env) (o scheduleOptions, err error) {
	args, err := frame.Arguments(u, 1, 1, "one id of an issue")
	if err != nil {
		return o, err
	}
	o.id = args[0]
	if !u.IsSet("due") && !u.IsSet("scheduled") {
		return o, frame.Misuse("no date", "give --due <date>, --scheduled <date> or both; 'none' clears")
	}
	for _, d := range []struct {
		name string
		at   frame.DayEdge
		into **event.Time
	}{{"due", frame.DayEnd, &o.due}, {"scheduled", frame.DayStart, &o.scheduled}} {
		if u.IsSet(d.name) {
			t, err := frame.ParseDate("--"+d.name, u.String(d.name), d.at, e.Now())
			if err != nil {
				return o, err
			}
			*d.into = &t
		}
	}
	o.emit, err = e.EmitOptions(u)
	return o, err
}

func runSchedule(ctx context.Context, opts scheduleOptions, e *command.Env) error {
	s := single{opts.id, opts.emit, func(_ *command.Repository, _ tracker.Projection, i *store.Issue) (verb.Plan, error) {
		return verb.Schedule(i, opts.due, opts.scheduled), nil
	}}
	return s.run(ctx, e)
}
