package reducer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// TestCheckSaysWhatTheRejectionSays: for every event of random histories, Check
// refuses it exactly if a line with it, stamped after all that is known,
// becomes a Rejection, and in the same words.
func TestCheckSaysWhatTheRejectionSays(t *testing.T) {
	refused := make(map[string]int)
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		es := testkit.History(rng, testkit.HistoryOptions{Agents: 4, Events: 200, Invalid: true})
		s := apply(es[:100])
		for n, e := range es[100:] {
			if _, ok := e.Body.(*event.Unknown); ok {
				continue // Check refuses to write what it does not know; a reader keeps it
			}
			err := s.Check(e.Agent, e.Body)
			after := s.Clone()
			next := *e
			next.Seq, next.Time = 1000+uint64(n), s.Newest()+1
			after.Apply(&next)
			var want error
			for _, r := range after.Rejections() {
				if r.Seq == next.Seq && r.Agent == next.Agent {
					want = &reducer.RejectedError{Reason: r.Reason, Detail: r.Detail}
					refused[r.Reason]++
				}
			}
			if fmt.Sprint(err) != fmt.Sprint(want) {
				t.Fatalf("seed %d: %s %+v\ncheck: %v\nrejection: %v", seed, e.Body.Type(), e.Body, err, want)
			}
		}
	}
	for _, reason := range []string{"self-edge", "duplicate-uuid", "not-target", "missing-member"} {
		if refused[reason] < 5 {
			t.Errorf("only %d times '%s'", refused[reason], reason)
		}
	}
}

func TestCheckIsTyped(t *testing.T) {
	s := reducer.New()
	if err := s.Check("alice", &event.IssueDeleted{UUID: id("A")}); err != nil {
		t.Errorf("a good event is refused: %v", err)
	}
	err := s.Check("alice", &event.LabelAdded{Issue: id("A"), Label: "two\nlines"})
	var r *reducer.RejectedError
	if !errors.As(err, &r) || r.Reason != event.ControlCharacter || r.Detail == "" {
		t.Errorf("a bad member gives %#v", err)
	}
	if got := (&reducer.RejectedError{Reason: "why"}).Error(); got != "why" {
		t.Errorf("without a detail the message is %q", got)
	}
}
