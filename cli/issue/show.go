package issue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newShowCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "show", Aliases: []string{"view"}, Category: frame.GroupIssues,
		Usage:     "show issues in full",
		UsageText: "git crosslink show [<options>] <id>…",
		Description: `Prints all details of each issue: dates, people, labels, blockers and blocked issues
with their states, relations, milestone, time and comments.

Examples:
  git crosslink show 12
  git crosslink show 12 3f9a1c2 --json`,
	}, func(u *urfave.Context) error {
		ids, err := frame.Arguments(u, 1, -1, "the id of an issue")
		if err != nil {
			return err
		}
		return runShow(u.Context, ids, e)
	})
}

func runShow(ctx context.Context, ids []string, e *command.Env) error {
	var (
		p    tracker.Projection
		rows []*store.Issue
	)
	missing := e.Read(ctx, tracker.Here, func(_ *command.Repository, now tracker.Projection) error {
		p, rows = now, nil
		var first error
		for _, id := range ids { // the existing issues are shown even if one id is wrong
			found, err := verb.ResolveTexts(p, id)
			if err == nil {
				rows = append(rows, found)
			}
			if first == nil {
				first = err
			}
		}
		return first
	})
	if missing != nil && (len(rows) == 0 || !verb.Missing(missing)) {
		return missing
	}
	s := answer.New(p)
	a := frame.Result{Long: true}
	details := make([]answer.Detail, 0, len(rows))
	marks := make([]answer.Marks, len(rows))
	for k, i := range rows {
		m, err := answer.MarksOf(p, i.UUID)
		if err != nil {
			return err
		}
		d, err := s.Detail(i, m)
		if err != nil {
			return err
		}
		marks[k], details = m, append(details, d)
		a.IDs = append(a.IDs, i.Name())
	}
	a.Data = details
	a.Page = func(pg *frame.Page) {
		for k, i := range rows {
			if k > 0 {
				pg.Print("\n")
			}
			b := briefing{Page: pg, e: e, s: s, i: i, marks: marks[k]}
			b.write()
		}
	}
	if missing != nil {
		a.Failure = e.Explain(ctx, missing)
	}
	err := e.Print(ctx, a)
	if f := (*frame.Failure)(nil); errors.As(err, &f) && f == a.Failure {
		return f
	}
	return err
}

// briefing is one issue on a page.
type briefing struct {
	*frame.Page
	e *command.Env
	s *answer.Builder
	i *store.Issue

	marks answer.Marks
}

func (b *briefing) write() {
	i := b.i
	b.Heading(i.Name(), i.Title)
	b.Line("    ", "%s, %s", b.Paint(frame.Slot(i.Status), string(i.Status)), b.Paint(frame.Slot(i.Priority), string(i.Priority)+" priority"))
	b.Line("    ", "created %s by %s%s, changed %s", b.when(i.CreatedAt), b.who(i.CreatedBy), b.Paint(frame.Problem, markedLine(b.marks.Created)), b.e.Ago(i.UpdatedAt))
	for _, n := range answer.NumbersBefore(b.s.Projection, i) {
		b.Line("    ", "was issue %d until the hub lost that number", n)
	}
	if now := b.s.Projection.Aliases()[i.Number]; now != 0 && i.Number != 0 {
		b.Line("    ", "this number belonged to %d until the hub lost that number", now)
	}
	if i.ClosedAt != 0 {
		by := ""
		if i.StatusBy != "" {
			by = " by " + b.who(i.StatusBy)
		}
		b.Line("    ", "closed %s%s", b.when(i.ClosedAt), by)
	}
	if i.Reason != "" {
		b.reason(i.Reason)
	}
	if i.DueAt != 0 {
		late := frame.Painted("")
		if overdue(b.e, i) {
			late = b.Paint(frame.Overdue, " overdue")
		}
		b.Line("    ", "due %s (%s)%s", b.e.DateAt(i.DueAt, frame.DayEnd), b.e.Ago(i.DueAt), late)
	}
	if i.ScheduledAt != 0 {
		b.Line("    ", "scheduled %s (%s)", b.e.DateAt(i.ScheduledAt, frame.DayStart), b.e.Ago(i.ScheduledAt))
	}
	b.lock()
	b.list("labels", i.Labels)
	b.list("assigned to", each(i.Assignees, b.s.Names.Full))
	if m := b.s.Milestones[i.Milestone]; m != nil {
		b.Line("    ", "milestone %s (%s)", m.Name, m.Status)
	}
	for _, l := range i.Links {
		b.Line("    ", "link %s (%s)", l.Ref, l.Kind)
	}
	b.Line("    ", "uuid %s", i.UUID)
	if text := marksSummary(b.marks, i.Name()); text != "" {
		b.Line("    ", "%s", b.Paint(frame.Problem, text))
	}
	for _, text := range agentMarks(b.marks.Agents, b.s.Names) {
		b.Line("    ", "%s", b.Paint(frame.Note, text))
	}
	if i.Description != "" {
		b.Print("\n")
		b.Block("    ", i.Description)
	}
	if i.Parent != (event.UUID{}) {
		b.neighbors("child of", []event.UUID{i.Parent})
	}
	b.neighbors("children", i.Children)
	b.neighbors("blocked by", i.BlockedBy)
	b.neighbors("in a cycle with (ignored)", i.Cyclic)
	b.neighbors("blocks", i.Blocks)
	b.relations()
	b.time()
	b.comments()
}

