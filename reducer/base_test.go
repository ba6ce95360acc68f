package reducer_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

func base() *event.Base {
	t := scenarioStart
	return &event.Base{
		Issues: []event.BaseIssue{
			{
				UUID: id("A"), Title: "from the checkpoint", Description: "d", Status: event.Closed, Priority: event.High,
				Parent: id("B"), CreatedBy: "ann", CreatedAt: t + 10e9, UpdatedAt: t + 50e9, ClosedAt: t + 40e9, ScheduledAt: t + 60e9, DueAt: t + 70e9,
				Labels: []string{"bug", "old"}, Assignees: []string{"ann"}, Blockers: []event.UUID{id("A"), id("B")}, Related: []event.UUID{id("A"), id("B")}, Milestone: id("M"),
				Comments: []event.BaseComment{{UUID: id("c"), Author: "ann", Content: "as kept", CreatedAt: t + 20e9, Kind: "note"}},
				Time:     []event.BaseTime{{UUID: id("e"), StartedAt: t + 21e9, DurationSeconds: ptr(uint64(7))}},
			},
			{UUID: id("B"), Title: "b", Status: event.Open, Priority: event.Medium, Parent: id("B"), CreatedBy: "bob", CreatedAt: t + 11e9, UpdatedAt: t + 12e9,
				Comments: []event.BaseComment{{UUID: id("f"), Author: "bob", Content: "f", CreatedAt: t + 13e9, Kind: "note"}},
				Time:     []event.BaseTime{{UUID: id("g"), StartedAt: t + 14e9}}},
		},
		Milestones: []event.BaseMilestone{{UUID: id("M"), Name: "m", Status: event.Closed, CreatedAt: t + 5e9, ClosedAt: t + 6e9}},
		Deleted:    []event.UUID{id("D")},
	}
}

// level3 is what the logs still hold of what the checkpoint was made from, with
// an event that the checkpoint does not hold at the end.
func level3() []*event.Envelope {
	t := scenarioStart
	es := []*event.Envelope{
		line("ann", 1, t+10e9, &event.IssueCreated{UUID: id("A"), Title: "from the checkpoint", Description: "d", Priority: event.High, CreatedBy: "somebody else", Labels: []string{"bug"}}),
		line("ann", 2, t+9e9, &event.IssueDeleted{UUID: id("D")}),
		line("ann", 3, t+21e9, &event.CommentAdded{Issue: id("A"), Comment: id("c"), Author: "ann", Content: "other bytes", CreatedAt: t + 20e9, Kind: "note"}),
		line("bob", 1, t+19e9, &event.CommentAdded{Issue: id("A"), Comment: id("c"), Author: "bob", Content: "and others", CreatedAt: t + 19e9, Kind: "note"}),
		line("bob", 2, t+22e9, &event.TimeEntryAdded{Issue: id("A"), Entry: id("e"), StartedAt: t + 20e9}),
		line("bob", 3, t+23e9, &event.MilestoneAssigned{Issue: id("A"), Milestone: id("M")}),
		line("bob", 4, t+30e9, &event.LabelRemoved{Issue: id("A"), Label: "old"}),
	}
	return es
}

