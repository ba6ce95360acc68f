package ledger

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// A step may cover very many lines, and it is judged with what those say that
// decide something. What is left out must change nothing.
func TestAStepHoldsOnlyWhatDecides(t *testing.T) {
	issue := event.UUID{1}
	lines := []*event.Envelope{{Agent: "alice", Seq: 1, Time: 1, Body: &event.IssueCreated{UUID: issue, Title: "one", Priority: event.Low, CreatedBy: "alice"}}}
	for n := range uint64(10_000) {
		lines = append(lines, &event.Envelope{Agent: "alice", Seq: 2 + n, Time: event.Time(2 + n), Body: &event.CommentAdded{Comment: event.UUID{2, byte(n), byte(n >> 8)}, Issue: issue, Content: "more"}})
	}
	lines = append(lines, &event.Envelope{Agent: "alice", Seq: 10_002, Time: 10_002, Body: &event.LockClaimed{Issue: issue}})
	s := &step{}
	var whole []Fact
	for _, e := range lines {
		s.see(e)
		whole = append(whole, See(e))
	}
	if len(s.facts) != 2 || s.facts[0].kind != issueCreated || s.facts[1].kind != lockClaimed {
		t.Fatalf("the step holds %d facts of %d lines, not the two that decide something", len(s.facts), len(lines))
	}
	in := Input{Moved: map[string]Position{"alice": {Seq: 10_002, Hash: event.Hash(nil)}}, Meta: "m", By: "alice", At: 1}
	in.Facts = whole
	all, _ := Decide(Empty("hub"), in)
	in.Facts = s.facts
	some, decided := Decide(Empty("hub"), in)
	if a, b := string(all.state()), string(some.state()); a != b || !decided {
		t.Errorf("decided from all lines:\n%s\nfrom those that decide something:\n%s", a, b)
	}
}

// What a line says is kept without the line: an issue may have a description of 64 KB.
func TestAFactHoldsNoLine(t *testing.T) {
	const n, size = 200, 64 << 10
	chain, s := event.Chain{Hub: "6f1c1f7e-3c5a-4d0e-9d7b-1c2d3e4f5a6b", Agent: "alice"}, &step{}
	held := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := held()
	for i := range n {
		read := chain
		line, err := chain.Stamp(&event.Envelope{Body: &event.IssueCreated{UUID: event.UUID{0: byte(i + 1), 6: 0x40, 8: 0x80}, Title: fmt.Sprint("issue ", i),
			Description: strings.Repeat("x", size), Priority: event.Low, CreatedBy: "alice"}}, event.Time(i+1), 0)
		if err != nil {
			t.Fatal(err)
		}
		e, err := read.Next(line)
		if err != nil {
			t.Fatal(err)
		}
		s.see(e)
	}
	if grown := held() - before; len(s.facts) != n || grown > n*size/10 {
		t.Errorf("%d facts of %d lines of %d bytes hold %d bytes", len(s.facts), n, size, grown)
	}
	runtime.KeepAlive(s)
}
