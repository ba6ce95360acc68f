package trust

import (
	"maps"
	"strings"
	"testing"
)

// founded returns the first meta commit of a hub with alice as its admin.
func founded(t testing.TB, signing string, open bool) *State {
	t.Helper()
	m := &Meta{Version: 4, Hub: testHub, Seq: 1, CreatedAt: 1, Signing: signing, Open: open, Admins: []string{"alice@crosslink"}}
	s := (&Signers{}).With(Signer{Principal: "alice@crosslink", Key: newKey(t, "alice").Key})
	r, err := FirstMeta(MetaFiles(m, s))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// step is the next meta commit, signed by a key of a name ("" unsigned).
func step(t testing.TB, r *State, by string, change func(*Meta, *Signers) *Signers) map[string][]byte {
	t.Helper()
	m := *r.Meta
	m.Revoked = maps.Clone(m.Revoked)
	s := r.Signers
	if change != nil {
		if n := change(&m, s); n != nil {
			s = n
		}
	}
	files := r.Draft(m, s)
	if by != "" {
		files = Signed(files, newKey(t, by).sign(t, MetaNamespace, MetaSigned(files)))
	}
	return files
}

func next(t testing.TB, r *State, by string, change func(*Meta, *Signers) *Signers) *State {
	t.Helper()
	n, err := r.Next(step(t, r, by, change))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func list(agent, key string, namespaces ...string) func(*Meta, *Signers) *Signers {
	return func(_ *Meta, s *Signers) *Signers {
		return s.With(Signer{Principal: Principal(agent), Namespaces: namespaces, Key: keyNamed(key)})
	}
}

func TestMetaChain_EachStepIsSignedByAThenAdmin(t *testing.T) {
	r := founded(t, Warn, true)
	r = next(t, r, "alice", list("bob", "bob"))
	if !r.Signers.Lists("bob@crosslink") || r.Meta.Seq != 2 {
		t.Fatal("bob is not listed")
	}
	older := step(t, founded(t, Warn, true), "alice", func(m *Meta, _ *Signers) *Signers { m.Open = false; return nil })
	promoted := next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
		m.Admins = []string{"bob@crosslink"}
		return nil
	})
	if _, err := promoted.Next(step(t, promoted, "bob", nil)); err != nil {
		t.Fatal("a new admin cannot sign:", err)
	}
	good := step(t, r, "alice", nil)
	with := func(change func(map[string][]byte)) map[string][]byte {
		f := maps.Clone(good)
		change(f)
		return f
	}
	revoked := next(t, next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
		m.Admins = append(m.Admins, "bob@crosslink")
		return nil
	}), "alice", func(m *Meta, _ *Signers) *Signers {
		m.Revoked = map[string]Revocation{"bob": {}}
		return nil
	})
	elsewhere := *r.Meta
	elsewhere.Hub, elsewhere.Seq, elsewhere.Prev = "0b54b9f0-3c5e-4c0e-9d7a-5d1f0f6f0a01", 3, r.Hash()
	other := MetaFiles(&elsewhere, r.Signers)
	other = Signed(other, newKey(t, "alice").sign(t, MetaNamespace, MetaSigned(other)))
	for _, c := range []struct {
		name  string
		on    *State
		files map[string][]byte
		rule  string
	}{
		{"as it should be", r, good, ""},
		{"unsigned", r, step(t, r, "", nil), RuleMetaUnsigned},
		{"signed by a listed agent that is no admin", r, step(t, r, "bob", nil), RuleMetaNotAdmin},
		{"signed by a stranger", r, step(t, r, "eve", nil), RuleMetaNotAdmin},
		{"signed by an admin to be", r, step(t, r, "bob", func(m *Meta, _ *Signers) *Signers {
			m.Admins = append(m.Admins, "bob@crosslink")
			return nil
		}), RuleMetaNotAdmin},
		{"signed by an admin of before", promoted, step(t, promoted, "alice", nil), RuleMetaNotAdmin},
		{"signed by a revoked admin", revoked, step(t, revoked, "bob", nil), RuleMetaNotAdmin},
		{"old but validly signed", r, older, RuleMetaOlder},
		{"the same again", promoted, good, RuleMetaOlder},
		{"a gap", founded(t, Warn, true), good, RuleMetaOlder},
		{"another history of the same length", r, step(t, next(t, founded(t, Off, true), "alice", nil), "alice", nil), RuleMetaPrev},
		{"another hub's", r, other, RuleMetaHub},
		{"hub.json altered behind the signature", r, with(func(f map[string][]byte) {
			f["hub.json"] = []byte(strings.Replace(string(f["hub.json"]), `"open":true`, `"open":false`, 1))
		}), RuleMetaSignature},
		{"a signer slipped in", r, with(func(f map[string][]byte) {
			f["allowed_signers"] = append(append([]byte{}, f["allowed_signers"]...), "eve@crosslink "+newKey(t, "eve").Key.String()+"\n"...)
		}), RuleMetaSignature},
		{"a file slipped in", r, with(func(f map[string][]byte) { f["more"] = nil }), RuleMetaSignature},
		{"a signature for another purpose", r, Signed(step(t, r, "", nil), newKey(t, "alice").sign(t, EventNamespace, MetaSigned(step(t, r, "", nil)))), RuleMetaSignature},
		{"a signature that is none", r, with(func(f map[string][]byte) { f["meta.sig"] = []byte("signed, alice\n") }), RuleMetaSignature},
		{"no hub.json", r, with(func(f map[string][]byte) { delete(f, "hub.json") }), RuleMetaMalformed},
		{"signers that cannot be read", r, with(func(f map[string][]byte) { f["allowed_signers"] = []byte("*\n") }), RuleMetaMalformed},
		{"nobody could sign the next", r, step(t, r, "alice", func(_ *Meta, s *Signers) *Signers { return s.Without("alice@crosslink", Key{}) }), RuleMetaLockout},
		{"an admin's key listed for events only", r, step(t, r, "alice", func(_ *Meta, s *Signers) *Signers {
			return s.With(Signer{Principal: "alice@crosslink", Namespaces: []string{EventNamespace}, Key: newKey(t, "alice").Key})
		}), RuleMetaLockout},
		{"the level lowered", r, with(func(f map[string][]byte) {
			f["hub.json"] = []byte(strings.Replace(string(f["hub.json"]), `"hub_version":4`, `"hub_version":3`, 1))
		}), RuleMetaMalformed},
		{"the level raised by nobody", r, with(func(f map[string][]byte) {
			f["hub.json"] = []byte(strings.Replace(string(f["hub.json"]), `"hub_version":4`, `"hub_version":5`, 1))
		}), RuleMetaSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := c.on.Next(c.files)
			if RuleOf(err) != c.rule || (err == nil) != (n != nil) || err == nil && c.rule != "" {
				t.Fatalf("got %v, want %q", err, c.rule)
			}
		})
	}
}

