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
	"closed_at", "reason", "due", "scheduled", "parent", "blocked_by", "milestone", "uuid",
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
			formula(list(i.Labels)), formula(list(i.Assignees)), formula(i.CreatedBy),
			i.CreatedAt.String(), i.UpdatedAt.String(), orNothing(i.ClosedAt), formula(i.Reason), orNothing(i.DueAt), orNothing(i.ScheduledAt),
			parent, strings.Join(blockers, ","), formula(x.names[i.Milestone]), i.UUID.String(),
		})
	})
	if w.Flush(); err == nil {
		err = w.Error()
	}
	return err
}

// formula keeps a spreadsheet from running a text that somebody wrote. importer
// takes the apostrophe away; a text that begins with one and would then lose it
// gets another.
func formula(s string) string {
	if rest := strings.TrimLeft(s, "'"); rest != "" && strings.ContainsRune("=+-@\t\r", rune(rest[0])) {
		return "'" + s
	}
	return s
}

// list writes words so that importer reads them as they are: between commas, and in
// quotes if they hold what separates words.
func list(words []string) string {
	all := make([]string, len(words))
	for n, w := range words {
		if all[n] = w; strings.ContainsAny(w, ",;\"") || strings.TrimSpace(w) != w {
			all[n] = `"` + strings.ReplaceAll(w, `"`, `""`) + `"`
		}
	}
	return strings.Join(all, ",")
}

func orNothing(t event.Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}
