package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

type unlockOptions struct {
	ids      []string
	breaking bool
	reason   string
	emit     tracker.EmitOptions
}

func newUnlockCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unlock", Aliases: []string{"release"}, Category: frame.GroupLocks,
		Usage:     "give locks back, or end those of others",
		UsageText: "git crosslink unlock [<options>] <id>…\ngit crosslink unlock --break --reason <text> [<options>] <id>…",
		Description: `Gives back the locks of the issues, claims that are not confirmed and places in
the queue: all or none. The first in the queue has the lock then. Giving back
what one does not have succeeds if nobody has it.

--break ends the grant that somebody else holds now, and no later one. It is for
holders who are gone: 'lock check' tells their last sign of life.

Examples:
  git crosslink unlock 12
  git crosslink unlock --break --reason 'its machine is gone' 12`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "break", Usage: "end the lock of somebody else; needs --reason"},
			reasonFlag(),
		}, writeFlags()...),
	}, func(u *urfave.Context) (err error) {
		var opts unlockOptions
		if opts.ids, err = frame.Arguments(u, 1, -1, "the id of an issue"); err != nil {
			return err
		}
		opts.breaking, opts.reason = u.Bool("break"), frame.TrimText(u.String("reason"))
		switch {
		case opts.breaking && opts.reason == "":
			return frame.Misuse("'--break' needs '--reason': the holder will want to know")
		case !opts.breaking && u.IsSet("reason"):
			return frame.Misuse("'--reason' goes with '--break'")
		}
		if opts.emit, err = e.emitOptions(u); err != nil {
			return err
		}
		opts.emit.Lock = true
		return runUnlock(u.Context, opts, e)
	})
}

func runUnlock(ctx context.Context, opts unlockOptions, e *env) error {
	var (
		rows  []*store.Issue
		ended []event.UUID // whose next holder is news
		said  said
	)
	err := e.read(ctx, tracker.Fresh, func(_ hub, p tracker.Projection) (err error) {
		rows, err = resolveAll(p, opts.ids)
		return err
	})
	if err != nil {
		return err
	}
	r, err := e.emit(ctx, opts.emit, func(h hub, p tracker.Projection) (bodies []event.Body, err error) {
		said, ended = nil, nil
		for _, row := range known(p, ids(rows)) {
			b, err := opts.body(h, p, row, e, &said)
			if err != nil {
				return nil, err
			}
			if b != nil {
				bodies = append(bodies, b)
			}
			if _, broken := b.(*event.LockBroken); broken || b != nil && row.Lock.Holder == h.Agent() && row.Lock.Confirmed {
				ended = append(ended, row.UUID)
			}
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	said.tell(e)
	after := known(r.View, ids(rows))
	for _, i := range known(r.View, ended) {
		e.tellHolder(r, i)
	}
	return e.wroteMany(ctx, r, opts.emit, after)
}

// body is the event for one issue; nil if there is nothing to give back.
func (o *unlockOptions) body(h hub, p tracker.Projection, i *store.Issue, e *env, said *said) (event.Body, error) {
	c, err := tracker.Standing(p, i.UUID, h.Agent())
	if err != nil {
		return nil, err
	}
	own := c.Lock != nil && c.Lock.Holder == h.Agent() && !c.Lock.Ending
	switch {
	case !c.Mine(h.Agent()) && (c.Lock == nil || c.Lock.Ending):
		said.add("%s is not locked", named(i))
		return nil, nil
	case own && c.Lock.Confirmed:
		said.add("unlocked %s", named(i))
	case own:
		said.add("took back the claim of %s", named(i))
	case c.Place > 0 && !o.breaking:
		said.add("left the queue for %s", named(i))
	case c.Lock.Confirmed && o.breaking:
		if _, stale := e.silent(h, p, c.Lock.Holder); !stale {
			said.add("'%s' showed a sign of life %s", c.Lock.Holder, e.lastSign(p, c.Lock.Holder))
		}
		said.add("broke the lock of '%s' on %s (token %d)", c.Lock.Holder, named(i), c.Lock.Token)
		return &event.LockBroken{Issue: i.UUID, Token: c.Lock.Token, Reason: o.reason}, nil
	case c.Lock.Confirmed:
		f := e.lockedBy(h, p, i)
		f.Message += "; it is not yours to give back"
		return nil, f
	default: // another worktree's claim, which no grant can be named of yet
		return nil, &frame.Failure{Code: frame.ExitLost, Kind: "locked",
			Message: fmt.Sprintf("issue '%s' is claimed by '%s', unconfirmed; it is not yours to give back", i.Name(), c.Lock.Holder)}
	}
	return &event.LockReleased{Issue: i.UUID}, nil
}

// tellHolder says who has the lock after a release or a break.
func (e *env) tellHolder(r *tracker.Receipt, i *store.Issue) {
	switch {
	case i.Lock != nil && i.Lock.Ending:
		e.Progress("the hub has not decided it yet: others still see '%s' locked", i.Name())
	case i.Lock != nil && i.Lock.Confirmed && i.Lock.Holder == r.Agent:
		e.Progress("%s is locked by you now (token %d)", named(i), i.Lock.Token)
	case i.Lock != nil && i.Lock.Confirmed:
		e.Progress("'%s' has the lock of '%s' now (token %d)", i.Lock.Holder, i.Name(), i.Lock.Token)
	}
}

// wroteMany prints the answer of a write to several issues.
func (e *env) wroteMany(ctx context.Context, r *tracker.Receipt, o tracker.EmitOptions, rows []*store.Issue) error {
	s, err := answer.New(r.View)
	if err != nil {
		return err
	}
	doc := answer.IssuesWrite{Unblocked: []answer.Issue{}, Write: answer.WriteOf(r)}
	if doc.Issues, err = s.Issues(rows); err != nil {
		return err
	}
	a := frame.Result{Data: doc, Failure: unconfirmed(r, o)}
	for _, i := range rows {
		a.IDs = append(a.IDs, i.Name())
	}
	return e.say(ctx, a)
}