// reason shows the reason of the status: after its name, or below it.
func (b *briefing) reason(text string) {
	if !strings.Contains(text, "\n") {
		b.Line("    ", "reason: %s", text)
		return
	}
	b.Line("    ", "reason:")
	b.Block("        ", text)
}

func (b *briefing) when(t event.Time) string {
	return fmt.Sprintf("%s (%s)", b.e.Date(t), b.e.Ago(t))
}

// who returns an agent's id with its name.
func (b *briefing) who(id string) string { return frame.OneLine(b.s.Names.Full(id)) }

func (b *briefing) list(title string, words []string) {
	if len(words) > 0 {
		b.Line("    ", "%s %s", title, strings.Join(words, ", "))
	}
}

func (b *briefing) heading(title string) { b.Print("\n%s\n", b.Paint(frame.Heading, title)) }

// neighbors lists other issues with their state.
func (b *briefing) neighbors(title string, us []event.UUID) {
	rows := verb.Shown(b.s.Projection, us)
	if len(rows) == 0 {
		return
	}
	b.heading(title)
	for _, o := range rows {
		issueLine(b.Page, "", o)
	}
}

// issueLine writes an issue with its state on a line, cut to fit.
func issueLine(pg *frame.Page, before string, o *store.Issue) {
	state := Mark(pg, o.Status)
	pg.Print("    %s%s %s  %s\n", before, pg.Paint(frame.Slot(o.Status), state), pg.Paint(frame.ID, o.Name()), pg.Fit("    "+before+state+" "+o.Name()+"  ", o.Title))
}

// Mark returns the symbol of a status if possible, and always its word.
func Mark(p *frame.Page, s event.Status) string {
	switch s {
	case event.Open:
		return p.Glyph("○ open", "open")
	case event.Closed:
		return p.Glyph("● closed", "closed")
	}
	return p.Glyph("◌ ", "") + string(s)
}

func (b *briefing) relations() {
	headed := false
	for _, r := range b.i.Relations {
		rows := verb.Shown(b.s.Projection, []event.UUID{r.Other})
		if len(rows) == 0 {
			continue
		}
		if !headed {
			b.heading("relations")
			headed = true
		}
		issueLine(b.Page, relationWords(r)+" ", rows[0])
	}
}

// relationWords describes a relation from this issue's side.
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
	var sum uint64
	for k := range b.i.Time {
		sum += store.Seconds(&b.i.Time[k])
	}
	b.heading("time")
	b.Print("    %s in %s\n", frame.Duration(sum), frame.Entries(len(b.i.Time)))
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
			if by := b.marks.Editors[c.UUID]; by != c.By {
				edited += " by " + b.who(by)
			}
		}
		b.Line("    ", "%s %s%s, %s, %s%s", b.Paint(frame.ID, b.s.Projection.CommentShort(c.UUID)),
			b.who(c.Author), b.Paint(frame.Problem, markedLine(b.marks.Comments[c.UUID])), c.Kind, b.when(c.CreatedAt), edited)
		if c.TriggerType != "" {
			b.Line("        ", "trigger: %s", c.TriggerType)
		}
		b.Block("        ", c.Content)
		if c.InterventionContext != "" {
			b.Print("        context:\n")
			b.Block("          ", c.InterventionContext)
		}
	}
}
