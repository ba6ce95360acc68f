package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/forms"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/query"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/verb"
)

// How much the views of issues show.
const (
	columnRows = 50
	treeRows   = 1000
	doneWithin = 7 * 24 * time.Hour
)

// The views, and the groups of a board.
var (
	issueViews  = []string{"table", "board", "tree"}
	issueGroups = []string{"status", "label", "assignee", "milestone", "priority", "agent"}
)

// issuesPage is the data of the page of issues.
type issuesPage struct {
	Project   projectDoc     `json:"project"`
	Query     string         `json:"q"`
	View      string         `json:"view"`
	Group     string         `json:"group,omitempty"`
	Sort      string         `json:"sort"`
	Shown     []string       `json:"columns"`
	Page      int            `json:"page"`
	Total     int            `json:"total"`
	Issues    []answer.Issue `json:"issues"`
	Error     string         `json:"error,omitempty"` // of the query
	Rows      []issueDoc     `json:"-"`
	Columns   []column       `json:"-"`
	Tree      []node         `json:"-"`
	Sorts     []string       `json:"-"`
	Groups    []string       `json:"-"`
	Operators [][2]string    `json:"-"`
	Can       bool           `json:"-"` // change anything
	Self      url.Values     `json:"-"` // the query of this page
}

// column is a column of a board. One of Verbs moves a card into it and sets Field;
// Verbs is empty if no verb can.
type column struct {
	Name  string
	Total int
	Rows  []card
	Verbs string // with spaces between
	Field string
	Value string
}

// card is an issue on a board, with the verbs by which it may be moved.
type card struct {
	issueDoc
	Moves string
}

// put adds an issue; only the first few are shown.
func (c *column) put(n naming, i *store.Issue, moves string) {
	if c.Total++; len(c.Rows) < columnRows {
		c.Rows = append(c.Rows, card{issueDocOf(n, i), moves})
	}
}

// boardMoves are the groups of a board between whose columns one verb moves an
// issue, and its field.
var boardMoves = map[string][2]string{"label": {"label", "name"}, "assignee": {"assign", "name"}, "priority": {"priority", "priority"}, "milestone": {"milestone", "milestone"}}

// statusMoves are the verbs by which an issue leaves a column of the board by
// status. A blocked issue is not made ready by a verb of its own.
func statusMoves(i *store.Issue, agent string) string {
	switch {
	case i.Status != event.Open:
		return "reopen"
	case i.Lock == nil || i.Lock.Ending:
		return "claim close"
	case i.Lock.Holder == agent:
		return "release close"
	}
	return "close"
}

// node is an issue with its children.
type node struct {
	Issue issueDoc
	Below []node
	Slug  string
}

// With is the link to this page with one value changed.
func (d issuesPage) With(name string, value any) string {
	q := url.Values{}
	for k, v := range d.Self {
		q[k] = v
	}
	if name != "page" {
		q.Del("page")
	}
	q.Set(name, fmt.Sprint(value))
	return "?" + q.Encode()
}

// From and To are the positions of the rows that a page of the table shows.
func (d issuesPage) From() int { return (d.Page-1)*pageRows + 1 }

// To is the last of them.
func (d issuesPage) To() int { return d.From() + len(d.Rows) - 1 }

// ColumnChoices are the columns that the table can have.
func (d issuesPage) ColumnChoices() []string { return issueColumns }

// Has reports whether the table has a column.
func (d issuesPage) Has(column string) bool { return slices.Contains(d.Shown, column) }

// Views returns the names of all views.
func (d issuesPage) Views() []string { return issueViews }

// oneOf is a value if it is one of those that are valid, else the first.
func oneOf(v string, valid []string) string {
	if slices.Contains(valid, v) {
		return v
	}
	return valid[0]
}

func (s *Server) issues(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := issuesPage{Project: s.docOf(r, p), Query: strings.TrimSpace(q.Get("q")), View: oneOf(q.Get("view"), issueViews), Group: oneOf(q.Get("group"), issueGroups),
		Sort: oneOf(q.Get("sort"), append([]string{"updated"}, store.Sorts...)), Issues: []answer.Issue{}, Shown: columnsOf(q), Sorts: store.Sorts, Groups: issueGroups, Operators: query.Operators,
		Can: mayWrite(p), Self: q}
	if d.Page, err = strconv.Atoi(q.Get("page")); err != nil || d.Page < 1 {
		d.Page = 1
	}
	d.Page = min(d.Page, 1_000_000) // the number of its first row is an int
	asked, err := query.Parse(d.Query)
	if err != nil {
		d.Error = err.Error()
	}
	if asked.Project != "" && asked.Project != p.Slug {
		d.Error = "this page lists " + p.Slug + " only: search for project:" + asked.Project + " instead"
	}
	var table export.Table
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		l, err := s.lister(r.Context(), v, asked)
		if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
			d.Error = err.Error()
			return nil
		} else if err != nil {
			return err
		}
		if r.csv() {
			table, err = issueTable(l, d.Sort)
			return err
		}
		return d.fill(l, r.JSON)
	})
	if err != nil {
		return s.unreadable(r, p, "issues", "Issues of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	if r.csv() && d.Error == "" {
		return s.csv(r, table)
	}
	return s.render(r, "issues", "Issues of "+p.Slug, d, "p:"+p.ID)
}

