package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/store"
)

// The columns that the table of issues can have beside the issue, and those that it has unless
// the URL names others.
var (
	issueColumns = []string{"priority", "assignees", "lock", "milestone", "begins", "due", "created", "author", "comments", "changed"}
	usualColumns = []string{"priority", "assignees", "lock", "due", "changed"}
)

// columnsOf are the columns that a query names, in their order.
func columnsOf(q url.Values) []string {
	if !q.Has("col") {
		return usualColumns
	}
	return slices.DeleteFunc(slices.Clone(issueColumns), func(c string) bool { return !slices.Contains(q["col"], c) })
}

// tableRows is how many issues a table for a spreadsheet has at most.
const tableRows = 10_000

// issueTable is the table of the issues that a query asks for.
func issueTable(l *lister, sort string) (export.Table, error) {
	t := export.Table{Name: "crosslink-issues", Header: strings.Split("number,uuid,title,status,priority,labels,assignees,locked_by,created_by,due_at,created_at,updated_at,closed_at", ",")}
	rows, _, err := l.list(func(f *store.Filter) { f.Sort = sort }, 0, tableRows)
	for _, i := range rows {
		number, holder := "", ""
		if i.Number != 0 {
			number = strconv.FormatUint(i.Number, 10)
		}
		if i.Lock != nil && !i.Lock.Ending {
			holder = i.Lock.Holder
		}
		t.Rows = append(t.Rows, []string{number, i.UUID.String(), i.Title, string(i.Status), string(i.Priority), strings.Join(i.Labels, ", "), strings.Join(i.Assignees, ", "), holder, i.CreatedBy,
			export.Stamp(i.DueAt), export.Stamp(i.CreatedAt), export.Stamp(i.UpdatedAt), export.Stamp(i.ClosedAt)})
	}
	return t, err
}
