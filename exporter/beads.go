package exporter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
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
		External    string         `json:"external_ref,omitempty"`
		Labels      []string       `json:"labels,omitempty"`
		Deps        []beadsDep     `json:"dependencies,omitempty"`
		Comments    []beadsComment `json:"comments,omitempty"`
	}
	beadsDep struct {
		From      string `json:"issue_id"`
		To        string `json:"depends_on_id"`
		Type      string `json:"type"`
		CreatedAt string `json:"created_at"`

		Metadata json.RawMessage `json:"metadata,omitempty"`
		Thread   string          `json:"thread_id,omitempty"`
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
	ids, old := x.beadsIDs()
	return x.each(func(i *store.Issue) error {
		row := beadsRow{
			Type: "issue", ID: ids[i.UUID], Title: i.Title, Description: i.Description, Status: "open", Priority: beadsPriority[i.Priority],
			IssueType: "task", CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt.String(), UpdatedAt: i.UpdatedAt.String(),
			DueAt: when(i.DueAt), DeferUntil: when(i.ScheduledAt),
		}
		if i.Status != event.Open {
			row.Status, row.ClosedAt, row.CloseReason = "closed", when(cmp.Or(i.ClosedAt, i.UpdatedAt)), i.Reason
		}
		if i.Status == event.Archived {
			row.Labels = append(row.Labels, "status:archived")
		}
		for _, l := range i.Links {
			if l.Kind == "external" && row.External == "" {
				row.External = l.Ref
			}
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
				row.Deps = append(row.Deps, beadsDep{From: row.ID, To: id, Type: kind, CreatedAt: row.CreatedAt})
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
		var left leftover
		if !old[i.UUID] {
			left = leftover{"metadata": own(i.UUID)}
		}
		for k := range i.Comments {
			c := &i.Comments[k]
			if l := leftoverOf(c); l != nil && old[i.UUID] {
				left = l
				continue
			}
			row.Comments = append(row.Comments, beadsComment{c.UUID.String(), row.ID, c.Author, c.Content, c.CreatedAt.String()})
		}
		return x.with(row, left)
	})
}

// own is the metadata by which an import knows an issue of ours.
func own(u event.UUID) json.RawMessage {
	return json.RawMessage(`{"crosslink":"` + u.String() + `"}`)
}

// leftover are the members that an import found no place for.
type leftover map[string]json.RawMessage

// leftoverOf reads the comment in which an import has kept them, nil if it is another one.
func leftoverOf(c *reducer.Comment) (l leftover) {
	if c.Kind != "system" || c.Author != "import" || json.Unmarshal([]byte(c.Content), &l) != nil || string(l["crosslink-import"]) != "1" {
		return nil
	}
	delete(l, "crosslink-import")
	delete(l, "too-long")
	return l
}

// with writes a row and the members that beads gave it and that have no place here.
func (x *export) with(row beadsRow, left leftover) error {
	var kept []beadsDep
	json.Unmarshal(left["dependencies"], &kept)
	for n := range row.Deps {
		d := &row.Deps[n]
		for _, k := range kept {
			if k.To == d.To && beadsMeans(k.Type) == d.Type {
				d.Type, d.Metadata, d.Thread = k.Type, k.Metadata, k.Thread
			}
		}
	}
	line, err := document(row)
	if err != nil {
		return err
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	line = bytes.TrimSuffix(line, []byte("}\n"))
	b := bytes.NewBuffer(line)
	for _, name := range slices.Sorted(maps.Keys(left)) {
		// readers do not all distinguish upper and lower case
		if lower := strings.ToLower(name); said[lower] == nil && lower != "dependencies" {
			fmt.Fprintf(b, ",%s:", quoted(name))
			if err := json.Compact(b, left[name]); err != nil { // a line break would begin another row
				return err
			}
		}
	}
	b.WriteString("}\n")
	_, err = x.w.Write(b.Bytes())
	return err
}

func quoted(name string) []byte {
	b, _ := json.Marshal(name)
	return b
}

// beadsMeans is how a kind of dependency comes back that an import has read.
func beadsMeans(kind string) string {
	switch kind {
	case "blocks", "conditional-blocks", "waits-for", "":
		return "blocks"
	case "parent-child", "discovered-from", "duplicates", "supersedes":
		return kind
	}
	return "related"
}

// beadsIDs gives issues that came from beads their old names, and others one made
// of their number or uuid. old are the former.
func (x *export) beadsIDs() (ids map[event.UUID]string, old map[event.UUID]bool) {
	ids, old = map[event.UUID]string{}, map[event.UUID]bool{}
	taken := map[string]bool{}
	for _, r := range x.rows {
		for _, l := range r.Links {
			if _, id, ok := strings.Cut(l.Ref, "#"); ok && l.Kind == event.LinkOrigin && strings.HasPrefix(l.Ref, "beads:") && !taken[id] {
				ids[r.UUID], old[r.UUID], taken[id] = id, true, true
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
	return ids, old
}
