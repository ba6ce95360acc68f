package reducer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

func id(s string) event.UUID {
	u := uuid.NewSHA1(uuid.NameSpaceOID, []byte(s))
	names[u] = s
	return u
}

func ptr[T any](v T) *T { return &v }

// line is an envelope as if it had been decoded.
func line(agent string, seq uint64, t event.Time, b event.Body) *event.Envelope {
	j, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return &event.Envelope{V: 4, Agent: agent, Seq: seq, Time: t, Body: b, Event: append([]byte(b.Type()), j...)}
}

func created(issue string) *event.IssueCreated {
	return &event.IssueCreated{UUID: id(issue), Title: "new " + issue, Priority: event.Medium, CreatedBy: "who"}
}

// everything tells what three agents do, four events each, in their own order.
var everything = []struct {
	name   string
	agents [3][4]event.Body
}{
	{"close, reopen, edit, delete", [3][4]event.Body{
		{created("A"), &event.StatusChanged{UUID: id("A"), NewStatus: event.Closed, Reason: "done"}, &event.IssueUpdated{UUID: id("A"), Title: ptr("one")}, &event.StatusChanged{UUID: id("A"), NewStatus: event.Open}},
		{&event.IssueUpdated{UUID: id("A"), Title: ptr("two"), Priority: ptr(event.High)}, &event.StatusChanged{UUID: id("A"), NewStatus: event.Archived, ClosedAt: 7}, created("B"), &event.IssueDeleted{UUID: id("B")}},
		{&event.StatusChanged{UUID: id("A"), NewStatus: event.Closed, ClosedAt: 99}, &event.IssueUpdated{UUID: id("B"), Description: ptr("late")}, &event.ScheduleChanged{Issue: id("A"), DueAt: 50}, &event.ScheduleChanged{Issue: id("A"), ScheduledAt: 40}},
	}},
	{"two creations of one uuid", [3][4]event.Body{
		{&event.IssueCreated{UUID: id("A"), Title: "first", Priority: event.Low, CreatedBy: "x", Labels: []string{"l"}}, &event.LabelRemoved{Issue: id("A"), Label: "l"}, &event.IssueUpdated{UUID: id("A"), Description: ptr("text")}, created("P")},
		{&event.IssueCreated{UUID: id("A"), Title: "second", Description: "d", Priority: event.High, CreatedBy: "y", Parent: id("P")}, &event.StatusChanged{UUID: id("A"), NewStatus: event.Closed}, &event.ParentChanged{Issue: id("A")}, &event.IssueDeleted{UUID: id("P")}},
		{&event.LabelAdded{Issue: id("A"), Label: "l"}, &event.IssueUpdated{UUID: id("A"), Priority: ptr(event.Critical)}, &event.ScheduleChanged{Issue: id("A"), DueAt: 3}, &event.IssueCreated{UUID: id("A"), Title: "first", Priority: event.Low, CreatedBy: "x", Labels: []string{"l"}}},
	}},
	{"labels and assignees", [3][4]event.Body{
		{created("A"), &event.LabelAdded{Issue: id("A"), Label: "bug"}, &event.LabelRemoved{Issue: id("A"), Label: "bug"}, &event.AssigneeAdded{Issue: id("A"), Assignee: "ann"}},
		{&event.LabelAdded{Issue: id("A"), Label: "bug"}, &event.LabelAdded{Issue: id("A"), Label: "flux"}, &event.AssigneeAdded{Issue: id("A"), Assignee: "ann"}, &event.AssigneeRemoved{Issue: id("A"), Assignee: "ann"}},
		{&event.LabelRemoved{Issue: id("A"), Label: "bug"}, &event.LabelRemoved{Issue: id("A"), Label: "flux"}, &event.AssigneeRemoved{Issue: id("A"), Assignee: "ann"}, &event.LabelAdded{Issue: id("A"), Label: "bug"}},
	}},
	{"parents in circles", [3][4]event.Body{
		{created("A"), &event.ParentChanged{Issue: id("A"), Parent: id("B")}, &event.ParentChanged{Issue: id("C"), Parent: id("A")}, &event.ParentChanged{Issue: id("A")}},
		{created("B"), &event.ParentChanged{Issue: id("B"), Parent: id("C")}, &event.ParentChanged{Issue: id("A"), Parent: id("C")}, &event.IssueDeleted{UUID: id("B")}},
		{created("C"), &event.ParentChanged{Issue: id("C"), Parent: id("B")}, &event.ParentChanged{Issue: id("B"), Parent: id("A")}, &event.ParentChanged{Issue: id("C"), Parent: id("C")}},
	}},
	{"dependencies", [3][4]event.Body{
		{created("A"), &event.DependencyAdded{Blocked: id("A"), Blocker: id("B")}, &event.DependencyRemoved{Blocked: id("B"), Blocker: id("A")}, &event.DependencyAdded{Blocked: id("A"), Blocker: id("A")}},
		{created("B"), &event.DependencyAdded{Blocked: id("B"), Blocker: id("C")}, &event.DependencyAdded{Blocked: id("B"), Blocker: id("A")}, &event.DependencyRemoved{Blocked: id("B"), Blocker: id("C")}},
		{created("C"), &event.DependencyAdded{Blocked: id("C"), Blocker: id("A")}, &event.DependencyRemoved{Blocked: id("A"), Blocker: id("B")}, &event.IssueDeleted{UUID: id("C")}},
	}},
	{"relations", [3][4]event.Body{
		{created("A"), &event.RelationAdded{A: id("A"), B: id("B"), Kind: event.Related}, &event.RelationRemoved{A: id("B"), B: id("A"), Kind: event.Related}, &event.RelationAdded{A: id("B"), B: id("A"), Kind: event.Duplicates}},
		{created("B"), &event.RelationAdded{A: id("B"), B: id("A"), Kind: event.Related}, &event.RelationAdded{A: id("A"), B: id("B"), Kind: event.Duplicates}, &event.RelationRemoved{A: id("A"), B: id("B"), Kind: event.Duplicates}},
		{&event.RelationRemoved{A: id("A"), B: id("B")}, &event.RelationAdded{A: id("A"), B: id("B")}, &event.RelationRemoved{A: id("B"), B: id("A"), Kind: event.Duplicates}, &event.IssueDeleted{UUID: id("B")}},
	}},
	{"comments", [3][4]event.Body{
		{created("A"), &event.CommentAdded{Issue: id("A"), Comment: id("c"), Author: "ann", Content: "one", Kind: "note"}, &event.CommentEdited{Comment: id("c"), Content: "one, edited"}, &event.CommentDeleted{Comment: id("d")}},
		{&event.CommentEdited{Comment: id("c"), Content: "before it was said"}, &event.CommentAdded{Issue: id("B"), Comment: id("c"), Author: "bob", Content: "two", Kind: "note"}, &event.CommentAdded{Issue: id("A"), Comment: id("d"), Author: "bob", Content: "three", Kind: "plan"}, created("B")},
		{&event.CommentAdded{Issue: id("A"), Comment: id("c"), Author: "ann", Content: "one", Kind: "note"}, &event.CommentEdited{Comment: id("d"), Content: "of the deleted"}, &event.TimeEntryAdded{Issue: id("B"), Entry: id("e"), StartedAt: 1, EndedAt: 2}, &event.TimeEntryAdded{Issue: id("A"), Entry: id("e"), StartedAt: 1, DurationSeconds: ptr(uint64(5))}},
	}},
	{"deletions taken back", [3][4]event.Body{
		{created("A"), &event.IssueDeleted{UUID: id("A"), Deletion: id("d")}, &event.IssueUndeleted{UUID: id("A"), Deletion: id("d")}, &event.IssueDeleted{UUID: id("A"), Deletion: id("d")}},
		{&event.IssueUndeleted{UUID: id("A"), Deletion: id("e")}, &event.IssueDeleted{UUID: id("A"), Deletion: id("e")}, created("B"), &event.IssueDeleted{UUID: id("B")}},
		{&event.ParentChanged{Issue: id("A"), Parent: id("B")}, &event.IssueUndeleted{UUID: id("B"), Deletion: id("d")}, &event.DependencyAdded{Blocked: id("B"), Blocker: id("A")}, &event.IssueUndeleted{UUID: id("A"), Deletion: id("d")}},
	}},
	{"milestones", [3][4]event.Body{
		{created("A"), &event.MilestoneCreated{UUID: id("M"), Name: "m", CreatedAt: 5}, &event.MilestoneAssigned{Issue: id("A"), Milestone: id("M")}, &event.MilestoneClosed{UUID: id("M"), ClosedAt: 60}},
		{&event.MilestoneAssigned{Issue: id("A"), Milestone: id("N")}, &event.MilestoneCreated{UUID: id("N"), Name: "n", CreatedAt: 6}, &event.MilestoneAssigned{Issue: id("A")}, &event.MilestoneReopened{UUID: id("M")}},
		{&event.MilestoneUpdated{UUID: id("M"), Name: ptr("better")}, &event.MilestoneAssigned{Issue: id("A"), Milestone: id("M")}, &event.MilestoneDeleted{UUID: id("N")}, &event.MilestoneCreated{UUID: id("N"), Name: "back?", CreatedAt: 7}},
	}},
	{"requests and sessions", [3][4]event.Body{
		{&event.RequestSent{ID: "r", Target: "agent-1", Kind: event.Pause, RequestedBy: "ann"}, &event.RequestAcked{ID: "r", Acted: true, Result: "not mine"}, &event.SessionStarted{Session: id("s"), Issue: id("A")}, created("A")},
		{&event.RequestAcked{ID: "r", Acted: false, Result: "no"}, &event.RequestAcked{ID: "r", Acted: true, Result: "yes"}, &event.SessionEnded{Session: id("s"), Notes: "not started"}, &event.SessionStarted{Session: id("s")}},
		{&event.RequestSent{ID: "r", Target: "agent-2", Kind: event.Kill, RequestedBy: "cat"}, &event.RequestAcked{ID: "r", Acted: true, Result: "dead"}, &event.SessionWorked{Session: id("s"), Issue: id("A")}, &event.IssueDeleted{UUID: id("A")}},
	}},
}

