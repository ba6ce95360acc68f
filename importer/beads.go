package importer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/event"
)

// Beads reads the JSON lines of all versions of beads.
//
// docs/moving-here.md describes how members that beads alone has are converted; members it
// does not mention become leftovers.
func Beads(s Source, o Options, out *Sink) error {
	keys, err := beadsKeys(s, o)
	if err := laterSaid(err); err != nil {
		return err
	}
	return rows(s, func(r row) error {
		i, skip := beadsIssue(r, o, keys, out.Report)
		out.Report.Read++
		switch {
		case skip == "bad":
			return nil // a warning names it
		case skip != "":
			out.Report.skip(Skip{r.line, i.Key, skip})
			return nil
		}
		return out.Issue(i)
	})
}

// beadsRow is a row that beads writes. Its optional members differ between versions.
type beadsRow struct {
	Type        string             `json:"_type"`
	ID          string             `json:"id"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Design      string             `json:"design"`
	Acceptance  string             `json:"acceptance_criteria"`
	Notes       string             `json:"notes"`
	Status      string             `json:"status"`
	Priority    int                `json:"priority"` // some versions leave out 0, which is the most urgent
	IssueType   string             `json:"issue_type"`
	Assignee    string             `json:"assignee"`
	CreatedBy   string             `json:"created_by"`
	CreatedAt   string             `json:"created_at"`
	UpdatedAt   string             `json:"updated_at"`
	ClosedAt    string             `json:"closed_at"`
	CloseReason string             `json:"close_reason"`
	DueAt       string             `json:"due_at"`
	DeferUntil  string             `json:"defer_until"`
	External    string             `json:"external_ref"`
	Labels      list[string]       `json:"labels"`
	Parent      string             `json:"parent"`
	Ephemeral   bool               `json:"ephemeral"`
	Deps        list[beadsDep]     `json:"dependencies"`
	Comments    list[beadsComment] `json:"comments"`
	Metadata    json.RawMessage    `json:"metadata"`
}

// key is the id of an issue, or, if this program exported it, its uuid, which the
// export has put into the metadata.
func (b *beadsRow) key() string {
	var m struct {
		Own string `json:"crosslink"`
	}
	if json.Unmarshal(b.Metadata, &m) == nil {
		if u, ok := event.ParseUUID(m.Own); ok {
			return OwnKey(u)
		}
	}
	return shorten(b.ID, maxID)
}

// leaveMetadata keeps the metadata, except for members that an export of this program has
// added.
func (i *Issue) leaveMetadata(raw json.RawMessage) error {
	switch string(raw) {
	case "", "null", `""`, "{}", `"{}"`:
		return nil
	}
	if !IsOwn(i.Key) {
		i.leave("metadata", raw)
		return nil
	}
	rest, err := leftoverOf(raw, map[string]bool{"crosslink": true})
	if len(rest) > 0 {
		i.leave("metadata", rest)
	}
	return err
}

type beadsDep struct {
	From     string          `json:"issue_id"`
	To       string          `json:"depends_on_id"`
	Type     string          `json:"type"`
	Metadata json.RawMessage `json:"metadata"`
	Thread   string          `json:"thread_id"`
}

type beadsComment struct {
	ID        json.RawMessage `json:"id"` // a number or, in later versions, a uuid
	Author    string          `json:"author"`
	Text      string          `json:"text"`
	CreatedAt string          `json:"created_at"`
}

// beadsMachines are the types of rows that only beads' own tools use.
var beadsMachines = []string{"event", "agent", "role", "rig", "message", "gate", "merge-request", "molecule", "convoy"}

// skipped returns why a row is not an issue, "" if it is one.
func (b *beadsRow) skipped(o Options) string {
	switch {
	case b.Type != "" && b.Type != "issue":
		return "type" // for example a memory
	case o.All:
		return ""
	case b.Status == "tombstone":
		return "deleted"
	case b.Ephemeral:
		return "ephemeral"
	case slices.Contains(beadsMachines, b.IssueType):
		return "type"
	}
	return ""
}

// beadsKeys collects the ids of all rows that become issues, since rows name
// others that come later.
func beadsKeys(s Source, o Options) (*rowKeys, error) {
	keys := newRowKeys()
	looksRight := false
	first := ""
	err := rows(s, func(r row) error {
		var b beadsRow
		if r.err == nil && json.Unmarshal(r.raw, &b) == nil {
			looksRight = looksRight || b.ID != "" || b.Type != ""
			if b.ID != "" && tooLong(b.ID) == "" && b.skipped(o) == "" {
				keys.add(b.key(), b.ID)
			}
		}
		if first == "" {
			first = string(r.raw[:min(len(r.raw), 40)])
		}
		return nil
	})
	if err == nil && first != "" && !looksRight {
		err = notOf("beads", "no line is an issue of beads; the first begins with %q", first)
	}
	return keys, err
}

// beadsPriorities are the priorities for 0 … 4.
var beadsPriorities = []event.Priority{event.Critical, event.High, event.Medium, event.Low, event.Low}

func beadsIssue(r row, o Options, keys *rowKeys, rep *Report) (*Issue, string) {
	var b beadsRow
	if r.err != nil {
		rep.bad(r.line, "the line "+r.err.Error())
		return nil, "bad"
	}
	if err := json.Unmarshal(r.raw, &b); err != nil {
		rep.bad(r.line, "the line is not the JSON of an issue: "+err.Error())
		return nil, "bad"
	}
	i := &Issue{Key: b.key(), Line: r.line}
	i.Exact = IsOwn(i.Key)
	if skip := b.skipped(o); skip != "" {
		return i, skip
	}
	if b.ID == "" {
		rep.bad(r.line, "the issue has no id")
		return nil, "bad"
	}
	left, err := leftoverOf(r.raw, beadsKnown())
	if i.Leftover = left; err == nil {
		err = i.leaveMetadata(b.Metadata)
	}
	if text := tooLong(b.ID); text != "" || err != nil {
		rep.bad(r.line, "the issue cannot be read: "+or(text, fmt.Sprint(err)))
		return nil, "bad"
	}
	i.Title, i.Description = b.Title, beadsText(&b)
	i.Author = o.person(or(b.CreatedBy, "unknown"))
	i.Assignees = nonEmpty(o.person(b.Assignee))
	for _, l := range b.Labels {
		if a, ok := strings.CutPrefix(l, "assignee:"); ok && a != "" { // beads knows one only
			i.Assignees = append(i.Assignees, o.person(a))
		} else {
			i.Labels = append(i.Labels, l)
		}
	}
	if string(left["source_repo"]) == `"."` {
		delete(left, "source_repo") // the location of the file, which is not needed
	}
	beadsStatus(i, &b)
	beadsTimes(i, &b, rep)
	beadsEdges(i, &b, keys, rep)
	if b.External != "" {
		i.Links = append(i.Links, Link{"external", b.External})
	}
	for _, c := range b.Comments {
		created, ok := moment(c.CreatedAt)
		if !ok {
			rep.Warn(Warning{r.line, b.ID, "bad-time", "a comment was created at " + quote(c.CreatedAt) + ", which is not a time"})
		}
		i.Comments = append(i.Comments, Comment{
			Key: strings.Trim(string(c.ID), `"`), Author: o.person(or(c.Author, "unknown")), Text: c.Text, Created: created,
		})
	}
	return i, ""
}

