package hub

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newRequestList(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "list requests",
		UsageText: "git crosslink request list [<options>]",
		Description: `Lists the unanswered requests to and from this worktree's agent, or the requests that
the options choose; @me is you. The column 'state' shows whether this clone obeys
a request, or why not. In a pipe the fields are id, kind, from, to, time, state and
reason.

Examples:
  git crosslink request list
  git crosslink request list --to bob-box-cd3e --all`,
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "to", Usage: "only requests to `AGENT`"},
			&urfave.StringFlag{Name: "from", Usage: "only requests from `AGENT`"},
			&urfave.BoolFlag{Name: "pending", Usage: "only unanswered requests (default)"},
			&urfave.BoolFlag{Name: "all", Usage: "also answered requests"},
		}, frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.Request](u, e.Terminal)
		if err != nil {
			return err
		}
		if u.Bool("all") && u.Bool("pending") {
			return frame.Misuse("'--all' and '--pending' exclude each other")
		}
		return runRequestList(u.Context, u.String("to"), u.String("from"), !u.Bool("all"), f, e)
	})
}

func runRequestList(ctx context.Context, to, from string, pending bool, l frame.List, e *command.Env) error {
	var all []tracker.Command
	var shapes []answer.Request
	err := e.Read(ctx, tracker.Here, func(repo *command.Repository, p tracker.Projection) (err error) {
		to, err := command.Whose(ctx, repo, p, to)
		if err != nil {
			return err
		}
		from, err := command.Whose(ctx, repo, p, from)
		if err != nil {
			return err
		}
		me := repo.Agent()
		all, shapes, err = judged(ctx, e, p, func(r *reducer.Request) bool {
			switch {
			case pending && r.Acked, to != nil && !slices.Contains(to, r.Target), from != nil && !slices.Contains(from, r.By):
				return false
			}
			return to != nil || from != nil || r.Target == me || r.By == me
		})
		return err
	})
	if err != nil {
		return err
	}
	a, err := requestsResult(e, l, all, shapes)
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

// requestsResult prints requests in every form.
func requestsResult(e *command.Env, l frame.List, all []tracker.Command, shapes []answer.Request) (frame.Result, error) {
	return frame.ResultOf(l, "request", shapes, func(_ int, x *answer.Request) frame.ListRow {
		return frame.ListRow{Key: x.ID, ID: x.ID, Fields: []string{x.ID, x.Kind, x.By, x.Target, x.SentAt, answer.OrEmpty(x.ExpiresAt),
			answer.OrEmpty(x.AckedAt), answer.OrEmpty(x.Result), strconv.FormatBool(x.Obeyed), answer.OrEmpty(x.Ignored), x.Issue.Name(), answer.OrEmpty(x.Reason)}}
	}, func(pg *frame.Page, from, to int) { requestTable(e, pg, all[from:to], shapes[from:to]) })
}

func requestTable(e *command.Env, pg *frame.Page, all []tracker.Command, shapes []answer.Request) {
	t := &frame.Table{Header: []string{"request", "kind", "from", "to", "sent", "state", "reason"}, Flex: 6, Shrink: []int{2, 3}, Drop: []int{4, 2, 0}}
	for k, c := range all {
		by, target := c.By, c.Target
		if pg.Width > 0 {
			by, target = cmp.Or(shapes[k].Names[by], by), cmp.Or(shapes[k].Names[target], target)
		}
		sent, state := e.Ago(c.SentAt), "obeyed"
		if pg.Width == 0 {
			sent = c.SentAt.Std().Format(time.RFC3339)
		}
		switch {
		case c.Acked && c.Acted:
			state = "done"
		case c.Acked:
			state = "refused"
		case c.Ignored != "":
			state = "ignored: " + c.Ignored
		}
		t.Add(frame.ID.Cell(c.ID), frame.Plain.Cell(string(c.Kind)), frame.Agent.Cell(by), frame.Agent.Cell(target),
			frame.Time.Cell(sent), frame.Plain.Cell(state), frame.Plain.Cell(c.Reason))
	}
	t.Write(pg)
}

// pollPause is how soon 'request poll --wait' contacts the hub again after a change.
const pollPause = 5 * time.Second

func newRequestPoll(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "poll", Usage: "ask the hub for requests to you",
		UsageText: "git crosslink request poll [<options>]",
		Description: `Asks the hub for requests, and prints the unanswered requests to this worktree's
agent: first those that this clone obeys, then those that it ignores. --wait asks
again until there is a request to obey, for at most --for seconds.

The exit status is 0 if there is a request to obey, otherwise 1.

Examples:
  git crosslink request poll
  git crosslink request poll --wait --for 60`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "wait", Usage: "wait until there is a request to obey"},
			&urfave.StringFlag{Name: "for", Usage: "wait at most `SECONDS`", Value: "600"},
		}, frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.Request](u, e.Terminal)
		if err != nil {
			return err
		}
		seconds, err := frame.Number(u, "for", 0, maxPoll)
		if err != nil {
			return err
		}
		if !u.Bool("wait") {
			seconds = 0
		}
		wait := time.Duration(seconds) * time.Second
		return runRequestPoll(u.Context, wait, f, e)
	})
}

// maxPoll is the longest wait for a request, in seconds: a year.
const maxPoll = 366 * 24 * 3600

func runRequestPoll(ctx context.Context, wait time.Duration, l frame.List, e *command.Env) error {
	var all []tracker.Command
	var shapes []answer.Request
	changed, until := e.Now(), e.Now().Add(wait)
	for {
		before := len(all)
		err := e.Read(ctx, tracker.Fresh, func(repo *command.Repository, p tracker.Projection) (err error) {
			me := repo.Agent()
			all, shapes, err = judged(ctx, e, p, func(r *reducer.Request) bool { return r.Target == me && !r.Acked })
			return err
		})
		if err != nil {
			return err
		}
		if len(all) != before {
			changed = e.Now()
		}
		left := until.Sub(e.Now())
		if slices.ContainsFunc(all, func(c tracker.Command) bool { return c.Ignored == "" }) || left <= 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(tracker.Pause(pollPause, e.Now().Sub(changed)), left)):
		}
	}
	slices.SortStableFunc(all, func(a, b tracker.Command) int { return obeyedFirst(a.Ignored == "", b.Ignored == "") })
	slices.SortStableFunc(shapes, func(a, b answer.Request) int { return obeyedFirst(a.Obeyed, b.Obeyed) })
	a, err := requestsResult(e, l, all, shapes)
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].Ignored != "" {
		a.Failure = frame.AnswersNo("no-request", "there is no request to obey")
	}
	return e.Print(ctx, a)
}

func obeyedFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
