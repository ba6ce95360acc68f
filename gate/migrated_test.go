package gate_test

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What a migration left of the old hub may be deleted on a migrated hub and on no
// other one, and is never created or moved.
func TestBranchesOfTheOldHub(t *testing.T) {
	left := []string{"refs/heads/crosslink/hub", "refs/crosslink/level3/0b9ba0a4/meta", "refs/crosslink/level3/0b9ba0a4/agents/alice"}
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		for _, migrated := range []bool{false, true} {
			t.Run(mode+map[bool]string{false: " not migrated", true: " migrated"}[migrated], func(t *testing.T) {
				w := newWorld(t, "sha1")
				w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers {
					if migrated {
						m.Migrated = &trust.Migration{Commit: strings.Repeat("0a", 20), Logs: map[string]trust.Position{}}
					}
					return s
				}))
				w.mustPush(string(w.metas[0].id) + ":refs/heads/crosslink/meta")
				for _, ref := range left {
					w.mustPush(string(w.code(ref)) + ":" + ref)
				}
				w.install(mode)
				for _, ref := range left {
					rule := gate.HiddenRef
					if ref == left[0] {
						rule = gate.Name
					}
					other := func(w *world) refs.OID { return w.code("x") }
					w.refused(tampering{"moved", rule, ref, 0, other}, mode)
					w.refused(tampering{"created", rule, ref + "x", 0, other}, mode)
					if !migrated {
						w.refused(tampering{"deleted", gate.Deletion, ref, 0, func(*world) refs.OID { return "" }}, mode)
						continue
					}
					w.mustPush(":" + ref)
					if _, there := w.refs()[ref]; there {
						t.Errorf("'%s' is still there", ref)
					}
				}
				w.refused(tampering{"meta", gate.Deletion, "meta", 0, func(*world) refs.OID { return "" }}, mode)
			})
		}
	}
	w := newWorld(t, "sha1") // a hub of level 2, to which nobody has migrated anything
	w.mustPush(string(w.code("x")) + ":" + left[0])
	w.install(gate.Whole)
	w.refused(tampering{"deleted", gate.Deletion, left[0], 0, func(*world) refs.OID { return "" }}, gate.Whole)
}
