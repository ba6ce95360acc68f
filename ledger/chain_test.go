package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Chains: roots, bad steps between, policy, merge steps; and what late events
// cannot do.

// policy is a policy that refuses.
type policy struct {
	ledger.Free
	limit  map[string]uint64
	closed bool // agents without a limit are not admitted
	signed bool
	rules  uint64
}

func (p policy) Covers(_, agent string, _ ledger.Position) (ledger.Coverage, error) {
	n, ok := p.limit[agent]
	switch {
	case ok:
		return ledger.UpTo(n), nil
	case p.closed:
		return ledger.UpTo(0), nil
	}
	return p.Free.Covers("", agent, ledger.Position{})
}

func (p policy) Accepts(l *ledger.Ledger) bool { return !p.signed || l.Signature == "good" }
func (p policy) Rules() uint64                 { return max(p.rules, ledger.Rules) }

// under moves the scene's meta to that policy.
func (s *scene) under(p ledger.Policy) {
	s.meta = s.add(&commit{policy: p, parents: []string{s.meta}})
}

// honestUnder returns a step that was decided as if the policy were free.
func (s *scene) honestUnder(p ledger.Policy) string {
	c := s.commits[s.meta]
	c.policy = ledger.Free{}
	d := s.draft()
	c.policy = p
	return s.write(d)
}

func (s *scene) bad(id, reason string) {
	s.t.Helper()
	v := s.cold(id)
	if len(v.Bad) == 0 || v.Bad[len(v.Bad)-1].Reason != reason {
		s.t.Fatalf("%+v, want '%s'", v.Bad, reason)
	}
}

func TestPolicy(t *testing.T) {
	t.Run("lines beyond a revocation cannot be covered", func(t *testing.T) {
		s := newScene(t)
		u := s.create("agent-a")
		s.create("agent-a")
		p := policy{limit: map[string]uint64{"agent-a": 1}}
		s.under(p)
		s.bad(s.honestUnder(p), ledger.NotCovered)
		s.numbers(s.step(), map[event.UUID]uint64{u: 1})
		s.nothing()
	})
	t.Run("revocation after the fact does not undo a decision", func(t *testing.T) {
		s := newScene(t)
		u, v := s.create("agent-a"), s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		s.under(policy{limit: map[string]uint64{"agent-a": 1}})
		w := s.create("agent-b")
		l := s.step()
		s.numbers(l, map[event.UUID]uint64{u: 1, v: 2, w: 3})
		s.is(l, u, "a/3@2")
	})
	t.Run("nothing of an agent that the step's meta does not admit", func(t *testing.T) {
		s := newScene(t)
		s.create("agent-b")
		u := s.create("agent-a")
		p := policy{limit: map[string]uint64{"agent-a": 99}, closed: true}
		s.under(p)
		s.bad(s.honestUnder(p), ledger.NotCovered)
		s.numbers(s.step(), map[event.UUID]uint64{u: 1})
	})
	t.Run("a step without the signature that is required is bad", func(t *testing.T) {
		s := newScene(t)
		s.create("agent-a")
		s.under(policy{signed: true})
		d := s.draft()
		s.bad(s.write(d), ledger.BadSignature)
		d.Ledger.SignedBy, d.Ledger.Signature = "SHA256:x", "good"
		if signed := string(d.Ledger.Signed()); strings.Contains(signed, "good") || !strings.Contains(signed, "SHA256:x") || strings.HasSuffix(signed, "\n") {
			t.Fatal(signed)
		}
		s.take(s.write(d))
	})
	t.Run("a reader that does not know admitted rules neither judges nor writes", func(t *testing.T) {
		s := newScene(t)
		s.create("agent-a")
		s.under(policy{rules: 2})
		l := s.draft().Ledger
		files := l.Files()
		files["state.json"] = []byte(strings.Replace(string(files["state.json"]), `"rules":1`, `"more":1,"rules":2`, 1))
		id := s.add(&commit{parents: s.draft().Parents, files: files})
		if _, err := ledger.NewReader(s, hubID).Read(id); !errors.Is(err, ledger.ErrNewer) {
			t.Fatal(err)
		}
	})
}

