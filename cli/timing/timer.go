package timing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// timer is the running timer of a worktree. There is no event until it is stopped. Its
// entry has its uuid from the start, so that the time is recorded only once.
type timer struct {
	Issue   event.UUID `json:"issue"`
	Entry   event.UUID `json:"entry"`
	Started event.Time `json:"started"`
	Boot    string     `json:"boot,omitempty"`
}

// maxTimer is how long a timer may run before the user has to say when it ended.
const maxTimer = 12 * time.Hour

func timerPath(repo *command.Repository) string {
	if dir := repo.Worktree(); dir != "" {
		return filepath.Join(dir, "timer")
	}
	return ""
}

func readTimer(repo *command.Repository) *timer {
	var t timer
	if !command.ReadNote(timerPath(repo), &t) || t.Issue == (event.UUID{}) || t.Entry == (event.UUID{}) || t.Started <= 0 || t.Started > event.MaxTime {
		return nil
	}
	return &t
}

// bootID returns the id of this start of the machine, "" if it has none.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

func newTimerCommand(e *command.Env) *urfave.Command {
	plain := func(name, usage, about string, run func(context.Context, *command.Env) error) *urfave.Command {
		return e.Command(&urfave.Command{Name: name, Usage: usage, UsageText: "git crosslink timer " + name + " [<options>]",
			Description: about + "\n\nExamples:\n  git crosslink timer " + name}, func(u *urfave.Context) error {
			if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
				return err
			}
			return run(u.Context, e)
		})
	}
	return &urfave.Command{
		Name: "timer", Category: frame.GroupMilestones, HideHelp: true,
		Usage: "measure the time you spend on an issue",
		UsageText: `git crosslink timer start [<options>] <id>
git crosslink timer stop [<options>]
git crosslink timer status [<options>]
git crosslink timer discard [<options>]`,
		Description: `A timer belongs to one worktree; other worktrees do not show it. 'timer stop'
records the time on the issue. A worktree runs one timer at a time.

Examples:
  git crosslink timer start 12
  git crosslink timer stop`,
		Subcommands: []*urfave.Command{
			newTimerStart(e), newTimerStop(e),
			plain("status", "show the running timer", "Shows the issue and how long the timer has run. The exit status is 1 if no timer runs.", runTimerStatus),
			plain("discard", "discard the running timer", "Discards the running timer and records no time. If no timer runs, nothing happens.", runTimerDiscard),
		},
	}
}

// atFlag is --at of a command that stops a timer.
func atFlag(what string) urfave.Flag {
	return &urfave.StringFlag{Name: "at", Usage: what + " ended at `TIME`, such as 2026-03-01T10:00:00Z"}
}

func newTimerStart(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "start", Usage: "start a timer on an issue",
		UsageText: "git crosslink timer start [<options>] <id>",
		Description: `Starts a timer. If a timer runs on another issue, this command first stops that
timer, like 'timer stop'. A timer on the same issue continues.

Examples:
  git crosslink timer start 12`,
		Flags: append([]urfave.Flag{atFlag("the work on another issue")}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "the id of one issue")
		if err != nil {
			return err
		}
		return runTimerStart(u, args[0], e)
	})
}

func runTimerStart(u *urfave.Context, id string, e *command.Env) error {
	ctx := u.Context
	var i *store.Issue
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) (err error) {
		i, err = verb.Resolve(p, id)
		return err
	})
	if err != nil {
		return err
	}
	t := readTimer(e.Opened)
	if t != nil && t.Issue == i.UUID {
		e.Progress("the timer already runs on %s", command.Named(i))
		return printTimer(ctx, e, t)
	}
	if t != nil {
		if _, err := stopTimer(u, e, t); err != nil {
			return err
		}
	}
	t = &timer{Issue: i.UUID, Entry: e.Opened.MintUUID(), Started: event.TimeOf(e.Now()), Boot: bootID()}
	if err := command.WriteNote(timerPath(e.Opened), t); err != nil {
		return e.Opened.Unwritable(fmt.Errorf("start the timer: %w", err))
	}
	e.Progress("started a timer on %s", command.Named(i))
	return printTimer(ctx, e, t)
}

