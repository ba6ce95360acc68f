package frame

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	urfave "github.com/urfave/cli/v2"
)

// List describes in which form a list is printed, and which part of it.
type List struct {
	Forms
	format *Format
	system *System
	limit  int    // 0 means all
	after  string // key of the last row of the previous part
	newest bool   // the rows are ordered by time, and a part consists of the last ones
}

// ForScripts reports whether a form for scripts was asked for.
func (l List) ForScripts() bool { return l.Forms.ForScripts() || l.format != nil }

// ListRow is one row of a list, in every form but the table.
type ListRow struct {
	Key    string   // identifies the row; the value of --after
	ID     string   // -q
	Fields []string // --porcelain, -z
}

// ListFlags are the options of a list.
func ListFlags() []urfave.Flag { return append(formFlags(), PartFlags()...) }

func formFlags() []urfave.Flag {
	return append(PorcelainFlags(), &urfave.StringFlag{Name: "format", Usage: "print each row in `FORMAT`: text with %(name) for members of --json"})
}

// PartFlags are the options that choose a part of a list.
func PartFlags() []urfave.Flag { return partFlags("rows", "all") }

// PageFlags are the options of a list that shows people a page by default; see Paged.
func PageFlags(of string, page int) []urfave.Flag {
	return append(formFlags(), partFlags(of, strconv.Itoa(page)+" for people, all for scripts")...)
}

func partFlags(of, other string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "limit", Aliases: []string{"n"}, Usage: "at most `N` " + of + ", 0 for all (default: " + other + ")"},
		&urfave.StringFlag{Name: "after", Usage: "continue the list after the row `KEY`, which is 'page.next' of --json"},
	}
}

// ListOf reads the options of a list of shapes.
func ListOf[Shape any](u *urfave.Context, t *Terminal) (l List, err error) {
	if l, err = PartOf(u); err != nil {
		return l, err
	}
	if l.Forms, err = ParseForms(u); err != nil {
		return l, err
	}
	l.system = &t.System
	if l.format, err = shapeFormat(u, reflect.TypeFor[Shape]()); err != nil {
		return l, err
	}
	return l, t.NotInJSON(l.ForScripts())
}

// Newest returns the list as one that is ordered by time and paged from the newest rows back.
func (l List) Newest() List {
	l.newest = true
	return l
}

// Paged returns the list with a default limit for the number of rows.
func (l List) Paged(u *urfave.Context, page int) List {
	if !u.IsSet("limit") {
		l.limit = page
	}
	return l
}

// PartOf reads the options that choose a part of a list.
func PartOf(u *urfave.Context) (l List, err error) {
	l.after = u.String("after")
	l.limit, err = Limit(u, 0)
	return l, err
}

// ListAlone is ListOf for a command that takes no arguments.
func ListAlone[Shape any](u *urfave.Context, t *Terminal) (List, error) {
	if _, err := Arguments(u, 0, 0, ""); err != nil {
		return List{}, err
	}
	return ListOf[Shape](u, t)
}

// Limit reads --limit; other is the default.
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

// Number reads an option whose value is a decimal number from low to high.
func Number(u *urfave.Context, option string, low, high int) (int, error) {
	n, err := strconv.ParseUint(u.String(option), 10, 31)
	if err != nil || int(n) < low || int(n) > high {
		return 0, Misuse(fmt.Sprintf("'--%s' needs a number from %d to %d, not '%s'", option, low, high, OneLine(u.String(option))))
	}
	return int(n), nil
}

// Part returns the part of a list of n rows to print: the rows from from to before to, and
// its description.
func (l List) Part(of string, n int, key func(int) string) (from, to int, cut *Cut, err error) {
	to = n
	if l.after != "" {
		at := 0
		for at < n && key(at) != l.after {
			at++
		}
		switch {
		case at == n:
			return 0, 0, nil, Fatal("not-listed", "'"+l.after+"' is not in this list", "start again without '--after'")
		case l.newest:
			to = at
		default:
			from = at + 1
		}
	}
	if l.limit == 0 {
		return from, to, nil, nil
	}
	last := -1 // the row after which the next part continues
	if l.newest {
		if low := to - l.limit; low > from {
			from, last = low, low
		}
	} else if high := from + l.limit; high < to {
		to, last = high, high-1
	}
	cut = &Cut{Total: n, Limit: l.limit, Shown: to - from, Of: of}
	if last >= 0 {
		next := key(last)
		cut.Next = &next
	}
	return from, to, cut, nil
}

// ResultOf returns a list in every form. of is the name of its elements, shown if the list
// is empty or incomplete; table prints a range of rows.
func ResultOf[Shape any](l List, of string, shapes []Shape, row func(int, *Shape) ListRow, table func(pg *Page, from, to int)) (Result, error) {
	rows := make([]ListRow, len(shapes))
	for k := range shapes {
		rows[k] = row(k, &shapes[k])
	}
	from, to, cut, err := l.Part(of, len(rows), func(k int) string { return rows[k].Key })
	if err != nil {
		return Result{}, err
	}
	a := Result{Data: append([]Shape{}, shapes[from:to]...), Long: true, Cut: cut, Page: func(pg *Page) { table(pg, from, to) }}
	if from == to {
		a.Nothing = "no " + of
	}
	if l.ForScripts() {
		a.Records = l.Records()
	}
	for k := from; k < to; k++ {
		a.IDs = append(a.IDs, rows[k].ID)
		if l.format != nil {
			err = l.AddFormatted(a.Records, &shapes[k])
		} else if a.Records != nil {
			a.Records.Add(rows[k].Fields...)
		}
		if err != nil {
			return Result{}, err
		}
	}
	return a, nil
}

// Formats reports whether the rows are printed by --format.
func (l List) Formats() bool { return l.format != nil }

// AddFormatted adds a shape by --format.
func (l List) AddFormatted(r *Records, shape any) error {
	raw, err := json.Marshal(shape)
	if err != nil {
		return err
	}
	r.AddLine(l.format.Line(l.Forms, func(name, modifier string) string { return l.system.memberOf(raw, name, modifier) }))
	return nil
}
