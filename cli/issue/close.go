package issue

import (
	"context"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// statusOptions are the options of close, reopen and archive.
type statusOptions struct {
	ids         []string
	to          event.Status
	done        string  // the action, for people: "closed"
	reason      *string // nil: not given
	breaking    bool    // also if somebody else holds the lock
	suggestNext bool
	claimNext   bool
	emit        tracker.EmitOptions
}

func statusOptionsOf(u *urfave.Context, e *command.Env, to event.Status, done string) (o statusOptions, err error) {
	o.to, o.done = to, done
	if o.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
		return o, err
	}
	if u.IsSet("reason") {
		r := frame.TrimText(u.String("reason"))
		o.reason = &r
	}
	o.breaking = u.Bool("break")
	o.suggestNext, o.claimNext = u.Bool("suggest-next"), u.Bool("claim-next")
	o.emit, err = e.EmitOptions(u)
	return o, err
}

func reasonFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "reason", Aliases: []string{"r", "m"}, Usage: "give `TEXT` as the reason"}
}

func breakFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "break", Usage: "do it even if somebody else holds the lock"}
}

func newCloseCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "close", Aliases: []string{"done"}, Category: frame.GroupIssues,
		Usage:     "close issues",
		UsageText: "git crosslink close [<options>] <id>…",
		Description: `Closes the issues, all or none, and names the issues that are ready as a result.

Closing a closed issue succeeds, and a new reason replaces the old one. Closing an
issue also ends its lock. If somebody else holds the lock, give --break, or a reason
for the holder to read; otherwise the exit status is 2.

--claim-next claims the next issue to work on and prints its id last.

Examples:
  git crosslink close 12 --reason 'fixed in 4f2a'
  git crosslink close 12 13 --suggest-next
  git crosslink close 12 --claim-next`,
		Flags: append([]urfave.Flag{
			reasonFlag(),
			breakFlag(),
			&urfave.BoolFlag{Name: "suggest-next", Usage: "print the issue to work on next"},
			&urfave.BoolFlag{Name: "claim-next", Usage: "also claim that issue; exit 1 if there is none"},
		}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Closed, "closed")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func newReopenCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "reopen", Category: frame.GroupIssues,
		Usage:     "reopen closed or archived issues",
		UsageText: "git crosslink reopen [<options>] <id>…",
		Description: `Reopens the issues, all or none.

Examples:
  git crosslink reopen 12 --reason 'seen again'`,
		Flags: append([]urfave.Flag{reasonFlag()}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Open, "reopened")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func newArchiveCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "archive", Category: frame.GroupIssues,
		Usage:     "archive issues",
		UsageText: "git crosslink archive [<options>] <id>…",
		Description: `Archives issues. Lists show archived issues only with --status archived or all.
'reopen' restores them. Archiving an issue also ends its lock. If somebody else holds
the lock, give a reason or --break; otherwise the exit status is 2.

Examples:
  git crosslink archive 12`,
		Flags: append([]urfave.Flag{reasonFlag(), breakFlag()}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Archived, "archived")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func runStatus(ctx context.Context, opts statusOptions, e *command.Env) error {
	var (
		rows []*store.Issue
		plan verb.Plan
	)
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if plan, rows, err = verb.SetStatus(p, repo.Agent(), opts.ids, opts.to, opts.reason); err == nil && opts.to != event.Open && !opts.breaking && (opts.reason == nil || *opts.reason == "") {
			name := map[event.Status]string{event.Closed: "close", event.Archived: "archive"}[opts.to]
			err = lockedByOthers(e, repo, p, plan.Effects, "tell the holder why: git crosslink "+name+" --reason '…' ")
		}
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	var changed []event.UUID
	var locks []verb.Effect
	for _, f := range plan.Effects {
		switch f.What {
		case verb.StatusSet:
			changed = append(changed, f.Issue.UUID)
			e.Progress("%s %s", opts.done, command.Named(f.Issue))
		case verb.StatusAlready:
			e.Progress("%s is already %s", command.Named(f.Issue), opts.to)
		default:
			locks = append(locks, f)
		}
	}
	printEffects(e, r.View, locks)
	return printStatusWrite(ctx, e, opts, r, rows, changed)
}

