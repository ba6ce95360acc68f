package issue

import (
	"context"
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newMilestoneList(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "list milestones",
		UsageText: "git crosslink milestone list [<options>]",
		Description: `Lists the open milestones with their progress, ordered by due date. In a pipe the
fields are short uuid, status, due date, closed issues, all issues, time spent in
seconds, and name.

Examples:
  git crosslink milestone list
  git crosslink milestone list --status all --json`,
		Flags: append([]urfave.Flag{&urfave.StringFlag{Name: "status", Aliases: []string{"s"}, Usage: "open, closed or all", Value: "open"}}, frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		f, err := frame.ListAlone[answer.MilestoneInfo](u, e.Terminal)
		if err != nil {
			return err
		}
		status, err := frame.OneOf(u, "status", []string{"open", "closed", "all"})
		if err != nil {
			return err
		}
		return runMilestoneList(u.Context, status, f, e)
	})
}

func runMilestoneList(ctx context.Context, status string, l frame.List, e *command.Env) error {
	var shapes []answer.MilestoneInfo
	var all []*reducer.Milestone
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) error {
		every, err := p.Milestones()
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(every, func(m *reducer.Milestone) bool { return status != "all" && string(m.Status) != status })
		slices.SortStableFunc(all, func(a, b *reducer.Milestone) int {
			due := func(m *reducer.Milestone) uint64 { return uint64(m.DueAt) - 1 } // milestones without a date come last
			switch x, y := due(a), due(b); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		shapes, err = answer.New(p).MilestoneInfos(all)
		return err
	})
	if err != nil {
		return err
	}
	a, err := frame.ResultOf(l, kindOf(status), shapes, func(_ int, x *answer.MilestoneInfo) frame.ListRow {
		return frame.ListRow{Key: x.UUID, ID: x.Short, Fields: []string{x.Short, x.UUID, x.Status, answer.OrEmpty(x.DueAt),
			strconv.Itoa(x.ClosedCount), strconv.Itoa(x.IssueCount), strconv.FormatUint(x.Seconds, 10), x.Name}}
	}, func(pg *frame.Page, from, to int) { milestoneTable(e, pg, all[from:to], shapes[from:to]) })
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

func milestoneTable(e *command.Env, pg *frame.Page, all []*reducer.Milestone, shapes []answer.MilestoneInfo) {
	t := &frame.Table{Header: []string{"id", "status", "due", "closed", "issues", "time", "name"}, Flex: 6, Drop: []int{5, 1, 4, 3, 2}}
	for k, m := range all {
		x := &shapes[k]
		due, slot, spent := "", frame.Time, strconv.FormatUint(x.Seconds, 10)
		if m.DueAt != 0 {
			if due = m.DueAt.Std().Format(time.RFC3339); pg.Width > 0 {
				due = e.DateAt(m.DueAt, frame.DayEnd)
			}
			if late(e, m) {
				slot = frame.Overdue
			}
		}
		if pg.Width > 0 {
			if spent = ""; x.Seconds > 0 {
				spent = frame.Duration(x.Seconds)
			}
		}
		id := x.Short
		if pg.Width > 0 {
			id = x.ID()
		}
		t.Add(frame.ID.Cell(id), frame.Slot(x.Status).Cell(x.Status), slot.Cell(due), frame.Plain.Cell(strconv.Itoa(x.ClosedCount)),
			frame.Plain.Cell(strconv.Itoa(x.IssueCount)), frame.Plain.Cell(spent), frame.Plain.Cell(x.Name))
	}
	t.Write(pg)
}

// late reports whether a milestone is overdue.
func late(e *command.Env, m *reducer.Milestone) bool {
	return m.Status == event.Open && m.DueAt != 0 && m.DueAt < event.TimeOf(e.Now())
}

func newMilestoneShow(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "show", Aliases: []string{"view"}, Usage: "show a milestone and its issues",
		UsageText: "git crosslink milestone show [<options>] <milestone>",
		Description: `Shows when a milestone is due, its progress, the time spent on it and its issues.

Examples:
  git crosslink milestone show 1.0`,
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, theMilestone)
		if err != nil {
			return err
		}
		return runMilestoneShow(u.Context, args[0], e)
	})
}

func runMilestoneShow(ctx context.Context, id string, e *command.Env) error {
	var (
		m    *reducer.Milestone
		rows []*store.Issue
		doc  answer.MilestoneDetail
		s    *answer.Builder
	)
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, p tracker.Projection) (err error) {
		if m, err = verb.ResolveMilestone(p, id); err != nil {
			return err
		}
		s = answer.New(p)
		shapes, err := s.MilestoneInfos([]*reducer.Milestone{m})
		if err != nil {
			return err
		}
		rows = verb.Shown(p, m.Issues)
		doc.MilestoneInfo = shapes[0]
		doc.Issues, err = s.Issues(rows)
		return err
	})
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: doc, IDs: []string{doc.Short}, Long: true, Page: func(pg *frame.Page) { milestonePage(e, pg, m, &doc, rows, s.Names) }})
}

func milestonePage(e *command.Env, pg *frame.Page, m *reducer.Milestone, doc *answer.MilestoneDetail, rows []*store.Issue, names *people.Names) {
	pg.Heading(doc.ID(), m.Name)
	pg.Line("    ", "%s, %d of %d issues closed", pg.Paint(frame.Slot(m.Status), string(m.Status)), doc.ClosedCount, doc.IssueCount)
	if m.DueAt != 0 {
		overdue := frame.Painted("")
		if late(e, m) {
			overdue = pg.Paint(frame.Overdue, " overdue")
		}
		pg.Line("    ", "due %s (%s)%s", e.DateAt(m.DueAt, frame.DayEnd), e.Ago(m.DueAt), overdue)
	}
	pg.Line("    ", "created %s (%s) by %s", e.Date(m.CreatedAt), e.Ago(m.CreatedAt), names.Full(m.CreatedBy))
	if m.ClosedAt != 0 {
		pg.Line("    ", "closed %s (%s) by %s", e.Date(m.ClosedAt), e.Ago(m.ClosedAt), names.Full(m.StatusBy))
	}
	if doc.Seconds > 0 {
		pg.Line("    ", "time %s", frame.Duration(doc.Seconds))
	}
	pg.Line("    ", "uuid %s", m.UUID)
	if m.Description != "" {
		pg.Print("\n")
		pg.Block("    ", m.Description)
	}
	if len(rows) > 0 {
		pg.Print("\n%s\n", pg.Paint(frame.Heading, "issues"))
	}
	for _, i := range rows {
		issueLine(pg, "", i)
	}
}

// kindOf names the elements of a list of milestones.
func kindOf(status string) string {
	if status == "all" {
		return "milestone"
	}
	return status + " milestone"
}