func TestRoot(t *testing.T) {
	t.Run("a root covers nothing and decides nothing", func(t *testing.T) {
		s := newScene(t)
		if v := s.cold(s.tip); v.Step != s.tip || v.Sequence() != 1 {
			t.Fatalf("%+v", v)
		}
	})
	t.Run("a bad root counts, and work goes on over it", func(t *testing.T) {
		s := newScene(t)
		u := s.create("agent-a")
		s.tip = s.add(&commit{files: s.step().Files()}) // a whole ledger without its inputs
		s.bad(s.tip, ledger.BadSequence)
		l := s.step()
		s.numbers(l, map[event.UUID]uint64{u: 1})
		if l.Sequence != 2 {
			t.Fatal(l.Sequence)
		}
	})
	t.Run("a commit that hides the chain behind its second parent", func(t *testing.T) {
		// For a server this is a fast-forward. For readers the chain is lost, and a merge step
		// restores it with its numbers.
		s := newScene(t)
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		old := s.tip
		s.tip = s.add(&commit{parents: []string{s.log("agent-a").tip, old}, forged: true})
		if holds, err := s.warm.Holds(s.tip, old); err != nil || holds {
			t.Fatal(holds, err)
		}
		d, err := s.warm.Next(ledger.Plan{On: s.view(), Meta: s.meta, By: "agent-b", At: at(9), Logs: s.tips(), Lost: old})
		if err != nil {
			t.Fatal(err)
		}
		l := s.take(s.write(d))
		s.numbers(l, map[event.UUID]uint64{u: 1})
		s.is(l, u, "") // what a lost branch granted ends
		if holds, err := s.warm.Holds(s.tip, old); err != nil || !holds {
			t.Fatal(holds, err)
		}
	})
}

// TestSequenceCountsFirstParentCommitsBadOnesToo.
func TestSequenceCountsFirstParentCommitsBadOnesToo(t *testing.T) {
	s := newScene(t)
	s.create("agent-a")
	s.step()
	for range 3 {
		s.tip = s.add(&commit{parents: []string{s.tip}, files: map[string][]byte{"x": nil}})
	}
	u := s.uuid()
	s.claim("agent-a", u, false)
	l := s.step()
	if l.Sequence != 6 {
		t.Fatal(l.Sequence)
	}
	s.is(l, u, "a/2@6")
}

// fork makes two branches from the scene's tip: what the lost one covers is
// done by lost, what the hub's branch covers by ours.
func (s *scene) fork(lost, ours func()) (old string) {
	s.t.Helper()
	tip := s.tip
	lost()
	old = s.tip
	s.tip = tip
	s.warm = ledger.NewReader(s, hubID)
	ours()
	return old
}

// merge writes the merge step.
func (s *scene) merge(old string, only ...string) *ledger.Ledger {
	s.t.Helper()
	d, err := s.warm.Next(ledger.Plan{On: s.view(), Meta: s.meta, By: "agent-a", At: at(s.second), Logs: s.tips(only...), Lost: old})
	if err != nil {
		s.t.Fatal(err)
	}
	if p := d.Parents; p[0] != s.tip || p[len(p)-1] != old {
		s.t.Fatalf("parents %v", p)
	}
	return s.take(s.write(d))
}

