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
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type logOptions struct {
	id      string     // "": all issues
	since   event.Time // 0: from the beginning
	reverse bool
	list    frame.List
}

func newLogCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "log", Category: frame.GroupIssues,
		Usage:     "show the history of an issue, or what happened lately",
		UsageText: "git crosslink log [<options>] [<id>]",
		Description: `Prints who changed the issue, how and when, oldest change first. Changes that were
overruled or rejected are included. Without an id, this command prints what happened
to all issues since yesterday. --limit prints the newest changes, and --after continues
with older ones.

With --porcelain the fields are time, agent, sequence, type, signer, reason of a
rejection, and text; without an id, the issue's id and uuid come first.

Examples:
  git crosslink log 12
  git crosslink log 12 -5
  git crosslink log --since '2 weeks ago' --json`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "reverse", Usage: "newest first"},
			&urfave.StringFlag{Name: "since", Usage: "only changes since `DATE`, such as 3d or 2026-03-01 (default: yesterday; of one issue: all)"},
		}, frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one id of an issue")
		if err != nil {
			return err
		}
		opts := logOptions{reverse: u.Bool("reverse")}
		since := u.String("since")
		switch {
		case len(args) == 1:
			opts.id = args[0]
		case since == "":
			since = "yesterday"
		}
		if since != "" {
			if opts.since, err = frame.ParseSince("--since", since, e.Now()); err != nil {
				return err
			}
		}
		if opts.list, err = frame.ListOf[answer.LogLine](u, e.Terminal); err != nil {
			return err
		}
		return runLog(u.Context, opts, e)
	})
}

// change is a line of a log, and the issue it is about.
type change struct {
	issue *store.Issue
	line  *event.Envelope
	shape answer.LogLine
	names *people.Names
}

func runLog(ctx context.Context, opts logOptions, e *command.Env) error {
	var changes []change
	var ids []string
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		rows, err := loggedIssues(p, opts)
		if err != nil {
			return err
		}
		changes, ids = nil, nil
		s := answer.New(p)
		for _, i := range rows {
			lines, err := p.History(i.UUID)
			if err != nil {
				return err
			}
			lines = slices.DeleteFunc(slices.Clone(lines), func(l *event.Envelope) bool { return l.Shown() < opts.since })
			for k, shape := range answer.History(p, i.UUID, lines) {
				changes = append(changes, change{i, lines[k], answer.LogLine{Issue: s.Ref(i.UUID), Line: shape}, s.Names})
			}
			if len(lines) > 0 || opts.id != "" {
				ids = append(ids, i.Name())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if opts.id == "" {
		slices.SortStableFunc(changes, func(a, b change) int { return a.line.Key().Compare(b.line.Key()) })
		changes = slices.CompactFunc(changes, func(a, b change) bool { return a.line.Key() == b.line.Key() }) // a line about two issues
	}
	if opts.reverse {
		slices.Reverse(changes)
	} else {
		opts.list = opts.list.Newest()
	}
	shapes := make([]answer.LogLine, len(changes))
	for k, c := range changes {
		shapes[k] = c.shape
	}
	a, err := frame.ResultOf(opts.list, "change", shapes, func(k int, x *answer.LogLine) frame.ListRow {
		fields := x.Fields()
		if opts.id == "" {
			fields = append([]string{changes[k].issue.Name(), changes[k].issue.UUID.String()}, fields...)
		}
		return frame.ListRow{Key: x.Agent + "/" + strconv.FormatUint(x.Seq, 10), Fields: fields}
	}, func(pg *frame.Page, from, to int) {
		for _, c := range changes[from:to] {
			c.print(e, pg, opts.id == "")
		}
		printMarked(pg, changes[from:to])
	})
	if err != nil {
		return err
	}
	if a.IDs = ids; a.Nothing != "" {
		a.Nothing += " since " + e.DateAt(opts.since, frame.DayStart)
	}
	return e.Print(ctx, a)
}

// loggedIssues returns the issues whose history was requested.
func loggedIssues(p tracker.Projection, opts logOptions) ([]*store.Issue, error) {
	if opts.id != "" {
		i, err := verb.Resolve(p, opts.id)
		return []*store.Issue{i}, err
	}
	rows, _, err := p.List(store.Filter{Status: "all", Sort: "updated", Since: opts.since})
	return rows, err
}

func (c *change) print(e *command.Env, pg *frame.Page, named bool) {
	mark := ""
	if c.shape.Mark != nil {
		mark = markedLine(*c.shape.Mark)
	}
	text := c.shape.Text
	at := func(edge frame.DayEdge) func(event.Time) string {
		return func(t event.Time) string { return e.DateAt(t, edge) }
	}
	if dated, ok := answer.WithDates(c.line.Body, at(frame.DayStart), at(frame.DayEnd)); ok {
		text = dated
	}
	if _, created := c.line.Body.(*event.IssueCreated); created && named { // the text has the title
		text = c.issue.Name() + ": " + text
	} else if named {
		text = command.Named(c.issue) + ": " + text
	}
	pg.Line("", "%s  %s%s  %s", pg.Paint(frame.Time, e.Date(c.line.Shown())), pg.Paint(frame.Agent, c.names.Brief(c.shape.Agent)), pg.Paint(frame.Problem, mark), text)
	if c.shape.Rejected != nil {
		pg.Line("    ", "%s %s", pg.Paint(frame.Problem, "rejected:"), c.shape.Rejected.Reason+": "+c.shape.Rejected.Detail)
	}
}

// printMarked lists the marked agents below the changes.
func printMarked(pg *frame.Page, changes []change) {
	of := map[string][]string{}
	for _, c := range changes {
		if m := c.shape.Mark; m != nil && !slices.Contains(of[*m], c.shape.Agent) {
			of[*m] = append(of[*m], c.shape.Agent)
		}
	}
	if len(of) > 0 {
		for _, text := range agentMarks(of, changes[0].names) {
			pg.Line("", "%s", pg.Paint(frame.Note, text))
		}
	}
}
