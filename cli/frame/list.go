package frame

import (
	"strconv"

	urfave "github.com/urfave/cli/v2"
)

// List says in which form a list is printed, and how much of it.
type List struct {
	Forms
	limit int    // 0 is all
	after string // key of the row that the last part of the list ended with
}

// ListRow is one row of a list, in every form but the table.
type ListRow struct {
	Key    string   // names the row and no other: what --after takes
	ID     string   // -q
	Shape  any      // --json
	Fields []string // --porcelain, -z
}

// ListFlags are the options of a list.
func ListFlags() []urfave.Flag { return append(PorcelainFlags(), PartFlags()...) }

// PartFlags are those of them that choose a part of the list.
func PartFlags() []urfave.Flag { return partFlags("rows", "all") }

// PageFlags are the options of a list of which people get a page unless they say
// otherwise; see Paged.
func PageFlags(of string, page int) []urfave.Flag {
	return append(PorcelainFlags(), partFlags(of, strconv.Itoa(page)+" for people, all for scripts")...)
}

func partFlags(of, other string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "limit", Aliases: []string{"n"}, Usage: "at most `N` " + of + ", 0 for all (default: " + other + ")"},
		&urfave.StringFlag{Name: "after", Usage: "continue the list after the row `KEY`, which is 'page.next' of --json"},
	}
}

// ListOf reads the options of a list.
func ListOf(u *urfave.Context, t *Terminal) (l List, err error) {
	if l, err = PartOf(u); err != nil {
		return l, err
	}
	l.Forms, err = FormsOf(u, t)
	return l, err
}

// Paged is the list with at most so many rows, unless --limit says otherwise.
func (l List) Paged(u *urfave.Context, page int) List {
	if !u.IsSet("limit") {
		l.limit = page
	}
	return l
}

// PartOf reads which part of a list is wanted.
func PartOf(u *urfave.Context) (l List, err error) {
	l.after = u.String("after")
	l.limit, err = Limit(u, 0)
	return l, err
}

// ListAlone is ListOf for a command that takes no arguments.
func ListAlone(u *urfave.Context, t *Terminal) (List, error) {
	if _, err := Arguments(u, 0, 0, ""); err != nil {
		return List{}, err
	}
	return ListOf(u, t)
}

// Limit reads --limit; other is what not given means.
func Limit(u *urfave.Context, other int) (int, error) {
	if !u.IsSet("limit") {
		return other, nil
	}
	n, err := strconv.ParseUint(u.String("limit"), 10, 31)
	if err != nil {
		return 0, BadValue("--limit", u.String("limit"), []string{"0 (all)", "1", "2", "…"})
	}
	return int(n), nil
}

// Part is the part of a list of n rows that is printed: the rows from one to before
// another, and what JSON says of it.
func (l List) Part(n int, key func(int) string) (from, to int, cut *Cut, err error) {
	if to = n; l.after != "" {
		for from < n && key(from) != l.after {
			from++
		}
		if from++; from > n {
			return 0, 0, nil, Fatal("not-listed", "'"+l.after+"' is not in this list", "start again without '--after'")
		}
	}
	if l.limit > 0 {
		to, cut = min(to, from+l.limit), &Cut{Total: n, Limit: l.limit}
		if to < n && to > from {
			next := key(to - 1)
			cut.Next = &next
		}
	}
	return from, to, cut, nil
}

// Result is a list in every form. Of what it is a list a person reads if it is
// empty; table prints the rows from one to before another.
func (l List) Result(of string, rows []ListRow, table func(pg *Page, from, to int)) (Result, error) {
	from, to, cut, err := l.Part(len(rows), func(k int) string { return rows[k].Key })
	if err != nil {
		return Result{}, err
	}
	shapes := make([]any, 0, to-from)
	a := Result{Long: true, Cut: cut, Nothing: "no " + of, Page: func(pg *Page) { table(pg, from, to) }}
	if l.ForScripts() {
		a.Records = l.Records()
	}
	for _, r := range rows[from:to] {
		shapes, a.IDs = append(shapes, r.Shape), append(a.IDs, r.ID)
		if a.Records != nil {
			a.Records.Add(r.Fields...)
		}
	}
	if a.Data = shapes; len(shapes) > 0 {
		a.Nothing = ""
	}
	return a, nil
}
