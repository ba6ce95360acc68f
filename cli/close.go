package cli

import (
	"context"
	"slices"

	urfave "github.com/urfave/cli/v2"

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
	emit        tracker.EmitOptions
}

func statusOptionsOf(u *urfave.Context, e *env, to event.Status, done string) (o statusOptions, err error) {
	o.to, o.done = to, done
	if o.ids, err = arguments(u, 1, -1, "the id of an issue"); err != nil {
		return o, err
	}
	if u.IsSet("reason") {
		r := tidy(u.String("reason"))
		o.reason = &r
	}
	o.suggestNext = u.Bool("suggest-next")
	o.emit, err = e.emitOptions(u)
	return o, err
}

func reasonFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "reason", Aliases: []string{"r"}, Usage: "say why in `TEXT`"}
}

func newCloseCommand(e *env) *urfave.Command {
	return e.command(&urfave.Command{
		Name: "close", Aliases: []string{"done"}, Category: groupIssues,
		Usage:     "close issues",
		UsageText: "git crosslink close [<options>] <id>…",
		Description: `Closes the issues, all or none, and says what is ready because of it.

Closing a closed issue succeeds; a new reason replaces the old one.

Examples:
  git crosslink close 12 --reason 'fixed in 4f2a'
  git crosslink close 12 13 --suggest-next`,
		Flags: append([]urfave.Flag{
			reasonFlag(),
			&urfave.BoolFlag{Name: "suggest-next", Usage: "name the issue to work on next"},
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
	return e.command(&urfave.Command{
		Name: "reopen", Category: groupIssues,
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
	return e.command(&urfave.Command{
		Name: "archive", Category: groupIssues,
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
	r, err := e.emit(ctx, opts.emit, func(_ hub, p tracker.Projection) (bodies []event.Body, err error) {
		changed = nil
		if rows, err = resolveAll(p, opts.ids); err != nil {
			return nil, err
		}
		for _, i := range rows {
			if b := opts.body(i); b != nil {
				bodies = append(bodies, b)
				changed = append(changed, i.UUID)
			}
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	for _, i := range rows {
		if slices.Contains(changed, i.UUID) {
			e.talk("%s %s", opts.done, named(i))
		} else {
			e.talk("%s is %s already", named(i), opts.to)
		}
	}
	return e.wroteStatus(ctx, opts, r, rows, changed)
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
	s, err := newShaper(r.View)
	if err != nil {
		return err
	}
	after := known(r.View, ids(rows))
	doc := manyShape{writeShape: writeShapeOf(r)}
	if doc.Issues, err = s.issues(after); err != nil {
		return err
	}
	var unblocked []*store.Issue
	if opts.to != event.Open {
		if unblocked, err = unblockedBy(r.View, changed); err != nil {
			return err
		}
	}
	for _, i := range unblocked {
		e.talk("unblocked %s (%s)", named(i), i.Priority)
	}
	if doc.Unblocked, err = s.issues(unblocked); err != nil {
		return err
	}
	if opts.suggestNext {
		if doc.Next, err = e.suggestNext(s, r.View); err != nil {
			return err
		}
	}
	a := answer{data: doc, no: unconfirmed(r, opts.emit)}
	for _, i := range after {
		a.ids = append(a.ids, i.Name())
	}
	return e.say(ctx, a)
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
func (e *env) suggestNext(s *shaper, p tracker.Projection) (*issueShape, error) {
	rows, _, err := p.List(store.Filter{Ready: true, Now: event.TimeOf(e.now()), Sort: "priority", Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		e.talk("next: nothing is ready")
		return nil, nil
	}
	e.talk("next: %s (%s)", named(rows[0]), rows[0].Priority)
	shape, err := s.issue(rows[0])
	return &shape, err
}
