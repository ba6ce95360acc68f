package issue

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type lockOptions struct {
	ids    []string
	queue  bool
	wait   time.Duration // how long to wait for a lock that somebody else holds
	branch *string       // nil: not given, use the current one
}

func newLockCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "lock", Aliases: []string{"claim", "start"}, Category: frame.GroupLocks,
		Usage:     "lock issues, so that nobody else works on them",
		UsageText: "git crosslink lock [<options>] <id>…\ngit crosslink lock list [<options>]\ngit crosslink lock check [<options>] <id>",
		Description: `Claims the lock of each issue and waits for the decision of the hub. A lock has one
confirmed holder at a time. Each grant has a token that is greater than all earlier
tokens, so the protected resource can refuse an older token. Claiming your own lock
again succeeds. A lock stops only those who ask for it.

If somebody else holds a lock, --queue takes a place in its queue and returns. --wait
takes a place and waits until you hold the lock, or for as many seconds as you give.
You keep your place when --wait ends without the lock; 'unlock' gives it up.

The exit status is 0 if you hold all locks, 1 if an issue is closed or deleted, 2 if
somebody else holds a lock, and 3 if a claim waits in the queue or for the hub. If
several of these apply, the smallest counts. If you claim a lock offline, a later
command reports the decision. 'unlock' withdraws a claim.

Examples:
  git crosslink lock 12
  git crosslink lock --queue 12
  git crosslink lock --wait=600 12
  git crosslink lock check 12 && make release`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "queue", Usage: "take a place in the queue if somebody else holds the lock"},
			&urfave.StringFlag{Name: "wait", Usage: "wait until you hold the lock, at most `SECONDS` (default: no limit)"},
			branchFlag(),
		},
		Subcommands: []*urfave.Command{newLockListCommand(e), newLockCheckCommand(e)},
	}, func(u *urfave.Context) error {
		ids, err := frame.Arguments(u, 1, -1, "the id of an issue")
		if err != nil {
			return err
		}
		opts := lockOptions{ids: ids, queue: u.Bool("queue"), branch: branchOf(u)}
		if opts.wait, err = lockWaitOf(u); err != nil {
			return err
		}
		if opts.wait > 0 && e.Offline {
			return frame.Misuse("'--wait' and '--offline' exclude each other")
		}
		return runLock(u.Context, opts, e)
	})
}

// newLocksCommand returns the noun: 'locks' lists locks, and has the verbs about locks.
func newLocksCommand(e *command.Env) *urfave.Command {
	c := newLockListCommand(e)
	c.Name, c.Hidden = "locks", true
	c.Subcommands = []*urfave.Command{newLockListCommand(e), newLockCheckCommand(e), newLockCommand(e), newUnlockCommand(e)}
	return c
}

func branchFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "branch", Usage: "the `BRANCH` that you work on (default: the current branch)"}
}

func branchOf(u *urfave.Context) *string {
	if !u.IsSet("branch") {
		return nil
	}
	b := u.String("branch")
	return &b
}

// CurrentBranch returns the branch for a claim: the given one, otherwise the current one if
// there is one and an event may contain its name.
func CurrentBranch(ctx context.Context, e *command.Env, given *string) string {
	if given != nil {
		return *given
	}
	name, err := e.Git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil || event.Check(&event.LockClaimed{Issue: event.UUID{1}, Branch: name}) != nil {
		return ""
	}
	return name
}

