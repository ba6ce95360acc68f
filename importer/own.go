package importer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
)

// Crosslink reads an export of this program: the JSON lines of 'export'. Issues
// keep their uuids.
func Crosslink(s Source, o Options, out *Sink) error {
	keys, err := ownKeys(s)
	if err := laterSaid(err); err != nil {
		return err
	}
	return rows(s, func(r row) error {
		var kind struct {
			Type string `json:"_type"`
		}
		if r.err == nil {
			r.err = json.Unmarshal(r.raw, &kind)
		}
		if r.err == nil {
			switch kind.Type {
			case "issue":
				out.Report.Read++
				i, err := ownIssue(r, o, keys, out.Report)
				if err != nil {
					out.Report.bad(r.line, err.Error())
					return nil
				}
				return out.Issue(i)
			case "milestone":
				m, err := ownMilestone(r)
				if err != nil {
					out.Report.Warn(Warning{Line: r.line, Name: "bad-milestone", Text: err.Error()})
					return nil
				}
				return out.Milestone(m)
			case "header", "agent":
				return nil
			}
			out.Report.Read++
			out.Report.skip(Skip{r.line, "", "type"})
			return nil
		}
		out.Report.Read++
		out.Report.bad(r.line, "the line is not JSON: "+r.err.Error())
		return nil
	})
}

// OwnVersion is the version of exports that this program writes and reads. A new member
// does not change it.
const OwnVersion = 1

