package cli

import (
	"context"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// statusOptions are those of close, reopen and archive.
type statusOptions struct {
	ids         []string
	to          event.Status
	done        string  // what was done, for people: "closed"
	reason      *string // nil is not given
	suggestNext bool
	claimNext   bool
	emit        tracker.EmitOptions
}

func statusOptionsOf(u *urfave.Context, e *env, to event.Status, done string) (o statusOptions, err error) {
	o.to, o.done = to, done
	if o.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
		return o, err
	}
	if u.IsSet("reason") {
		r := frame.TrimText(u.String("reason"))
		o.reason = &r
	}
	o.suggestNext, o.claimNext = u.Bool("suggest-next"), u.Bool("claim-next")
	o.emit, err = e.emitOptions(u)
	return o, err
}

func reasonFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "reason", Aliases: []string{"r"}, Usage: "say why in `TEXT`"}
}

func newCloseCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "close", Aliases: []string{"done"}, Category: frame.GroupIssues,
		Usage:     "close issues",
		UsageText: "git crosslink close [<options>] <id>…",
		Description: `Closes the issues, all or none, and says what is ready because of it.

Closing a closed issue succeeds; a new reason replaces the old one. A lock of
the issue ends with it, whoever has it. --claim-next claims what to work on next
and prints its id last.

Examples:
  git crosslink close 12 --reason 'fixed in 4f2a'
  git crosslink close 12 13 --suggest-next
  git crosslink close 12 --claim-next`,
		Flags: append([]urfave.Flag{
			reasonFlag(),
			&urfave.BoolFlag{Name: "suggest-next", Usage: "name the issue to work on next"},
			&urfave.BoolFlag{Name: "claim-next", Usage: "claim it, too; status 1 if there is none"},
		}, writeFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Closed, "closed")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func newReopenCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "reopen", Category: frame.GroupIssues,
		Usage:     "open closed or archived issues again",
		UsageText: "git crosslink reopen [<options>] <id>…",
		Description: `Opens the issues again, all or none.

Examples:
  git crosslink reopen 12 --reason 'seen again'`,
		Flags: append([]urfave.Flag{reasonFlag()}, writeFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Open, "reopened")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func newArchiveCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "archive", Category: frame.GroupIssues,
		Usage:     "put issues away",
		UsageText: "git crosslink archive [<options>] <id>…",
		Description: `Puts issues away: lists show them only with --status archived or all. 'reopen'
takes them back.

Examples:
  git crosslink archive 12`,
		Flags: append([]urfave.Flag{reasonFlag()}, writeFlags()...),
	}, func(u *urfave.Context) error {
		opts, err := statusOptionsOf(u, e, event.Archived, "archived")
		if err != nil {
			return err
		}
		return runStatus(u.Context, opts, e)
	})
}