func TestMergeStep(t *testing.T) {
	t.Run("a lost number is kept if free, else the issue gets the next and an alias", func(t *testing.T) {
		s := newScene(t)
		x := s.create("agent-a")
		s.step()
		var lost []event.UUID
		old := s.fork(func() {
			for range 3 {
				lost = append(lost, s.create("agent-b"))
			}
			s.step("agent-b")
		}, func() {
			s.create("agent-c")
			s.create("agent-c")
			s.step("agent-c")
		})
		c := s.view().Ledger.Issues()
		l := s.merge(old)
		s.numbers(l, map[event.UUID]uint64{x: 1, c[1].UUID: 2, c[2].UUID: 3, lost[0]: 5, lost[1]: 6, lost[2]: 4})
		if !maps.Equal(l.IssueAliases, map[uint64]uint64{2: 5, 3: 6}) || l.LastIssue() != 6 {
			t.Fatalf("%v, last %d", l.IssueAliases, l.LastIssue())
		}
		if l.Sequence != 4 || l.Merged != old {
			t.Fatal(l.Sequence, l.Merged)
		}
		v := s.create("agent-a")
		if l = s.step(); l.Issue(v) != 7 || l.Merged != "" || len(l.IssueAliases) != 2 {
			t.Fatal(words(l))
		}
	})
	t.Run("an issue numbered on both branches keeps the hub's number, the lost one is an alias", func(t *testing.T) {
		s := newScene(t)
		u := s.create("agent-b")
		old := s.fork(func() { s.step() }, func() {
			s.sayAt("agent-a", 0, created(s.uuid()))
			s.step()
		})
		l := s.merge(old)
		if l.Issue(u) != 2 || l.IssueAliases[1] != 2 {
			t.Fatal(words(l))
		}
	})
	t.Run("last is at least both", func(t *testing.T) {
		s := newScene(t)
		old := s.fork(func() {
			s.create("agent-b")
			s.create("agent-b")
			s.step()
		}, func() {
			s.claim("agent-c", s.uuid(), false)
			s.step("agent-c")
		})
		s.logs["agent-b"].tip = s.commits[s.logs["agent-b"].tip].parents[0] // the log is lost too, partly
		if l := s.merge(old); l.LastIssue() != 2 || len(l.Issues()) != 2 {
			t.Fatal(words(l))
		}
	})
	t.Run("grants and queues of the lost branch end, its claims are over", func(t *testing.T) {
		s := newScene(t)
		u := s.uuid()
		old := s.fork(func() {
			s.claim("agent-a", u, false)
			s.claim("agent-b", u, true)
			s.step()
		}, func() {
			s.create("agent-c")
			s.step("agent-c")
		})
		s.is(s.merge(old), u, "")
		s.nothing()
		s.claim("agent-b", u, false)
		s.is(s.step(), u, "b/2@4")
	})
	t.Run("a release that the lost branch had covered ends the hub's grant", func(t *testing.T) {
		s := newScene(t)
		u := s.uuid()
		s.claim("agent-a", u, false)
		s.step()
		old := s.fork(func() {
			s.release("agent-a", u)
			s.claim("agent-b", u, false)
			s.step()
		}, func() {
			s.create("agent-c")
			s.step("agent-c")
		})
		s.is(s.view().Ledger, u, "a/1@2")
		s.is(s.merge(old), u, "")
	})
	t.Run("a break of a token from before the fork counts, one from behind it does not", func(t *testing.T) {
		s := newScene(t)
		u, v := s.uuid(), s.uuid()
		s.claim("agent-a", u, false)
		s.step()
		old := s.fork(func() {
			s.claim("agent-b", v, false)
			s.step("agent-b")
			s.breaks("agent-b", u, 2)
			s.breaks("agent-b", v, 3)
			s.step("agent-b")
		}, func() {
			s.claim("agent-c", v, false)
			s.step("agent-c")
		})
		s.is(s.view().Ledger, v, "c/1@3")
		l := s.merge(old)
		s.is(l, u, "")
		s.is(l, v, "c/1@5")
		s.breaks("agent-b", v, 3) // of the lost branch's grant
		s.nothing()
		s.breaks("agent-b", v, 5)
		s.is(s.step(), v, "")
	})
	t.Run("positions: the greater of both where one log extends the other, else the hub's", func(t *testing.T) {
		s := newScene(t)
		old := s.fork(func() {
			s.create("agent-a")
			s.create("agent-b")
			s.create("agent-b")
			s.step()
		}, func() {
			// agent-b's log was restored from a backup and went another way.
			s.logs["agent-b"] = s.writer("agent-b")
			s.create("agent-b")
			s.create("agent-c")
			s.step("agent-b", "agent-c")
		})
		b := s.view().Ledger.Position("agent-b")
		l := s.merge(old)
		if l.Position("agent-a").Seq != 1 || l.Position("agent-b") != b || l.Position("agent-c").Seq != 1 {
			t.Fatal(words(l))
		}
	})
	t.Run("a merge step that covers less than the lost branch, of a log that holds it, is bad", func(t *testing.T) {
		s := newScene(t)
		u := s.create("agent-a")
		old := s.fork(func() {
			s.claim("agent-a", u, false)
			s.step()
		}, func() {
			s.create("agent-b")
			s.step("agent-b")
		})
		d, err := s.warm.Next(ledger.Plan{On: s.view(), Meta: s.meta, By: "agent-a", At: at(1), Logs: s.tips(), Lost: old})
		if err != nil {
			t.Fatal(err)
		}
		c := s.commits[s.log("agent-a").tip]
		l := d.Ledger.ForgePositions(map[string]ledger.Position{"agent-a": {Seq: 1, Hash: c.hashes[0]}})
		s.bad(s.add(&commit{parents: d.Parents, files: l.Files()}), ledger.PositionBack)
	})
	t.Run("S is 1 + the greater, bad steps counted", func(t *testing.T) {
		s := newScene(t)
		old := s.fork(func() {
			s.create("agent-a")
			s.step()
			for range 5 {
				s.tip = s.add(&commit{parents: []string{s.tip}, files: map[string][]byte{}})
			}
		}, func() {
			s.create("agent-b")
			s.step("agent-b")
		})
		if l := s.merge(old); l.Sequence != 8 {
			t.Fatal(l.Sequence)
		}
	})
	t.Run("two lost branches are merged one after the other", func(t *testing.T) {
		s := newScene(t)
		root := s.tip
		var olds []string
		var lost []event.UUID
		for i := range 2 {
			s.tip, s.warm = root, ledger.NewReader(s, hubID)
			lost = append(lost, s.create(fmt.Sprintf("agent-%d", i)))
			s.step(fmt.Sprintf("agent-%d", i))
			olds = append(olds, s.tip)
		}
		s.tip, s.warm = root, ledger.NewReader(s, hubID)
		u := s.create("agent-x")
		s.step("agent-x")
		s.merge(olds[0])
		l := s.merge(olds[1])
		s.numbers(l, map[event.UUID]uint64{u: 1, lost[0]: 2, lost[1]: 3})
		for _, old := range olds {
			if ok, err := s.warm.Holds(s.tip, old); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	})
}

// TestALateEventChangesNothingDecided: an event that arrives a year late,
// however it is stamped (R8).
func TestALateEventChangesNothingDecided(t *testing.T) {
	for _, stamp := range []int{-100 * 365 * 86400 / 3, -600, 0, 600, 365 * 86400} {
		s := newScene(t)
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.claim("agent-b", u, true)
		before := s.step()
		v := s.uuid()
		for _, b := range []event.Body{
			created(u), created(v), &event.LockClaimed{Issue: u}, &event.LockClaimed{Issue: u, Wait: true},
			&event.LockReleased{Issue: u}, &event.LockBroken{Issue: u, Token: 1, Reason: "x"},
			&event.StatusChanged{UUID: u, NewStatus: event.Closed},
		} {
			s.sayAt("agent-c", stamp, b)
		}
		l := s.step()
		s.numbers(l, map[event.UUID]uint64{u: 1, v: 2})
		s.is(l, u, lock(before, u))
	}
}

// TestAnEndedClaimNeverComesBack: a broken, a released and a void claim.
func TestAnEndedClaimNeverComesBack(t *testing.T) {
	s := newScene(t)
	u := s.uuid()
	s.claim("agent-a", u, false)
	s.claim("agent-b", u, false) // void
	s.is(s.step(), u, "a/1@2")
	s.breaks("agent-c", u, 2)
	s.is(s.step(), u, "")
	s.claim("agent-c", u, false)
	s.is(s.step(), u, "c/2@4")
	s.breaks("agent-d", u, 2) // an old token ends nothing
	s.nothing()
	s.release("agent-c", u)
	s.is(s.step(), u, "")
	s.nothing()
	s.say("agent-d", &event.IssueDeleted{UUID: u})
	s.nothing()
}

// TestCloseDeleteAndClaimRace: every order of coverage ends in one holder or none.
func TestCloseDeleteAndClaimRace(t *testing.T) {
	for _, order := range [][]string{
		{"agent-a", "agent-b", "agent-c"}, {"agent-a", "agent-c", "agent-b"}, {"agent-b", "agent-a", "agent-c"},
		{"agent-b", "agent-c", "agent-a"}, {"agent-c", "agent-a", "agent-b"}, {"agent-c", "agent-b", "agent-a"},
	} {
		s := newScene(t)
		u := s.create("agent-a")
		s.claim("agent-a", u, false)
		s.step()
		s.say("agent-a", &event.StatusChanged{UUID: u, NewStatus: event.Closed})
		s.release("agent-a", u)
		s.say("agent-b", &event.IssueDeleted{UUID: u})
		s.claim("agent-c", u, true)
		for _, a := range order {
			if d := s.draft(a); d != nil {
				s.take(s.write(d))
			}
		}
		got := lock(s.view().Ledger, u)
		want := ""
		if pos := func(a string) int { return strings.Index(strings.Join(order, " "), a) }; pos("agent-b") < pos("agent-c") {
			// Deleted before: an earlier step's deletion is not remembered.
			want = "c/1"
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%v: '%s', want '%s'", order, got, want)
		}
	}
}