// TestAllInterleavings goes through all 12!/(4!·4!·4!) = 34,650 ways in which
// three agents can stamp their four events each. The events are reduced in the
// order of stamping, in the opposite order, or agent by agent with a merge (for
// every tenth in all three ways), and the oracle must see the same.
func TestAllInterleavings(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 23
	}
	for _, x := range everything {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			lines := [3][4]*event.Envelope{}
			for a := range x.agents {
				for n, b := range x.agents[a] {
					lines[a][n] = line(fmt.Sprintf("agent-%d", a), uint64(n+1), 0, b)
				}
			}
			n := 0
			interleave(func(turns []int) {
				n++
				if n%stride != 0 || t.Failed() {
					return
				}
				var es []*event.Envelope
				var next [3]int
				for i, a := range turns {
					e := *lines[a][next[a]]
					next[a]++
					// Stamps come in pairs, so that agent ids and sequences decide too.
					e.Time = event.Time(100 + i - i%2)
					es = append(es, &e)
				}
				ways := [...]func() *reducer.State{
					func() *reducer.State { return apply(es) },
					func() *reducer.State {
						back := slices.Clone(es)
						slices.Reverse(back)
						return apply(back)
					},
					func() *reducer.State {
						parts := [3]*reducer.State{reducer.New(), reducer.New(), reducer.New()}
						for i, a := range turns {
							parts[a].Apply(es[i])
						}
						parts[2].Merge(parts[0])
						parts[2].Merge(parts[1])
						return parts[2]
					},
				}
				got := ways[n%3]()
				if n%10 == 0 {
					want := got.Canonical()
					for i, way := range ways {
						if b := way().Canonical(); !bytes.Equal(b, want) {
							t.Fatalf("turns %v, way %d: other state:\n%s", turns, i, firstDifference(b, want))
						}
					}
				}
				if agree(t, es, got); t.Failed() {
					t.Fatalf("turns %v", turns)
				}
			})
			if n != 34650 {
				t.Errorf("%d interleavings, want 34,650", n)
			}
		})
	}
}

// interleave calls f with every sequence of four turns for each of three agents.
func interleave(f func(turns []int)) {
	var turns []int
	left := [3]int{4, 4, 4}
	var walk func()
	walk = func() {
		if len(turns) == 12 {
			f(turns)
			return
		}
		for a := range left {
			if left[a] > 0 {
				left[a]--
				turns = append(turns, a)
				walk()
				turns = turns[:len(turns)-1]
				left[a]++
			}
		}
	}
	walk()
}