func runStatus(ctx context.Context, opts statusOptions, e *env) error {
	var (
		rows    []*store.Issue
		changed []event.UUID
	)
	var said said
	r, err := e.emit(ctx, opts.emit, func(h hub, p tracker.Projection) (bodies []event.Body, err error) {
		changed, said = nil, nil
		if rows, err = resolveAll(p, opts.ids); err != nil {
			return nil, err
		}
		for _, i := range rows {
			if b := opts.body(i); b != nil {
				bodies = append(bodies, b)
				changed = append(changed, i.UUID)
			}
			if opts.to != event.Open || i.Status != event.Open { // one that came late is not to outlive the reopening
				bodies = append(bodies, endLock(h, i, &said)...)
			}
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	for _, i := range rows {
		if slices.Contains(changed, i.UUID) {
			e.Progress("%s %s", opts.done, named(i))
		} else {
			e.Progress("%s is %s already", named(i), opts.to)
		}
	}
	said.tell(e)
	return e.wroteStatus(ctx, opts, r, rows, changed)
}

// endLock is the end of a lock that an issue's end implies: its own agent's
// release, or the breaking of the grant that somebody else holds now.
func endLock(h hub, i *store.Issue, said *said) []event.Body {
	me := h.Agent()
	var bodies []event.Body
	mine := slices.ContainsFunc(i.Queue, func(w store.Waiter) bool { return w.Agent == me })
	if l := i.Lock; l != nil && !l.Ending {
		switch {
		case l.Holder == me:
			mine = true
			said.add("unlocked '%s'", i.Name())
		case l.Confirmed:
			said.add("ended the lock of '%s' on '%s' (token %d)", l.Holder, i.Name(), l.Token)
			bodies = append(bodies, &event.LockBroken{Issue: i.UUID, Token: l.Token, Reason: "closed"})
		}
	}
	if mine {
		bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
	}
	return bodies
}

// body is the event for one issue, nil if it is so already.
func (o *statusOptions) body(i *store.Issue) event.Body {
	b := &event.StatusChanged{UUID: i.UUID, NewStatus: o.to}
	if o.to == event.Archived {
		b.ClosedAt = i.ClosedAt
	}
	if o.reason != nil {
		b.Reason = *o.reason
	}
	if i.Status == o.to {
		if o.reason == nil || *o.reason == i.Reason {
			return nil
		}
		b.ClosedAt = i.ClosedAt
	}
	return b
}

func (e *env) wroteStatus(ctx context.Context, opts statusOptions, r *tracker.Receipt, rows []*store.Issue, changed []event.UUID) error {
	s, err := answer.New(r.View)
	if err != nil {
		return err
	}
	after := known(r.View, ids(rows))
	doc := answer.IssuesWrite{Write: answer.WriteOf(r)}
	if doc.Issues, err = s.Issues(after); err != nil {
		return err
	}
	var unblocked []*store.Issue
	if opts.to != event.Open {
		if unblocked, err = unblockedBy(r.View, changed); err != nil {
			return err
		}
	}
	for _, i := range unblocked {
		e.Progress("unblocked %s (%s)", named(i), i.Priority)
	}
	if doc.Unblocked, err = s.Issues(unblocked); err != nil {
		return err
	}
	a := frame.Result{Failure: unconfirmed(r, opts.emit)}
	for _, i := range after {
		a.IDs = append(a.IDs, i.Name())
	}
	switch {
	case opts.claimNext:
		if doc.Next, err = e.claimNext(ctx, r.View, &a); err != nil {
			return err
		}
	case opts.suggestNext:
		if doc.Next, err = e.suggestNext(s, r.View); err != nil {
			return err
		}
	}
	a.Data = doc
	return e.say(ctx, a)
}

// claimNext claims the first issue that is ready and adds it to the answer.
func (e *env) claimNext(ctx context.Context, p tracker.Projection, a *frame.Result) (*answer.Issue, error) {
	c, i, err := e.claimFirst(ctx, e.opened, p, store.Filter{Now: event.TimeOf(e.Now()), Sort: "priority"}, nil)
	if err != nil {
		return nil, err
	}
	if c == nil {
		a.Failure = nothingToClaim()
		return nil, nil
	}
	if f := e.claimed(e.opened, c, i); f != nil {
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

// unblockedBy are the open issues that waited for one of those and wait for
// nothing now.
func unblockedBy(p tracker.Projection, done []event.UUID) ([]*store.Issue, error) {
	var free []*store.Issue
	for _, i := range known(p, done) {
		for _, o := range known(p, i.Blocks) {
			open, err := p.OpenBlockers(o.UUID)
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

// suggestNext names the first issue that is ready.
func (e *env) suggestNext(s *answer.Builder, p tracker.Projection) (*answer.Issue, error) {
	rows, _, err := p.List(store.Filter{Ready: true, Me: e.opened.Agent(), Now: event.TimeOf(e.Now()), Sort: "priority", Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		e.Progress("next: nothing is ready")
		return nil, nil
	}
	e.Progress("next: %s (%s)", named(rows[0]), rows[0].Priority)
	shape, err := s.Issue(rows[0])
	return &shape, err
}
