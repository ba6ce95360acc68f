package issue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func explainFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "explain", Usage: "print the reason for each issue"}
}

type readyOptions struct {
	filterOptions
	explain bool
	claim   bool
}

func readyOptionsOf(u *urfave.Context, e *command.Env) (o readyOptions, err error) {
	if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
		return o, err
	}
	o.filterOptions, err = filterOptionsOf(u, e)
	o.explain, o.claim = u.Bool("explain"), u.Bool("claim")
	return o, err
}

func newReadyCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "ready", Category: frame.GroupNext,
		Usage:     "list issues that can be worked on now",
		UsageText: "git crosslink ready [<options>]",
		Description: `Lists the open issues that are not blocked, not locked by somebody else and not
scheduled for later, most urgent first. This command asks the hub first, and waits a
few seconds for it at most. The exit status is 1 if nothing is ready.

--claim locks the first issue that it can get and prints its id. An issue that you
already hold comes first, so repeating the command gives the same issue. The exit
status is 1 if no issue can be claimed, and 3 if the claim is not confirmed. If a
request has paused this agent, it is 1; if a request has killed it, 2.

Examples:
  git crosslink ready
  git crosslink ready --explain --limit 5
  git crosslink ready --assignee @me -q
  git crosslink ready --claim --label backend`,
		Flags: slices.Concat([]urfave.Flag{explainFlag(), allScopesFlag(), &urfave.BoolFlag{Name: "claim", Usage: "lock the first issue that can be claimed"}}, filterFlags("priority"), formFlags()),
	}, func(u *urfave.Context) error {
		opts, err := readyOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runReady(u.Context, opts, e)
	})
}

func runReady(ctx context.Context, opts readyOptions, e *command.Env) error {
	opts.filter.Ready = true
	if opts.claim {
		return runReadyClaim(ctx, opts, e)
	}
	l := listing{opts: opts.filterOptions, wish: tracker.Fresh, none: nothingReady()}
	if opts.explain {
		l.why = func(p tracker.Projection, i *store.Issue) (string, error) { return whyReady(e, p, i, l.opts.first) }
	}
	return l.run(ctx, e, func(p tracker.Projection, f store.Filter) ([]*store.Issue, int, error) { return p.List(f) })
}

func runReadyClaim(ctx context.Context, opts readyOptions, e *command.Env) error {
	if opts.forms.forScripts() {
		return frame.Misuse("'--claim' prints one id; it takes no '--format', '--porcelain' or '-z'")
	}
	var (
		repo *command.Repository
		p    tracker.Projection
		f    store.Filter
	)
	err := e.Read(ctx, tracker.Fresh, func(opened *command.Repository, view tracker.Projection) (err error) {
		repo, p = opened, view
		f, err = opts.resolved(ctx, repo, p)
		return err
	})
	if err != nil {
		return err
	}
	if no, err := command.MayNotClaim(ctx, repo, p); err != nil {
		return err
	} else if no != nil {
		return no
	}
	c, i, err := claimFirst(ctx, e, repo, p, f)
	if err != nil {
		return err
	}
	if c == nil {
		warnScope(ctx, e, &opts.filterOptions)
		return e.Print(ctx, frame.Result{Failure: nothingToClaim()})
	}
	shape, err := claimedOf(ctx, repo, c, i)
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: shape, IDs: []string{i.Name()}, Failure: ClaimFailure(e, repo, c, i)})
}

// claimedOf is the answer of ready --claim: the claim, and information that the agent needs
// first.
func claimedOf(ctx context.Context, repo *command.Repository, c *tracker.Claim, i *store.Issue) (answer.Claimed, error) {
	shape, _, err := answer.ClaimOf(c, i.UUID)
	doc := answer.Claimed{Claim: shape}
	if err != nil {
		return doc, err
	}
	flags, err := command.FlagsOf(ctx, repo, c.View)
	if err != nil {
		return doc, err
	}
	shapes := answer.New(c.View)
	doc.Flags = command.FlagsShape(shapes, flags)
	note, err := verb.HandoffOn(c.View, i, nil)
	if err == nil && note != nil {
		doc.Handoff = command.HandoffShape(shapes, note)
	}
	return doc, err
}

func nothingReady() *frame.Failure {
	return frame.AnswersNo("nothing-ready", "nothing is ready", "see what is blocked: git crosslink blocked --explain", "see who works on what: git crosslink lock list")
}

func newBlockedCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "blocked", Category: frame.GroupNext,
		Usage:     "list blocked issues",
		UsageText: "git crosslink blocked [<options>]",
		Description: `Lists the open issues that are blocked by open issues; --explain names the blockers.

Examples:
  git crosslink blocked --explain`,
		Flags: slices.Concat([]urfave.Flag{explainFlag(), allScopesFlag()}, filterFlags("priority"), formFlags()),
	}, func(u *urfave.Context) error {
		opts, err := readyOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runBlocked(u.Context, opts, e)
	})
}

func runBlocked(ctx context.Context, opts readyOptions, e *command.Env) error {
	opts.filter.Blocked = true
	l := listing{opts: opts.filterOptions, wish: tracker.Here}
	if opts.explain {
		l.why = whyBlocked
	}
	return l.run(ctx, e, func(p tracker.Projection, f store.Filter) ([]*store.Issue, int, error) { return p.List(f) })
}

func newNextCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "next", Category: frame.GroupNext,
		Usage:     "print the issue to work on next",
		UsageText: "git crosslink next [<options>]",
		Description: `Prints the first issue that 'ready' lists. The exit status is 1 if nothing is ready.

Examples:
  git crosslink next --explain
  git crosslink show $(git crosslink next -q)`,
		Flags: slices.Concat([]urfave.Flag{explainFlag(), allScopesFlag()}, filterFlags("priority"), formFlags()),
	}, func(u *urfave.Context) error {
		opts, err := readyOptionsOf(u, e)
		if err != nil {
			return err
		}
		return runNext(u.Context, opts, e)
	})
}

func runNext(ctx context.Context, opts readyOptions, e *command.Env) error {
	opts.filter.Ready = true
	opts.limit = 1
	var (
		p     tracker.Projection
		rows  []*store.Issue
		found extent
	)
	err := e.Read(ctx, tracker.Fresh, func(repo *command.Repository, now tracker.Projection) error {
		p = now
		f, err := opts.resolved(ctx, repo, p)
		if err != nil {
			return err
		}
		rows, found, err = opts.rows(e, p, f, p.List)
		return err
	})
	if err != nil {
		return err
	}
	warnScope(ctx, e, &opts.filterOptions)
	if len(rows) == 0 {
		return e.Print(ctx, frame.Result{Failure: nothingReady()})
	}
	s := answer.New(p)
	i := rows[0]
	shape, err := s.Issue(i)
	if err != nil {
		return err
	}
	why, err := whyReady(e, p, i, opts.first)
	if err != nil {
		return err
	}
	a := frame.Result{Data: answer.Explained{Issue: shape, Why: why}, IDs: []string{i.Name()}, Records: opts.forms.records(e, s, rows)}
	a.Page = func(pg *frame.Page) {
		pg.Print("%s  %s\n", pg.Paint(frame.ID, i.Name()), i.Title)
		if opts.explain {
			pg.Print("    first of %d ready: %s\n", found.total, why)
		}
	}
	return e.Print(ctx, a)
}

// whyReady explains why an issue is at its place in the list.
func whyReady(e *command.Env, p tracker.Projection, i *store.Issue, first []event.UUID) (string, error) {
	reasons := []string{string(i.Priority) + " priority"}
	if slices.Contains(first, i.UUID) {
		reasons = slices.Insert(reasons, 0, "a request puts it first")
	}
	switch {
	case overdue(e, i):
		reasons = append(reasons, "overdue since "+strings.TrimSuffix(e.Ago(i.DueAt), " ago"))
	case i.DueAt != 0:
		reasons = append(reasons, "due "+e.Ago(i.DueAt))
	}
	if len(i.BlockedBy) == 0 {
		reasons = append(reasons, "not blocked")
	} else {
		reasons = append(reasons, fmt.Sprintf("all %d blockers are closed", len(i.BlockedBy)))
	}
	if i.Lock != nil {
		reasons = append(reasons, "locked by you")
	}
	waiting := 0
	for _, o := range verb.Shown(p, i.Blocks) {
		if o.Status == event.Open {
			waiting++
		}
	}
	if waiting > 0 {
		reasons = append(reasons, fmt.Sprintf("blocks %d", waiting))
	}
	return strings.Join(reasons, ", "), nil
}

// whyBlocked names the blockers of an issue.
func whyBlocked(p tracker.Projection, i *store.Issue) (string, error) {
	open, err := store.OpenBlockers(p, i)
	if err != nil {
		return "", err
	}
	var names []string
	for _, b := range open {
		names = append(names, command.Named(b))
	}
	return "blocked by " + strings.Join(names, ", "), nil
}
