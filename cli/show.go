package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newShowCommand(e *env) *urfave.Command {
	return e.command(&urfave.Command{
		Name: "show", Aliases: []string{"view"}, Category: groupIssues,
		Usage:     "show all about issues",
		UsageText: "git crosslink show [<options>] <id>…",
		Description: `Prints a whole briefing of each issue: dates and people, labels, what it waits
for and what waits for it with their state, relations, milestone, time and
comments.

Examples:
  git crosslink show 12
  git crosslink show 12 3f9a1c2 --json`,
	}, func(u *urfave.Context) error {
		ids, err := arguments(u, 1, -1, "the id of an issue")
		if err != nil {
			return err
		}
		return runShow(u.Context, ids, e)
	})
}

func runShow(ctx context.Context, ids []string, e *env) error {
	var (
		p    tracker.Projection
		rows []*store.Issue
	)
	missing := e.read(ctx, tracker.Here, func(_ hub, now tracker.Projection) error {
		p, rows = now, nil
		var first error
		for _, id := range ids { // what there is is shown even if one id is wrong
			found, err := resolveAll(p, []string{id})
			rows = append(rows, found...)
			if first == nil {
				first = err
			}
		}
		return first
	})
	if missing != nil && (len(rows) == 0 || !notFound(missing)) {
		return missing
	}
	s, err := newShaper(p)
	if err != nil {
		return err
	}
	a := answer{pager: true}
	details := make([]detailShape, 0, len(rows))
	marks := make([]issueMarks, len(rows))
	for k, i := range rows {
		if marks[k], err = marksOf(p, i.UUID); err != nil {
			return err
		}
		d, err := s.detail(i, marks[k])
		if err != nil {
			return err
		}
		details = append(details, d)
		a.ids = append(a.ids, i.Name())
	}
	a.data = details
	a.page = func(pg *page) {
		for k, i := range rows {
			if k > 0 {
				pg.print("\n")
			}
			b := briefing{page: pg, e: e, s: s, i: i, marks: marks[k]}
			b.write()
		}
	}
	if missing != nil {
		a.no = e.whereLooked(ctx, missing)
	}
	err = e.say(ctx, a)
	if f := (*frame.Failure)(nil); errors.As(err, &f) && f == a.no {
		return f
	}
	return err
}

// briefing is one issue on a page.
type briefing struct {
	*page
	e *env
	s *shaper
	i *store.Issue

	marks issueMarks
}

func (b *briefing) write() {
	i := b.i
	b.print("%s  %s\n", b.paint.text(slotID, i.Name()), b.paint.text(slotTitle, i.Title))
	b.print("    %s, %s\n", b.paint.text(slot(i.Status), string(i.Status)), b.paint.text(slot(i.Priority), string(i.Priority)+" priority"))
	b.print("    created %s by %s%s, changed %s\n", b.when(i.CreatedAt), i.CreatedBy, b.paint.text(slotProblem, marked(b.marks.created)), b.e.ago(i.UpdatedAt))
	for _, n := range numbersBefore(b.s.p, i) {
		b.print("    was %d until the hub lost that\n", n)
	}
	if now := b.s.p.Aliases()[i.Number]; now != 0 && i.Number != 0 {
		b.print("    the number was that of %d until the hub lost that\n", now)
	}
	if i.ClosedAt != 0 {
		by := ""
		if i.StatusBy != "" {
			by = " by " + frame.OneLine(i.StatusBy)
		}
		b.print("    closed %s%s\n", b.when(i.ClosedAt), by)
	}
	if i.Reason != "" {
		b.reason(i.Reason)
	}
	if i.DueAt != 0 {
		late := painted("")
		if b.e.overdue(i) {
			late = b.paint.text(slotOverdue, " overdue")
		}
		b.print("    due %s (%s)%s\n", b.e.dateAt(i.DueAt, dayEnd), b.e.ago(i.DueAt), late)
	}
	if i.ScheduledAt != 0 {
		b.print("    scheduled %s (%s)\n", b.e.dateAt(i.ScheduledAt, dayStart), b.e.ago(i.ScheduledAt))
	}
	b.lock()
	b.list("labels", i.Labels)
	b.list("assigned to", i.Assignees)
	if m := b.s.milestones[i.Milestone]; m != nil {
		b.print("    milestone %s (%s)\n", m.Name, m.Status)
	}
	b.print("    uuid %s\n", i.UUID)
	if text := b.marks.summary(i.Name()); text != "" {
		b.print("    %s\n", b.paint.text(slotProblem, text))
	}
	if i.Description != "" {
		b.print("\n")
		b.block("    ", i.Description)
	}
	if i.Parent != (event.UUID{}) {
		b.neighbours("child of", []event.UUID{i.Parent})
	}
	b.neighbours("children", i.Children)
	b.neighbours("waits for", i.BlockedBy)
	b.neighbours("in a cycle with, and so not waiting for", i.Cyclic)
	b.neighbours("blocks", i.Blocks)
	b.relations()
	b.time()
	b.comments()
}