// unreadable shows a page of a project that cannot be read, as far as it goes.
func (s *Server) unreadable(r *request, p db.Project, page, title string, why error, with func(*Trouble) any) error {
	if s.explain(why).Status < http.StatusInternalServerError {
		return why
	}
	return s.render(r, page, title, with(unread(p, why)), "p:"+p.ID)
}

// mayWrite reports whether actions can be done in a project.
func mayWrite(p db.Project) bool {
	return p.Status != db.Paused && p.PollError == "" && place.MayWrite(p.Place.Capability)
}

// lister lists the issues that a query asks for.
type lister struct {
	v   place.View
	q   query.Query
	f   store.Filter
	now event.Time
}

func (s *Server) lister(ctx context.Context, v place.View, q query.Query) (*lister, error) {
	l := &lister{v: v, q: q, now: event.TimeOf(s.Now())}
	l.f = store.Filter{Status: q.Status, Labels: q.Labels, Without: q.Without, Priority: q.Priority, AtLeast: q.AtLeast,
		Locked: q.Locked, Ready: q.Ready, Blocked: q.Blocked, Overdue: q.Overdue, Now: l.now}
	var err error
	if l.f.Assignees, err = whose(ctx, v, q.Assignee); err != nil {
		return nil, err
	}
	if l.f.LockedBy, err = whose(ctx, v, q.LockedBy); err != nil {
		return nil, err
	}
	if q.DueWithin > 0 {
		l.f.DueBy = l.now + event.Time(q.DueWithin)
	}
	if q.Milestone != "" {
		m, err := verb.ResolveMilestone(v.Projection, q.Milestone)
		if err != nil {
			return nil, err
		}
		l.f.Milestone = m.UUID
	}
	return l, nil
}

// whose are the agents that a word of a query names, and the word; @me is who runs the dashboard.
func whose(ctx context.Context, v place.View, word string) ([]string, error) {
	switch word {
	case "":
		return nil, nil
	case "me":
		self, err := v.Self(ctx)
		if err != nil {
			return nil, err
		}
		return append(self.Agents, people.Me), nil
	}
	return verb.Whose(v.Projection, &people.Self{}, word), nil
}

// list returns the rows from a position on, and how many there are in all.
func (l *lister) list(change func(*store.Filter), from, limit int) (rows []*store.Issue, total int, err error) {
	f := l.f
	change(&f)
	f.Skip, f.Limit = from, limit
	if l.q.Words != "" {
		rows, total, err = l.v.Search(l.q.Words, f)
	} else {
		rows, total, err = l.v.List(f)
	}
	return rows, total, err
}

// named puts the issue that the words name by its id before the rows that hold these words,
// if the rest of the query lets it through.
func (l *lister) named(rows []*store.Issue, total int) ([]*store.Issue, int, error) {
	u, err := l.v.Resolve(l.q.Words)
	if l.q.Words == "" || err != nil {
		return rows, total, nil
	}
	f := l.f
	f.Issue = u
	own, _, err := l.v.List(f)
	if err != nil || len(own) == 0 {
		return rows, total, err
	}
	_, held, err := l.v.Search(l.q.Words, f)
	rows = append(own, slices.DeleteFunc(slices.Clone(rows), func(o *store.Issue) bool { return o.UUID == u })...)
	return rows, total + 1 - held, err
}

// fill reads what the view shows; for JSON, the shapes of docs/json.md.
func (d *issuesPage) fill(l *lister, json bool) error {
	switch {
	case json || d.View == "table":
		rows, total, err := l.list(func(f *store.Filter) { f.Sort = d.Sort }, (d.Page-1)*pageRows, pageRows)
		if err != nil {
			return err
		}
		d.Total = total
		names := map[event.UUID]string{}
		if d.Has("milestone") {
			all, err := l.v.Milestones()
			if err != nil {
				return err
			}
			for _, m := range all {
				names[m.UUID] = m.Name
			}
		}
		for _, i := range rows {
			row := issueDocOf(l.v.Names, i)
			row.Milestone = names[i.Milestone]
			d.Rows = append(d.Rows, row)
		}
		if !json {
			return nil
		}
		d.Issues, err = answer.New(l.v.Projection).Issues(rows)
		return err
	case d.View == "tree":
		return d.tree(l)
	case d.Group == "status":
		return d.board(l)
	}
	return d.grouped(l)
}