func TestMetaChain_TheFirst(t *testing.T) {
	m := &Meta{Version: 4, Hub: testHub, Seq: 1, CreatedAt: 1, Signing: Warn, Open: true}
	s := (&Signers{}).With(Signer{Principal: "alice@crosslink", Key: newKey(t, "alice").Key})
	anyone, err := FirstMeta(MetaFiles(m, &Signers{}))
	if err != nil {
		t.Fatal(err)
	}
	// no admins: anybody may add the next one, for instance the first admin
	r := next(t, anyone, "", func(m *Meta, _ *Signers) *Signers { m.Admins = []string{"alice@crosslink"}; return s })
	if _, err := r.Next(step(t, r, "", nil)); RuleOf(err) != RuleMetaUnsigned {
		t.Fatal(err)
	}
	m.Admins = []string{"alice@crosslink"}
	files := MetaFiles(m, s)
	if _, err := FirstMeta(Signed(files, newKey(t, "alice").sign(t, MetaNamespace, MetaSigned(files)))); err != nil {
		t.Fatal("signed, though it need not be:", err)
	}
	if _, err := FirstMeta(Signed(files, newKey(t, "eve").sign(t, MetaNamespace, MetaSigned(files)))); RuleOf(err) != RuleMetaNotAdmin {
		t.Fatal(err)
	}
	if _, err := FirstMeta(MetaFiles(m, &Signers{})); RuleOf(err) != RuleMetaLockout {
		t.Fatal(err)
	}
	if _, err := FirstMeta(step(t, r, "alice", nil)); RuleOf(err) != RuleMetaOlder {
		t.Fatal(err)
	}
}

