package cli

import (
	"context"
	"errors"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
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
		rows []*store.Issue
		plan verb.Plan
		seen tracker.Projection
	)
	err := e.read(ctx, tracker.Fresh, func(_ *repository, p tracker.Projection) (err error) {
		rows, err = verb.ResolveAll(p, opts.ids)
		return err
	})
	if err != nil {
		return err
	}
	r, err := e.emit(ctx, opts.emit, func(repo *repository, p tracker.Projection) (_ []event.Body, err error) {
		seen = p
		plan, err = verb.Unlock(p, repo.Agent(), verb.Shown(p, ids(rows)), opts.reason)
		return plan.Bodies, e.notYours(repo, p, err)
	})
	if err != nil {
		return err
	}
	var ended []event.UUID // whose next holder is news
	for _, f := range plan.Effects {
		if f.What == verb.LockBroken {
			e.warnAlive(seen, f.Lock.Holder)
		}
		e.printEffects([]verb.Effect{f})
		if f.What != verb.NoLock && f.Lock != nil && f.Lock.Confirmed && (f.What == verb.LockBroken || f.Lock.Holder == r.Agent) {
			ended = append(ended, f.Issue.UUID)
		}
	}
	for _, i := range verb.Shown(r.View, ended) {
		e.tellHolder(r, i)
	}
	return e.wroteMany(ctx, r, opts.emit, verb.Shown(r.View, ids(rows)))
}

// warnAlive prints when an agent was seen whose lock was broken, if that is not
// long ago.
func (e *env) warnAlive(p tracker.Projection, agent string) {
	if _, stale := e.silent(e.opened, p, agent); !stale {
		e.Progress("'%s' showed a sign of life %s", agent, e.lastSign(p, agent))
	}
}

// notYours explains why a lock of somebody else cannot be given back.
func (e *env) notYours(repo *repository, p tracker.Projection, err error) error {
	var held *verb.HeldError
	if !errors.As(err, &held) {
		return err
	}
	i := held.Issue
	if i.Lock.Confirmed {
		f := e.lockedBy(repo, p, i)
		f.Message += "; it is not yours to give back"
		return f
	}
	return &frame.Failure{Code: frame.ExitLost, Kind: "locked",
		Message: fmt.Sprintf("issue '%s' is claimed by '%s', unconfirmed; it is not yours to give back", i.Name(), i.Lock.Holder)}
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
