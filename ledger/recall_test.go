package ledger_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// A recalled ledger gives the same answers as a decoded one, whatever it is asked first, and
// the same next steps.
func TestRecall(t *testing.T) {
	s := newScene(t)
	var uuids []event.UUID
	list := []ledger.Numbered{}
	for n := range 300 {
		u := s.uuid()
		agent := "agent-a"
		if n%7 == 0 && n > 0 { // one whose id is an issue's uuid, and stands before it
			agent = uuids[n-1].String()
		}
		if n == 0 {
			agent = event.UUID{0xab, 15: 1}.String()
		}
		uuids = append(uuids, u)
		list = append(list, ledger.Numbered{Number: uint64(2*n + 1), UUID: u, Agent: agent, Seq: uint64(n + 1)})
	}
	s.create("agent-a")
	l := s.step().ForgeNumbers(list)
	files := l.Files()
	want, err := ledger.Decode(files)
	if err != nil {
		t.Fatal(err)
	}
	recall := func() *ledger.Ledger {
		t.Helper()
		l, err := ledger.Recall(files)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if got := recall(); !maps.EqualFunc(got.Files(), files, bytes.Equal) || got.CountIssues() != 300 || got.LastIssue() != want.LastIssue() {
		t.Error("it is another ledger")
	}
	for _, n := range []int{0, 1, 63, 64, 65, 299, 300, 400} {
		rest := want.Issues()[min(n, 300):]
		if got := recall().IssuesSince(n); !slices.Equal(got, rest) {
			t.Errorf("behind %d: %d lines, not %d", n, len(got), len(rest))
		}
		got := recall()
		got.Issues()
		if is := got.IssuesSince(n); !slices.Equal(is, rest) {
			t.Errorf("behind %d, all read: %d lines, not %d", n, len(is), len(rest))
		}
	}
	got := recall()
	for _, u := range append(slices.Clone(uuids), s.uuid(), event.UUID{0xab, 15: 1}) { // searched first, then in an index
		if got.Issue(u) != want.Issue(u) {
			t.Fatalf("%s is %d, not %d", u, got.Issue(u), want.Issue(u))
		}
	}
	if !slices.Equal(recall().Issues(), want.Issues()) {
		t.Error("other numbers")
	}
	// two steps that continue from one ledger, each with an issue of its own
	next := func(base *ledger.Ledger, u event.UUID) *ledger.Ledger {
		t.Helper()
		e := &event.Envelope{V: 4, Agent: "agent-b", Seq: 1, Time: at(9), Body: &event.IssueCreated{UUID: u, Title: "x"}}
		l, ok := ledger.Decide(base, ledger.Input{Facts: []ledger.Fact{ledger.See(e)}, By: "agent-b", At: at(9), Meta: base.Meta})
		if !ok {
			t.Fatal("nothing is decided")
		}
		return l
	}
	base := recall()
	for n, u := range []event.UUID{s.uuid(), s.uuid()} {
		a, b := next(base, u), next(want, u)
		if !maps.EqualFunc(a.Files(), b.Files(), bytes.Equal) || a.Issue(u) != 600 || a.Issue(uuids[7]) != 15 || a.Issue(s.uuid()) != 0 {
			t.Errorf("step %d goes on otherwise", n)
		}
		if !maps.EqualFunc(a.Changes(base), b.Changes(want), bytes.Equal) {
			t.Errorf("step %d changes other files", n)
		}
	}
	if base.CountIssues() != 300 || base.Issue(uuids[299]) != 599 {
		t.Error("the base has changed")
	}
}