func TestBaseIsShownAsItIs(t *testing.T) {
	s := reducer.New()
	s.ApplyBase(base())
	v := s.View()
	a, b := v.Issues[id("A")], v.Issues[id("B")]
	sec := func(n event.Time) event.Time { return scenarioStart + n*1e9 }
	want := &reducer.Issue{
		UUID: id("A"), Title: "from the checkpoint", Description: "d", Status: event.Closed, Priority: event.High,
		Labels: []string{"bug", "old"}, Assignees: []string{"ann"}, CreatedBy: "ann", CreatedAt: sec(10), UpdatedAt: sec(50), ClosedAt: sec(40), ScheduledAt: sec(60), DueAt: sec(70),
		Parent: id("B"), BlockedBy: []event.UUID{id("B")},
		Relations: []reducer.Relation{{Other: id("B"), Kind: event.Related, Outgoing: true}}, Milestone: id("M"),
		Comments: []reducer.Comment{{UUID: id("c"), Author: "ann", Content: "as kept", CreatedAt: sec(20), Kind: "note"}},
		Time:     []reducer.TimeEntry{{UUID: id("e"), StartedAt: sec(21), DurationSeconds: ptr(uint64(7))}},
		Created:  event.Key{Time: sec(10)},
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got  %+v\nwant %+v", a, want)
	}
	if !slices.Equal(b.Relations, []reducer.Relation{{Other: id("A"), Kind: event.Related, Outgoing: true}}) {
		t.Errorf("the side that did not list the relation shows %v", b.Relations)
	}
	if b.UpdatedAt != sec(12) {
		t.Errorf("updated %s: the checkpoint says itself when its issues were updated", at(b.UpdatedAt))
	}
	if b.Parent != (event.UUID{}) || b.ParentCyclic {
		t.Error("a self edge of the checkpoint is shown")
	}
	if m := v.Milestones[id("M")]; m.Status != event.Closed || m.ClosedAt != sec(6) || m.CreatedAt != sec(5) {
		t.Errorf("milestone %+v", m)
	}
	if !v.Deleted[id("D")] {
		t.Error("the deleted issue is not listed")
	}
	if rs := s.Rejections(); len(rs) > 0 {
		t.Errorf("rejections %v", rs)
	}
	if s.Newest() != sec(50) {
		t.Errorf("newest is %v: a new event could lose against what its writer sees", s.Newest())
	}
}

// TestBaseWithItsOwnLogs: the lines a checkpoint was made from change nothing
// that it says of origin and text, and are no duplicates of it.
func TestBaseWithItsOwnLogs(t *testing.T) {
	s := reducer.New()
	s.ApplyBase(base())
	for _, e := range level3() {
		s.Apply(e)
	}
	if rs := s.Rejections(); len(rs) > 0 {
		t.Errorf("rejections %v", rs)
	}
	a := s.View().Issues[id("A")]
	if a.CreatedBy != "ann" || a.CreatedAt != scenarioStart+10e9 || a.Status != event.Closed {
		t.Errorf("origin or status changed: %+v", a)
	}
	if len(a.Comments) != 1 || a.Comments[0].Content != "as kept" || a.Comments[0].Author != "ann" || a.Comments[0].CreatedAt != scenarioStart+20e9 {
		t.Errorf("comments %+v", a.Comments)
	}
	if len(a.Time) != 1 || a.Time[0].StartedAt != scenarioStart+21e9 {
		t.Errorf("time entries %+v", a.Time)
	}
	if !slices.Equal(a.Labels, []string{"bug"}) {
		t.Errorf("labels %v: what the checkpoint missed does not count", a.Labels)
	}
	if a.UpdatedAt != scenarioStart+50e9 {
		t.Errorf("updated %s, want the checkpoint's time: it is the greatest", at(a.UpdatedAt))
	}
	s.Apply(line("bob", 5, scenarioStart+90e9, &event.CommentEdited{Comment: id("c"), Content: "edited since"}))
	a = s.View().Issues[id("A")]
	if a.Comments[0].Content != "edited since" || a.UpdatedAt != scenarioStart+90e9 {
		t.Errorf("an edit of the checkpoint's comment: %+v, updated %s", a.Comments[0], at(a.UpdatedAt))
	}
	for _, b := range []event.Body{
		&event.CommentAdded{Issue: id("A"), Comment: id("c"), Author: "x", Content: "y", CreatedAt: 1, Kind: "note"},
		&event.TimeEntryAdded{Issue: id("A"), Entry: id("e"), StartedAt: 1},
	} {
		if err := s.Check("eve", b); err != nil {
			t.Errorf("check: %v, though nothing can differ from a checkpoint", err)
		}
	}
}

func TestBaseInAnyOrder(t *testing.T) {
	es := level3()
	want := apply(es)
	want.ApplyBase(base())
	other := base()
	other.Issues[0].Title, other.Issues[0].Comments[0].Content = "of another checkpoint", "other"
	for n := range len(es) + 1 {
		s := reducer.New()
		for i, e := range es {
			if i == n {
				s.ApplyBase(base())
			}
			s.Apply(e)
		}
		s.ApplyBase(base())
		same(t, "in between and again", s, want)

		x, y := s.Clone(), reducer.New()
		x.ApplyBase(other)
		y.ApplyBase(other)
		y.Merge(s)
		if !bytes.Equal(x.Canonical(), y.Canonical()) {
			t.Errorf("two checkpoints: %s", firstDifference(x.Canonical(), y.Canonical()))
		}
	}
}
