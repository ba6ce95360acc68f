package gate_test

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// The lines that the ledger covers are the log. If the hub has lost them, anybody may restore
// them on top of the hub's tip; the gate accepts nothing else.
func TestAnybodyRestoresALog(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := settled(t, mode, trust.Require, true)
			alice := w.logs["alice"]
			kept := alice.tip
			// behind the gate's back: 60 of alice's lines, and others instead
			forged := append(append([][]byte{}, alice.lines[:60]...), changed(alice.lines[60], "comment 61", "forged 61"))
			standing := w.put("alice", "", forged...)
			w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, "+"+string(standing)+":"+agents+"alice")

			on := func(tree refs.OID, parents ...refs.OID) string {
				id, err := refs.Recommit(w.ctx, w.repo, tree, parents, refs.CommitInfo{Author: "bob", When: w.now(), Message: "x"})
				if err != nil {
					t.Fatal(err)
				}
				return string(id) + ":" + agents + "alice"
			}
			for name, c := range map[string]struct{ spec, rule string }{
				"not on top":        {on(kept, kept), gate.FastForward},
				"less than covered": {on(w.put("alice", "", alice.lines[:65]...), standing, kept), gate.Rewritten},
				"another one":       {on(w.put("alice", "", append(append([][]byte{}, forged...), alice.lines[61:]...)...), standing), ""},
				"with something behind that is not signed": {on(w.put("alice", kept, unsignedNext(w, alice)), standing, kept), trust.RuleUnsigned},
			} {
				says, ok := w.push("+" + c.spec)
				if ok || !strings.Contains(says, "rule '"+c.rule) {
					t.Errorf("%s: %s", name, says)
				}
			}
			w.mustPush(on(kept, standing, kept))
			w.grow(alice, 1)
			w.mustPush(on(alice.tip, refs.OID(w.refs()[agents+"alice"]), alice.tip)) // and on it goes, also for the writer
			w.git("--git-dir="+w.hub, "fsck", "--strict")
		})
	}
}

// A log that was signed is continued signed, under the default policy too. Lines
// that were appended before there was a gate give way to its writer's, and to
// nothing else.
func TestASignedLogIsContinuedSigned(t *testing.T) {
	t.Parallel()
	w := settled(t, gate.Whole, trust.Warn, true)
	bob, carol := w.logs["bob"], w.logs["carol"]
	for _, x := range []tampering{
		{"an unsigned line", trust.RuleUnsigned, "agents/bob", 6, func(w *world) refs.OID { return w.put("bob", bob.tip, unsignedNext(w, bob)) }},
		{"an unsigned line after a signed one", trust.RuleUnsigned, "agents/bob", 7, func(w *world) refs.OID {
			lines, chain := w.next(bob, 1)
			chain.Sign = nil
			return w.put("bob", bob.tip, lines[0], w.line(&chain, w.body(bob, 7)))
		}},
		{"an unsigned line for one whose key was rotated", trust.RuleUnsigned, "agents/rex", 5, func(w *world) refs.OID {
			return w.put("rex", w.logs["rex"].tip, unsignedNext(w, w.logs["rex"]))
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w.t = t
			w.refused(x, gate.Whole)
		})
	}
	w.t = t
	w.grow(carol, 1) // it never was
	w.mustPush(string(carol.tip) + ":" + agents + "carol")

	before := w.put("bob", bob.tip, unsignedNext(w, bob)) // on the hub since before the gate
	w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, "+"+string(before)+":"+agents+"bob")
	on := func(tree refs.OID) string {
		id, err := refs.Recommit(w.ctx, w.repo, tree, []refs.OID{before, bob.tip}, refs.CommitInfo{Author: "bob", When: w.now(), Message: "x"})
		if err != nil {
			t.Fatal(err)
		}
		return string(id) + ":" + agents + "bob"
	}
	other := *bob
	other.key = w.key("stranger")
	theirs, _ := w.next(&other, 1)
	for name, c := range map[string]struct {
		tree refs.OID
		rule string
	}{
		"less than is signed":   {w.put("bob", "", bob.lines[:4]...), gate.Rewritten},
		"another unsigned line": {w.put("bob", bob.tip, changed(unsignedNext(w, bob), "comment 6", "comment 9")), trust.RuleUnsigned},
		"another key's":         {w.put("bob", bob.tip, theirs...), trust.RuleUnknownSigner},
	} {
		if says, ok := w.push("+" + on(c.tree)); ok || !strings.Contains(says, "rule '"+c.rule) {
			t.Errorf("%s: %s", name, says)
		}
	}
	w.grow(bob, 1)
	w.mustPush(on(bob.tip))
	w.git("--git-dir="+w.hub, "fsck", "--strict")
}

func unsignedNext(w *world, l *log) []byte {
	c := l.chain
	return w.line(&c, w.body(l, c.Seq+1))
}
