package ledger_test

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// One test for each sentence of the rules of Decide; the name is the sentence.

var decideRules = []struct {
	sentence string
	test     func(t *testing.T, s *scene)
}{
	{"of the covered lines only the six events are read", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.step()
		s.say("agent-a", &event.StatusChanged{UUID: u, NewStatus: event.Closed})
		s.say("agent-a", &event.LabelAdded{Issue: u, Label: "x"})
		s.say("agent-a", &event.MilestoneDeleted{UUID: u})
		s.raw("agent-a", `{"type":"LockReleasedAll","issue_uuid":"`+u.String()+`"}`)
		s.nothing()
	}},
	{"closing an issue does not touch its lock", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		s.say("agent-b", &event.StatusChanged{UUID: u, NewStatus: event.Closed})
		s.nothing()
	}},
	{"a line in which one of the members does not decode is invisible", func(t *testing.T, s *scene) {
		u := s.create("agent-a").String()
		s.claim("agent-a", s.uuid(), false)
		s.step()
		for _, bad := range []string{
			`{"type":"IssueCreated","uuid":"x","title":"x","priority":"low","created_by":"x"}`,
			`{"type":"IssueCreated","title":"x","priority":"low","created_by":"x"}`,
			`{"type":"IssueCreated","uuid":"00000000-0000-0000-0000-000000000000","title":"x","priority":"low","created_by":"x"}`,
			`{"type":"MilestoneCreated","uuid":1,"name":"x","created_at":"2026-01-01T00:00:00.000000000Z"}`,
			`{"type":"LockClaimed","issue_uuid":"` + strings.ToUpper(u) + `"}`,
			`{"type":"LockClaimed","issue_uuid":"` + u + `","branch":""}`,
			`{"type":"LockClaimed","issue_uuid":"` + u + `","branch":7}`,
			`{"type":"LockClaimed","issue_uuid":"` + u + `","branch":"` + strings.Repeat("x", event.MaxTitle+1) + `"}`,
			`{"type":"LockClaimed","issue_uuid":"` + u + `","wait":1}`,
		} {
			s.raw("agent-a", bad)
			s.nothing()
		}
	}},
	{"a release or break that does not decode ends nothing", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		s.raw("agent-a", `{"type":"LockReleased","issue_uuid":"x"}`)
		s.raw("agent-a", `{"type":"LockBroken","issue_uuid":"`+u.String()+`","token":"2","reason":"x"}`)
		s.raw("agent-a", `{"type":"LockBroken","issue_uuid":"`+u.String()+`","token":0,"reason":"x"}`)
		s.nothing()
	}},
	{"anything else wrong with the body is not its business", func(t *testing.T, s *scene) {
		u, v := s.uuid(), s.uuid()
		s.raw("agent-a", `{"type":"IssueCreated","uuid":"`+u.String()+`","title":"`+strings.Repeat("x", event.MaxTitle+1)+`","priority":"odd","created_by":"x"}`)
		s.raw("agent-a", `{"type":"LockClaimed","wait":false,"issue_uuid":"`+v.String()+`"}`)
		l := s.step()
		s.numbers(l, map[event.UUID]uint64{u: 1})
		s.is(l, v, "a/2@2")
		s.raw("agent-b", `{"type":"LockBroken","issue_uuid":"`+v.String()+`","token":2}`)
		s.is(s.step(), v, "")
	}},
	{"every newly covered uuid that has none gets the next number, in key order", func(t *testing.T, s *scene) {
		a, b, c := s.uuid(), s.uuid(), s.uuid()
		s.sayAt("agent-c", 3, created(a))
		s.sayAt("agent-b", 1, created(b))
		s.sayAt("agent-a", 2, created(c))
		s.numbers(s.step(), map[event.UUID]uint64{b: 1, c: 2, a: 3})
	}},
	{"the smallest newly covered key that creates it counts", func(t *testing.T, s *scene) {
		a, b := s.uuid(), s.uuid()
		s.sayAt("agent-a", 5, created(a))
		s.sayAt("agent-b", 3, created(b))
		s.sayAt("agent-c", 1, created(a))
		l := s.step()
		s.numbers(l, map[event.UUID]uint64{a: 1, b: 2})
		if l.Issues()[0].Agent != "agent-c" {
			t.Fatal("the list names another creation")
		}
	}},
	{"equal times are ordered by agent id, then sequence", func(t *testing.T, s *scene) {
		a, b, c := s.uuid(), s.uuid(), s.uuid()
		s.sayAt("agent-b", 1, created(c))
		s.sayAt("agent-a", 1, created(a))
		s.sayAt("agent-a", 1, created(b))
		s.numbers(s.step(), map[event.UUID]uint64{a: 1, b: 2, c: 3})
	}},
	{"a number is given to a deleted issue too, and never reused", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.say("agent-a", &event.IssueDeleted{UUID: u})
		s.numbers(s.step(), map[event.UUID]uint64{u: 1})
		v := s.create("agent-a")
		s.numbers(s.step(), map[event.UUID]uint64{u: 1, v: 2})
	}},
	{"a number is never reassigned, also not to an earlier creation", func(t *testing.T, s *scene) {
		u, v := s.uuid(), s.uuid()
		s.sayAt("agent-a", 100, created(u))
		s.step()
		s.sayAt("agent-b", 1, created(v))
		s.sayAt("agent-b", 2, created(u))
		s.numbers(s.step(), map[event.UUID]uint64{u: 1, v: 2})
	}},
	{"issues and milestones count apart", func(t *testing.T, s *scene) {
		u, m := s.create("agent-a"), s.uuid()
		s.say("agent-a", &event.MilestoneCreated{UUID: m, Name: "x", CreatedAt: at(1)})
		l := s.step()
		if l.Issue(u) != 1 || l.Milestone(m) != 1 || l.Issue(m) != 0 {
			t.Fatal(words(l))
		}
	}},
	{"a deletion ends grant, queue and every claim newly covered in the step", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.is(s.step(), u, "a/2@2 < b/1")
		s.say("agent-c", &event.IssueDeleted{UUID: u})
		s.claim("agent-d", u, true) // a later key: keys are ignored
		s.is(s.step(), u, "")
	}},
	{"a deletion that was taken back in the same step ends them all the same", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "b/1@2")
		d := s.uuid()
		s.say("agent-a", &event.IssueDeleted{UUID: u, Deletion: d})
		s.say("agent-a", &event.IssueUndeleted{UUID: u, Deletion: d})
		s.claim("agent-a", u, true)
		s.is(s.step(), u, "")
		s.claim("agent-a", u, false)
		s.is(s.step(), u, "a/5@4")
	}},
	{"that such a claim is over is a decision", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.step()
		d := s.uuid()
		s.say("agent-a", &event.IssueDeleted{UUID: u, Deletion: d})
		s.say("agent-a", &event.IssueUndeleted{UUID: u, Deletion: d})
		s.claim("agent-a", u, false)
		s.is(s.step(), u, "")
	}},
	{"deletions of earlier steps are not remembered", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.say("agent-a", &event.IssueDeleted{UUID: u})
		s.step()
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "b/1@3")
	}},
	{"a lock may be granted before the issue's creation is covered", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "b/1@2")
	}},
	{"a release ends its agent's grant, whatever its key", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		s.release("agent-b", u) // another's: nothing
		s.nothing()
		s.release("agent-a", u)
		s.is(s.step(), u, "")
	}},
	{"a release ends its agent's queue entry", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.claim("agent-c", u, true)
		s.is(s.step(), u, "a/2@2 < b/1 < c/1")
		s.release("agent-b", u)
		s.is(s.step(), u, "a/2@2 < c/1")
	}},
	{"claim then release in one step is never granted", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-b", u, false)
		s.release("agent-b", u)
		s.nothing()
		s.create("agent-a")
		s.is(s.step(), u, "")
	}},
	{"a release ends only claims with a smaller sequence", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.release("agent-b", u)
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "b/2@2")
	}},
	{"release then claim again: the head of the queue goes first, the new claim is judged last", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.step()
		s.release("agent-a", u)
		s.claim("agent-a", u, true)
		s.is(s.step(), u, "b/1@3 < a/3")
	}},
	{"a break ends the grant whose token it names", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.step()
		s.breaks("agent-c", u, 2)
		s.is(s.step(), u, "b/1@3")
	}},
	{"a break ends nothing else: not an old token, not the queue, not this step's grant", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.step()
		s.breaks("agent-c", u, 2)
		s.breaks("agent-c", u, 3) // what this very step grants
		s.is(s.step(), u, "b/1@3")
		s.breaks("agent-c", u, 2)
		s.nothing()
	}},
	{"promotion: the head of the queue is granted in the step that ends the grant", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		s.claim("agent-c", u, true)
		s.claim("agent-d", u, true)
		s.step()
		s.release("agent-a", u)
		s.release("agent-b", u) // the head itself ends: the next is the head
		s.is(s.step(), u, "c/1@3 < d/1")
	}},
	{"claims in key order: the first is granted, the others wait or are void", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.sayAt("agent-a", 5, &event.LockClaimed{Issue: u})
		s.sayAt("agent-b", 3, &event.LockClaimed{Issue: u, Wait: true})
		s.sayAt("agent-c", 4, &event.LockClaimed{Issue: u, Wait: true})
		s.is(s.step(), u, "b/1@2 < c/1")
	}},
	{"void if the agent holds or waits", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, true)
		s.claim("agent-a", u, true)
		s.claim("agent-b", u, true)
		s.claim("agent-b", u, true)
		s.is(s.step(), u, "a/1@2 < b/1")
		s.claim("agent-a", u, true)
		s.claim("agent-b", u, true)
		s.is(s.step(), u, "a/1@2 < b/1")
	}},
	{"a step makes at most one grant per issue, and the token is its sequence", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.is(s.step(), u, "a/1@2")
		s.create("agent-c")
		s.step()
		s.release("agent-a", u)
		s.claim("agent-b", u, false)
		s.claim("agent-c", u, false)
		s.is(s.step(), u, "b/1@4")
	}},
	{"void is not stored: a covered claim that neither holds nor waits is over, for ever", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "a/1@2")
		s.release("agent-a", u)
		s.is(s.step(), u, "")
		s.nothing()
	}},
	{"first in, first out by step; key order only within a step", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.sayAt("agent-a", 1000, &event.LockClaimed{Issue: u})
		s.step()
		s.sayAt("agent-b", 1000, &event.LockClaimed{Issue: u, Wait: true})
		s.step()
		s.sayAt("agent-c", 400, &event.LockClaimed{Issue: u, Wait: true}) // its clock is 600 s slow
		s.is(s.step(), u, "a/1@2 < b/1 < c/1")
	}},
	{"a queue entry holds agent, claim_seq, claimed_at and branch, and a grant takes them over", func(t *testing.T, s *scene) {
		u := s.uuid()
		s.claim("agent-a", u, false)
		e := s.log("agent-b").say(at(50), at(90), &event.LockClaimed{Issue: u, Wait: true, Branch: "flux"})
		want := ledger.Waiter{Agent: "agent-b", Branch: "flux", ClaimedAt: e.Time, ClaimSeq: 1}
		if q := s.step().Queue[u]; e.Wall == 0 || len(q) != 1 || q[0] != want {
			t.Fatalf("%+v, want %+v", q, want)
		}
		s.release("agent-a", u)
		l := s.step()
		if k := l.Locks[u]; k != (ledger.Lock{Agent: "agent-b", Branch: "flux", ClaimedAt: e.Time, ClaimSeq: 1, Token: 3}) {
			t.Fatalf("%+v", k)
		}
		if strings.Contains(string(l.Files()["state.json"]), "queue") {
			t.Fatal("an empty queue is written")
		}
	}},
	{"a step may cover any positions; one that decides nothing is valid but not written", func(t *testing.T, s *scene) {
		s.create("agent-a")
		s.step()
		e := s.say("agent-a", &event.LabelAdded{Issue: s.uuid(), Label: "x"})
		s.nothing()
		base := s.view().Ledger
		l, decided := ledger.Decide(base, ledger.Input{
			Moved: map[string]ledger.Position{"agent-a": {Seq: 2, Hash: event.Hash(e.Raw)}},
			Facts: []ledger.Fact{ledger.See(e)}, Meta: s.meta, By: "agent-b", At: at(9),
		})
		if decided {
			t.Fatal("it says that something was decided")
		}
		s.take(s.add(&commit{parents: []string{s.tip, s.log("agent-a").tip}, files: l.Files()}))
	}},
	{"the creation of what has a number is answered: no line stays undecided", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		s.step()
		s.say("agent-b", &event.IssueCreated{UUID: u, Title: "again", Priority: event.Low, CreatedBy: "x"})
		s.numbers(s.step(), map[event.UUID]uint64{u: 1})
		if at := s.view().Ledger.Position("agent-b"); at.Seq != 1 {
			t.Fatalf("covered up to %d", at.Seq)
		}
		s.nothing()
	}},
	{"that an agent retired is decided: its log may be archived", func(t *testing.T, s *scene) {
		s.create("agent-a")
		s.step()
		e := s.say("agent-a", &event.AgentRetired{})
		v := s.step()
		if at := v.Position("agent-a"); at.Seq != 2 || at.Hash != event.Hash(e.Raw) {
			t.Fatalf("the end of the log is not covered: %+v", at)
		}
		s.say("agent-a", &event.LabelAdded{Issue: s.uuid(), Label: "x"})
		s.nothing()
	}},
	{"a step covers part of the logs, and the rest later", func(t *testing.T, s *scene) {
		u := s.create("agent-a")
		v := s.create("agent-b")
		s.numbers(s.step("agent-b"), map[event.UUID]uint64{v: 1})
		s.numbers(s.step(), map[event.UUID]uint64{v: 1, u: 2})
	}},
	{"that a claim is void is a decision: a refused lock needs no release", func(t *testing.T, s *scene) {
		h := newHub(s.world)
		a, b := newAgent(h, "agent-x"), newAgent(h, "agent-y")
		u := a.create()
		a.claim(u, false)
		b.sync()
		b.claim(u, false)
		if n := len(s.commits[b.tip].lines); n != 1 {
			t.Fatalf("%d lines: the claim alone", n)
		}
		a.sync()
		a.release(u) // and what is void is not granted later
		b.sync()
		if k, held := b.view.Ledger.Locks[u]; held {
			t.Fatalf("'%s' got the lock that it was refused", k.Agent)
		}
	}},
}

func TestDecide(t *testing.T) {
	for _, r := range decideRules {
		t.Run(r.sentence, func(t *testing.T) { r.test(t, newScene(t)) })
	}
}