// beadsText returns the description with the texts that beads stores separately.
func beadsText(b *beadsRow) string {
	all := b.Description
	for _, part := range []struct{ head, text string }{
		{"Design", b.Design}, {"Acceptance", b.Acceptance}, {"Notes", b.Notes},
	} {
		if strings.TrimSpace(part.text) != "" {
			all = strings.TrimSpace(all + "\n\n## " + part.head + "\n\n" + part.text)
		}
	}
	return all
}

func beadsStatus(i *Issue, b *beadsRow) {
	switch b.Status {
	case "closed":
		i.Status, i.Reason = event.Closed, b.CloseReason
		if at := slices.Index(i.Labels, "status:archived"); at >= 0 { // beads has no such status
			i.Status, i.Labels = event.Archived, slices.Delete(i.Labels, at, at+1)
		}
	case "tombstone":
		i.Deleted = true
	case "open", "":
	default: // in_progress, hooked, blocked, deferred, pinned, and statuses of users
		i.Labels = append(i.Labels, "status:"+b.Status)
	}
	if b.Status != "closed" && b.CloseReason != "" {
		i.leave("close_reason", b.CloseReason)
	}
	if b.IssueType != "" && !(IsOwn(i.Key) && b.IssueType == "task") {
		i.Labels = append(i.Labels, "type:"+b.IssueType)
	}
	switch {
	case b.Priority >= 0 && b.Priority < len(beadsPriorities):
		i.Priority = beadsPriorities[b.Priority]
	default:
		i.Priority = event.Low
		i.leave("priority", b.Priority)
	}
	if b.Priority == 4 {
		i.Labels = append(i.Labels, "P4")
	}
}

