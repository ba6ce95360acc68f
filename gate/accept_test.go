package gate_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What is right is let in, in each of its forms, over both hooks and formats.
func TestWhatIsRightIsTaken(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := settled(t, mode, trust.Warn, true)
			alice := w.logs["alice"]
			spec := func(id string) string { return string(w.logs[id].tip) + ":" + agents + id }

			w.grow(alice, 130) // over two segments, in one commit
			w.mustPush(spec("alice"))
			for range 3 { // in many commits
				w.grow(alice, 1)
			}
			w.grow(w.logs["rex"], 1)                                                          // by the key that came in by rotation
			w.mustPush(spec("alice"), spec("rex"), string(w.code("main"))+":refs/heads/side") // with code
			w.grow(w.log("newcomer", nil), 1)
			w.grow(w.logs["carol"], 1)
			w.mustPush(spec("newcomer"), spec("carol"))

			// the same lines in another commit, and more
			copied := w.put("newcomer", "", w.logs["newcomer"].lines...)
			lines, chain := w.next(w.logs["newcomer"], 1)
			again, err := refs.Recommit(w.ctx, w.repo, w.put("newcomer", copied, lines...), []refs.OID{w.logs["newcomer"].tip, copied}, refs.CommitInfo{Author: "x", When: w.now(), Message: "x"})
			if err != nil {
				t.Fatal(err)
			}
			w.mustPush(string(again) + ":" + agents + "newcomer")
			w.logs["newcomer"].tip, w.logs["newcomer"].chain = again, chain

			// log and step, and the step that follows
			w.tip = w.step(w.tip, w.metas[1].id, w.key("alice"), w.tips("alice", "newcomer", "carol"))
			w.mustPush(string(w.tip) + ":refs/heads/crosslink/checkpoint")

			// heartbeats come and go
			for i := range 2 {
				w.mustPush("+" + string(w.files(map[string][]byte{"presence.json": event.Presence{{Agent: "alice", LastSeen: event.TimeOf(w.now()), State: event.PresenceStates[i]}}.Encode()}, nil)) + ":refs/crosslink/presence/abc123")
			}
			w.mustPush(":refs/crosslink/presence/abc123")

			// a clock that is a little ahead, and lines behind one that was far ahead
			was := w.when
			w.when = time.Now().Add(40 * time.Second)
			w.grow(w.logs["bob"], 1)
			w.mustPush(spec("bob"))
			w.when = was

			w.accept(w.meta(w.key("alice"), func(m *trust.Meta, s *trust.Signers) *trust.Signers { return w.list(s, "carol", "carol") }))
			w.mustPush(string(w.metas[2].id) + ":refs/heads/crosslink/meta")
			w.git("--git-dir="+w.hub, "fsck", "--strict")
		})
	}
}

func TestObjectsOfTheOtherFormat(t *testing.T) {
	w := newWorld(t, "sha256")
	w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers { return s }))
	w.install(gate.Whole)
	l := w.log("alice", nil)
	w.grow(l, 3)
	w.tip = w.step("", w.metas[0].id, nil, w.tips("alice"))
	w.mustPush(string(w.metas[0].id)+":refs/heads/crosslink/meta", string(l.tip)+":"+agents+"alice", string(w.tip)+":refs/heads/crosslink/checkpoint")
	if says, ok := w.push("+" + string(w.put("alice", l.tip, l.lines[2])) + ":" + agents + "alice"); ok || !strings.Contains(says, "rule 'sequence', line 4") {
		t.Error(says)
	}
}

