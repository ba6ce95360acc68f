package issue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

type newOptions struct {
	issue verb.NewIssue // the title and description may come from text
	text  frame.TextSource
	lock  bool
	all   bool // do not add the label of crosslink.scope
	force bool // assign unknown people
	// prioritized: --priority was given, so the template's priority is ignored.
	prioritized bool
	template    *Template
	emit        tracker.EmitOptions
}

func newNewCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "new", Aliases: []string{"create"}, Category: frame.GroupIssues,
		Usage:     "create an issue",
		UsageText: "git crosslink new [<options>] <title>\ngit crosslink new [<options>] (-F <file> | --edit)\ngit crosslink new [--wait] --stdin-jsonl",
		Description: `Creates an issue and prints its number, or its short uuid if it has no number yet.

Without a title, the first line of the file or of the edited text is the title, and
the rest is the description. On a terminal your editor opens. The whole issue is
written at once or not at all.

--stdin-jsonl creates up to 500 issues at once, and prints their ids in the order
of the lines. Each line is a JSON object with a 'title' and optionally
'description', 'priority', 'labels', 'assignees', 'parent', 'blocked_by',
'discovered_from', 'milestone', 'due', 'scheduled'. With 'ref' you name an issue,
so that other lines can use this name in 'parent', 'blocked_by' and
'discovered_from'.

Examples:
  git crosslink new 'fix the flux' -p high -l bug
  git crosslink new -t 'retry on timeout' -m 'seen in CI' -l ci,net -p P1 -a @me
  git crosslink new 'retry on timeout' -d 'seen in CI' --discovered-from 12
  git crosslink new 'panics on an empty line' --template bug
  git crosslink new 'write the manual' --blocked-by 12 --due friday --assign @me
  printf 'title\n\nlong text' | git crosslink new -F -`,
		Flags: slices.Concat([]urfave.Flag{&urfave.StringFlag{Name: "title", Aliases: []string{"t"}, Usage: "`TEXT` is the title, in place of the argument"}}, frame.DescriptionFlags(), []urfave.Flag{
			&urfave.StringFlag{Name: "priority", Aliases: []string{"p"}, Usage: "low, medium (default), high or critical; also P0 to P3, urgent", Value: "medium"},
			&urfave.StringSliceFlag{Name: "label", Aliases: []string{"l"}, Usage: "add `LABEL`; may be repeated, or several with commas"},
			&urfave.StringFlag{Name: "parent", Usage: "child of issue `ID`"},
			&urfave.StringSliceFlag{Name: "blocked-by", Usage: "blocked by issue `ID`; may be repeated"},
			&urfave.StringFlag{Name: "due", Usage: "due at `DATE`: 2026-03-01, tomorrow, +3d, friday"},
			&urfave.StringFlag{Name: "scheduled", Usage: "not ready before `DATE`"},
			&urfave.StringFlag{Name: "milestone", Usage: "add it to `MILESTONE`, by name, number (%1) or short uuid"},
			&urfave.StringSliceFlag{Name: "assign", Aliases: []string{"a", "assignee"}, Usage: "assign `WHO`, by name, id or principal; @me is you; several, repeated or with commas"},
			forceFlag(),
			&urfave.StringFlag{Name: "discovered-from", Usage: "found while working on issue `ID`"},
			allScopesFlag(),
			&urfave.StringFlag{Name: "template", Usage: "start from template `NAME` (see 'git crosslink template list')"},
			&urfave.BoolFlag{Name: "stdin-jsonl", Usage: "create one issue for each line of JSON on stdin, all or none"},
			&urfave.BoolFlag{Name: "lock", Usage: "also lock it; exit 3 if the lock is not confirmed"},
		}, command.WriteFlags()),
	}, func(u *urfave.Context) error {
		if many, err := createsMany(u); err != nil {
			return err
		} else if many {
			o, err := e.EmitOptions(u)
			if err != nil {
				return err
			}
			return runNewMany(u.Context, o, u.Bool("all-scopes"), u.Bool("force"), e)
		}
		opts, err := newOptionsOf(u, e)
		if err == nil && u.IsSet("template") {
			err = fromTemplate(u.Context, e, u.String("template"), &opts)
		}
		if err != nil {
			return err
		}
		return runNew(u.Context, opts, e)
	})
}