// board puts issues into columns by how far they have come.
func (d *issuesPage) board(l *lister) error {
	for _, c := range []struct {
		name   string
		verbs  string
		change func(*store.Filter)
	}{
		{"ready", "reopen release", func(f *store.Filter) { f.Ready, f.Sort = true, "priority" }},
		{"in work", "claim", func(f *store.Filter) { f.Locked, f.Sort = true, "updated" }},
		{"blocked", "", func(f *store.Filter) { f.Blocked, f.Unlocked, f.Sort = true, true, "priority" }},
		{"closed in 7 days", "close", func(f *store.Filter) {
			f.Status, f.ClosedSince, f.Sort = "closed", l.now-event.Time(doneWithin), "updated"
		}},
	} {
		rows, total, err := l.list(c.change, 0, columnRows)
		if err != nil {
			return err
		}
		col := column{Name: c.name, Total: total, Verbs: c.verbs}
		for _, i := range rows {
			col.Rows = append(col.Rows, card{issueDocOf(l.v.Names, i), statusMoves(i, l.v.Agent)})
		}
		d.Total += col.Total
		d.Columns = append(d.Columns, col)
	}
	return nil
}

// grouped puts issues into columns by a value that they have.
func (d *issuesPage) grouped(l *lister) error {
	rows, total, err := l.list(func(f *store.Filter) { f.Sort = "priority" }, 0, 1<<30)
	if err != nil {
		return err
	}
	d.Total = total
	milestones, err := l.v.Milestones()
	if err != nil {
		return err
	}
	by := map[string]*column{}
	for _, i := range rows {
		var names []string
		switch d.Group {
		case "label":
			names = i.Labels
		case "assignee":
			names = i.Assignees
		case "priority":
			names = []string{string(i.Priority)}
		case "agent":
			if i.Lock != nil && !i.Lock.Ending {
				names = []string{i.Lock.Holder}
			}
		case "milestone":
			for _, m := range milestones {
				if m.UUID == i.Milestone {
					names = []string{m.Name}
				}
			}
		}
		move := boardMoves[d.Group]
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			c := by[name]
			if c == nil {
				c = &column{Name: cmp.Or(name, "no "+d.Group), Verbs: move[0], Field: move[1], Value: name}
				if d.Group == "assignee" || d.Group == "agent" {
					c.Name = cmp.Or(l.v.Names.Brief(name), c.Name)
				}
				if name == "" && d.Group != "milestone" {
					c.Verbs = "" // of several names, it is not clear which one a move to this column would remove
				}
				by[name] = c
			}
			c.put(l.v.Names, i, move[0])
		}
	}
	for _, c := range by {
		d.Columns = append(d.Columns, *c)
	}
	slices.SortFunc(d.Columns, func(a, b column) int {
		if d.Group == "priority" {
			return cmp.Compare(store.Rank(event.Priority(a.Name)), store.Rank(event.Priority(b.Name)))
		}
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
	d.Columns = d.Columns[:min(len(d.Columns), 20)]
	return nil
}

// tree nests issues below their parents.
func (d *issuesPage) tree(l *lister) error {
	rows, total, err := l.list(func(f *store.Filter) {
		if f.Sort = d.Sort; l.q.Status == "" {
			f.Status = "all"
		}
	}, 0, treeRows)
	if err != nil {
		return err
	}
	d.Total = total
	here, below := map[event.UUID]bool{}, map[event.UUID][]*store.Issue{}
	for _, i := range rows {
		here[i.UUID] = true
	}
	for _, i := range rows {
		up := i.Parent
		if !here[up] {
			up = event.UUID{}
		}
		below[up] = append(below[up], i)
	}
	var nest func(event.UUID) []node
	nest = func(u event.UUID) (all []node) {
		rows := below[u]
		delete(below, u) // each is shown once, whatever refers to what
		for _, i := range rows {
			all = append(all, node{issueDocOf(l.v.Names, i), nest(i.UUID), d.Project.Slug})
		}
		return all
	}
	d.Tree = nest(event.UUID{})
	return nil
}

// create makes an issue.
func (s *Server) create(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	return s.emit(r, p, "new", "issue", func(receipt *place.Receipt) string {
		for _, l := range receipt.Lines {
			if c, ok := l.Body.(*event.IssueCreated); ok {
				return fmt.Sprintf("/p/%s/i/%s", p.Slug, c.UUID)
			}
		}
		return fmt.Sprintf("/p/%s/issues", p.Slug)
	}, forms.CreateIssue)
}

// bulk does one thing to the issues that the form names.
func (s *Server) bulk(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	name := r.PostForm.Get("verb")
	if !slices.Contains(forms.BulkActions, name) {
		return refuse(http.StatusBadRequest, "%q does not work on several issues: use %s", name, strings.Join(forms.BulkActions, ", "))
	}
	to := back(r, fmt.Sprintf("/p/%s/issues", p.Slug))
	return s.emit(r, p, name, fmt.Sprintf("%d issues", len(r.PostForm["issue"])), func(*place.Receipt) string { return to }, forms.Bulk)
}
