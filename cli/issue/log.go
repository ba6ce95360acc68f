package issue

import (
	"context"
	"slices"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type logOptions struct {
	id      string
	reverse bool
	list    frame.List
}

func newLogCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "log", Category: frame.GroupIssues,
		Usage:     "show the history of an issue",
		UsageText: "git crosslink log [<options>] <id>",
		Description: `Prints who changed the issue, how and when, oldest change first. Changes that were
overruled or rejected are included. With --porcelain the fields are time, agent,
sequence, type, signer, reason of a rejection, and text. --limit prints the first
changes, with --reverse the newest.

Examples:
  git crosslink log 12
  git crosslink log 12 --reverse --limit 5`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "reverse", Usage: "newest first"},
		}, frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "one id of an issue")
		if err != nil {
			return err
		}
		opts := logOptions{id: args[0], reverse: u.Bool("reverse")}
		if opts.list, err = frame.ListOf(u, e.Terminal); err != nil {
			return err
		}
		return runLog(u.Context, opts, e)
	})
}

func runLog(ctx context.Context, opts logOptions, e *command.Env) error {
	var (
		p     tracker.Projection
		i     *store.Issue
		lines []*event.Envelope
	)
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, now tracker.Projection) (err error) {
		p = now
		if i, err = verb.Resolve(p, opts.id); err != nil {
			return err
		}
		lines, err = p.History(i.UUID)
		return err
	})
	if err != nil {
		return err
	}
	shapes := answer.History(p, i.UUID, lines)
	if opts.reverse {
		slices.Reverse(shapes)
		lines = slices.Clone(lines)
		slices.Reverse(lines)
	}
	rows := make([]frame.ListRow, len(shapes))
	for k, l := range shapes {
		rows[k] = frame.ListRow{Key: l.Agent + "/" + strconv.FormatUint(l.Seq, 10), Shape: l, Fields: l.Fields()}
	}
	a, err := opts.list.Result("changes", rows, func(pg *frame.Page, from, to int) {
		for k := from; k < to; k++ {
			l, mark := shapes[k], ""
			if l.Mark != nil {
				mark = Marked(*l.Mark)
			}
			text := l.Text
			if b, ok := lines[k].Body.(*event.ScheduleChanged); ok {
				text = answer.ScheduleWords(b, func(t event.Time, due bool) string {
					if due {
						return e.DateAt(t, frame.DayEnd)
					}
					return e.DateAt(t, frame.DayStart)
				})
			}
			pg.Print("%s  %s%s  %s\n", pg.Paint(frame.Time, e.Date(lines[k].Shown())), pg.Paint(frame.Agent, l.Agent), pg.Paint(frame.Problem, mark), text)
			if l.Rejected != nil {
				pg.Print("    %s %s\n", pg.Paint(frame.Problem, "rejected:"), l.Rejected.Reason+": "+l.Rejected.Detail)
			}
		}
	})
	if err != nil {
		return err
	}
	a.IDs = []string{i.Name()}
	return e.Print(ctx, a)
}