type ownRow struct {
	UUID        string       `json:"uuid"`
	Number      uint64       `json:"number"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Status      string       `json:"status"`
	Priority    string       `json:"priority"`
	Labels      list[string] `json:"labels"`
	Assignees   list[string] `json:"assignees"`
	CreatedBy   string       `json:"created_by"`
	CreatedAt   string       `json:"created_at"`
	UpdatedAt   string       `json:"updated_at"`
	ClosedAt    string       `json:"closed_at"`
	Reason      string       `json:"reason"`
	DueAt       string       `json:"due_at"`
	ScheduledAt string       `json:"scheduled_at"`
	Parent      string       `json:"parent"`
	BlockedBy   list[string] `json:"blocked_by"`
	Milestone   string       `json:"milestone"`
	Relations   list[struct {
		Kind string `json:"kind"`
		UUID string `json:"uuid"`
	}] `json:"relations"`
	Links list[struct {
		Kind string `json:"kind"`
		Ref  string `json:"ref"`
	}] `json:"links"`
	Comments list[struct {
		UUID        string `json:"uuid"`
		Author      string `json:"author"`
		CreatedAt   string `json:"created_at"`
		Kind        string `json:"kind"`
		Content     string `json:"content"`
		TriggerType string `json:"trigger_type"`
		Context     string `json:"intervention_context"`
		Fingerprint string `json:"driver_key_fingerprint"`
	}] `json:"comments"`
	Time list[struct {
		UUID      string  `json:"uuid"`
		StartedAt string  `json:"started_at"`
		EndedAt   string  `json:"ended_at"`
		Seconds   *uint64 `json:"duration_seconds"`
	}] `json:"time"`
}

// ownKnown are the members that are imported. Only the events show who changed the status
// last.
var ownKnown = known[ownRow]("_type", "status_by")

func ownKeys(s Source) (map[event.UUID]bool, error) {
	keys, header, any := map[event.UUID]bool{}, false, false
	err := rows(s, func(r row) error {
		any = true
		var row struct {
			Type string `json:"_type"`
			UUID string `json:"uuid"`
		}
		if r.err == nil && json.Unmarshal(r.raw, &row) == nil {
			if err := ownVersion(r, row.Type); err != nil {
				return err
			}
			header = header || row.Type == "header" || row.Type == "issue" && row.UUID != ""
			if u, ok := event.ParseUUID(row.UUID); ok && row.Type == "issue" {
				keys[u] = true
			}
		}
		return nil
	})
	if err == nil && any && !header {
		err = notOf(Own, "no line is a header or an issue of an export")
	}
	return keys, err
}

// ownVersion refuses the header of an unknown version.
func ownVersion(r row, kind string) error {
	var header struct {
		V json.RawMessage `json:"v"`
	}
	if kind != "header" || json.Unmarshal(r.raw, &header) == nil && string(header.V) == strconv.Itoa(OwnVersion) {
		return nil
	}
	return notOf(Own, "line %d says that the export has version %s, but only version %d can be read", r.line, shorten(string(header.V), 20), OwnVersion)
}

func ownIssue(r row, o Options, keys map[event.UUID]bool, rep *Report) (*Issue, error) {
	var w ownRow
	if err := json.Unmarshal(r.raw, &w); err != nil {
		return nil, fmt.Errorf("the line is not an issue of an export: %w", err)
	}
	if _, ok := event.ParseUUID(w.UUID); !ok {
		return nil, fmt.Errorf("%s is not a uuid", quote(w.UUID))
	}
	left, err := leftoverOf(r.raw, ownKnown())
	if err != nil {
		return nil, err
	}
	i := &Issue{
		Exact: true, Key: w.UUID, Line: r.line, Number: w.Number, Title: w.Title, Description: w.Description, Reason: w.Reason,
		Labels: w.Labels, Author: o.person(w.CreatedBy), Milestone: w.Milestone, Leftover: left,
	}
	i.Status, i.Priority = event.Status(w.Status), event.Priority(w.Priority)
	if !slices.Contains([]event.Status{"", event.Open, event.Closed, event.Archived}, i.Status) {
		return nil, fmt.Errorf("the status is %s", quote(w.Status))
	}
	if _, ok := tablePriorities[w.Priority]; !ok {
		return nil, fmt.Errorf("the priority is %s", quote(w.Priority))
	}
	for _, a := range w.Assignees {
		i.Assignees = append(i.Assignees, o.person(a))
	}
	t := ownTimes{i, rep}
	i.Created, i.Updated, i.ClosedAt = t.of(w.CreatedAt), t.of(w.UpdatedAt), t.of(w.ClosedAt)
	i.Due, i.Scheduled = t.of(w.DueAt), t.of(w.ScheduledAt)
	ownEdges(i, &w, keys, rep)
	for _, c := range w.Comments {
		if _, ok := event.ParseUUID(c.UUID); !ok {
			return nil, fmt.Errorf("the comment %s has no uuid", quote(c.UUID))
		}
		i.Comments = append(i.Comments, Comment{
			Key: c.UUID, Author: o.person(c.Author), Text: c.Content, Kind: c.Kind, Created: t.of(c.CreatedAt),
			TriggerType: c.TriggerType, Context: c.Context, Fingerprint: c.Fingerprint,
		})
	}
	for _, e := range w.Time {
		i.Time = append(i.Time, TimeEntry{e.UUID, t.of(e.StartedAt), t.of(e.EndedAt), e.Seconds})
	}
	return i, nil
}

func ownEdges(i *Issue, w *ownRow, keys map[event.UUID]bool, rep *Report) {
	there := func(uuid string) bool {
		u, ok := event.ParseUUID(uuid)
		return ok && keys[u]
	}
	if w.Parent != "" && !there(w.Parent) {
		rep.skipEdge(i, "dangling-edge", "the parent "+quote(w.Parent)+" is not in the export")
		w.Parent = ""
	}
	i.Parent = w.Parent
	for _, b := range w.BlockedBy {
		if !there(b) {
			rep.skipEdge(i, "dangling-edge", "the blocker "+quote(b)+" is not in the export")
			continue
		}
		i.BlockedBy = append(i.BlockedBy, b)
	}
	for _, r := range w.Relations {
		if !there(r.UUID) || !slices.Contains([]string{"related", "discovered-from", "duplicates", "supersedes"}, r.Kind) {
			rep.skipEdge(i, "dangling-edge", quote(r.Kind)+" to "+quote(r.UUID)+" is not in the export")
			continue
		}
		i.relate(event.RelationKind(r.Kind), r.UUID)
	}
	for _, l := range w.Links {
		i.Links = append(i.Links, Link{l.Kind, l.Ref})
	}
}

func ownMilestone(r row) (*Milestone, error) {
	var w struct {
		UUID        string `json:"uuid"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Status      string `json:"status"`
		CreatedAt   string `json:"created_at"`
		ClosedAt    string `json:"closed_at"`
		DueAt       string `json:"due_at"`
	}
	if err := json.Unmarshal(r.raw, &w); err != nil {
		return nil, err
	}
	if _, ok := event.ParseUUID(w.UUID); !ok {
		return nil, fmt.Errorf("%s is not a uuid", quote(w.UUID))
	}
	m := &Milestone{Key: w.UUID, Name: w.Name, Description: w.Description, Closed: w.Status == string(event.Closed)}
	m.Created, _ = moment(w.CreatedAt)
	m.ClosedAt, _ = moment(w.ClosedAt)
	m.Due, _ = moment(w.DueAt)
	return m, nil
}

// ownTimes parses the times of an issue, and warns about invalid ones.
type ownTimes struct {
	i   *Issue
	rep *Report
}

func (o ownTimes) of(s string) event.Time {
	t, ok := moment(s)
	if !ok {
		o.rep.Warn(Warning{o.i.Line, o.i.Key, "bad-time", quote(s) + " is not a time"})
	}
	return t
}