func runLock(ctx context.Context, opts lockOptions, e *command.Env) error {
	var rows []*store.Issue
	var repo *command.Repository
	err := e.Read(ctx, tracker.Here, func(opened *command.Repository, p tracker.Projection) (err error) {
		repo = opened
		rows, err = verb.ResolveAll(p, opts.ids)
		return err
	})
	if err != nil {
		return err
	}
	o := tracker.ClaimOptions{Queue: opts.queue || opts.wait > 0, Branch: CurrentBranch(ctx, e, opts.branch), Offline: e.Offline}
	doc := struct {
		Claims []answer.Claim `json:"claims"`
	}{[]answer.Claim{}}
	claims, err := claimAll(ctx, e, repo, rows, o, opts.wait)
	var a frame.Result
	for _, row := range rows {
		c, asked := claims[row.UUID]
		if !asked {
			continue
		}
		var f *frame.Failure
		i := row
		if c == nil {
			f = frame.Explain(&store.NotFoundError{What: "issue", ID: row.Name(), Deleted: row.Name()})
		} else {
			shape, now, err := answer.ClaimOf(c, row.UUID)
			if err != nil {
				return err
			}
			doc.Claims, i = append(doc.Claims, shape), now
			f = ClaimFailure(e, repo, c, i)
		}
		switch {
		case f == nil:
			a.IDs = append(a.IDs, i.Name())
		case a.Failure == nil:
			a.Failure = f
		case f.Code < a.Failure.Code: // losing a lock to somebody else is more important than an unconfirmed claim
			e.Progress("%s", a.Failure.Message)
			a.Failure = f
		default:
			e.Progress("%s", f.Message)
		}
	}
	if err != nil {
		if len(doc.Claims) == 0 {
			return err
		}
		a.Failure = frame.Explain(err) // the answer contains the claims that were granted before
	}
	a.Data = doc
	return e.Print(ctx, a)
}

// claimAll claims issues until there is an error. The claim of a deleted issue is nil. With
// a wait it claims them in the order of their uuids: if two agents waited for the same
// locks in different orders, each could hold the lock that the other waits for.
func claimAll(ctx context.Context, e *command.Env, repo *command.Repository, rows []*store.Issue, o tracker.ClaimOptions, wait time.Duration) (map[event.UUID]*tracker.Claim, error) {
	if wait > 0 {
		rows = slices.SortedFunc(slices.Values(rows), func(a, b *store.Issue) int { return bytes.Compare(a.UUID[:], b.UUID[:]) })
	}
	claims := map[event.UUID]*tracker.Claim{}
	until := e.Now().Add(wait)
	for _, row := range rows {
		c, err := repo.Claim(ctx, row.UUID, o)
		if err == nil && wait > 0 {
			c, err = awaitLock(ctx, e, repo, row.UUID, c, until)
		}
		switch {
		case err == nil:
			claims[row.UUID] = c
		case verb.DeletedName(err) != "":
			claims[row.UUID] = nil
		default:
			return claims, err
		}
	}
	return claims, nil
}

// ClaimFailure explains the result of a claim; nil means that the lock is held.
func ClaimFailure(e *command.Env, repo *command.Repository, c *tracker.Claim, i *store.Issue) *frame.Failure {
	switch c.Outcome {
	case tracker.Held:
		if c.Already {
			e.Progress("you already hold the lock on %s (token %d)", command.Named(i), c.Lock.Token)
		} else {
			e.Progress("locked %s (token %d)", command.Named(i), c.Lock.Token)
		}
		return nil
	case tracker.Taken:
		return lockedBy(e, repo, c.View, i, "wait in the queue: git crosslink lock --queue "+i.Name())
	case tracker.Closed:
		return closedIssue(i)
	case tracker.Ended:
		return &frame.Failure{Code: frame.ExitLost, Kind: "lock-ended",
			Message: fmt.Sprintf("your lock on issue %s (token %d) ended before this clone learned of it", i.Name(), c.Token),
			Hints:   []string{"see who ended it and why: git crosslink log " + i.Name(), "claim it again: git crosslink lock " + i.Name()}}
	case tracker.Waiting:
		return &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "waiting", Message: waitingText(c, i),
			Hints: []string{"see who holds it: git crosslink lock check " + i.Name()}}
	}
	return &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "claim-unconfirmed",
		Message: fmt.Sprintf("issue %s is claimed, but the hub has not confirmed it yet", i.Name()),
		Hints:   []string{"git crosslink sync", "see who holds it: git crosslink lock check " + i.Name()}}
}

// waitingText names the place of a claim in the queue.
func waitingText(c *tracker.Claim, i *store.Issue) string {
	ahead := c.Lock.Holder
	if c.Place > 1 {
		ahead = i.Queue[c.Place-2].Agent
	}
	names := people.NewNames(c.View)
	text := fmt.Sprintf("waiting for the lock on issue %s: place %d, after %s", i.Name(), c.Place, names.Quoted(ahead))
	if ahead != c.Lock.Holder {
		text += "; held by " + names.Quoted(c.Lock.Holder)
	}
	return text
}