// A hub that requires signatures, or admits only whom it lists.
func TestStricterHubs(t *testing.T) {
	unsigned := func(id string, lines int) func(w *world) refs.OID {
		return func(w *world) refs.OID {
			l := w.log(id, nil)
			c := l.chain
			tip := l.tip
			for range lines {
				tip = w.put(id, tip, w.line(&c, w.body(l, c.Seq+1)))
			}
			return tip
		}
	}
	for _, c := range []struct {
		name, signing string
		open          bool
		cases         []tampering
	}{
		{"require", trust.Require, true, []tampering{
			{"unsigned", trust.RuleUnsigned, "agents/bob", 7, unsigned("bob", 2)},
			{"unsigned behind a signed line", trust.RuleUnsigned, "agents/bob", 7, func(w *world) refs.OID {
				lines, chain := w.next(w.logs["bob"], 1)
				chain.Sign = nil
				return w.put("bob", w.logs["bob"].tip, lines[0], w.line(&chain, w.body(w.logs["bob"], 7)))
			}},
			{"of an agent that nobody listed", trust.RuleUnapproved, "agents/newcomer", 1, unsigned("newcomer", 1)},
			{"signed by the agent's own word alone", trust.RuleUnapproved, "agents/stranger", 1, func(w *world) refs.OID {
				l := &log{id: "stranger", chain: event.Chain{Hub: hubID, Agent: "stranger"}, key: w.key("stranger")}
				lines, _ := w.next(l, 1)
				return w.put("stranger", "", lines...)
			}},
			{"a step that nobody signed", "ledger-" + ledger.BadSignature, "checkpoint", 0, func(w *world) refs.OID {
				return w.step(w.tip, w.metas[1].id, nil, w.tips("gone"))
			}},
			{"a step signed by a key that is not listed", "ledger-" + ledger.BadSignature, "checkpoint", 0, func(w *world) refs.OID {
				return w.step(w.tip, w.metas[1].id, w.key("stranger"), w.tips("gone"))
			}},
		}},
		{"closed", trust.Warn, false, []tampering{
			{"an agent that nobody listed", trust.RuleNotAdmitted, "agents/newcomer", 1, unsigned("newcomer", 1)},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := settled(t, gate.Whole, c.signing, c.open)
			for _, x := range c.cases {
				t.Run(x.name, func(t *testing.T) {
					w.t = t
					w.refused(x, gate.Whole)
				})
			}
			w.t = t
			if c.signing == trust.Require {
				// the same step, signed as it should be
				w.tip = w.step(w.tip, w.metas[1].id, w.key("alice"), w.tips("gone"))
				w.mustPush(string(w.tip) + ":refs/heads/crosslink/checkpoint")
				// a later signature vouches for the line before it
				l := w.logs["bob"]
				chain := l.chain
				one := w.line(&chain, w.body(l, chain.Seq+1))
				chain.Sign = l.key.signer()
				two := w.line(&chain, w.body(l, chain.Seq+1))
				w.mustPush(string(w.put("bob", l.tip, one, two)) + ":" + agents + "bob")
			}
		})
	}
}

// Names that only differ in case, and a hub without meta.
func TestNamesAndAnEmptyHub(t *testing.T) {
	w := newWorld(t, "sha1")
	w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers { return s }))
	l := w.log("alice", nil)
	w.grow(l, 1)
	w.install(gate.Whole)
	w.refused(tampering{"before there is meta", gate.NoHub, "agents/alice", 0, func(w *world) refs.OID { return l.tip }}, gate.Whole)
	w.refused(tampering{"a branch in the way", gate.Name, "refs/heads/crosslink", 0, func(w *world) refs.OID { return w.code("x") }}, gate.Whole)
	for _, ref := range []string{"refs/heads/Crosslink/meta", "refs/heads/CROSSLINK", "refs/heads/crossLink/agents/alice"} {
		w.refused(tampering{"a twin of the tracker's", gate.CaseTwin, ref, 0, func(w *world) refs.OID { return w.code("x") }}, gate.Whole)
	}
	w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, string(w.code("x"))+":refs/heads/Crosslink/x") // from before the gate
	w.mustPush(":refs/heads/Crosslink/x")
	w.mustPush(string(w.code("x")) + ":refs/heads/crosslinks/x")
	later := w.metaOf(changedMeta(w), nil)
	w.refused(tampering{"meta without a beginning", trust.RuleMetaOlder, "meta", 0, func(w *world) refs.OID { return later.id }}, gate.Whole)
	w.mustPush(string(w.metas[0].id) + ":refs/heads/crosslink/meta")
	w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, string(l.tip)+":"+agents+"Alice") // as a level-3 hub may have it
	w.refused(tampering{"a twin", gate.CaseTwin, "agents/alice", 0, func(w *world) refs.OID { return l.tip }}, gate.Whole)
}

func changedMeta(w *world) map[string][]byte {
	c := w.meta(nil, require)
	return maps.Clone(c.files)
}

// What `push --mirror` and `push --force` of a clone do to a hub: nothing.
func TestMirrorsAndForce(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		w := settled(t, mode, trust.Warn, true)
		w.git("update-ref", "refs/heads/main", string(w.code("another program")))
		w.git("update-ref", agents+"alice", string(w.put("alice", "", w.logs["alice"].lines[:5]...)))
		w.git("update-ref", "refs/hub/meta", string(w.metas[0].id))
		before := w.refs()
		for _, args := range [][]string{{"--mirror"}, {"--force", "--all"}, {"--prune", "--force", "refs/heads/*:refs/heads/*"}} {
			says, ok := w.push(args...)
			if ok || !strings.Contains(says, "rule 'fast-forward'") {
				t.Errorf("%s %v: %s", mode, args, says)
			}
			after := w.refs()
			if mode == gate.PerRef {
				delete(before, "refs/heads/main") // code is the pusher's own affair
				delete(after, "refs/heads/main")
			}
			if !maps.Equal(before, after) {
				t.Errorf("%s %v: %v", mode, args, after)
			}
			if slices.Contains(args, "--mirror") && (!strings.Contains(says, "rule 'deletion'") || !strings.Contains(says, "rule 'hidden-ref'")) {
				t.Errorf("%s: %s", mode, says)
			}
		}
	}
}