func TestMetaChain_ANewerLevel(t *testing.T) {
	r := founded(t, Warn, true)
	files := step(t, r, "", nil)
	files["hub.json"] = []byte(`{"hub_version":5,"hub":"` + testHub + `","seq":2,"of":"rules not known here"}`)
	if _, err := r.Next(files); RuleOf(err) != RuleMetaUnsigned {
		t.Fatal(err)
	}
	n, err := r.Next(Signed(files, newKey(t, "alice").sign(t, MetaNamespace, MetaSigned(files))))
	if err != nil || n.Newer() != 5 || n.Meta.Seq != 2 {
		t.Fatal(n, err)
	}
	if _, err := n.Next(nil); err != nil {
		t.Fatal("what is behind a newer level is not judged:", err)
	}
}

func TestCheckStep(t *testing.T) {
	bytes := []byte(`{"a step":1}`)
	sig := func(name, ns string) (string, string) {
		k := newKey(t, name)
		return k.Fingerprint(), k.sign(t, ns, bytes).String()
	}
	by, good := sig("bob", LedgerNamespace)
	eveBy, eve := sig("eve", LedgerNamespace)
	_, purpose := sig("bob", EventNamespace)
	for _, c := range []struct {
		name, signing         string
		open                  bool
		writer, by, signature string
		bytes                 string
		rule                  string
	}{
		{"signed", Require, false, "bob", by, good, "", ""},
		{"signed, warn", Warn, true, "bob", by, good, "", ""},
		{"unsigned, off", Off, true, "bob", "", "", "", ""},
		{"unsigned, warn", Warn, true, "bob", "", "", "", ""},
		{"unsigned", Require, true, "bob", "", "", "", RuleUnsigned},
		{"by a stranger", Require, true, "bob", eveBy, eve, "", RuleUnknownSigner},
		{"by a stranger, warn", Warn, true, "eve", eveBy, eve, "", ""},
		{"a stranger's, closed", Warn, false, "eve", eveBy, eve, "", RuleNotAdmitted},
		{"a stranger's, closed, off", Off, false, "eve", "", "", "", RuleNotAdmitted},
		{"another's key named", Warn, true, "bob", by, eve, "", RuleStepSignature},
		{"other bytes", Warn, true, "bob", by, good, `{"a step":2}`, RuleStepSignature},
		{"other bytes, off", Off, true, "bob", by, good, `{"a step":2}`, ""},
		{"another purpose", Warn, true, "bob", by, purpose, "", RuleStepSignature},
		{"no signature at all", Warn, true, "bob", by, "AAAA", "", RuleStepSignature},
		{"revoked", Require, true, "carol", by, good, "", RuleRevoked},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := next(t, founded(t, c.signing, c.open), "alice", list("bob", "bob"))
			r = next(t, r, "alice", list("carol", "bob"))
			r = next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
				m.Revoked = map[string]Revocation{"carol": {}}
				return nil
			})
			b := bytes
			if c.bytes != "" {
				b = []byte(c.bytes)
			}
			if err := r.CheckStep(c.writer, c.by, c.signature, b); RuleOf(err) != c.rule || err != nil && c.rule == "" {
				t.Fatalf("got %v, want %q", err, c.rule)
			}
		})
	}
}
