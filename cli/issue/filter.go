package issue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// pageLimit is the default number of issues on a page for people. Scripts get all.
const pageLimit = 50

// filterOptions select the issues of a list; their ids and names are resolved when the
// state is known.
type filterOptions struct {
	filter    store.Filter
	assignee  string
	lockedBy  string
	milestone string
	parent    string
	author    string
	allScopes bool // ignore crosslink.scope
	reverse   bool
	limit     int          // 0: all, -1: not given
	after     string       // the last issue of the previous part of the list
	first     []event.UUID // issues that requests put first
	forms     issueForms
}

// filterFlags are the options of lists that select and sort.
func filterFlags(sorted string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringSliceFlag{Name: "label", Aliases: []string{"l"}, Usage: "only issues with `LABEL`; may be repeated or contain commas: all must match"},
		&urfave.BoolFlag{Name: "no-label", Usage: "only issues without labels"},
		&urfave.StringFlag{Name: "priority", Aliases: []string{"p"}, Usage: "low, medium, high or critical; also P0 to P3, urgent"},
		&urfave.StringFlag{Name: "assignee", Aliases: []string{"a"}, Usage: "only issues assigned to `WHO`: a name, id or principal; @me is you, @this this agent"},
		&urfave.BoolFlag{Name: "unassigned", Usage: "only issues that nobody is assigned to"},
		&urfave.StringFlag{Name: "author", Usage: "only issues created by `WHO`: a name, id or principal; @me is you, @this this agent"},
		&urfave.StringFlag{Name: "locked-by", Usage: "only issues locked or claimed by `WHO`: a name, id or principal; @me is you, @this this agent"},
		&urfave.StringFlag{Name: "milestone", Usage: "only issues in `MILESTONE`, by name, number (%1) or short uuid"},
		&urfave.StringFlag{Name: "parent", Usage: "only children of issue `ID`"},
		&urfave.BoolFlag{Name: "overdue", Usage: "only overdue issues"},
		&urfave.StringFlag{Name: "sort", Usage: "sort by `ORDER`: created, updated, priority, due, number or title; -ORDER for descending order", Value: sorted},
		&urfave.BoolFlag{Name: "reverse", Usage: "reverse the order"},
		&urfave.StringFlag{Name: "limit", Aliases: []string{"n"}, Usage: fmt.Sprintf("at most `N`, also as -N; 0 for all (default: %d for people, all for scripts)", pageLimit)},
		&urfave.StringFlag{Name: "after", Usage: "continue the list after issue `ID`"},
	}
}

// statusFlags choose by status.
func statusFlags(def string) []urfave.Flag {
	return []urfave.Flag{&urfave.StringFlag{Name: "status", Aliases: []string{"s"}, Usage: "open, closed, archived or all (default: " + def + ")", Value: def},
		&urfave.BoolFlag{Name: "all", Usage: "the same as --status all"}}
}

func filterOptionsOf(u *urfave.Context, e *command.Env) (o filterOptions, err error) {
	if o.filter.Sort, o.reverse, err = sortOf(u); err != nil {
		return o, err
	}
	if o.filter.Priority, err = priorityOf(u); err != nil {
		return o, err
	}
	if u.Bool("all") {
		if u.IsSet("status") {
			return o, frame.Misuse("'--all' and '--status' exclude each other")
		}
		o.filter.Status = "all"
		return o, o.rest(u, e)
	}
	if u.IsSet("status") || u.String("status") != "" {
		if o.filter.Status, err = frame.OneOf(u, "status", store.Statuses); err != nil {
			return o, err
		}
	}
	return o, o.rest(u, e)
}

// rest reads the options that do not depend on the state.
func (o *filterOptions) rest(u *urfave.Context, e *command.Env) (err error) {
	if o.filter.Labels, err = labeling.list(u.StringSlice("label")); err != nil {
		return err
	}
	o.filter.Overdue = u.Bool("overdue")
	o.filter.Now = event.TimeOf(e.Now())
	o.assignee, o.milestone, o.parent = u.String("assignee"), u.String("milestone"), u.String("parent")
	o.lockedBy = u.String("locked-by")
	o.author, o.filter.NoLabel, o.filter.Unassigned = u.String("author"), u.Bool("no-label"), u.Bool("unassigned")
	for _, pair := range [][2]string{{"unassigned", "assignee"}, {"no-label", "label"}} {
		if u.Bool(pair[0]) && u.IsSet(pair[1]) {
			return frame.Misuse(fmt.Sprintf("'--%s' and '--%s' exclude each other: no issue has both", pair[0], pair[1]))
		}
	}
	if s := o.filter.Status; o.filter.Overdue && s != "" && s != "open" && s != "all" {
		return frame.Misuse("'--overdue' and '--status " + s + "' exclude each other: only open issues are overdue")
	}
	o.reverse = o.reverse != u.Bool("reverse")
	o.allScopes = u.Bool("all-scopes")
	o.after = u.String("after")
	if o.limit, err = frame.Limit(u, -1); err != nil {
		return err
	}
	o.forms, err = issueFormsOf(u, e)
	return err
}

