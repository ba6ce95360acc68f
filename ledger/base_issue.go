package ledger

import "github.com/git-crosslink/git-crosslink/event"

// The registers of base.json, issue by issue and milestone by milestone:
// writing and reading of one noun stand together.

func (o writer) issue(i *event.BaseIssue) {
	o.w.Obj()
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

func (r *reader) issue(u event.UUID) event.BaseIssue {
	i := event.BaseIssue{
		UUID: u, Title: r.str("title"), Description: r.opt("description"),
		Status:    oneOf(r, "status", event.Open, event.Closed, event.Archived),
		Priority:  oneOf(r, "priority", event.Low, event.Medium, event.High, event.Critical),
		CreatedBy: r.str("created_by"), CreatedAt: r.time("created_at"), UpdatedAt: r.optTime("updated_at"),
		ClosedAt: r.optTime("closed_at"), ScheduledAt: r.optTime("scheduled_at"), DueAt: r.optTime("due_at"),
		Labels: r.strs("labels"), Blockers: r.uuids("blockers"), Related: r.uuids("related"),
		Parent: r.optUUID("parent"), Milestone: r.optUUID("milestone"),
	}
	r.children("comments", func(u event.UUID, c *reader) { i.Comments = append(i.Comments, c.comment(u)) })
	r.children("time", func(u event.UUID, c *reader) {
		t := event.BaseTime{UUID: u, StartedAt: c.time("started_at"), EndedAt: c.optTime("ended_at")}
		if v, ok := c.take("duration_seconds"); ok {
			n, isUint := v.Uint()
			if !isUint {
				c.fail()
			}
			t.DurationSeconds = &n
		}
		c.end(true)
		i.Time = append(i.Time, t)
	})
	r.end(true)
	return i
}

func (r *reader) optUUID(name string) event.UUID {
	if s := r.opt(name); s != "" {
		return r.uuid(s)
	}
	return event.UUID{}
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

func (r *reader) comment(u event.UUID) event.BaseComment {
	c := event.BaseComment{
		UUID: u, Author: r.str("author"), Content: r.str("content"), CreatedAt: r.time("created_at"), Kind: r.str("kind"),
		TriggerType: r.opt("trigger_type"), InterventionContext: r.opt("intervention_context"),
		DriverKeyFingerprint: r.opt("driver_key_fingerprint"),
	}
	r.end(true)
	return c
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

func (r *reader) milestone(u event.UUID) event.BaseMilestone {
	m := event.BaseMilestone{
		UUID: u, Name: r.str("name"), Description: r.opt("description"),
		Status:    oneOf(r, "status", event.Open, event.Closed, event.Archived),
		CreatedAt: r.time("created_at"), ClosedAt: r.optTime("closed_at"),
	}
	if v, ok := r.take("number"); ok {
		n, isUint := v.Uint()
		if !isUint || n == 0 {
			r.fail()
		}
		m.Number = n
	}
	r.end(true)
	return m
}
