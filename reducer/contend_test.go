package reducer_test

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// An event that is ordered before another one that writes the same register is
// reported as lost, whatever else it changes. An event without a register never loses.
func TestContend(t *testing.T) {
	u, v, c, m := event.UUID{1}, event.UUID{2}, event.UUID{3}, event.UUID{4}
	one, two := "one", "two"
	low := event.Priority(event.Low)
	loses := [][2]event.Body{ // the later one first
		{&event.IssueUpdated{UUID: u, Title: &one}, &event.IssueUpdated{UUID: u, Title: &two}},
		{&event.IssueUpdated{UUID: u, Title: &one}, &event.IssueUpdated{UUID: u, Title: &two, Description: &two}},
		{&event.IssueUpdated{UUID: u, Description: &one}, &event.IssueUpdated{UUID: u, Description: &two}},
		{&event.IssueUpdated{UUID: u, Priority: &low}, &event.IssueUpdated{UUID: u, Priority: &low}},
		{&event.StatusChanged{UUID: u, NewStatus: event.Closed}, &event.StatusChanged{UUID: u, NewStatus: event.Open}},
		{&event.ScheduleChanged{Issue: u, DueAt: 9}, &event.ScheduleChanged{Issue: u}},
		{&event.ParentChanged{Issue: u, Parent: v}, &event.ParentChanged{Issue: u}},
		{&event.MilestoneAssigned{Issue: u, Milestone: m}, &event.MilestoneAssigned{Issue: u}},
		{&event.LabelAdded{Issue: u, Label: "a"}, &event.LabelRemoved{Issue: u, Label: "a"}},
		{&event.AssigneeAdded{Issue: u, Assignee: "a"}, &event.AssigneeRemoved{Issue: u, Assignee: "a"}},
		{&event.DependencyAdded{Blocked: u, Blocker: v}, &event.DependencyRemoved{Blocked: u, Blocker: v}},
		{&event.RelationAdded{A: u, B: v}, &event.RelationRemoved{A: v, B: u}},
		{&event.CommentEdited{Comment: c, Content: one}, &event.CommentEdited{Comment: c, Content: two}},
		{&event.MilestoneUpdated{UUID: m, Name: &one}, &event.MilestoneUpdated{UUID: m, Name: &two}},
		{&event.MilestoneClosed{UUID: m, ClosedAt: 9}, &event.MilestoneReopened{UUID: m}},
	}
	envelope := func(agent string, at event.Time, b event.Body) *event.Envelope {
		return &event.Envelope{V: 4, Agent: agent, Seq: 1, Time: at, Body: b, Event: []byte(agent)}
	}
	for _, x := range loses {
		s := reducer.New()
		far := envelope("zed", 100, x[0])
		s.Apply(far)
		if later, lost := s.Contend(envelope("bob", 50, x[1])); !lost || later != far.Key() {
			t.Errorf("%T: %v %v", x[1], lost, later)
		}
		if later, lost := s.Contend(envelope("bob", 150, x[1])); lost {
			t.Errorf("%T, later: lost to %v", x[1], later)
		}
	}
	s := reducer.New()
	for _, x := range loses {
		s.Apply(envelope("zed", 100, x[0]))
	}
	for _, b := range []event.Body{
		&event.CommentAdded{Issue: u, Comment: event.UUID{9}, Author: "bob", Content: one, CreatedAt: 9, Kind: "note"},
		&event.LabelAdded{Issue: u, Label: "b"}, &event.IssueDeleted{UUID: u}, &event.CommentDeleted{Comment: c}, &event.MilestoneDeleted{UUID: m},
		&event.IssueCreated{UUID: event.UUID{8}, Title: one, Priority: event.Low, Parent: u}, &event.LockClaimed{Issue: u},
		&event.AgentIntroduced{Kind: event.Person}, &event.AgentRetired{},
	} {
		if later, lost := s.Contend(envelope("bob", 50, b)); lost {
			t.Errorf("%T: lost to %v", b, later)
		}
	}
}
