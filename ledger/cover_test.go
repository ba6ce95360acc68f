package ledger

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// A step may cover very many lines, and it is judged with those in memory that
// decide something. What is left out must change nothing.
func TestAStepHoldsOnlyLinesThatDecide(t *testing.T) {
	issue := event.UUID{1}
	lines := []*event.Envelope{{Agent: "alice", Seq: 1, Time: 1, Body: &event.IssueCreated{UUID: issue, Title: "one", Priority: event.Low, CreatedBy: "alice"}}}
	for n := range uint64(10_000) {
		lines = append(lines, &event.Envelope{Agent: "alice", Seq: 2 + n, Time: event.Time(2 + n), Body: &event.CommentAdded{Comment: event.UUID{2, byte(n), byte(n >> 8)}, Issue: issue, Content: "more"}})
	}
	lines = append(lines, &event.Envelope{Agent: "alice", Seq: 10_002, Time: 10_002, Body: &event.LockClaimed{Issue: issue}})
	s := &step{}
	s.cover(lines)
	if len(s.lines) != 2 || s.lines[0] != lines[0] || s.lines[1] != lines[len(lines)-1] {
		t.Fatalf("the step holds %d of %d lines, not the two that decide something", len(s.lines), len(lines))
	}
	in := Input{Moved: map[string]Position{"alice": {Seq: 10_002, Hash: event.Hash(nil)}}, Meta: "m", By: "alice", At: 1}
	in.Lines = lines
	all, _ := Decide(Empty("hub"), in)
	in.Lines = s.lines
	some, decided := Decide(Empty("hub"), in)
	if a, b := string(all.state()), string(some.state()); a != b || !decided {
		t.Errorf("decided from all lines:\n%s\nfrom those that decide something:\n%s", a, b)
	}
}
