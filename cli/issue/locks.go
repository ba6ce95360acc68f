package issue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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

func newLockListCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Usage: "list locked issues and their holders",
		UsageText: "git crosslink lock list [<options>]",
		Description: `Lists the issues that are locked or claimed, oldest lock first. This command asks
the hub first, and waits a few seconds for it at most. In a pipe the fields are id,
holder, token ('-' if the lock is not confirmed), start, when the holder was last
seen, branch, queue and title.

Examples:
  git crosslink lock list
  git crosslink list --locked-by @me`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.Issue](u, e.Terminal)
		if err != nil {
			return err
		}
		return runLockList(u.Context, f, e)
	})
}

func runLockList(ctx context.Context, l frame.List, e *command.Env) error {
	var (
		p    tracker.Projection
		rows []*store.Issue
	)
	err := e.Read(ctx, tracker.Fresh, func(_ *command.Repository, now tracker.Projection) (err error) {
		p = now
		rows, err = p.Locked()
		return err
	})
	if err != nil {
		return err
	}
	shapes, err := answer.New(p).Issues(rows)
	if err != nil {
		return err
	}
	a, err := frame.ResultOf(l, "locked issue", shapes, func(k int, _ *answer.Issue) frame.ListRow {
		i := rows[k]
		return frame.ListRow{Key: i.UUID.String(), ID: i.Name(), Fields: []string{numberText(i), i.Short, i.UUID.String(),
			i.Lock.Holder, strconv.FormatUint(i.Lock.Token, 10), i.Lock.Since.String(), i.Lock.Branch, strconv.FormatBool(i.Lock.Confirmed),
			strings.Join(Waiting(i), ","), i.Title}}
	}, func(pg *frame.Page, from, to int) { lockTable(e, pg, p, rows[from:to]) })
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

func Waiting(i *store.Issue) []string {
	var names []string
	for _, w := range i.Queue {
		names = append(names, w.Agent)
	}
	return names
}

func lockTable(e *command.Env, pg *frame.Page, p tracker.Projection, rows []*store.Issue) {
	t := &frame.Table{Header: []string{"id", "locked by", "token", "since", "last seen", "branch", "queue", "title"}, Flex: 7, Shrink: []int{1, 6}, Drop: []int{5, 2, 3, 6, 4}}
	who := shownAs(pg, people.NewNames(p))
	for _, i := range rows {
		token, since, sign := "-", e.Ago(i.Lock.Since), lastSign(e, p, i.Lock.Holder)
		if i.Lock.Confirmed {
			token = strconv.FormatUint(i.Lock.Token, 10)
		}
		if pg.Width == 0 {
			since = i.Lock.Since.Std().Format(time.RFC3339)
			sign = p.LastSign(i.Lock.Holder).Std().Format(time.RFC3339)
		}
		t.Add(frame.ID.Cell(i.Name()), frame.Agent.Cell(lockMark(i, who)), frame.Plain.Cell(token), frame.Time.Cell(since), frame.Time.Cell(sign),
			frame.Plain.Cell(i.Lock.Branch), frame.Agent.Cell(strings.Join(each(Waiting(i), who), ",")), frame.Plain.Cell(i.Title))
	}
	t.Write(pg)
}

// shownAs returns how a table shows agents: by name on a terminal, by id in a pipe.
func shownAs(pg *frame.Page, names *people.Names) func(id string) string {
	if pg.Width > 0 {
		return names.Brief
	}
	return func(id string) string { return id }
}

// each formats several agents.
func each(ids []string, who func(string) string) []string {
	all := make([]string, len(ids))
	for k, id := range ids {
		all[k] = who(id)
	}
	return all
}

// lockMark names the holder, and marks undecided locks.
func lockMark(i *store.Issue, who func(id string) string) string {
	if i.Lock == nil {
		return ""
	}
	switch holder := who(i.Lock.Holder); {
	case i.Status != event.Open: // the holder does not know yet
		return holder + " (over: " + string(i.Status) + ")"
	case !i.Lock.Confirmed:
		return holder + " (unconfirmed)"
	case i.Lock.Ending:
		return holder + " (ending)"
	default:
		return holder
	}
}

func newLockCheckCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "check", Usage: "ask the hub who holds a lock",
		UsageText: "git crosslink lock check [<options>] <id>",
		Description: `Asks the hub who holds the lock of an issue, and prints the holder, the token, the
start, when the holder was last seen, and when the hub was last contacted.

The exit status is 0 if you hold the lock and the hub has confirmed it, 1 if nobody
holds it or the issue is closed, 2 if somebody else holds it, and 3 if it is claimed
and not confirmed.

Examples:
  git crosslink lock check 12 && make release`,
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "the id of one issue")
		if err != nil {
			return err
		}
		return runLockCheck(u.Context, args[0], e)
	})
}

