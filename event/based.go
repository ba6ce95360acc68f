package event

import (
	"encoding/json"
	"iter"
)

// Based is one object of a Base as a Body, so that anybody who keeps and reduces lines
// does the same with a Base. Exactly one member is set. No log holds one: the
// Envelopes of Records have level 0, no agent and no Raw.
type Based struct {
	Issue     *BaseIssue     `json:",omitempty"` // without Related, Comments and Time
	Relation  *BaseRelation  `json:",omitempty"`
	Comment   *BaseComment   `json:",omitempty"`
	Entry     *BaseTime      `json:",omitempty"`
	Milestone *BaseMilestone `json:",omitempty"`
	Deleted   *UUID          `json:",omitempty"`

	Of UUID // the issue of a Comment or an Entry
}

// BaseRelation is a relation that one issue of a Base lists.
type BaseRelation struct{ A, B UUID }

// Type returns a name that no event has.
func (b *Based) Type() string { return "base" }

// Records yields the objects of a Base, each as an Envelope, and then its Lines. The
// sequence of an object's counts them, and its time orders them: the creation of the
// issue, the comment, the time entry or the milestone.
func (b *Base) Records() iter.Seq[*Envelope] {
	return func(yield func(*Envelope) bool) {
		seq, more := uint64(0), true
		put := func(at Time, body Based) {
			if !more {
				return
			}
			raw, err := json.Marshal(body)
			if err != nil {
				panic(err) // strings and numbers
			}
			seq++
			more = yield(&Envelope{Seq: seq, Time: at, Event: raw, Body: &body})
		}
		for _, x := range b.Issues {
			i := x
			i.Related, i.Comments, i.Time = nil, nil, nil
			put(i.CreatedAt, Based{Issue: &i})
			for _, other := range x.Related {
				put(x.CreatedAt, Based{Relation: &BaseRelation{x.UUID, other}})
			}
			for n := range x.Comments {
				put(x.Comments[n].CreatedAt, Based{Of: x.UUID, Comment: &x.Comments[n]})
			}
			for n := range x.Time {
				put(x.Time[n].StartedAt, Based{Of: x.UUID, Entry: &x.Time[n]})
			}
		}
		for n := range b.Milestones {
			put(b.Milestones[n].CreatedAt, Based{Milestone: &b.Milestones[n]})
		}
		for n := range b.Deleted {
			put(0, Based{Deleted: &b.Deleted[n]})
		}
		for _, e := range b.Lines {
			more = more && yield(e)
		}
	}
}

// Newest returns the time of the last change of a record's object: the time of the record, or
// that of a later update of the issue.
func (b *Based) Newest(at Time) Time {
	if b.Issue != nil {
		return max(at, b.Issue.UpdatedAt)
	}
	return at
}

// Newest returns the greatest time in a Base, which new events have to follow.
func (b *Base) Newest() (at Time) {
	for _, i := range b.Issues {
		at = max(at, i.CreatedAt, i.UpdatedAt)
		for _, c := range i.Comments {
			at = max(at, c.CreatedAt)
		}
		for _, t := range i.Time {
			at = max(at, t.StartedAt)
		}
	}
	for _, m := range b.Milestones {
		at = max(at, m.CreatedAt)
	}
	for _, e := range b.Lines {
		at = max(at, e.Time)
	}
	return at
}

// decodeBased reads the Event of a record.
func decodeBased(raw []byte) (*Based, error) {
	b := &Based{}
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, err
	}
	return b, nil
}
