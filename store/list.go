package store

import (
	"cmp"
	"database/sql"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Lists, as SQL. Filter's match and less have the rules.

// List returns the issues the filter lets through, in its order, and how many
// there are without its limit.
func (f *File) List(l Filter) (rows []*Issue, total int, err error) {
	return f.list(l, func() (*hits, error) { return nil, nil }, func(m *Memory) ([]*Issue, int, error) { return m.List(l) })
}

// Latest returns the names of the issues with a status that changed last, at most limit.
// One index, in this order, has all the data.
func (f *File) Latest(status string, limit int) ([]Named, error) {
	return ask(f, func() (all []Named, no, err error) {
		l := Filter{Status: status, Sort: "updated"}
		if err := l.check(); err != nil {
			return nil, err, nil
		}
		conds, vals := l.where()
		near, err := f.nearIDs()
		if err != nil {
			return nil, nil, err
		}
		err = f.query(func(r *sql.Rows) error {
			var n Named
			var position int64
			var k []byte
			if err := r.Scan(&k, &n.Title, &n.Status, &position); err != nil || len(k) != len(event.UUID{}) {
				return cmp.Or(err, errRow)
			}
			if position != math.MaxInt64 {
				n.Number = uint64(position) + 1
			}
			n.UUID = event.UUID(k)
			if n.Short = near[nearKey{"i", n.UUID}]; n.Short == "" {
				n.Short = alone(n.UUID)
			}
			all = append(all, n)
			return nil
		}, "SELECT i.k, i.title, i.status, i.position FROM issue i INDEXED BY issue_updated WHERE "+strings.Join(conds, " AND ")+" ORDER BY "+l.order()+" LIMIT ?", append(vals, int64(limit))...)
		return all, nil, err
	}, func(m *Memory) ([]Named, error) { return m.Latest(status, limit) })
}

type page struct {
	rows  []*Issue
	total int
}

// list is List restricted to the issues that hitsOf returns; a nil result means all.
func (f *File) list(l Filter, hitsOf func() (*hits, error), memory func(*Memory) ([]*Issue, int, error)) ([]*Issue, int, error) {
	p, err := ask(f, func() (page, error, error) {
		if err := l.check(); err != nil {
			return page{}, err, nil
		}
		of, err := hitsOf()
		if err != nil {
			return page{}, nil, err
		}
		if of != nil {
			p, err := f.pageAmong(l, of)
			return p, nil, err
		}
		p, err := f.page(l)
		return p, nil, err
	}, func(m *Memory) (page, error) {
		rows, total, err := memory(m)
		return page{rows, total}, err
	})
	return p.rows, p.total, err
}

func (f *File) page(l Filter) (page, error) {
	p := page{rows: []*Issue{}}
	conds, vals := l.where()
	from := " FROM issue i WHERE " + strings.Join(conds, " AND ")
	query := "SELECT i.k, i.row" + from  // all are sorted below
	if order := l.order(); l.Limit > 0 { // without the rows in hand while they are sorted
		query = "SELECT r.k, r.row FROM (SELECT i.id" + from + " ORDER BY " + order + " LIMIT " + strconv.Itoa(l.Limit) + " OFFSET " + strconv.Itoa(l.Skip) + ") JOIN issue r USING (id)"
	}
	if err := f.scan(func(i *Issue) { p.rows = append(p.rows, i) }, query, vals...); err != nil {
		return page{}, err
	}
	slices.SortFunc(p.rows, l.less())
	if p.total = len(p.rows); l.Limit > 0 && (p.total == l.Limit || l.Skip > 0) {
		count := "SELECT count(*)" + from
		if len(conds) == 1 { // by status, or all
			count = "SELECT coalesce(sum(n), 0) FROM tally"
			if l.Status != "all" {
				count += " WHERE status = ?"
				vals = []any{cmp.Or(l.Status, string(event.Open))}
			}
		}
		if err := f.query(func(r *sql.Rows) error { return r.Scan(&p.total) }, count, vals...); err != nil {
			return page{}, err
		}
	}
	return p, nil
}

// among are the uuids of hexes.
const among = "(SELECT unhex(value) FROM json_each(?))"

// pageAmong is page of some issues. A few of them are asked for by their uuids; if all of
// many are wanted, all rows are read.
func (f *File) pageAmong(l Filter, of *hits) (page, error) {
	p := page{rows: []*Issue{}}
	if len(of.all) == 0 {
		return p, nil
	}
	continued := l.After != (event.UUID{})
	if l.After == of.first {
		l.After = event.UUID{}
	}
	conds, vals := l.where()
	if continued { // the first one is before all others, whatever the order
		conds, vals = append(conds, "i.k <> ?"), append(vals, of.first[:])
	}
	if len(of.all) <= fewTexts {
		conds, vals = append(conds, "i.k IN "+among), append(vals, hexes(maps.Keys(of.all)))
	}
	if len(of.all) > fewTexts && l.Limit == 0 && !continued {
		p, err := f.page(l)
		p.rows = slices.DeleteFunc(p.rows, func(i *Issue) bool { return !of.all[i.UUID] })
		slices.SortFunc(p.rows, of.before(l.less()))
		return page{p.rows, len(p.rows)}, err
	}
	order := l.order()
	if of.first != (event.UUID{}) {
		order, vals = "i.k <> ?, "+order, append(vals, of.first[:])
	}
	var all []event.UUID
	if err := f.query(func(r *sql.Rows) error {
		var k sql.RawBytes
		if err := r.Scan(&k); err != nil || len(k) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		if u := event.UUID(k); of.all[u] {
			if p.total++; l.Limit == 0 || p.total > l.Skip && p.total <= l.Skip+l.Limit {
				all = append(all, u)
			}
		}
		return nil
	}, "SELECT i.k FROM issue i WHERE "+strings.Join(conds, " AND ")+" ORDER BY "+order, vals...); err != nil {
		return page{}, err
	}
	err := f.scan(func(i *Issue) { p.rows = append(p.rows, i) }, "SELECT k, row FROM issue WHERE k IN "+among, hexes(slices.Values(all)))
	if err != nil || len(p.rows) != len(all) {
		return page{}, cmp.Or(err, errRow)
	}
	slices.SortFunc(p.rows, of.before(l.less()))
	return p, nil
}

// waiting are the issues with an open blocker.
const waiting = "(SELECT e.issue FROM edge e JOIN issue b ON b.k = e.other WHERE e.kind = 'b' AND e.cyclic = 0 AND b.status = 'open')"

// connected are the issues that wait for an open issue, also in a cycle, or block one.
const connected = "(SELECT e.issue FROM edge e JOIN issue b ON b.k = e.other WHERE e.kind = 'b' AND b.status = 'open'" +
	" UNION SELECT e.other FROM edge e JOIN issue b ON b.k = e.issue WHERE e.kind = 'b' AND e.cyclic = 0 AND b.status = 'open')"

// where is the filter in SQL; match has the rules.
func (f *Filter) where() (conds []string, vals []any) {
	need := func(cond string, v ...any) {
		conds, vals = append(conds, cond), append(vals, v...)
	}
	switch f.Status {
	case "all":
		need("i.shown")
	case "":
		need("i.status = 'open'")
	default:
		need("i.status = ?", f.Status)
	}
	if f.After != (event.UUID{}) {
		need(f.after(), f.After[:])
	}
	f.whereItself(need)
	f.wherePeople(need)
	f.whereOthers(need)
	return conds, vals
}

// whereItself has the conditions on what an issue is.
func (f *Filter) whereItself(need func(cond string, v ...any)) {
	if f.Issue != (event.UUID{}) {
		need("i.k = ?", f.Issue[:])
	}
	for _, u := range f.Except {
		need("i.k <> ?", u[:])
	}
	for _, l := range f.Labels {
		need("instr(i.labels, ?)", word(l))
	}
	for _, l := range f.Without {
		need("NOT instr(i.labels, ?)", word(l))
	}
	if f.NoLabel {
		need("i.labels = ''")
	}
	switch {
	case f.Priority != "" && f.AtLeast:
		need("i.rank <= ?", int64(Rank(f.Priority)))
	case f.Priority != "":
		need("i.rank = ?", int64(Rank(f.Priority)))
	}
	if f.Since > 0 {
		need("i.updated >= ?", int64(f.Since))
	}
	if f.DueBy != 0 {
		need("i.due <= ? AND i.due <> ?", int64(f.DueBy), int64(event.MaxTime))
	}
	if f.ClosedSince > 0 {
		need("i.closed >= ?", int64(f.ClosedSince))
	}
	if f.Overdue {
		need("i.status = 'open' AND i.due < ? AND i.due <> ?", int64(f.Now), int64(event.MaxTime))
	}
}

// wherePeople has the conditions on who made an issue and who works on it.
func (f *Filter) wherePeople(need func(cond string, v ...any)) {
	anyOf := func(cond string, of []string, value func(string) string) {
		if len(of) == 0 {
			return
		}
		var all []any
		for _, s := range of {
			all = append(all, value(s))
		}
		need("("+cond+strings.Repeat(" OR "+cond, len(of)-1)+")", all...)
	}
	anyOf("i.author = ?", f.Authors, Name)
	anyOf("instr(i.assignees, ?)", f.Assignees, word)
	if f.Unassigned {
		need("i.assignees = ''")
	}
	if f.Locked {
		need("i.holder IS NOT NULL AND NOT i.ending")
	}
	if f.Unlocked {
		need("(i.holder IS NULL OR i.ending)")
	}
	anyOf("i.holder = ?", f.LockedBy, func(id string) string { return id })
}

// whereOthers has the conditions on other things that an issue is tied to.
func (f *Filter) whereOthers(need func(cond string, v ...any)) {
	if f.Milestone != (event.UUID{}) {
		need("i.milestone = ? AND EXISTS (SELECT 1 FROM milestone m WHERE m.k = i.milestone)", f.Milestone[:])
	}
	if f.Parent != (event.UUID{}) {
		need("i.k IN (SELECT e.issue FROM edge e JOIN issue p ON p.k = e.other AND p.shown WHERE e.other = ? AND e.kind = 'p' AND e.cyclic = 0)", f.Parent[:])
	}
	if f.Ready {
		need("i.status = 'open' AND (i.holder IS NULL OR i.ending OR i.holder = ?) AND i.scheduled <= ? AND i.k NOT IN "+waiting, f.Me, int64(f.Now))
	}
	if f.Blocked {
		need("i.status = 'open' AND i.k IN " + waiting)
	}
	if f.Connected {
		need("i.status = 'open' AND i.k IN " + connected)
	}
}

// columns are those by which less orders, in SQL: all of them upwards or all of them downwards.
func (f *Filter) columns() (all []string, down bool) {
	switch f.Sort {
	case "updated":
		return []string{"updated", "created", "k"}, !f.Reverse
	case "priority":
		return []string{"rank", "created", "k"}, f.Reverse
	case "due":
		return []string{"due", "created", "k"}, f.Reverse
	case "number":
		return []string{"position", "created", "k"}, f.Reverse
	case "title":
		return []string{"title", "created", "k"}, f.Reverse
	}
	return []string{"created", "k"}, !f.Reverse
}

func (f *Filter) order() string {
	all, down := f.columns()
	end := ""
	if down {
		end = " DESC"
	}
	return "i." + strings.Join(all, end+", i.") + end
}

// after is the condition that an issue follows After in the order.
func (f *Filter) after() string {
	all, down := f.columns()
	than := ">"
	if down {
		than = "<"
	}
	return "(i." + strings.Join(all, ", i.") + ") " + than + " (SELECT " + strings.Join(all, ", ") + " FROM issue WHERE k = ? AND shown)"
}
