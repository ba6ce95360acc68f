package exporter

import (
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// The rows of the JSON lines. Each says with _type what it is; members are only
// ever added. docs/json.md describes them.
type (
	headerRow struct {
		Type       string `json:"_type"` // header
		V          int    `json:"v"`
		Hub        string `json:"hub"`
		Sequence   uint64 `json:"sequence"`
		Agents     int    `json:"agents"`
		Milestones int    `json:"milestones"`
		Issues     int    `json:"issues"`
	}
	agentRow struct {
		Type        string  `json:"_type"` // agent
		Agent       string  `json:"agent"`
		Kind        *string `json:"kind"`
		Description *string `json:"description"`
	}
	milestoneRow struct {
		Type        string  `json:"_type"` // milestone
		UUID        string  `json:"uuid"`
		Name        string  `json:"name"`
		Description string  `json:"description"`
		Status      string  `json:"status"`
		CreatedAt   string  `json:"created_at"`
		ClosedAt    *string `json:"closed_at"`
		DueAt       *string `json:"due_at"`
	}
	issueRow struct {
		Type        string        `json:"_type"` // issue
		UUID        string        `json:"uuid"`
		Number      uint64        `json:"number,omitempty"`
		Title       string        `json:"title"`
		Description string        `json:"description"`
		Status      string        `json:"status"`
		Priority    string        `json:"priority"`
		Labels      []string      `json:"labels"`
		Assignees   []string      `json:"assignees"`
		CreatedBy   string        `json:"created_by"`
		CreatedAt   string        `json:"created_at"`
		UpdatedAt   string        `json:"updated_at"`
		ClosedAt    *string       `json:"closed_at"`
		StatusBy    *string       `json:"status_by"`
		Reason      *string       `json:"reason"`
		DueAt       *string       `json:"due_at"`
		ScheduledAt *string       `json:"scheduled_at"`
		Parent      *string       `json:"parent"`
		BlockedBy   []string      `json:"blocked_by"`
		Relations   []relationRow `json:"relations"` // outgoing
		Milestone   *string       `json:"milestone"`
		Links       []linkRow     `json:"links"`
		Comments    []commentRow  `json:"comments"`
		Time        []timeRow     `json:"time"`
	}
	relationRow struct {
		Kind string `json:"kind"`
		UUID string `json:"uuid"`
	}
	linkRow struct {
		Kind string `json:"kind"`
		Ref  string `json:"ref"`
	}
	commentRow struct {
		UUID        string  `json:"uuid"`
		Author      string  `json:"author"`
		By          string  `json:"by"`
		CreatedAt   string  `json:"created_at"`
		Kind        string  `json:"kind"`
		Content     string  `json:"content"`
		TriggerType *string `json:"trigger_type"`
		Context     *string `json:"intervention_context"`
		Fingerprint *string `json:"driver_key_fingerprint"`
	}
	timeRow struct {
		UUID      string  `json:"uuid"`
		By        string  `json:"by"`
		StartedAt string  `json:"started_at"`
		EndedAt   *string `json:"ended_at"`
		Seconds   *uint64 `json:"duration_seconds"`
	}
)

// version is what importer.OwnVersion says; exporter does not import importer.
const version = 1

func (x *export) jsonl() error {
	agents := x.Agents()
	if err := x.line(headerRow{"header", version, x.Hub, x.Sequence, len(agents), len(x.milestones), len(x.rows)}); err != nil {
		return err
	}
	for _, a := range agents {
		if err := x.line(agentRow{"agent", a.ID, text(string(a.Kind)), text(a.Description)}); err != nil {
			return err
		}
	}
	for _, m := range x.milestones {
		if err := x.line(milestoneRow{"milestone", m.UUID.String(), m.Name, m.Description, string(m.Status), m.CreatedAt.String(), when(m.ClosedAt), when(m.DueAt)}); err != nil {
			return err
		}
	}
	return x.each(func(i *store.Issue) error { return x.line(rowOf(i)) })
}

func rowOf(i *store.Issue) issueRow {
	row := issueRow{
		Type: "issue", UUID: i.UUID.String(), Number: i.Number, Title: i.Title, Description: i.Description,
		Status: string(i.Status), Priority: string(i.Priority), Labels: orEmpty(i.Labels), Assignees: orEmpty(i.Assignees),
		CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt.String(), UpdatedAt: i.UpdatedAt.String(), ClosedAt: when(i.ClosedAt),
		StatusBy: text(i.StatusBy), Reason: text(i.Reason), DueAt: when(i.DueAt), ScheduledAt: when(i.ScheduledAt),
		Parent: uuidOrNull(i.Parent), BlockedBy: uuids(i.BlockedBy), Milestone: uuidOrNull(i.Milestone),
		Relations: []relationRow{}, Links: []linkRow{}, Comments: []commentRow{}, Time: []timeRow{},
	}
	for _, r := range i.Relations {
		if outgoing(i, r) {
			row.Relations = append(row.Relations, relationRow{string(r.Kind), r.Other.String()})
		}
	}
	for _, l := range i.Links {
		row.Links = append(row.Links, linkRow{l.Kind, l.Ref})
	}
	for _, c := range i.Comments {
		row.Comments = append(row.Comments, commentRow{
			c.UUID.String(), c.Author, c.By, c.CreatedAt.String(), c.Kind, c.Content, text(c.TriggerType), text(c.InterventionContext), text(c.DriverKeyFingerprint),
		})
	}
	for _, t := range i.Time {
		row.Time = append(row.Time, timeRow{t.UUID.String(), t.By, t.StartedAt.String(), when(t.EndedAt), t.DurationSeconds})
	}
	return row
}

// outgoing says whether an issue's row holds a relation. One that has no direction
// is held by the issue with the smaller uuid.
func outgoing(i *store.Issue, r reducer.Relation) bool {
	if r.Kind == "related" {
		return i.UUID.String() < r.Other.String()
	}
	return r.Outgoing
}