// lockedBy returns the refusal if somebody else holds the lock: who, by which grant, since
// when, and whether there is a heartbeat.
func lockedBy(e *command.Env, repo *command.Repository, p tracker.Projection, i *store.Issue, hints ...string) *frame.Failure {
	f := &frame.Failure{Code: frame.ExitLost, Kind: "locked", Hints: hints,
		Message: fmt.Sprintf("issue %s is locked by %s: token %d, claimed %s, last seen: %s",
			i.Name(), people.NewNames(p).Quoted(i.Lock.Holder), i.Lock.Token, e.Ago(i.Lock.Since), lastSign(e, p, i.Lock.Holder))}
	if silence, stale := silent(e, repo, p, i.Lock.Holder); stale {
		f.Hints = append(f.Hints, fmt.Sprintf("not seen for %s; to break the lock: git crosslink unlock --break --reason '…' %s", frame.Span(silence), i.Name()))
	}
	return f
}

// silent describes how long an agent has not been seen, and whether that is longer than
// crosslink.lockTimeout.
func silent(e *command.Env, repo *command.Repository, p tracker.Projection, agent string) (time.Duration, bool) {
	limit := 60
	if v, ok := repo.Config("crosslink.lockTimeout"); ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 {
			limit = n
		}
	}
	d := e.Now().Sub(p.LastSign(agent).Std())
	return d, d > time.Duration(limit)*time.Minute
}

// closedIssue is the failure for the lock of an issue that is not open.
func closedIssue(i *store.Issue) *frame.Failure {
	return frame.No("closed", fmt.Sprintf("issue %s is %s and cannot be locked", i.Name(), i.Status),
		"to work on it again: git crosslink reopen "+i.Name())
}

// claimFirst claims the first ready issue whose lock is granted. An issue that the agent
// already holds comes before all others, so repeating the command gives the same issue;
// then come issues that a request puts first. It returns nil if nothing was claimed.
func claimFirst(ctx context.Context, e *command.Env, repo *command.Repository, p tracker.Projection, f store.Filter) (*tracker.Claim, *store.Issue, error) {
	flags, err := command.FlagsOf(ctx, repo, p)
	if err != nil {
		return nil, nil, err
	}
	f.Ready, f.Me, f.Limit = true, repo.Agent(), 0
	o := tracker.ClaimOptions{Branch: CurrentBranch(ctx, e, nil), Offline: e.Offline}
	var tried []event.UUID
	lost := false // lost a race: other losers continue with the next issue as well
	for {
		rows, _, err := p.List(f)
		if err != nil {
			return nil, nil, err
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(i *store.Issue) bool { return slices.Contains(tried, i.UUID) })
		if len(rows) == 0 {
			return nil, nil, nil
		}
		next := rows[0]
		if asked := verb.First(rows, flags.Reprioritise); asked > 0 {
			next = rows[0]
		} else if lost {
			next = rows[rand.N(equals(rows))]
		}
		if mine := slices.IndexFunc(rows, func(i *store.Issue) bool { return i.Lock != nil && i.Lock.Holder == f.Me }); mine >= 0 && f.Me != "" {
			next = rows[mine]
		}
		tried = append(tried, next.UUID)
		c, err := repo.Claim(ctx, next.UUID, o)
		f.Me = repo.Agent()
		switch {
		case verb.Missing(err):
			if p, err = repo.Read(ctx, tracker.Offline); err != nil {
				return nil, nil, err
			}
			continue
		case err != nil:
			return nil, nil, err
		case c.Outcome == tracker.Held || c.Outcome == tracker.Pending:
			i, err := c.View.Issue(next.UUID)
			return c, i, err
		case c.Outcome == tracker.Closed && !c.Already:
			e.Progress("%s was closed while it was claimed", command.Named(next))
		default:
			lost = true
		}
		p = c.View
	}
}

// equals returns how many of the first rows have the same priority. An agent that lost a
// race takes one of them at random: if all losers took the same next issue, they would race
// for it again.
func equals(rows []*store.Issue) int {
	if n := slices.IndexFunc(rows, func(i *store.Issue) bool { return i.Priority != rows[0].Priority }); n > 0 {
		return n
	}
	return len(rows)
}

func nothingToClaim() *frame.Failure {
	return frame.No("nothing-to-claim", "no ready issue can be claimed", "see what is blocked: git crosslink blocked --explain", "see who works on what: git crosslink lock list")
}
