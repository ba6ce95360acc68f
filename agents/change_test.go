package agents

import (
	"errors"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// founded is a hub whose admin is alice, and her key.
func founded(t *testing.T) (*trust.State, keys.Signer) {
	t.Helper()
	s := signer(t)
	k := made(t, s.Ring, "alice")
	state, err := trust.FirstMeta(Founding(t.Context(), trust.Meta{Version: 4, Hub: "0b9f2a52-6a3a-4a52-9f0e-0123456789ab", CreatedAt: 1}, "alice", k))
	if err != nil || state.AdminOf(k.Key()) != trust.Principal("alice") || !state.Meta.Open || state.Meta.Signing != trust.Warn {
		t.Fatalf("%+v: %v", state, err)
	}
	return state, k
}

// A hub that is founded without a key, or with one that fails, has no admin.
func TestFoundingWithoutAKey(t *testing.T) {
	k := made(t, signer(t).Ring, "alice")
	for _, k := range []keys.Signer{nil, broken{k}} {
		state, err := trust.FirstMeta(Founding(t.Context(), trust.Meta{Version: 4, Hub: "0b9f2a52-6a3a-4a52-9f0e-0123456789ab", CreatedAt: 1}, "alice", k))
		if err != nil || len(state.Meta.Admins) != 0 || len(state.Signers.All()) != 0 {
			t.Errorf("%+v: %v", state, err)
		}
	}
}

func TestChange(t *testing.T) {
	state, alice := founded(t)
	bob := made(t, signer(t).Ring, "bob").Key()
	hashAt := func(seq uint64) (string, error) {
		if seq == 0 {
			return "", nil
		}
		return event.Hash([]byte{byte(seq)}), nil
	}
	log := func(v ...trust.Key) *trust.Verdict { return &trust.Verdict{Keys: v} }
	five := &RevokedLog{Lines: 5, Counts: 4, HashAt: hashAt}
	n := func(n uint64) *uint64 { return &n }
	approve := func(agent, key string, v *trust.Verdict, admin bool) func(*Change) error {
		return func(c *Change) error { _, err := c.Approve(agent, key, v, admin); return err }
	}
	revoke := func(agent string, after *uint64, l *RevokedLog) func(*Change) error {
		return func(c *Change) error { _, err := c.Revoke(agent, after, "", l); return err }
	}
	for _, c := range []struct {
		name  string
		does  []func(*Change) error
		fails string
		is    func(*trust.State) bool
	}{
		{"nothing", nil, "", nil},
		{"the policy as it is", []func(*Change) error{func(c *Change) error { c.SetPolicy(Policy{Signing: trust.Warn}); return nil }}, "", nil},
		{"a policy", []func(*Change) error{func(c *Change) error {
			closed := false
			c.SetPolicy(Policy{Signing: trust.Require, Open: &closed})
			return nil
		}}, "",
			func(s *trust.State) bool { return s.Meta.Signing == trust.Require && !s.Meta.Open }},
		{"the key of the log", []func(*Change) error{approve("bob", "", log(bob), false)}, "",
			func(s *trust.State) bool { return s.Signers.Lists(trust.Principal("bob")) && s.AdminOf(bob) == "" }},
		{"a key that is given, of an admin", []func(*Change) error{approve("bob", bob.String(), nil, true)}, "",
			func(s *trust.State) bool { return s.AdminOf(bob) == trust.Principal("bob") }},
		{"an agent that is none", []func(*Change) error{approve("a/b", "", nil, false)}, "agent-id/approve", nil},
		{"a key that is none", []func(*Change) error{approve("bob", "x", nil, false)}, "key", nil},
		{"no log", []func(*Change) error{approve("bob", "", nil, false)}, "no-agent/approve", nil},
		{"a log without a key", []func(*Change) error{approve("bob", "", log(), false)}, "no-key", nil},
		{"what counts now", []func(*Change) error{revoke("bob", nil, five)}, "",
			func(s *trust.State) bool {
				return s.Meta.Revoked["bob"].AfterSeq == 4 && s.Meta.Revoked["bob"].Hash != ""
			}},
		{"earlier still", []func(*Change) error{revoke("bob", nil, five), revoke("bob", n(2), five)}, "",
			func(s *trust.State) bool { return s.Meta.Revoked["bob"].AfterSeq == 2 }},
		{"later again", []func(*Change) error{revoke("bob", n(2), five), revoke("bob", n(3), five)}, "revoked/ends", nil},
		{"behind the end", []func(*Change) error{revoke("bob", n(6), five)}, "no-event", nil},
		{"nobody", []func(*Change) error{revoke("bob", nil, nil)}, "no-agent/revoke", nil},
		{"the last admin", []func(*Change) error{revoke("alice", nil, five)}, "last-admin", nil},
		{"an admin beside another", []func(*Change) error{approve("bob", bob.String(), nil, true), revoke("alice", nil, five)}, "",
			func(s *trust.State) bool { return s.AdminOf(alice.Key()) == "" && s.AdminOf(bob) != "" }},
		{"a key that hands over", []func(*Change) error{func(c *Change) error { return c.HandOver("alice", alice.Key(), bob) }}, "",
			func(s *trust.State) bool {
				return s.AdminOf(bob) == trust.Principal("alice") && s.AdminOf(alice.Key()) == "" && len(s.Signers.Keys(trust.Principal("alice"), trust.EventNamespace)) == 2
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			draft := NewChange(state)
			var err error
			for _, f := range c.does {
				if err == nil {
					err = f(draft)
				}
			}
			if codeOf(err) != c.fails || (err != nil) != (c.fails != "") {
				t.Fatalf("%v, want '%s'", err, c.fails)
			}
			if err != nil {
				return
			}
			if draft.Nothing() != (c.is == nil) {
				t.Fatalf("nothing: %t", draft.Nothing())
			}
			if c.is == nil {
				return
			}
			_, next, err := draft.Files(t.Context(), alice)
			if err != nil || !c.is(next) {
				t.Fatalf("%+v: %v", next, err)
			}
			if len(state.Meta.Admins) != 1 || len(state.Meta.Revoked) != 0 || len(state.Signers.All()) != 1 {
				t.Fatal("the meta before it was changed")
			}
			if _, _, err := draft.Files(t.Context(), nil); codeOf(err) != "meta" {
				t.Errorf("nobody signed it: %v", err)
			}
			if _, _, err := draft.Files(t.Context(), broken{alice}); codeOf(err) != "unsigned/meta" {
				t.Errorf("the key failed: %v", err)
			}
		})
	}
	revoked := NewChange(state)
	if _, err := revoked.Revoke("bob", nil, "", five); err != nil {
		t.Fatal(err)
	}
	_, next, err := revoked.Files(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewChange(next).Approve("bob", bob.String(), nil, false); codeOf(err) != "revoked/still" {
		t.Errorf("%v", err)
	}
	if NewChange(next).Waits("bob", log(bob)) || !NewChange(state).Waits("bob", log(bob)) || NewChange(state).Waits("bob", nil) {
		t.Error("who waits")
	}
	unread := &RevokedLog{Lines: 1, HashAt: func(uint64) (string, error) { return "", errors.New("torn") }}
	if _, err := NewChange(state).Revoke("bob", nil, "", unread); err == nil {
		t.Error("a log that cannot be read was revoked at a place")
	}
}

// TestNotAdmitted: the report of whose events would count is based on the current meta.
func TestNotAdmitted(t *testing.T) {
	state, alice := founded(t)
	key := func() (keys.Signer, error) { return alice, nil }
	none := func() (keys.Signer, error) { return nil, ErrNoJobKey }
	next := func(f func(*Change)) *trust.State {
		c := NewChange(state)
		f(c)
		_, s, err := c.Files(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	closed := false
	for _, c := range []struct {
		state *trust.State
		agent string
		key   func() (keys.Signer, error)
		want  string
	}{
		{nil, "bob", key, ""},
		{state, "bob", key, ""},
		{next(func(c *Change) { c.SetPolicy(Policy{Open: &closed}) }), "bob", key, "not-approved/key"},
		{next(func(c *Change) { c.SetPolicy(Policy{Open: &closed}) }), "alice", key, ""},
		{next(func(c *Change) { c.SetPolicy(Policy{Signing: trust.Require}) }), "bob", none, "not-approved/job"},
		{next(func(c *Change) { c.Meta.Revoked["bob"] = trust.Revocation{} }), "bob", key, "revoked"},
	} {
		got := ""
		if e := NotAdmitted(c.state, c.agent, c.key); e != nil {
			got = string(e.Code)
		}
		if got != c.want {
			t.Errorf("%s: '%s', want '%s'", c.agent, got, c.want)
		}
	}
}