func newOptionsOf(u *urfave.Context, e *command.Env) (opts newOptions, err error) {
	if n := u.NArg(); n > 1 {
		return opts, frame.Misuse(fmt.Sprintf("%d titles: a title is one argument", n),
			"quote it: git crosslink new "+shell.Quote(strings.Join(u.Args().Slice(), " ")))
	}
	opts.issue.Title = frame.TrimTitle(u.Args().First())
	if u.IsSet("title") {
		if u.NArg() == 1 {
			return opts, frame.Misuse("an argument and '--title' are two titles", "give one of them")
		}
		opts.issue.Title = frame.TrimTitle(u.String("title"))
	}
	if (u.NArg() == 1 || u.IsSet("title")) && opts.issue.Title == "" {
		return opts, frame.Misuse("the title is empty")
	}
	if opts.text, err = frame.TextSourceOf(u); err != nil {
		return opts, err
	}
	if opts.issue.Priority, err = priorityOf(u); err != nil {
		return opts, err
	}
	opts.prioritized = u.IsSet("priority")
	if opts.issue.Labels, err = labeling.list(u.StringSlice("label")); err != nil {
		return opts, err
	}
	if opts.issue.Due, err = command.DateOf(u, e, "due", frame.DayEnd); err != nil {
		return opts, err
	}
	if opts.issue.Scheduled, err = command.DateOf(u, e, "scheduled", frame.DayStart); err != nil {
		return opts, err
	}
	opts.issue.Parent = u.String("parent")
	opts.issue.BlockedBy = u.StringSlice("blocked-by")
	opts.issue.Milestone = u.String("milestone")
	if opts.issue.Assignees, err = assigning.list(u.StringSlice("assign")); err != nil {
		return opts, err
	}
	opts.issue.DiscoveredFrom = u.String("discovered-from")
	opts.emit, err = e.EmitOptions(u)
	opts.lock, opts.all, opts.force = u.Bool("lock"), u.Bool("all-scopes"), u.Bool("force")
	opts.emit.Lock = opts.lock
	return opts, err
}

func runNew(ctx context.Context, opts newOptions, e *command.Env) error {
	title, description, d, err := compose(ctx, e, opts)
	if err != nil {
		return err
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return d.Done(err)
	}
	n := opts.issue
	if !opts.all {
		n.Labels = WithScope(repo, n.Labels)
	}
	n.UUID, n.Title, n.Description = repo.MintUUID(), title, description
	branch := ""
	if opts.lock {
		branch = CurrentBranch(ctx, e, nil)
	}
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) ([]event.Body, error) {
		bodies, err := createBodies(ctx, repo, p, n, opts.force)
		if opts.lock {
			bodies = append(bodies, &event.LockClaimed{Issue: n.UUID, Branch: branch})
		}
		return bodies, err
	})
	if err != nil {
		return d.Done(err)
	}
	d.Done(nil)
	i, err := r.View.Issue(n.UUID)
	if err != nil {
		return err
	}
	follows := ""
	if i.Number == 0 {
		follows = "; it has no number yet"
	}
	e.Progress("created %s%s", command.Named(i), follows)
	warnSimilar(ctx, e, r.View, title, n.UUID)
	f := command.Unconfirmed(r, opts.emit)
	if opts.lock {
		c, err := tracker.Standing(r.View, n.UUID, r.Agent)
		if err != nil {
			return err
		}
		if not := ClaimFailure(e, repo, c, i); f == nil {
			f = not
		}
	}
	return printIssueWrite(ctx, e, r, n.UUID, f)
}

// createBodies returns the events of a new issue. force assigns unknown people.
func createBodies(ctx context.Context, repo *command.Repository, p tracker.Projection, n verb.NewIssue, force bool) ([]event.Body, error) {
	for _, set := range []struct {
		naming
		words []string
	}{{labeling, n.Labels}, {assigning, n.Assignees}} {
		var refused *verb.NameError
		if errors.As(set.set.CheckNames(p, nil, set.words), &refused) {
			f := nameFailure(refused, set.what)
			if len(refused.Shown) > 0 {
				f.Hints = []string{fmt.Sprintf("to refer to issue %[1]s: --parent %[1]s, --blocked-by %[1]s or --discovered-from %[1]s", refused.Shown[0])}
			}
			return nil, f
		}
	}
	if len(n.Assignees) > 0 {
		self, err := repo.Self(ctx, p)
		if err != nil {
			return nil, err
		}
		if n.Assignees, err = verb.AssigneesNamed(p, self, nil, n.Assignees, force); err != nil {
			return nil, err
		}
	}
	return verb.Create(p, repo.Agent(), &n)
}

// compose returns the title and description from their sources.
func compose(ctx context.Context, e *command.Env, opts newOptions) (title, description string, d *frame.Draft, err error) {
	title = opts.issue.Title
	description, given, err := e.ReadText(opts.text)
	if err != nil {
		return "", "", nil, err
	}
	if opts.template != nil && !given {
		description = opts.template.Description
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

// unique removes repetitions and keeps the order.
func unique(words []string) []string {
	var once []string
	for _, w := range words {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}
