package issue

import (
	"context"
	"slices"
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
)

func newListCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Aliases: []string{"ls"}, Category: frame.GroupIssues,
		Usage:     "list issues",
		UsageText: "git crosslink list [<options>]",
		Description: `Lists the open issues, or those that the options choose, newest first.

This command does not contact the hub. On a terminal it prints a table that fits:
first the names of labels, people and lock holders are cut ('core,+1'), then columns
are left out, in this order: changed, labels, who, due, locked by, priority, status.
With --overdue and --sort due, the due column is left out last. If the hub was not
contacted in the last 10 seconds, the last line shows the age of the list, and a sync
starts in the background.

In a pipe it prints id, status, priority, title, labels, assignees, time of the last
change and holder of the lock, separated by tabs. The table may change in later
versions; the output of --porcelain, -z and --format does not (docs/json.md lists the
fields).

Examples:
  git crosslink list --label bug --priority high
  git crosslink list --status all --sort updated --limit 10
  git crosslink list --assignee @me --format '%(number) %(due_at:short) %(title)'`,
		Flags: slices.Concat(statusFlags("open"), []urfave.Flag{allScopesFlag()}, filterFlags("created"), formFlags()),
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		opts, err := filterOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runList(u.Context, opts, e)
	})
}

func runList(ctx context.Context, opts filterOptions, e *command.Env) error {
	l := listing{opts: opts, wish: tracker.Here, status: opts.filter.Status != "open"}
	return l.run(ctx, e, func(p tracker.Projection, f store.Filter) ([]*store.Issue, int, error) { return p.List(f) })
}

func newSearchCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "search", Category: frame.GroupIssues,
		Usage:     "find issues by words",
		UsageText: "git crosslink search [<options>] <word>…",
		Description: `Lists the issues whose title, description or comments contain every word, in upper
or lower case. Words in double quotes are a phrase. '#6' finds issue 6 and the issues
that mention it. Closed issues are included. The exit status is 1 if no issue
matches.

Examples:
  git crosslink search flux capacitor
  git crosslink search '"flux capacitor" timeout'
  git crosslink search '#6'
  git crosslink search --status open timeout`,
		Flags: slices.Concat(statusFlags("all"), filterFlags("updated"), formFlags()),
	}, func(u *urfave.Context) error {
		words, err := frame.Arguments(u, 1, -1, "a word to look for")
		if err != nil {
			return err
		}
		opts, err := filterOptionsOf(u, e)
		if err != nil {
			return err
		}
		opts.allScopes = true
		return runSearch(u.Context, opts, strings.Join(words, " "), e)
	})
}

func runSearch(ctx context.Context, opts filterOptions, text string, e *command.Env) error {
	l := listing{opts: opts, wish: tracker.Here, status: true, none: frame.AnswersNo("no-match", "no issue contains these words")}
	return l.run(ctx, e, func(p tracker.Projection, f store.Filter) ([]*store.Issue, int, error) {
		return p.Search(text, f)
	})
}

// listing is the common part of the commands that print rows.
type listing struct {
	opts   filterOptions
	wish   tracker.Freshness
	status bool           // show the status column
	none   *frame.Failure // the failure for an empty list; nil for none
	// why adds a column that explains each row.
	why func(p tracker.Projection, i *store.Issue) (string, error)
}

func (l *listing) run(ctx context.Context, e *command.Env, query func(tracker.Projection, store.Filter) ([]*store.Issue, int, error)) error {
	var (
		p      tracker.Projection
		rows   []*store.Issue
		found  extent
		filter store.Filter
	)
	err := e.Read(ctx, l.wish, func(repo *command.Repository, now tracker.Projection) error {
		p = now
		f, err := l.opts.resolved(ctx, repo, p)
		if err != nil {
			return err
		}
		filter = f
		rows, found, err = l.opts.rows(e, p, f, func(f store.Filter) ([]*store.Issue, int, error) { return query(p, f) })
		return err
	})
	if err != nil {
		return err
	}
	a, err := l.answer(e, p, rows)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		a.Failure = l.none
		if err := l.opts.nothing(e, p, filter, &a); err != nil {
			return err
		}
	}
	a.Cut = l.opts.cut(e, rows, found)
	warnScope(ctx, e, &l.opts)
	return e.Print(ctx, a)
}

