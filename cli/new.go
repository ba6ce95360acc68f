package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

var priorities = []string{string(event.Low), string(event.Medium), string(event.High), string(event.Critical)}

type newOptions struct {
	title          string
	text           frame.TextSource
	priority       event.Priority
	labels         []string
	parent         string
	blockedBy      []string
	due, scheduled event.Time
	milestone      string
	assign         []string
	discoveredFrom string
	lock           bool
	emit           tracker.EmitOptions
}

func newNewCommand(e *env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "new", Aliases: []string{"create"}, Category: frame.GroupIssues,
		Usage:     "create an issue",
		UsageText: "git crosslink new [<options>] <title>\ngit crosslink new [<options>] (-F <file> | --edit)",
		Description: `Creates an issue and prints its number, or its short uuid while it has none.

Without a title the first line of the file or of the edited text is the title
and the rest is the description; on a terminal the editor opens by itself. All
of it is written as one: either everything is there or nothing.

Examples:
  git crosslink new 'fix the flux' -p high -l bug
  git crosslink new 'retry on timeout' -d 'seen in CI' --discovered-from 12
  git crosslink new 'write the manual' --blocked-by 12 --due friday --assign @me
  printf 'title\n\nlong text' | git crosslink new -F -`,
		Flags: slices.Concat(frame.DescriptionFlags(), []urfave.Flag{
			&urfave.StringFlag{Name: "priority", Aliases: []string{"p"}, Usage: "low, medium (default), high or critical", Value: "medium"},
			&urfave.StringSliceFlag{Name: "label", Aliases: []string{"l"}, Usage: "add `LABEL`; may be repeated"},
			&urfave.StringFlag{Name: "parent", Usage: "make it a child of issue `ID`"},
			&urfave.StringSliceFlag{Name: "blocked-by", Usage: "let it wait for issue `ID`; may be repeated"},
			&urfave.StringFlag{Name: "due", Usage: "due at `DATE`: 2026-03-01, tomorrow, +3d, friday"},
			&urfave.StringFlag{Name: "scheduled", Usage: "not ready before `DATE`"},
			&urfave.StringFlag{Name: "milestone", Usage: "put it into `MILESTONE`, by name or short uuid"},
			&urfave.StringSliceFlag{Name: "assign", Usage: "assign `WHO`; @me is yourself; may be repeated"},
			&urfave.StringFlag{Name: "discovered-from", Usage: "found while working on issue `ID`"},
			&urfave.BoolFlag{Name: "lock", Usage: "claim it, too; status 3 if that is not confirmed"},
		}, writeFlags()),
	}, func(u *urfave.Context) error {
		opts, err := newOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runNew(u.Context, opts, e)
	})
}

func newOptionsOf(u *urfave.Context, e *env) (opts newOptions, err error) {
	if n := u.NArg(); n > 1 {
		return opts, frame.Misuse(fmt.Sprintf("%d titles: a title is one argument", n),
			"quote it: git crosslink new "+frame.ShellQuote(strings.Join(u.Args().Slice(), " ")))
	}
	opts.title = frame.TrimTitle(u.Args().First())
	if u.NArg() == 1 && opts.title == "" {
		return opts, frame.Misuse("the title is empty")
	}
	if opts.text, err = frame.TextSourceOf(u); err != nil {
		return opts, err
	}
	priority, err := frame.OneOf(u, "priority", priorities)
	if err != nil {
		return opts, err
	}
	opts.priority = event.Priority(priority)
	if opts.labels, err = labelsOf(u.StringSlice("label")); err != nil {
		return opts, err
	}
	if opts.due, err = dateOf(u, e, "due", frame.DayEnd); err != nil {
		return opts, err
	}
	if opts.scheduled, err = dateOf(u, e, "scheduled", frame.DayStart); err != nil {
		return opts, err
	}
	opts.parent = u.String("parent")
	opts.blockedBy = u.StringSlice("blocked-by")
	opts.milestone = u.String("milestone")
	if opts.assign, err = assigning.names(u.StringSlice("assign")); err != nil {
		return opts, err
	}
	opts.discoveredFrom = u.String("discovered-from")
	opts.emit, err = e.emitOptions(u)
	opts.lock = u.Bool("lock")
	opts.emit.Lock = opts.lock
	return opts, err
}

