package trust

import (
	"bytes"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

func FuzzParseSignature(f *testing.F) {
	for _, k := range otherKeys(f) {
		f.Add(k.sign(f, EventNamespace, []byte("x")).Encode())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseSignature(in)
		if err != nil {
			if s != nil {
				t.Fatal("an error and a value")
			}
			return
		}
		if !bytes.Equal(s.Encode(), in) {
			t.Fatalf("%x\nbecame %x", in, s.Encode())
		}
		if k, err := ParseKey(s.Key.String()); err != nil || k != s.Key {
			t.Fatal(k, err)
		}
		_ = s.Verify(s.Namespace, []byte("y"))
		if blob, err := Dearmor(Armor(in)); err != nil || !bytes.Equal(blob, in) {
			t.Fatal(err)
		}
	})
}

func FuzzParseSigners(f *testing.F) {
	f.Add([]byte("# x\n\nbob@crosslink namespaces=\"a,b\" " + keyNamed("k").String() + " c d\n"))
	f.Add([]byte("bob@crosslink " + keyNamed("k").String() + "\nbob@crosslink " + keyNamed("n").String() + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := ParseSigners(in)
		if err != nil {
			if s != nil {
				t.Fatal("an error and a value")
			}
			return
		}
		if !bytes.Equal(s.Encode(), in) {
			t.Fatalf("%q\nbecame %q", in, s.Encode())
		}
		for _, x := range s.All() { // the text that is written again is read as the same
			n := (&Signers{}).With(x)
			if again, err := ParseSigners(n.Encode()); err != nil || len(again.All()) != 1 || again.All()[0].Key != x.Key {
				t.Fatalf("%q: %v", n.Encode(), err)
			}
		}
	})
}

func FuzzMetaSignature(f *testing.F) {
	r := founded(f, Warn, true)
	good := step(f, r, "alice", nil)
	f.Add(good["hub.json"], good["allowed_signers"], good["meta.sig"])
	f.Add(good["hub.json"], good["allowed_signers"], step(f, r, "eve", nil)["meta.sig"])
	f.Fuzz(func(t *testing.T, hub, signers, sig []byte) {
		files := map[string][]byte{"hub.json": hub, "allowed_signers": signers, "meta.sig": sig}
		n, err := r.Next(files)
		if (err == nil) == (n == nil) || err != nil && RuleOf(err) == "" {
			t.Fatal(n, err)
		}
		if err == nil && !(bytes.Equal(hub, good["hub.json"]) && bytes.Equal(signers, good["allowed_signers"]) && bytes.Equal(sig, good["meta.sig"])) {
			t.Fatalf("alice signed one meta, this is another:\n%q\n%q\n%q", hub, signers, sig)
		}
		_, _ = FirstMeta(files)
	})
}

func FuzzParseProof(f *testing.F) {
	base := newPen(f, "bob").say("k")
	a, b := base.fork().say("k"), base.fork()
	b.write("k", &event.AgentRetired{Reason: "b"})
	f.Add(FindFork(a.lines, b.lines).File())
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := ParseProof(in)
		if (err == nil) == (p == nil) || err != nil && RuleOf(err) == "" {
			t.Fatal(p, err)
		}
		if err == nil && !bytes.Equal(p.File(), in) {
			t.Fatalf("%q\nbecame %q", in, p.File())
		}
	})
}
