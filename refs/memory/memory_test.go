package memory_test

import (
	"context"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

var ctx = context.Background()

func TestLocal(t *testing.T) {
	refstest.Local(t, refstest.LocalMaker{
		New: func(_ testing.TB, f refs.Format) refs.Local { return memory.New(f) },
	})
}

// memHub is a memory.Hub for the suite.
type memHub struct{ *memory.Hub }

func (h memHub) Clone(testing.TB) (refs.Local, refs.Remote) {
	m := memory.New(h.Format())
	return m, h.Remote(m)
}

func (h memHub) Refs(t testing.TB) map[string]refs.OID {
	rs, err := h.Local.Refs(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]refs.OID)
	for _, r := range rs {
		m[r.Name] = r.OID
	}
	return m
}

func (h memHub) Decline(_ testing.TB, ref string) {
	h.Set(memory.Faults{Decline: func(r string, _, _ refs.OID) string {
		if r == ref {
			return "hook declined"
		}
		return ""
	}})
}

func (h memHub) Race(t testing.TB, ref string, id refs.OID) {
	h.Set(memory.Faults{BeforeReceive: func() {
		h.Set(memory.Faults{})
		if err := h.Swap(ctx, []refs.Update{{Ref: ref, Old: h.Refs(t)[ref], New: id}}); err != nil {
			t.Error(err)
		}
	}})
}

func (h memHub) Break(testing.TB)    { h.Set(memory.Faults{Down: true}) }
func (h memHub) ReadOnly(testing.TB) { h.Set(memory.Faults{ReadOnly: true}) }
func (h memHub) NoAtomic(testing.TB) { h.Set(memory.Faults{NoAtomic: true}) }

func TestHub(t *testing.T) {
	refstest.Remote(t, func(testing.TB) refstest.Hub { return memHub{memory.NewHub(refs.SHA1)} })
}
