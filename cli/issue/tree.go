package issue

import (
	"context"
	"errors"
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

type treeOptions struct {
	id   string
	all  bool
	list frame.List
}

// treeRow is an issue of a tree for --format; a root has depth 0.
type treeRow struct {
	answer.Issue
	Depth int `json:"depth"`
}

// maxTreeDepth bounds how deep a tree is shown. Anybody may make a chain of parents of any
// length, and each level makes every line of it longer.
const maxTreeDepth = 64

func newTreeCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "tree", Category: frame.GroupIssues,
		Usage:     "show issues as a tree",
		UsageText: "git crosslink tree [<options>] [<id>]",
		Description: `Prints issues as a tree of parents and children, oldest first: all trees with an
open issue, or only the tree below one issue. A tree is printed 64 levels deep at
most. --limit and --after count whole trees, not issues. --porcelain prints the depth
as the first field, 0 for a root.

Examples:
  git crosslink tree
  git crosslink tree 3`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also closed and archived issues"},
		}, frame.PageFlags("trees", pageLimit)...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one id of an issue")
		if err != nil {
			return err
		}
		opts := treeOptions{all: u.Bool("all")}
		if len(args) == 1 {
			opts.id, opts.all = args[0], true
		}
		if opts.list, err = frame.ListOf[treeRow](u, e.Terminal); err != nil {
			return err
		}
		if !e.JSON && !e.Quiet && !opts.list.ForScripts() {
			opts.list = opts.list.Paged(u, pageLimit)
		}
		return runTree(u.Context, opts, e)
	})
}

func runTree(ctx context.Context, opts treeOptions, e *command.Env) error {
	var (
		p     tracker.Projection
		roots []event.UUID
	)
	err := e.Read(ctx, tracker.Here, func(_ *command.Repository, now tracker.Projection) (err error) {
		p, roots = now, nil
		if opts.id != "" {
			i, err := verb.Resolve(p, opts.id)
			if err != nil {
				return err
			}
			roots = []event.UUID{i.UUID}
			return nil
		}
		roots, err = p.Roots(!opts.all)
		return err
	})
	if err != nil {
		return err
	}
	from, to, cut, err := opts.list.Part("tree", len(roots), func(k int) string { return roots[k].String() })
	if err != nil {
		return err
	}
	s := answer.New(p)
	nodes := []answer.Node{}
	for _, u := range roots[from:to] {
		r, err := p.Row(u)
		if err != nil {
			return err
		}
		n, _, err := grow(s, r, opts.all, maxTreeDepth-1)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	a := frame.Result{Data: nodes, Long: true, Cut: cut}
	if opts.list.ForScripts() {
		a.Records = opts.list.Records()
	}
	hidden, above := 0, ""
	walk(nodes, 0, func(n *answer.Node, depth int) {
		if hidden += n.Hidden; n.Hidden > 0 && above == "" {
			above = n.Row.Name()
		}
		a.IDs = append(a.IDs, n.Row.Name())
		switch {
		case opts.list.Formats():
			err = errors.Join(err, opts.list.AddFormatted(a.Records, treeRow{n.Issue, depth}))
		case a.Records != nil:
			a.Records.Add(append([]string{strconv.Itoa(depth)}, porcelain(e, s, n.Row)...)...)
		}
	})
	if err != nil {
		return err
	}
	if hidden > 0 {
		e.Progress("%s deeper than %d levels not shown", frame.Count(hidden, "issue"), maxTreeDepth)
		e.ProgressHint("show the issues below one: git crosslink tree " + above)
	}
	a.Page = func(pg *frame.Page) { drawTree(pg, nodes, "", true) }
	return e.Print(ctx, a)
}

// grow makes the tree below an issue, down to a number of levels, and reports
// whether anything in it is open. Parents never form a cycle: the reducer shows
// none.
func grow(s *answer.Builder, i *store.Issue, all bool, levels int) (n answer.Node, open bool, err error) {
	n = answer.Node{Children: []answer.Node{}, Row: i}
	if n.Issue, err = s.Issue(i); err != nil {
		return n, false, err
	}
	open = i.Status == event.Open
	if levels == 0 {
		var alive int
		n.Hidden, alive = below(s.Projection, i)
		if !all {
			n.Hidden = alive
		}
		return n, open || alive > 0, nil
	}
	for _, c := range verb.Shown(s.Projection, i.Children) {
		child, alive, err := grow(s, c, all, levels-1)
		if err != nil {
			return n, false, err
		}
		if alive || all {
			n.Children = append(n.Children, child)
		}
		open = open || alive
	}
	return n, open, nil
}

// below counts the issues below one, and the open ones among them.
func below(p tracker.Projection, i *store.Issue) (all, open int) {
	for todo := verb.Shown(p, i.Children); len(todo) > 0; all++ {
		next := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], verb.Shown(p, next.Children)...)
		if next.Status == event.Open {
			open++
		}
	}
	return all, open
}

func walk(nodes []answer.Node, depth int, visit func(n *answer.Node, depth int)) {
	for k := range nodes {
		visit(&nodes[k], depth)
		walk(nodes[k].Children, depth+1, visit)
	}
}

func drawTree(pg *frame.Page, nodes []answer.Node, margin string, root bool) {
	for k := range nodes {
		n := &nodes[k]
		branch, below := pg.Glyph("├─ ", "|- "), pg.Glyph("│  ", "|  ")
		if k == len(nodes)-1 {
			branch, below = pg.Glyph("└─ ", "`- "), "   "
		}
		if root {
			branch, below = "", ""
		}
		pg.Print("%s%s%s  %s  %s\n", margin, branch, pg.Paint(frame.ID, n.Row.Name()),
			pg.Paint(frame.Slot(n.Row.Status), string(n.Row.Status)), pg.Fit(margin+branch+n.Row.Name()+"  "+string(n.Row.Status)+"  ", n.Row.Title))
		drawTree(pg, n.Children, margin+below, false)
	}
}
