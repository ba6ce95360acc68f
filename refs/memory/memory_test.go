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
		New:   func(_ testing.TB, f refs.Format) refs.Local { return memory.New(f) },
		Again: func(_ testing.TB, l refs.Local) refs.Local { return l.(*memory.Local).Again() },
	})
}

// memHub is a memory.Hub for the suite.
type memHub struct{ *memory.Hub }

const hubURL = "/srv/hub.git"

// clone makes a clone of a hub.
func clone(t testing.TB, f refs.Format, h *memory.Hub) (*memory.Clone, refs.Config) {
	t.Helper()
	var net memory.Network
	net.Put(hubURL, h)
	cfg := refs.Config{{Scope: "local", Key: "remote.origin.url", Value: hubURL}}
	c, err := memory.NewClone(t.TempDir(), f, &net, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, cfg
}

func (h memHub) Clone(t testing.TB) (refs.Local, refs.Remote) {
	c, cfg := clone(t, h.Format(), h.Hub)
	r, _, err := c.OpenReplica(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Local(), r.Remote(refs.Address{Name: "origin", Config: cfg})
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

func TestReplica(t *testing.T) {
	refstest.Replica(t, refstest.OuterMaker{
		New: func(t testing.TB) (refs.Outer, refs.Config) { return clone(t, refs.SHA1, memory.NewHub(refs.SHA1)) },
		Hub: func(refs.Outer) string { return hubURL },
	})
}