// lockedByOthers refuses effects that end somebody else's lock; the id of the issue is
// appended to the hint.
func lockedByOthers(e *command.Env, repo *command.Repository, p tracker.Projection, effects []verb.Effect, hint string) error {
	for _, f := range effects {
		if f.What == verb.LockEnded {
			i, err := p.Row(f.Issue.UUID)
			if err != nil {
				return err
			}
			return lockedBy(e, repo, p, i, hint+i.Name())
		}
	}
	return nil
}

func printStatusWrite(ctx context.Context, e *command.Env, opts statusOptions, r *tracker.Receipt, rows []*store.Issue, changed []event.UUID) error {
	s := answer.New(r.View)
	after := verb.Shown(r.View, ids(rows))
	issues, err := s.Issues(after)
	if err != nil {
		return err
	}
	doc := answer.IssuesWrite{Issues: issues, Write: answer.WriteOf(r)}
	var unblocked []*store.Issue
	if opts.to != event.Open {
		if unblocked, err = unblockedBy(r.View, changed); err != nil {
			return err
		}
	}
	for _, i := range unblocked {
		e.Progress("unblocked %s (%s)", command.Named(i), i.Priority)
	}
	if doc.Unblocked, err = s.Issues(unblocked); err != nil {
		return err
	}
	a := frame.Result{Failure: command.Unconfirmed(r, opts.emit)}
	for _, i := range after {
		a.IDs = append(a.IDs, i.Name())
	}
	switch {
	case opts.claimNext:
		if doc.Next, err = claimNext(ctx, e, r.View, &a); err != nil {
			return err
		}
	case opts.suggestNext:
		if doc.Next, err = suggestNext(e, s, r.View); err != nil {
			return err
		}
	}
	a.Data = doc
	return e.Print(ctx, a)
}

// claimNext claims the first ready issue and adds it to the answer.
func claimNext(ctx context.Context, e *command.Env, p tracker.Projection, a *frame.Result) (*answer.Issue, error) {
	no, err := command.MayNotClaim(ctx, e.Opened, p)
	if err != nil || no != nil {
		a.Failure = no
		return nil, err
	}
	c, i, err := claimFirst(ctx, e, e.Opened, p, store.Filter{Labels: WithScope(e.Opened, nil), Now: event.TimeOf(e.Now()), Sort: "priority"})
	if err != nil {
		return nil, err
	}
	if c == nil {
		a.Failure = nothingToClaim()
		return nil, nil
	}
	if f := ClaimFailure(e, e.Opened, c, i); f != nil {
		a.Failure = f
	}
	a.IDs = append(a.IDs, i.Name())
	shape, _, err := answer.ClaimOf(c, i.UUID)
	return &shape.Issue, err
}

func ids(rows []*store.Issue) []event.UUID {
	us := make([]event.UUID, len(rows))
	for k, i := range rows {
		us[k] = i.UUID
	}
	return us
}

// unblockedBy returns the open issues that were blocked by one of these and are no longer
// blocked.
func unblockedBy(p tracker.Projection, done []event.UUID) ([]*store.Issue, error) {
	var free []*store.Issue
	for _, i := range verb.Shown(p, done) {
		for _, o := range verb.Shown(p, i.Blocks) {
			open, err := store.OpenBlockers(p, o)
			if err != nil {
				return nil, err
			}
			if o.Status == event.Open && len(open) == 0 && !slices.Contains(free, o) {
				free = append(free, o)
			}
		}
	}
	return free, nil
}

// suggestNext returns the first ready issue.
func suggestNext(e *command.Env, s *answer.Builder, p tracker.Projection) (*answer.Issue, error) {
	rows, _, err := p.List(store.Filter{Ready: true, Labels: WithScope(e.Opened, nil), Me: e.Opened.Agent(), Now: event.TimeOf(e.Now()), Sort: "priority", Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		e.Progress("next: nothing is ready")
		return nil, nil
	}
	e.Progress("next: %s (%s)", command.Named(rows[0]), rows[0].Priority)
	shape, err := s.Issue(rows[0])
	return &shape, err
}
