package issue

import (
	"context"
	"errors"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
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

func newUnlockCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "unlock", Aliases: []string{"release"}, Category: frame.GroupLocks,
		Usage:     "release locks, or break the lock of somebody else",
		UsageText: "git crosslink unlock [<options>] <id>…\ngit crosslink unlock --break --reason <text> [<options>] <id>…",
		Description: `Releases your locks, unconfirmed claims and places in the queue, all or none. The
first agent in the queue then gets the lock. Releasing a lock that nobody holds
succeeds.

--break ends a lock that somebody else holds now. Use it if the holder is gone:
'lock check' prints when the holder was last seen.

Examples:
  git crosslink unlock 12
  git crosslink unlock --break --reason 'its machine is gone' 12`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "break", Usage: "break the lock of somebody else; needs --reason"},
			reasonFlag(),
		}, command.WriteFlags()...),
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
		if opts.emit, err = e.EmitOptions(u); err != nil {
			return err
		}
		opts.emit.Lock = true
		return runUnlock(u.Context, opts, e)
	})
}

func runUnlock(ctx context.Context, opts unlockOptions, e *command.Env) error {
	var (
		rows []*store.Issue
		plan verb.Plan
		seen tracker.Projection
	)
	err := e.Read(ctx, tracker.Fresh, func(_ *command.Repository, p tracker.Projection) (err error) {
		rows, err = verb.ResolveAll(p, opts.ids)
		return err
	})
	if err != nil {
		return err
	}
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		seen = p
		plan, err = verb.Unlock(p, repo.Agent(), verb.Shown(p, ids(rows)), opts.reason)
		return plan.Bodies, notYours(e, repo, p, err)
	})
	if err != nil {
		return err
	}
	var ended []event.UUID // issues whose next holder is reported
	for _, f := range plan.Effects {
		if f.What == verb.LockBroken {
			warnAlive(e, seen, f.Lock.Holder)
		}
		printEffects(e, r.View, []verb.Effect{f})
		if f.What != verb.NoLock && f.Lock != nil && f.Lock.Confirmed && (f.What == verb.LockBroken || f.Lock.Holder == r.Agent) {
			ended = append(ended, f.Issue.UUID)
		}
	}
	for _, i := range verb.Shown(r.View, ended) {
		printHolder(e, r, i)
	}
	return printIssuesWrite(ctx, e, r, opts.emit, verb.Shown(r.View, ids(rows)))
}

// warnAlive warns if the agent whose lock was broken was seen recently.
func warnAlive(e *command.Env, p tracker.Projection, agent string) {
	if _, stale := silent(e, e.Opened, p, agent); !stale {
		e.Progress("%s last seen: %s", people.NewNames(p).Quoted(agent), lastSign(e, p, agent))
	}
}

// notYours explains why somebody else's lock cannot be released.
func notYours(e *command.Env, repo *command.Repository, p tracker.Projection, err error) error {
	var held *verb.HeldError
	if !errors.As(err, &held) {
		return err
	}
	i := held.Issue
	if i.Lock.Confirmed {
		f := lockedBy(e, repo, p, i)
		f.Message += "; you do not hold this lock"
		return f
	}
	return &frame.Failure{Code: frame.ExitLost, Kind: "locked",
		Message: fmt.Sprintf("issue %s is claimed by %s (unconfirmed); you do not hold this lock", i.Name(), people.NewNames(p).Quoted(i.Lock.Holder))}
}

// printHolder prints who holds the lock after a release or a break.
func printHolder(e *command.Env, r *tracker.Receipt, i *store.Issue) {
	switch {
	case i.Lock != nil && i.Lock.Ending:
		e.Progress("the hub has not confirmed this yet: others still see issue %s as locked", i.Name())
	case i.Lock != nil && i.Lock.Confirmed && i.Lock.Holder == r.Agent:
		e.Progress("you now hold the lock on %s (token %d)", command.Named(i), i.Lock.Token)
	case i.Lock != nil && i.Lock.Confirmed:
		e.Progress("%s now holds the lock on issue %s (token %d)", people.NewNames(r.View).Quoted(i.Lock.Holder), i.Name(), i.Lock.Token)
	}
}
