package reducer

import "github.com/git-crosslink/git-crosslink/event"

// The rules of a base, such as a level-3 checkpoint, are:
//
//   - its values are registers with the key (created_at of the issue, "", 0), so any event
//     after the creation overwrites them. The level-3 lines are applied again, and must not
//     change anything that they already did;
//   - the base decides who created an object and when, and the text of a comment or time
//     entry. The same adds in the logs are not duplicates of it, because the base has no bytes
//     to compare;
//   - its updated_at counts like an event's key;
//   - a relation that only one side lists still has two ends;
//   - self edges are left out.
//
// A base is applied record by record, so an object follows from the records and events
// about it. If there were ever two bases, the hash of the record would decide, as the hash
// of an event's bytes does.

// ApplyBase adds the content of a base. It is a join.
func (s *State) ApplyBase(b *event.Base) {
	for e := range b.Records() {
		s.Apply(e)
	}
}

// based adds one record of a base, whose stamp is t.
func (s *State) based(t *stamp, b *event.Based) {
	t = &stamp{key: event.Key{Time: t.key.Time}, hash: t.hash, shown: t.shown}
	switch {
	case b.Issue != nil:
		s.baseIssue(t, b.Issue)
	case b.Relation != nil:
		if r := b.Relation; r.A != r.B {
			s.relations.put(t, relationOf(r.A, r.B, event.Related), true)
		}
	case b.Comment != nil:
		c := b.Comment
		s.comment(c.UUID).adds.put(t, &event.CommentAdded{
			Issue:                b.Of,
			Comment:              c.UUID,
			Author:               c.Author,
			Content:              c.Content,
			CreatedAt:            c.CreatedAt,
			Kind:                 c.Kind,
			TriggerType:          c.TriggerType,
			InterventionContext:  c.InterventionContext,
			DriverKeyFingerprint: c.DriverKeyFingerprint,
		})
	case b.Entry != nil:
		e := b.Entry
		s.entry(e.UUID).adds.put(t, &event.TimeEntryAdded{
			Issue:           b.Of,
			Entry:           e.UUID,
			StartedAt:       e.StartedAt,
			EndedAt:         e.EndedAt,
			DurationSeconds: e.DurationSeconds,
		})
	case b.Milestone != nil:
		m := b.Milestone
		x := s.milestone(m.UUID)
		x.created.write(t, m.CreatedAt)
		x.name.write(t, m.Name)
		x.description.write(t, m.Description)
		x.status.write(t, status{is: m.Status, closedAt: m.ClosedAt})
	case b.Deleted != nil:
		s.issue(*b.Deleted).deletions.put(t, event.UUID{}, true)
	}
}

func (s *State) baseIssue(t *stamp, b *event.BaseIssue) {
	i := s.issue(b.UUID)
	i.touched = latest(i.touched, &stamp{key: event.Key{Time: b.UpdatedAt}, hash: t.hash, shown: b.UpdatedAt})
	// A new event has to be stamped later; otherwise it would lose against the values that
	// its writer sees.
	s.newest = max(s.newest, b.UpdatedAt)
	i.created.write(t, b.CreatedBy)
	i.title.write(t, b.Title)
	i.description.write(t, b.Description)
	i.priority.write(t, b.Priority)
	i.status.write(t, status{is: b.Status, closedAt: b.ClosedAt})
	i.schedule.write(t, schedule{b.ScheduledAt, b.DueAt})
	i.milestone.write(t, b.Milestone)
	if b.Parent != b.UUID {
		i.parent.write(t, b.Parent)
	}
	for _, l := range b.Labels {
		i.labels.put(t, l, true)
	}
	for _, a := range b.Assignees {
		i.assignees.put(t, a, true)
	}
	for _, id := range b.Blockers {
		if id != b.UUID {
			i.blockers.put(t, id, true)
		}
	}
}
