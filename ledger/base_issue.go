package ledger

import "github.com/git-crosslink/git-crosslink/event"

// The registers of base.json, issue by issue and milestone by milestone.

func (r *reader) issue(u event.UUID) event.BaseIssue {
	i := event.BaseIssue{
		UUID: u, Title: r.str("title"), Description: r.opt("description"),
		Status:    oneOf(r, "status", event.Open, event.Closed, event.Archived),
		Priority:  oneOf(r, "priority", event.Low, event.Medium, event.High, event.Critical),
		CreatedBy: r.str("created_by"), CreatedAt: r.time("created_at"), UpdatedAt: r.optTime("updated_at"),
		ClosedAt: r.optTime("closed_at"), ScheduledAt: r.optTime("scheduled_at"), DueAt: r.optTime("due_at"),
		Labels: r.strs("labels"), Assignees: r.strs("assignees"), Blockers: r.uuids("blockers"), Related: r.uuids("related"),
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

func (r *reader) comment(u event.UUID) event.BaseComment {
	c := event.BaseComment{
		UUID: u, Author: r.str("author"), Content: r.str("content"), CreatedAt: r.time("created_at"), Kind: r.str("kind"),
		TriggerType: r.opt("trigger_type"), InterventionContext: r.opt("intervention_context"),
		DriverKeyFingerprint: r.opt("driver_key_fingerprint"),
	}
	r.end(true)
	return c
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