// dateOf reads a date option; not given is 0, as none is.
func dateOf(u *urfave.Context, e *env, name string, at frame.DayEdge) (event.Time, error) {
	if !u.IsSet(name) {
		return 0, nil
	}
	return frame.ParseDate("--"+name, u.String(name), at, e.Now())
}

func runNew(ctx context.Context, opts newOptions, e *env) error {
	title, description, d, err := e.compose(ctx, opts)
	if err != nil {
		return err
	}
	h, err := e.hub(ctx)
	if err != nil {
		return d.Done(err)
	}
	issue := h.MintUUID()
	branch := ""
	if opts.lock {
		branch = e.branch(ctx, nil)
	}
	r, err := e.emit(ctx, opts.emit, func(h hub, p tracker.Projection) ([]event.Body, error) {
		bodies, err := opts.bodies(h, p, issue, title, description)
		if opts.lock {
			bodies = append(bodies, &event.LockClaimed{Issue: issue, Branch: branch})
		}
		return bodies, err
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	i, err := r.View.Issue(issue)
	if err != nil {
		return err
	}
	follows := ""
	if i.Number == 0 {
		follows = "; its number follows"
	}
	e.Progress("created %s%s", named(i), follows)
	no := unconfirmed(r, opts.emit)
	if opts.lock {
		c, err := tracker.Standing(r.View, issue, r.Agent)
		if err != nil {
			return err
		}
		if f := e.claimed(h, c, i); no == nil {
			no = f
		}
	}
	return e.wroteIssue(ctx, r, issue, no)
}

// compose gets title and description from wherever they are.
func (e *env) compose(ctx context.Context, opts newOptions) (title, description string, d *frame.Draft, err error) {
	title = opts.title
	description, _, err = e.ReadText(opts.text)
	if err != nil {
		return "", "", nil, err
	}
	if title == "" && opts.text.File != "" {
		title, description = frame.SplitMessage(description)
	}
	ask := opts.text.Edit || title == "" && opts.text.File == "" && e.InTTY && e.OutTTY && !e.JSON
	if ask {
		text := strings.TrimRight(title+"\n\n"+description, "\n")
		text, d, err = e.EditText(ctx, text, "The first line is the title, the rest the description.\nAn empty text creates nothing.")
		if err != nil {
			return "", "", nil, err
		}
		title, description = frame.SplitMessage(text)
	}
	if title == "" {
		return "", "", nil, d.Done(frame.Misuse("an issue needs a title", "git crosslink new 'what is to be done'"))
	}
	return title, description, d, nil
}

// bodies are the events of a new issue.
func (o *newOptions) bodies(h hub, p tracker.Projection, issue event.UUID, title, description string) ([]event.Body, error) {
	created := &event.IssueCreated{
		UUID: issue, Title: title, Description: description, Priority: o.priority, Labels: o.labels,
		CreatedBy: h.Agent(), ScheduledAt: o.scheduled, DueAt: o.due,
	}
	bodies := []event.Body{created}
	if err := labeling.refuseIssues(p, "new", nil, o.labels); err != nil {
		return nil, err
	}
	if err := assigning.refuseIssues(p, "new", nil, o.assign); err != nil {
		return nil, err
	}
	if o.parent != "" {
		i, err := resolve(p, o.parent)
		if err != nil {
			return nil, err
		}
		created.Parent = i.UUID
	}
	blockers, err := resolveAll(p, o.blockedBy)
	if err != nil {
		return nil, err
	}
	for _, b := range blockers {
		bodies = append(bodies, &event.DependencyAdded{Blocked: issue, Blocker: b.UUID})
	}
	if o.discoveredFrom != "" {
		i, err := resolve(p, o.discoveredFrom)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, &event.RelationAdded{A: issue, B: i.UUID, Kind: event.DiscoveredFrom})
	}
	for _, a := range o.assign {
		bodies = append(bodies, &event.AssigneeAdded{Issue: issue, Assignee: whom(h, a)})
	}
	if o.milestone != "" {
		m, err := resolveMilestone(p, o.milestone)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, &event.MilestoneAssigned{Issue: issue, Milestone: m.UUID})
	}
	return bodies, nil
}

// unique drops repetitions and keeps the order.
func unique(words []string) []string {
	var once []string
	for _, w := range words {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}