func beadsTimes(i *Issue, b *beadsRow, rep *Report) {
	for _, m := range []struct {
		name, value string
		to          *event.Time
	}{
		{"created_at", b.CreatedAt, &i.Created}, {"updated_at", b.UpdatedAt, &i.Updated}, {"closed_at", b.ClosedAt, &i.ClosedAt},
		{"due_at", b.DueAt, &i.Due}, {"defer_until", b.DeferUntil, &i.Scheduled},
	} {
		t, ok := moment(m.value)
		if *m.to = t; !ok {
			rep.Warn(Warning{i.Line, i.Key, "bad-time", m.name + " is " + quote(m.value) + ", which is not a time"})
			i.leave(m.name, m.value)
		}
	}
	if b.Status == "closed" && i.ClosedAt == 0 {
		i.ClosedAt = i.Updated
	}
}

func beadsEdges(i *Issue, b *beadsRow, keys *rowKeys, rep *Report) {
	var kept []json.RawMessage
	for _, d := range b.Deps {
		switch {
		case d.From != "" && d.From != b.ID || d.To == b.ID || d.To == "":
			rep.skipEdge(i, "bad-edge", "the dependency from "+quote(d.From)+" to "+quote(d.To)+" is not from this issue to another issue")
			continue
		case keys.of(d.To) == "":
			rep.skipEdge(i, "dangling-edge", "depends on "+quote(d.To)+" ("+d.Type+"), which is not imported")
			continue
		}
		i.edge(d.Type, keys.of(d.To), rep)
		if m := string(d.Metadata); d.Thread != "" || m != "" && m != "null" && m != `""` && m != "{}" && m != `"{}"` {
			raw, _ := json.Marshal(d)
			kept = append(kept, raw)
		}
	}
	if kept != nil {
		i.leave("dependencies", kept)
	}
	if i.Parent != "" {
		return
	}
	if dot := strings.LastIndexByte(b.ID, '.'); b.Parent == "" && dot > 0 {
		b.Parent = b.ID[:dot] // an id below another issue's id is its child
	}
	if b.Parent != b.ID {
		i.Parent = keys.of(b.Parent)
	}
}

// edge converts a dependency to the corresponding relation.
func (i *Issue) edge(kind, to string, rep *Report) {
	switch kind {
	case "blocks", "conditional-blocks", "waits-for", "":
		i.BlockedBy = append(i.BlockedBy, to)
	case "parent-child":
		switch {
		case i.Parent == "":
			i.Parent = to
		case i.Parent != to:
			rep.Warn(Warning{i.Line, i.Key, "second-parent", quote(to) + " is a second parent; imported as related"})
			i.relate(event.Related, to)
		}
	case "discovered-from", "duplicates", "supersedes":
		i.relate(event.RelationKind(kind), to)
	default:
		i.relate(event.Related, to)
	}
}

// beadsKnown are the members that are imported, and those that follow from others.
var beadsKnown = known[beadsRow]("compaction_level", "content_hash", "dependency_count", "dependent_count", "comment_count")

// known returns a lazy lookup of the member names of Row, plus derived.
func known[Row any](derived ...string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		b, _ := json.Marshal(*new(Row))
		var members map[string]json.RawMessage
		json.Unmarshal(b, &members)
		names := map[string]bool{}
		for _, n := range append(slices.Collect(maps.Keys(members)), derived...) {
			names[n] = true
		}
		return names
	})
}

// leave keeps a value that has no corresponding field.
func (i *Issue) leave(name string, value any) {
	if i.Leftover == nil {
		i.Leftover = map[string]json.RawMessage{}
	}
	i.Leftover[name], _ = json.Marshal(value)
}

// person returns somebody's name in this tracker.
func (o Options) person(name string) string {
	if own, ok := o.Authors[name]; ok {
		return own
	}
	return name
}

func or(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// quote quotes a word of the source for a report.
func quote(s string) string {
	b, _ := json.Marshal(shorten(strings.ToValidUTF8(s, "\ufffd"), 100))
	return string(b)
}
