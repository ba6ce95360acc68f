package exporter

import (
	"encoding/csv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// csvHeader names the columns as importer reads them.
var csvHeader = []string{
	"id", "title", "description", "status", "priority", "labels", "assignees", "created_by", "created_at", "updated_at",
	"closed_at", "reason", "due", "scheduled", "parent", "blocked_by", "milestone",
}

func (x *export) csv() error {
	w := csv.NewWriter(x.w)
	w.Write(csvHeader)
	numbers := x.numbers()
	err := x.each(func(i *store.Issue) error {
		parent := ""
		if i.Parent != (event.UUID{}) {
			parent = x.name(i.Parent, numbers)
		}
		blockers := make([]string, len(i.BlockedBy))
		for n, b := range i.BlockedBy {
			blockers[n] = x.name(b, numbers)
		}
		return w.Write([]string{
			x.name(i.UUID, numbers), formula(i.Title), formula(i.Description), string(i.Status), string(i.Priority),
			formula(strings.Join(i.Labels, ",")), formula(strings.Join(i.Assignees, ",")), formula(i.CreatedBy),
			i.CreatedAt.String(), i.UpdatedAt.String(), orNothing(i.ClosedAt), formula(i.Reason), orNothing(i.DueAt), orNothing(i.ScheduledAt),
			parent, strings.Join(blockers, ","), formula(x.names[i.Milestone]),
		})
	})
	if w.Flush(); err == nil {
		err = w.Error()
	}
	return err
}

// formula keeps a spreadsheet from running a text that somebody wrote.
func formula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func orNothing(t event.Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}