func runLockCheck(ctx context.Context, id string, e *command.Env) error {
	var (
		repo *command.Repository
		p    tracker.Projection
		i    *store.Issue
	)
	err := e.Read(ctx, tracker.Fresh, func(opened *command.Repository, view tracker.Projection) (err error) {
		repo, p = opened, view
		i, err = verb.Resolve(p, id)
		return err
	})
	if err != nil {
		return err
	}
	c, err := tracker.Standing(p, i.UUID, repo.Agent())
	if err != nil {
		return err
	}
	doc := answer.LockCheck{Outcome: string(c.Outcome), Agent: repo.Agent(), Place: c.Place}
	if doc.Issue, err = answer.New(p).Issue(i); err != nil {
		return err
	}
	if c.Lock != nil {
		doc.LastSign, doc.Presence = answer.TimeOrNull(p.LastSign(c.Lock.Holder)), answer.PresenceOf(p, c.Lock.Holder)
	}
	reached, last := repo.Refreshed()
	doc.Reached = reached
	if !last.IsZero() {
		doc.LastContact = answer.TimeOrNull(event.TimeOf(last))
	}
	a := frame.Result{Data: doc, IDs: []string{i.Name()}, Page: func(pg *frame.Page) { proof(e, pg, p, i, c, last) }}
	a.Failure = checkFailure(people.NewNames(p), c, i)
	return e.Print(ctx, a)
}

// checkFailure is the failure of a check unless you hold the lock.
func checkFailure(names *people.Names, c *tracker.Claim, i *store.Issue) *frame.Failure {
	switch c.Outcome {
	case tracker.Held:
		return nil
	case tracker.Closed:
		return closedIssue(i)
	case tracker.Free:
		return frame.No("not-locked", fmt.Sprintf("issue %s is not locked", i.Name()), "git crosslink lock "+i.Name())
	case tracker.Taken:
		return &frame.Failure{Code: frame.ExitLost, Kind: "locked", Message: fmt.Sprintf("issue %s is locked by %s", i.Name(), names.Quoted(c.Lock.Holder))}
	case tracker.Waiting:
		return &frame.Failure{Code: frame.ExitLost, Kind: "locked", Message: fmt.Sprintf("issue %s is locked by %s; you are number %d in the queue", i.Name(), names.Quoted(c.Lock.Holder), c.Place)}
	}
	return &frame.Failure{Code: frame.ExitUnconfirmed, Kind: "claim-unconfirmed",
		Message: fmt.Sprintf("issue %s is claimed, but the hub has not confirmed it yet", i.Name()), Hints: []string{"git crosslink sync"}}
}

func proof(e *command.Env, pg *frame.Page, p tracker.Projection, i *store.Issue, c *tracker.Claim, last time.Time) {
	pg.Print("%s  %s\n", pg.Paint(frame.ID, i.Name()), pg.Paint(frame.Title, i.Title))
	b := &briefing{Page: pg, e: e, s: answer.New(p), i: i}
	b.lock()
	if c.Lock == nil {
		pg.Print("    not locked\n")
	} else {
		pg.Print("    %s last seen: %s\n", frame.OneLine(b.s.Names.Quoted(c.Lock.Holder)), lastSign(e, p, c.Lock.Holder))
	}
	if last.IsZero() {
		pg.Print("    the hub was never contacted\n")
	} else {
		pg.Print("    last contact with the hub %s\n", e.Ago(event.TimeOf(last)))
	}
}

// lock shows who holds the issue and who waits for it.
func (b *briefing) lock() {
	i := b.i
	if l := i.Lock; l != nil {
		on := ""
		if l.Branch != "" {
			on = ", on branch " + frame.OneLine(l.Branch)
		}
		how, end := "locked", fmt.Sprintf(", token %d%s", l.Token, on)
		switch {
		case i.Status != event.Open:
			how, end = "last locked", fmt.Sprintf(": the issue is %s, so the lock has ended", i.Status)
		case !l.Confirmed:
			how, end = "claimed", ", unconfirmed"+on
		case l.Ending:
			end += "; ended here, unconfirmed"
		}
		b.Line("    ", "%s by %s %s%s", how, b.who(l.Holder), b.when(l.Since), end)
	}
	for _, w := range i.Queue {
		mark := ""
		if !w.Confirmed {
			mark = ", unconfirmed"
		}
		b.Line("    ", "in the queue: %s %s%s", b.who(w.Agent), b.when(w.Since), mark)
	}
}

// lastSign describes when an agent was last seen and, if by a heartbeat, in which state.
func lastSign(e *command.Env, p tracker.Projection, agent string) string {
	t := p.LastSign(agent)
	if t == 0 {
		return "never"
	}
	if a, ok := p.Presence(agent); ok && a.LastSeen == t {
		return fmt.Sprintf("%s (%s)", e.Ago(t), a.State)
	}
	return e.Ago(t)
}
