package gate_test

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// base is the base.json of a tracker with one issue of that title.
func base(t *testing.T, title string) []byte {
	t.Helper()
	data, err := ledger.EncodeBase(&ledger.Base{HubVersion: 0, Source: "eae53c3b9acd54b3c05f3a5f1dd2e9d599fd3883", Base: event.Base{
		Issues: []event.BaseIssue{{UUID: uuid(1), Number: 1, Title: title, Status: event.Open, Priority: event.Low, CreatedBy: "ann", CreatedAt: 1, UpdatedAt: 1}}, NextIssue: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// root is the first step of a ledger that starts from a base.
func (w *world) root(base []byte) refs.OID {
	w.t.Helper()
	l, err := ledger.Root(hubID, base, "alice", event.TimeOf(w.now()))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.files(l.Changes(nil), nil)
}

// A ledger starts from what the meta names: anybody who may push cannot say what issues
// there were before, nor begin an empty ledger in the place of one with issues.
func TestBaseOfTheLedger(t *testing.T) {
	honest := base(t, "one")
	for _, c := range []struct {
		name        string
		meta, pushs []byte
		ok          bool
	}{
		{"the one that meta names", honest, honest, true},
		{"another one", honest, base(t, "another"), false},
		{"none", honest, nil, false},
		{"one that meta does not name", nil, honest, false},
		{"none, as meta says", nil, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "sha1")
			w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers {
				if c.meta != nil {
					m.Base = event.Hash(c.meta)
				}
				return s
			}))
			w.install(gate.Whole)
			w.mustPush(string(w.metas[0].id) + ":refs/heads/crosslink/meta")
			root := w.root(c.pushs)
			if !c.ok {
				w.refused(tampering{"", "ledger-" + ledger.BadBase, "checkpoint", 0, func(*world) refs.OID { return root }}, gate.Whole)
				return
			}
			w.mustPush(string(root) + ":refs/heads/crosslink/checkpoint")
		})
	}
}
