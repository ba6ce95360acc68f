package reducer

import (
	"crypto/sha256"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of a level-3 checkpoint are:
//
//   - its values are registers with the key (created_at of the issue, "", 0),
//     so any event that came after the creation writes over them; the level-3
//     lines are applied again, and must change nothing that they already did;
//   - who created a thing, and when, is what the checkpoint says, and so is a
//     comment's or time entry's text: the same adds in the logs are not
//     duplicates of it, as there are no bytes they could differ from;
//   - its updated_at counts like an event's key;
//   - a relation that only one side lists has two ends all the same;
//   - self edges are left out.

// ApplyBase adds what a level-3 checkpoint holds. It is a join.
func (s *State) ApplyBase(b *event.Base) {
	// No event's bytes stand behind these registers. Should there ever be two
	// checkpoints, the hash of all of each decides, as that of an event's bytes
	// would.
	plain := stateOf(b, [sha256.Size]byte{})
	s.based = true
	s.Merge(stateOf(b, sha256.Sum256(plain.Canonical())))
}

// Based reports whether the state holds a checkpoint, so that it does not follow
// from events alone.
func (s *State) Based() bool { return s.based }

func stateOf(b *event.Base, hash [sha256.Size]byte) *State {
	s := New()
	at := func(t event.Time) *stamp {
		// A new event has to be stamped later, or it would lose against what its
		// writer sees.
		s.newest = max(s.newest, t)
		return &stamp{key: event.Key{Time: t}, hash: hash, shown: t}
	}
	for n := range b.Issues {
		s.baseIssue(&b.Issues[n], at)
	}
	for _, m := range b.Milestones {
		x, t := s.milestone(m.UUID), at(m.CreatedAt)
		x.created.write(t, m.CreatedAt)
		x.name.write(t, m.Name)
		x.description.write(t, m.Description)
		x.status.write(t, status{is: m.Status, closedAt: m.ClosedAt})
	}
	for _, id := range b.Deleted {
		s.issue(id).deleted = at(0)
	}
	return s
}

func (s *State) baseIssue(b *event.BaseIssue, at func(event.Time) *stamp) {
	i, t := s.issue(b.UUID), at(b.CreatedAt)
	i.touched = at(b.UpdatedAt)
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
	for _, id := range b.Blockers {
		if id != b.UUID {
			i.blockers.put(t, id, true)
		}
	}
	for _, id := range b.Related {
		if id != b.UUID {
			s.relations.put(t, relationOf(b.UUID, id, event.Related), true)
		}
	}
	for _, c := range b.Comments {
		s.comment(c.UUID).adds.put(at(c.CreatedAt), &event.CommentAdded{
			Issue:                b.UUID,
			Comment:              c.UUID,
			Author:               c.Author,
			Content:              c.Content,
			CreatedAt:            c.CreatedAt,
			Kind:                 c.Kind,
			TriggerType:          c.TriggerType,
			InterventionContext:  c.InterventionContext,
			DriverKeyFingerprint: c.DriverKeyFingerprint,
		})
	}
	for _, e := range b.Time {
		s.entry(e.UUID).adds.put(at(e.StartedAt), &event.TimeEntryAdded{
			Issue:           b.UUID,
			Entry:           e.UUID,
			StartedAt:       e.StartedAt,
			EndedAt:         e.EndedAt,
			DurationSeconds: e.DurationSeconds,
		})
	}
}
