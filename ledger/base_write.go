package ledger

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// EncodeBase returns base.json. Next numbers are raised above all that were
// given. Two issues with one number are an error: which of them keeps it is a
// decision, and the caller makes it.
func EncodeBase(x *Base) ([]byte, error) {
	next, nextM := max(x.NextIssue, 1), max(x.NextMilestone, 1)
	nums := own(x.Numbers)
	for _, i := range x.Issues {
		if i.Number != 0 {
			nums[i.UUID] = i.Number
		}
	}
	for _, n := range nums {
		next = max(next, n+1)
	}
	for _, m := range x.Milestones {
		nextM = max(nextM, m.Number+1)
	}
	var w canon.Writer
	o := writer{w: &w}
	w.Obj()
	o.uuids("deleted", x.Deleted)
	o.num("hub_version", uint64(x.HubVersion))
	w.Name("issues")
	w.Obj()
	for _, i := range x.Issues {
		w.Name(i.UUID.String())
		o.issue(&i)
	}
	w.EndObj()
	o.lines(x.Lines)
	w.Name("milestones")
	w.Obj()
	for _, m := range x.Milestones {
		w.Name(m.UUID.String())
		o.milestone(&m)
	}
	w.EndObj()
	o.num("next_issue", next)
	o.num("next_milestone", nextM)
	w.Name("numbers")
	w.Obj()
	for _, u := range sortedUUIDs(nums) {
		o.num(u.String(), nums[u])
	}
	w.EndObj()
	o.str("source", x.Source)
	w.EndObj()
	data := append(w.Bytes(), '\n')
	if _, err := readBase(data); err != nil {
		return nil, fmt.Errorf("encode base.json: %w", err)
	}
	return data, nil
}

// DecodeBase reads base.json. It is strict: what it accepts, EncodeBase gives
// back byte for byte.
func DecodeBase(data []byte) (*Base, error) {
	b, err := readBase(data)
	if err != nil {
		return nil, err
	}
	return &b.Base, nil
}

// writer writes members that are absent when empty.
type writer struct{ w *canon.Writer }

func (o writer) str(name, s string)          { o.w.Name(name); o.w.Str(s) }
func (o writer) num(name string, n uint64)   { o.w.Name(name); o.w.Uint(n) }
func (o writer) time(n string, t event.Time) { o.str(n, t.String()) }

func (o writer) opt(name, s string) {
	if s != "" {
		o.str(name, s)
	}
}

func (o writer) optTime(name string, t event.Time) {
	if t != 0 {
		o.time(name, t)
	}
}

func (o writer) optUUID(name string, u event.UUID) {
	if u != (event.UUID{}) {
		o.str(name, u.String())
	}
}

func (o writer) strs(name string, list []string) {
	if len(list) == 0 {
		return
	}
	o.w.Name(name)
	o.w.Arr()
	for _, s := range list {
		o.w.Str(s)
	}
	o.w.EndArr()
}

func (o writer) uuids(name string, list []event.UUID) {
	var s []string
	for _, u := range list {
		s = append(s, u.String())
	}
	o.strs(name, s)
}

func (o writer) issue(i *event.BaseIssue) {
	o.w.Obj()
	o.strs("assignees", i.Assignees)
	o.uuids("blockers", i.Blockers)
	o.optTime("closed_at", i.ClosedAt)
	if len(i.Comments) > 0 {
		o.w.Name("comments")
		o.w.Obj()
		for _, c := range i.Comments {
			o.w.Name(c.UUID.String())
			o.comment(&c)
		}
		o.w.EndObj()
	}
	o.time("created_at", i.CreatedAt)
	o.str("created_by", i.CreatedBy)
	o.opt("description", i.Description)
	o.optTime("due_at", i.DueAt)
	o.strs("labels", i.Labels)
	o.optUUID("milestone", i.Milestone)
	o.optUUID("parent", i.Parent)
	o.str("priority", string(i.Priority))
	o.uuids("related", i.Related)
	o.optTime("scheduled_at", i.ScheduledAt)
	o.str("status", string(i.Status))
	if len(i.Time) > 0 {
		o.w.Name("time")
		o.w.Obj()
		for _, t := range i.Time {
			o.w.Name(t.UUID.String())
			o.w.Obj()
			if t.DurationSeconds != nil {
				o.num("duration_seconds", *t.DurationSeconds)
			}
			o.optTime("ended_at", t.EndedAt)
			o.time("started_at", t.StartedAt)
			o.w.EndObj()
		}
		o.w.EndObj()
	}
	o.str("title", i.Title)
	o.optTime("updated_at", i.UpdatedAt)
	o.w.EndObj()
}

func (o writer) comment(c *event.BaseComment) {
	o.w.Obj()
	o.str("author", c.Author)
	o.str("content", c.Content)
	o.time("created_at", c.CreatedAt)
	o.opt("driver_key_fingerprint", c.DriverKeyFingerprint)
	o.opt("intervention_context", c.InterventionContext)
	o.str("kind", c.Kind)
	o.opt("trigger_type", c.TriggerType)
	o.w.EndObj()
}

func (o writer) milestone(m *event.BaseMilestone) {
	o.w.Obj()
	o.optTime("closed_at", m.ClosedAt)
	o.time("created_at", m.CreatedAt)
	o.opt("description", m.Description)
	o.str("name", m.Name)
	if m.Number != 0 {
		o.num("number", m.Number)
	}
	o.str("status", string(m.Status))
	o.w.EndObj()
}
