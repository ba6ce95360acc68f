package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// A scene is one chain and some logs, written and judged by hand.
type scene struct {
	*world
	logs   map[string]*writer
	warm   *ledger.Reader
	tip    string
	meta   string
	second int
}

func newScene(t testing.TB) *scene {
	w := newWorld(t)
	s := &scene{world: w, logs: map[string]*writer{}, warm: ledger.NewReader(w, hubID), meta: w.meta}
	s.tip = w.root("agent-a")
	return s
}

func (s *scene) log(agent string) *writer {
	if s.logs[agent] == nil {
		s.logs[agent] = s.writer(agent)
	}
	return s.logs[agent]
}

// say appends one event, a second after the one before.
func (s *scene) say(agent string, b event.Body) *event.Envelope {
	s.second++
	return s.sayAt(agent, s.second, b)
}

func (s *scene) sayAt(agent string, second int, b event.Body) *event.Envelope {
	return s.log(agent).say(at(second), 0, b)
}

func (s *scene) raw(agent, eventJSON string) *event.Envelope {
	s.second++
	return s.log(agent).raw(at(s.second), eventJSON)
}

func (s *scene) create(agent string) event.UUID {
	u := s.uuid()
	s.say(agent, created(u))
	return u
}

func created(u event.UUID) event.Body {
	return &event.IssueCreated{UUID: u, Title: "x", Priority: event.Low, CreatedBy: "x"}
}

func (s *scene) claim(agent string, u event.UUID, wait bool) uint64 {
	return s.say(agent, &event.LockClaimed{Issue: u, Wait: wait}).Seq
}

func (s *scene) release(agent string, u event.UUID) { s.say(agent, &event.LockReleased{Issue: u}) }

func (s *scene) breaks(agent string, u event.UUID, token uint64) {
	s.say(agent, &event.LockBroken{Issue: u, Token: token, Reason: "x"})
}

// tips are the tips of the logs; only the agents named, if any are.
func (s *scene) tips(only ...string) map[string]string {
	out := map[string]string{}
	for id, l := range s.logs {
		if l.tip != "" && (len(only) == 0 || slices.Contains(only, id)) {
			out[id] = l.tip
		}
	}
	return out
}

func (s *scene) view() ledger.View {
	s.t.Helper()
	v, err := s.warm.Read(s.tip)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// draft makes the next step, nil if there is nothing to decide.
func (s *scene) draft(only ...string) *ledger.Draft {
	s.t.Helper()
	d, err := s.warm.Next(ledger.Plan{On: s.view(), Meta: s.meta, By: "agent-a", At: at(s.second), Logs: s.tips(only...)})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// step writes the next step over the logs of the agents named, or of all, and
// returns its ledger. Warm and cold readers must call it valid.
func (s *scene) step(only ...string) *ledger.Ledger {
	s.t.Helper()
	d := s.draft(only...)
	if d == nil {
		s.t.Fatal("there is nothing to decide")
	}
	return s.take(s.write(d))
}

// take makes a commit the tip, which must be a valid step.
func (s *scene) take(id string) *ledger.Ledger {
	s.t.Helper()
	s.tip = id
	for _, v := range []ledger.View{s.view(), s.cold(id)} {
		if v.Step != id {
			s.t.Fatalf("the step is bad: %v", v.Bad)
		}
	}
	return s.view().Ledger
}

// nothing says that there is nothing to decide.
func (s *scene) nothing() {
	s.t.Helper()
	if d := s.draft(); d != nil {
		s.t.Fatalf("there is something to decide: %s", words(d.Ledger))
	}
}

// lock tells who holds an issue and who waits: "a/1@2 < b/3".
func lock(l *ledger.Ledger, u event.UUID) string {
	k, held := l.Locks[u]
	if !held {
		return ""
	}
	out := fmt.Sprintf("%s/%d@%d", strings.TrimPrefix(k.Agent, "agent-"), k.ClaimSeq, k.Token)
	for _, w := range l.Queue[u] {
		out += fmt.Sprintf(" < %s/%d", strings.TrimPrefix(w.Agent, "agent-"), w.ClaimSeq)
	}
	return out
}

func (s *scene) is(l *ledger.Ledger, u event.UUID, want string) {
	s.t.Helper()
	if got := lock(l, u); got != want {
		s.t.Fatalf("the lock is '%s', want '%s'", got, want)
	}
}

// numbers tells the issues' numbers.
func (s *scene) numbers(l *ledger.Ledger, want map[event.UUID]uint64) {
	s.t.Helper()
	got := map[event.UUID]uint64{}
	for _, x := range l.Issues() {
		got[x.UUID] = x.Number
	}
	if !maps.Equal(got, want) {
		s.t.Fatalf("the numbers are %v, want %v", got, want)
	}
}
