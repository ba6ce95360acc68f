package exporter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// beadsPriority is what beads calls a priority.
var beadsPriority = map[event.Priority]int{event.Critical: 0, event.High: 1, event.Medium: 2, event.Low: 3}

type (
	beadsRow struct {
		Type        string         `json:"_type"`
		ID          string         `json:"id"`
		Title       string         `json:"title"`
		Description string         `json:"description,omitempty"`
		Status      string         `json:"status"`
		Priority    int            `json:"priority"`
		IssueType   string         `json:"issue_type"`
		Assignee    string         `json:"assignee,omitempty"`
		CreatedBy   string         `json:"created_by,omitempty"`
		CreatedAt   string         `json:"created_at"`
		UpdatedAt   string         `json:"updated_at"`
		ClosedAt    *string        `json:"closed_at,omitempty"`
		CloseReason string         `json:"close_reason,omitempty"`
		DueAt       *string        `json:"due_at,omitempty"`
		DeferUntil  *string        `json:"defer_until,omitempty"`
		Labels      []string       `json:"labels,omitempty"`
		Deps        []beadsDep     `json:"dependencies,omitempty"`
		Comments    []beadsComment `json:"comments,omitempty"`
	}
	beadsDep struct {
		From      string `json:"issue_id"`
		To        string `json:"depends_on_id"`
		Type      string `json:"type"`
		CreatedAt string `json:"created_at"`
	}
	beadsComment struct {
		ID        string `json:"id"`
		Issue     string `json:"issue_id"`
		Author    string `json:"author"`
		Text      string `json:"text"`
		CreatedAt string `json:"created_at"`
	}
)

func (x *export) beads() error {
	ids := x.beadsIDs()
	return x.each(func(i *store.Issue) error {
		row := beadsRow{
			Type: "issue", ID: ids[i.UUID], Title: i.Title, Description: i.Description, Status: "open", Priority: beadsPriority[i.Priority],
			IssueType: "task", CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt.String(), UpdatedAt: i.UpdatedAt.String(),
			DueAt: when(i.DueAt), DeferUntil: when(i.ScheduledAt),
		}
		if i.Status != event.Open {
			row.Status, row.ClosedAt, row.CloseReason = "closed", when(cmp.Or(i.ClosedAt, i.UpdatedAt)), i.Reason
		}
		for _, l := range i.Labels {
			switch kind, value, ok := strings.Cut(l, ":"); {
			case ok && kind == "type":
				row.IssueType = value
			case ok && kind == "status" && row.Status == "open":
				row.Status = value
			case l == "P4" && row.Priority == 3:
				row.Priority = 4
			default:
				row.Labels = append(row.Labels, l)
			}
		}
		if len(i.Assignees) > 0 {
			row.Assignee = i.Assignees[0]
			for _, a := range i.Assignees[1:] {
				row.Labels = append(row.Labels, "assignee:"+a)
			}
		}
		slices.Sort(row.Labels)
		dep := func(to event.UUID, kind string) {
			if id := ids[to]; id != "" { // it is exported, too
				row.Deps = append(row.Deps, beadsDep{row.ID, id, kind, row.CreatedAt})
			}
		}
		for _, b := range i.BlockedBy {
			dep(b, "blocks")
		}
		if i.Parent != (event.UUID{}) {
			dep(i.Parent, "parent-child")
		}
		for _, r := range i.Relations {
			if r.Outgoing && (r.Kind != event.Related || row.ID < ids[r.Other]) {
				dep(r.Other, string(r.Kind))
			}
		}
		slices.SortStableFunc(row.Deps, func(a, b beadsDep) int { // an import gives other uuids, and so another order
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.To, b.To))
		})
		for _, c := range i.Comments {
			row.Comments = append(row.Comments, beadsComment{c.UUID.String(), row.ID, c.Author, c.Content, c.CreatedAt.String()})
		}
		return x.line(row)
	})
}

// beadsIDs gives issues that came from beads their old names, and others one made
// of their number or uuid.
func (x *export) beadsIDs() map[event.UUID]string {
	ids, taken := map[event.UUID]string{}, map[string]bool{}
	for _, r := range x.rows {
		for _, l := range r.Links {
			if _, old, ok := strings.Cut(l.Ref, "#"); ok && l.Kind == event.LinkOrigin && strings.HasPrefix(l.Ref, "beads:") && !taken[old] {
				ids[r.UUID], taken[old] = old, true
			}
		}
	}
	for _, r := range x.rows {
		if ids[r.UUID] != "" {
			continue
		}
		id := "xl-" + r.Short
		if r.Number > 0 && !taken[fmt.Sprintf("xl-%d", r.Number)] {
			id = fmt.Sprintf("xl-%d", r.Number)
		}
		ids[r.UUID], taken[id] = id, true
	}
	return ids
}
