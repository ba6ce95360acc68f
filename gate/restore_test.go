package gate_test

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What the ledger covers is the log: where the hub's own log lost it, anybody
// may bring it back, on top of what stands there now; nothing else is taken.
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

func unsignedNext(w *world, l *log) []byte {
	c := l.chain
	return w.line(&c, w.body(l, c.Seq+1))
}