func (l *listing) answer(e *command.Env, p tracker.Projection, rows []*store.Issue) (a frame.Result, err error) {
	s := answer.New(p)
	if s.Err != nil {
		return a, s.Err
	}
	why := make([]string, len(rows))
	for k, i := range rows {
		a.IDs = append(a.IDs, i.Name())
		if l.why != nil {
			if why[k], err = l.why(p, i); err != nil {
				return a, err
			}
		}
	}
	if e.JSON {
		shapes, err := s.Issues(rows)
		if err != nil {
			return a, err
		}
		a.Data = shapes
		if l.why != nil {
			list := make([]answer.Explained, len(shapes))
			for k := range shapes {
				list[k] = answer.Explained{Issue: shapes[k], Why: why[k]}
			}
			a.Data = list
		}
	}
	a.Records = l.opts.forms.records(e, s, rows)
	a.Long = true
	a.Page = func(pg *frame.Page) { l.table(e, s.Names, rows, why, pg) }
	return a, nil
}

// Columns of a table of issues. In a pipe all columns but the last are printed, in this
// order.
const (
	colID = iota
	colStatus
	colPriority
	colTitle
	colLabels
	colWho
	colChanged
	colLocked
	colDue
)

// table prints rows for people. In a pipe the columns are always the same.
func (l *listing) table(e *command.Env, names *people.Names, rows []*store.Issue, why []string, pg *frame.Page) {
	t := &frame.Table{
		Header: []string{"id", "status", "priority", "title", "labels", "who", "changed", "locked by", "due"}, Flex: colTitle,
		Shrink: []int{colLabels, colWho, colLocked},
		Drop:   []int{colChanged, colLabels, colWho, colDue, colLocked, colPriority, colStatus},
	}
	if f := l.opts.filter; f.Overdue || f.Sort == "due" { // the reader is interested in dates
		t.Drop = []int{colChanged, colLabels, colWho, colLocked, colPriority, colStatus, colDue}
	}
	if l.why != nil {
		t.Notes = why
	}
	who := shownAs(pg, names)
	for _, i := range rows {
		c := []frame.Cell{
			frame.ID.Cell(i.Name()), frame.Slot(i.Status).Cell(string(i.Status)), frame.Slot(i.Priority).Cell(string(i.Priority)),
			frame.Plain.Cell(i.Title), frame.Label.Cell(strings.Join(i.Labels, ",")), frame.Plain.Cell(strings.Join(each(i.Assignees, who), ",")),
			frame.Time.Cell(i.UpdatedAt.Std().Format(time.RFC3339)), frame.Agent.Cell(lockMark(i, who)),
		}
		if pg.Width > 0 {
			c[colChanged].Text = e.Ago(i.UpdatedAt)
			if !l.status {
				c[colStatus].Text = ""
			}
			c = append(c, dueCell(e, i))
		}
		t.Add(c...)
	}
	t.Write(pg)
}

// dueCell formats the day on which an issue is due.
func dueCell(e *command.Env, i *store.Issue) frame.Cell {
	switch {
	case i.DueAt == 0 || i.Status != event.Open:
		return frame.Plain.Cell("")
	case overdue(e, i):
		return frame.Overdue.Cell(e.Day(i.DueAt))
	}
	return frame.Plain.Cell(e.Day(i.DueAt))
}

// overdue reports whether an issue should have been done.
func overdue(e *command.Env, i *store.Issue) bool {
	return i.Status == event.Open && i.DueAt != 0 && i.DueAt < event.TimeOf(e.Now())
}
