package reducer_test

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// big is 10,000 issues with 40,000 comments, labels, closes and edges.
func big() []*event.Envelope {
	var es []*event.Envelope
	seqs := make(map[string]uint64)
	say := func(n int, b event.Body) {
		agent := fmt.Sprintf("agent-%02d", n%20)
		seqs[agent]++
		es = append(es, line(agent, seqs[agent], scenarioStart+event.Time(len(es)), b))
	}
	uuid := func(kind byte, n int) (u event.UUID) {
		u[0], u[1], u[2], u[3] = kind, byte(n>>16), byte(n>>8), byte(n)
		return u
	}
	for n := range 10_000 {
		i := uuid(1, n)
		say(n, &event.IssueCreated{UUID: i, Title: "an issue of the usual length, or so", Description: "with some text", Priority: event.Medium, CreatedBy: "ann", Labels: []string{"bug"}})
		for c := range 4 {
			say(n+c, &event.CommentAdded{Issue: i, Comment: uuid(2, 4*n+c), Author: "bob", Content: "a comment", CreatedAt: scenarioStart, Kind: "note"})
		}
		say(n, &event.LabelAdded{Issue: i, Label: "flux"})
		if n > 0 {
			say(n, &event.DependencyAdded{Blocked: i, Blocker: uuid(1, n/2)})
			say(n, &event.ParentChanged{Issue: i, Parent: uuid(1, n-1)})
		}
		say(n, &event.StatusChanged{UUID: i, NewStatus: event.Closed})
	}
	return es
}

func BenchmarkApply(b *testing.B) {
	es := big()
	for b.Loop() {
		apply(es)
	}
	b.ReportMetric(float64(len(es))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkView(b *testing.B) {
	es := big()
	s := apply(es)
	again := es[0]
	for b.Loop() {
		s.Apply(again) // drops the view
		s.View()
	}
}

func BenchmarkMerge(b *testing.B) {
	s := apply(big())
	for b.Loop() {
		reducer.New().Merge(s)
	}
}

func BenchmarkHash(b *testing.B) {
	s := apply(big())
	for b.Loop() {
		s.Hash()
	}
}
