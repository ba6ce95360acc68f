package verb

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// What an agent is told is a function of the set of events: the same in every order
// of eight, no matter whose answers come late or twice.
func TestFlagsInEveryOrder(t *testing.T) {
	issue := event.UUID{1}
	send := func(agent string, seq uint64, at event.Time, id string, kind event.RequestKind) *event.Envelope {
		b := &event.RequestSent{ID: id, Target: "bob", Kind: kind, RequestedBy: agent}
		if kind == event.Reprioritise {
			b.Subject = issue
		}
		return line(agent, seq, at, b)
	}
	ack := func(agent string, seq uint64, at event.Time, id string) *event.Envelope {
		return line(agent, seq, at, &event.RequestAcked{ID: id, Acted: true, Result: "done"})
	}
	id := func(n int) string { return fmt.Sprintf("01HQZXK5M8N9P0Q1R2S3T4V5W%d", n) }
	for name, c := range map[string]struct {
		lines   []*event.Envelope
		ignored map[string]string
		session event.Time // of its start
		want    string
	}{
		"the last pause stands": {[]*event.Envelope{
			send("alice", 1, 10, id(1), event.Pause), send("alice", 2, 20, id(2), event.Resume), send("alice", 3, 30, id(3), event.Pause),
			ack("bob", 1, 40, id(1)), ack("bob", 2, 41, id(3)), ack("eve", 1, 42, id(2)), send("eve", 2, 50, id(4), event.Resume),
			line("alice", 4, 60, &event.IssueCreated{UUID: issue, Title: "x", Priority: event.Low, CreatedBy: "alice"}),
		}, map[string]string{id(4): "not-allowed"}, 1, "paused 3 1"},
		"equal times are ordered by agent": {[]*event.Envelope{
			send("alice", 1, 10, id(1), event.Pause), send("carol", 1, 10, id(2), event.Resume), send("dave", 1, 10, id(3), event.Pause),
			send("erin", 1, 10, id(4), event.Resume), ack("bob", 1, 11, id(3)), ack("bob", 2, 12, id(4)),
			send("alice", 2, 9, id(5), event.Reprioritise), line("alice", 3, 1, &event.IssueCreated{UUID: issue, Title: "x", Priority: event.Low, CreatedBy: "alice"}),
		}, nil, 1, "run 0 0 first"},
		"a kill ends the session before it": {[]*event.Envelope{
			send("alice", 1, 10, id(1), event.Kill), send("alice", 2, 11, id(2), event.Resume), ack("bob", 1, 12, id(1)), ack("bob", 2, 13, id(1)),
			send("alice", 3, 14, id(3), event.Pause), send("alice", 4, 15, id(4), event.Resume), ack("bob", 3, 16, id(4)), ack("eve", 1, 17, id(1)),
		}, nil, 9, "killed 1 0"},
		"a new session runs": {[]*event.Envelope{
			send("alice", 1, 10, id(1), event.Kill), send("alice", 2, 11, id(2), event.Resume), ack("bob", 1, 12, id(1)), ack("bob", 2, 13, id(1)),
			send("alice", 3, 14, id(3), event.Pause), send("alice", 4, 15, id(4), event.Resume), ack("bob", 3, 16, id(4)), ack("eve", 1, 17, id(1)),
		}, nil, 18, "run 0 0"},
	} {
		if len(c.lines) != 8 {
			t.Fatalf("%s has %d lines", name, len(c.lines))
		}
		orders := 0
		permute(c.lines, func(lines []*event.Envelope) {
			orders++
			s := reducer.New()
			for _, e := range lines {
				s.Apply(e)
			}
			var all []tracker.Command
			for _, r := range s.View().Requests {
				all = append(all, tracker.Command{Request: r, Ignored: c.ignored[r.ID]})
			}
			f := FlagsOf(all, &event.Key{Time: c.session, Agent: "bob", Seq: 1})
			by := "0"
			if f.By != nil {
				by = f.By.ID[len(f.By.ID)-1:]
			}
			got := fmt.Sprintf("%s %s %d", f.State, by, f.Ignored)
			if len(f.Reprioritise) > 0 {
				got += " first"
			}
			if got != c.want {
				t.Fatalf("%s: %s, not %s", name, got, c.want)
			}
		})
		if orders != 40320 {
			t.Fatalf("%d orders", orders)
		}
	}
}

func line(agent string, seq uint64, at event.Time, b event.Body) *event.Envelope {
	return &event.Envelope{V: 4, Agent: agent, Seq: seq, Time: at, Event: fmt.Appendf(nil, "%s %d %T", agent, seq, b), Body: b}
}

// permute calls do with every order (Heap).
func permute[T any](list []T, do func([]T)) {
	var heap func(k int)
	heap = func(k int) {
		if k <= 1 {
			do(list)
			return
		}
		for i := range k {
			heap(k - 1)
			if k%2 == 0 {
				list[i], list[k-1] = list[k-1], list[i]
			} else {
				list[0], list[k-1] = list[k-1], list[0]
			}
		}
	}
	heap(len(list))
}