// reason is why the status is what it is: behind its name, or below it.
func (b *briefing) reason(text string) {
	if !strings.Contains(text, "\n") {
		b.print("    reason: %s\n", text)
		return
	}
	b.print("    reason:\n")
	b.block("        ", text)
}

func (b *briefing) when(t event.Time) string {
	return fmt.Sprintf("%s (%s)", b.e.date(t), b.e.ago(t))
}

func (b *briefing) list(title string, words []string) {
	if len(words) > 0 {
		b.print("    %s %s\n", title, strings.Join(words, ", "))
	}
}

func (b *briefing) heading(title string) { b.print("\n%s\n", b.paint.text(slotHeading, title)) }

// neighbours lists other issues with their state.
func (b *briefing) neighbours(title string, us []event.UUID) {
	rows := known(b.s.p, us)
	if len(rows) == 0 {
		return
	}
	b.heading(title)
	for _, o := range rows {
		b.neighbour("", o)
	}
}

func (b *briefing) neighbour(before string, o *store.Issue) {
	b.print("    %s%s %s  %s\n", before, b.paint.text(slot(o.Status), b.mark(o.Status)), b.paint.text(slotID, o.Name()), o.Title)
}

// mark shows a status: a symbol where possible, always with its word.
func (p *page) mark(s event.Status) string {
	switch s {
	case event.Open:
		return p.glyph("○ open", "open")
	case event.Closed:
		return p.glyph("● closed", "closed")
	}
	return p.glyph("◌ ", "") + string(s)
}

func (b *briefing) relations() {
	headed := false
	for _, r := range b.i.Relations {
		rows := known(b.s.p, []event.UUID{r.Other})
		if len(rows) == 0 {
			continue
		}
		if !headed {
			b.heading("relations")
			headed = true
		}
		b.neighbour(relationWords(r)+" ", rows[0])
	}
}

// relationWords reads a relation from this issue's end.
func relationWords(r reducer.Relation) string {
	switch {
	case r.Kind == event.Related:
		return "related to"
	case r.Outgoing:
		return map[event.RelationKind]string{
			event.DiscoveredFrom: "discovered from", event.Duplicates: "duplicates", event.Supersedes: "supersedes",
		}[r.Kind]
	}
	return map[event.RelationKind]string{
		event.DiscoveredFrom: "led to", event.Duplicates: "duplicated by", event.Supersedes: "superseded by",
	}[r.Kind]
}

func (b *briefing) time() {
	if len(b.i.Time) == 0 {
		return
	}
	var sum time.Duration
	for _, t := range b.i.Time {
		sum += spent(t)
	}
	b.heading("time")
	b.print("    %s in %d entries\n", sum.Round(time.Second), len(b.i.Time))
}

// spent is how long a time entry is: what it says, else from start to end.
func spent(t reducer.TimeEntry) time.Duration {
	switch {
	case t.DurationSeconds != nil:
		return time.Duration(min(*t.DurationSeconds, 1<<32)) * time.Second
	case t.EndedAt > t.StartedAt:
		return time.Duration(t.EndedAt - t.StartedAt)
	}
	return 0
}

func (b *briefing) comments() {
	if len(b.i.Comments) == 0 {
		return
	}
	b.heading("comments")
	for k := range b.i.Comments {
		c := &b.i.Comments[k]
		edited := ""
		if c.Edited {
			edited = ", edited"
		}
		b.print("    %s %s%s, %s, %s%s\n", b.paint.text(slotID, b.s.p.CommentShort(c.UUID)),
			c.Author, b.paint.text(slotProblem, marked(b.marks.comments[c.UUID])), c.Kind, b.when(c.CreatedAt), edited)
		if c.TriggerType != "" {
			b.print("        trigger: %s\n", c.TriggerType)
		}
		b.block("        ", c.Content)
		if c.InterventionContext != "" {
			b.print("        context:\n")
			b.block("          ", c.InterventionContext)
		}
	}
}