func newTimerStop(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "stop", Usage: "stop the timer and record the time",
		UsageText: "git crosslink timer stop [<options>]",
		Description: `Stops the timer, records the time on its issue and prints the short uuid of the
entry. If no timer runs, nothing happens. If the timer ran for more than 12 hours, or
the machine was restarted since, you must give the end of the work with --at.

Examples:
  git crosslink timer stop`,
		Flags: append([]urfave.Flag{atFlag("the work")}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		repo, err := e.Repository(u.Context)
		if err != nil {
			return err
		}
		t := readTimer(repo)
		if t == nil {
			e.Progress("no timer runs here")
			return e.Print(u.Context, frame.Result{Data: answer.TimeWrite{Write: answer.Write{Agent: repo.Agent(), Sync: string(tracker.Confirmed)}, Entries: []answer.TimeRow{}}})
		}
		r, err := stopTimer(u, e, t)
		if err != nil {
			return err
		}
		return e.Print(u.Context, *r)
	})
}

// stopTimer records the time of a timer and removes it.
func stopTimer(u *urfave.Context, e *command.Env, t *timer) (*frame.Result, error) {
	emit, err := e.EmitOptions(u)
	if err != nil {
		return nil, err
	}
	end := event.TimeOf(e.Now())
	if t.Started > end {
		return nil, &frame.Failure{Code: frame.ExitUsage, Kind: "stale-timer",
			Message: fmt.Sprintf("the timer was started %s, which is in the future: the clock was changed", e.Date(t.Started)),
			Hints:   []string{"discard the timer: git crosslink timer discard", "then record the time: git crosslink time add <id> <duration>"}}
	}
	if u.IsSet("at") {
		if end, err = frame.ParseDate("--at", u.String("at"), frame.DayEnd, e.Now()); err != nil {
			return nil, err
		}
		if end < t.Started || end > event.TimeOf(e.Now()) {
			f := frame.Misuse(fmt.Sprintf("the timer was started %s: '--at' needs a time between then and now", e.Date(t.Started)))
			f.Kind = "bad-value"
			return nil, f
		}
	} else if time.Duration(end-t.Started) > maxTimer || t.Boot != bootID() {
		return nil, &frame.Failure{Code: frame.ExitUsage, Kind: "stale-timer",
			Message: fmt.Sprintf("the timer was started %s, and may have run for too long", e.Ago(t.Started)),
			Hints:   []string{"say when the work ended: git crosslink timer stop --at <time>", "or discard the timer: git crosslink timer discard"}}
	}
	r, err := e.Emit(u.Context, emit, func(_ *command.Repository, p tracker.Projection) ([]event.Body, error) {
		if _, err := p.Row(t.Issue); err != nil {
			return nil, err
		}
		return verb.StopTimer(p, t.Issue, t.Entry, t.Started, end)
	})
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, frame.No("not-found", "the issue of the timer is deleted: its time cannot be recorded", "discard the timer: git crosslink timer discard")
	}
	if err != nil {
		return nil, err
	}
	if err := command.RemoveNote(timerPath(e.Opened)); err != nil {
		return nil, fmt.Errorf("remove the timer: %w", err)
	}
	return timeResult(e, r, emit, []event.UUID{t.Entry}, "recorded %s on %s")
}

func runTimerStatus(ctx context.Context, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	return printTimer(ctx, e, readTimer(repo))
}

func printTimer(ctx context.Context, e *command.Env, t *timer) error {
	var doc answer.Timer
	if t == nil {
		return e.Print(ctx, frame.Result{Data: doc, Failure: frame.AnswersNo("no-timer", "no timer runs here", "start one: git crosslink timer start <id>")})
	}
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		doc = answer.Timer{Running: true, Issue: answer.New(p).Ref(t.Issue), StartedAt: answer.TimeOrNull(t.Started)}
		if now := event.TimeOf(e.Now()); now > t.Started {
			doc.Seconds = uint64(now-t.Started) / 1e9
		}
		return nil
	})
	if err != nil {
		return err
	}
	name := doc.Issue.Name()
	if doc.Issue == nil {
		name = t.Issue.String() // deleted in the meantime
	}
	return e.Print(ctx, frame.Result{Data: doc, IDs: []string{name}, Page: func(pg *frame.Page) {
		pg.Print("%s  %s\n", pg.Paint(frame.ID, name), frame.Duration(doc.Seconds))
	}})
}

func runTimerDiscard(ctx context.Context, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	t := readTimer(repo)
	if err := command.RemoveNote(timerPath(repo)); err != nil {
		return fmt.Errorf("remove the timer: %w", err)
	}
	if t == nil {
		e.Progress("no timer runs here")
	} else {
		e.Progress("discarded the timer that was started %s", e.Ago(t.Started))
	}
	return e.Print(ctx, frame.Result{Data: answer.Timer{}})
}