// sortOf reads --sort. As in git, '-' before an order puts the greatest or newest first;
// some orders do this anyway.
func sortOf(u *urfave.Context) (order string, reverse bool, err error) {
	order, descending := strings.CutPrefix(u.String("sort"), "-")
	if u.IsSet("sort") && !slices.Contains(store.Sorts, order) {
		return "", false, frame.BadValue("--sort", order, store.Sorts)
	}
	return order, descending && !slices.Contains([]string{"created", "updated", "priority"}, order), nil
}

// resolved resolves the names in the filter. It leaves the limit to rows, which reverses
// the order first.
func (o *filterOptions) resolved(ctx context.Context, repo *command.Repository, p tracker.Projection) (store.Filter, error) {
	f := o.filter
	if f.Ready {
		flags, err := command.FlagsOf(ctx, repo, p)
		if err != nil {
			return f, err
		}
		o.first = flags.Reprioritise
	}
	for _, by := range []struct {
		word string
		into *[]string
	}{{o.assignee, &f.Assignees}, {o.author, &f.Authors}, {o.lockedBy, &f.LockedBy}} {
		var err error
		if *by.into, err = command.Whose(ctx, repo, p, by.word); err != nil {
			return f, err
		}
	}
	f.Me = repo.Agent()
	if !o.allScopes {
		f.Labels = WithScope(repo, f.Labels)
	}
	if o.parent != "" {
		i, err := verb.Resolve(p, o.parent)
		if err != nil {
			return f, err
		}
		f.Parent = i.UUID
	}
	if o.milestone != "" {
		m, err := verb.ResolveMilestone(p, o.milestone)
		if err != nil {
			return f, err
		}
		f.Milestone = m.UUID
	}
	return f, nil
}

// bound returns the limit in force.
func (o *filterOptions) bound(e *command.Env) int {
	switch {
	case o.limit >= 0:
		return o.limit
	case e.JSON || e.Quiet || o.forms.forScripts():
		return 0
	}
	return pageLimit
}

// extent is the size of a list.
type extent struct {
	total int // all rows
	left  int // rows after the shown ones
}

// lists evaluates a filter on all issues, or on those that a search finds.
type lists func(store.Filter) ([]*store.Issue, int, error)

// only returns one issue if the filter matches it, otherwise nil.
func (query lists) only(f store.Filter, u event.UUID) (*store.Issue, error) {
	f.Issue = u
	rows, _, err := query(f)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// notListed refuses to continue a list after an issue that has left it.
func notListed(name string) error {
	return frame.Fatal("not-listed", fmt.Sprintf("issue %s is not in this list", name), "start again without '--after'")
}

// rows are the issues query gives, in the order and number asked for. Issues that are not
// shown are not read.
func (o *filterOptions) rows(e *command.Env, p tracker.Projection, f store.Filter, query lists) ([]*store.Issue, extent, error) {
	var head []*store.Issue // issues that requests put first
	for _, u := range o.first {
		i, err := query.only(f, u)
		if err != nil {
			return nil, extent{}, err
		}
		if i != nil {
			head, f.Except = append(head, i), append(f.Except, u)
		}
	}
	total, before := -1, len(head)
	f.Reverse = o.reverse
	if o.after != "" {
		last, err := verb.Resolve(p, o.after)
		if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) && missing.Deleted != "" {
			return nil, extent{}, notListed(missing.Deleted) // not 1: the list has not ended
		}
		if err != nil {
			return nil, extent{}, err
		}
		at := slices.Index(f.Except, last.UUID)
		if at < 0 {
			if i, err := query.only(f, last.UUID); err != nil || i == nil {
				return nil, extent{}, cmp.Or(err, notListed(last.Name()))
			}
			f.Limit = 1
			if _, total, err = query(f); err != nil {
				return nil, extent{}, err
			}
			head, f.After = nil, last.UUID
		}
		head = head[min(at+1, len(head)):]
	}
	limit := o.bound(e)
	if f.Limit = 0; limit > 0 {
		f.Limit = max(limit-len(head), 1)
	}
	rows, rest, err := query(f)
	if err != nil {
		return nil, extent{}, err
	}
	if total < 0 {
		total = rest
	}
	x := extent{total + before, len(head) + rest}
	if rows = append(head, rows...); limit > 0 {
		rows = rows[:min(len(rows), limit)]
	}
	x.left -= len(rows)
	return rows, x, nil
}

// cut describes a list with a limit for JSON; nil for any other list.
func (o *filterOptions) cut(e *command.Env, rows []*store.Issue, x extent) *frame.Cut {
	limit := o.bound(e)
	if limit == 0 {
		return nil
	}
	c := &frame.Cut{Total: x.total, Limit: limit, Shown: len(rows), Of: "issue"}
	if x.left > 0 && len(rows) > 0 {
		next := rows[len(rows)-1].UUID.String()
		c.Next = &next
	}
	return c
}
