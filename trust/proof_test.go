package trust

import (
	"bytes"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

func proofOf(t testing.TB, a, b *pen) *Proof {
	t.Helper()
	p := FindFork(a.lines, b.lines)
	if p == nil {
		t.Fatal("not found")
	}
	return p
}

func TestProof_WhoeverHoldsBothHasIt(t *testing.T) {
	base := newPen(t, "bob").say("k", "k")
	a, b := base.fork().say("k", "k"), base.fork()
	b.write("k", &event.AgentRetired{Reason: "another history"})
	p := proofOf(t, a, b)
	if q := proofOf(t, b, a); !bytes.Equal(p.File(), q.File()) {
		t.Fatal("the proof depends on who makes it")
	}
	if p.Seq != 3 || p.Key != keyNamed("k") || p.hidden() {
		t.Fatalf("%+v", p)
	}
	back, err := ParseProof(p.File())
	if err != nil || !bytes.Equal(back.File(), p.File()) {
		t.Fatal(err)
	}
	carol := newPen(t, "carol").say("carol")
	carol.write("carol", p.Event())
	if q := ProofIn(carol.lines[1]); q == nil || !bytes.Equal(q.File(), p.File()) {
		t.Fatal("the event does not carry it")
	}
	if ProofIn(carol.lines[0]) != nil {
		t.Fatal("another event carries one")
	}
	if FindFork(a.lines, a.lines[:2]) != nil {
		t.Fatal("a beginning of a log is a fork of it")
	}
	r := next(t, founded(t, Require, false), "alice", list("bob", "k"))
	third := newPen(t, "bob").say("k")
	third.write("k", &event.AgentRetired{Reason: "a third history"})
	third.say("k")
	for _, c := range []struct {
		name    string
		log     *pen
		covered uint64
		want    string
	}{
		{"one history", a, 0, "ok ok -forked -forked"},
		{"the other", b, 0, "ok ok -forked"},
		{"the ledger covers one", a, 3, "ok ok ok -forked"},
		{"the ledger covers less than is common", a, 1, "ok ok -forked -forked"},
		{"only what is common", base, 0, "ok ok"},
		{"a third history, which parts before the two lines", third, 0, "-forked -forked -forked"},
	} {
		if got := marks(verdict(r, c.log, LogOptions{Covered: c.covered, Proofs: []*Proof{p, p}})); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	settled := next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
		m.Revoked = map[string]Revocation{"bob": {AfterSeq: 4, Hash: event.Hash(a.lines[3].Raw), Reason: "a is the one"}}
		return nil
	})
	if got := marks(verdict(settled, a, LogOptions{Proofs: []*Proof{p}})); got != "ok ok ok ok" {
		t.Error("an admin cannot settle a fork:", got)
	}
}

// TestProof_AHiddenFork: where the first line of one history was left unsigned,
// nothing is safe but what the ledger covers.
func TestProof_AHiddenFork(t *testing.T) {
	base := newPen(t, "bob").say("k", "k")
	a, b := base.fork().say("k", "k", "k"), base.fork()
	b.write("", &event.AgentRetired{Reason: "another history"})
	b.say("k")
	p := proofOf(t, a, b)
	if p.Seq != 4 || !p.hidden() {
		t.Fatalf("%d %v", p.Seq, p.hidden())
	}
	r := next(t, founded(t, Warn, false), "alice", list("bob", "k"))
	for _, c := range []struct {
		log     *pen
		covered uint64
		want    string
	}{
		{a, 0, "-forked -forked -forked -forked -forked"},
		{b, 0, "-forked -forked -forked -forked"},
		{base.fork(), 0, "-forked -forked"},
		{a, 3, "ok ok ok -forked -forked"},
		{base, 1, "ok -forked"},
	} {
		if got := marks(verdict(r, c.log, LogOptions{Covered: c.covered, Proofs: []*Proof{p}})); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestProof_OnlyTheAgentsOwnKeyForks: anybody who can push, but has not the key,
// can end a log and prove nothing.
func TestProof_OnlyTheAgentsOwnKeyForks(t *testing.T) {
	base := newPen(t, "bob").say("k", "k")
	a := base.fork().say("k")
	for name, b := range map[string]*pen{"unsigned": base.fork().say("", ""), "by another key": base.fork().say("eve", "eve")} {
		if FindFork(a.lines, b.lines) != nil {
			t.Error(name)
		}
	}
	// eve proves that eve has written two histories under bob's name: no matter
	x, y := base.fork().say("eve"), base.fork()
	y.write("eve", &event.AgentRetired{Reason: "y"})
	p := proofOf(t, x, y)
	r := next(t, founded(t, Warn, true), "alice", list("bob", "k"))
	if got := marks(verdict(r, a, LogOptions{Proofs: []*Proof{p}})); got != "ok ok ok" {
		t.Error(got)
	}
	// nor about another agent or hub
	q := *proofOf(t, base.fork().say("k"), func() *pen {
		z := base.fork()
		z.write("k", &event.AgentRetired{Reason: "z"})
		return z
	}())
	q.Hub = "0b54b9f0-3c5e-4c0e-9d7a-5d1f0f6f0a01"
	if got := marks(verdict(r, a, LogOptions{Proofs: []*Proof{&q}})); got != "ok ok ok" {
		t.Error(got)
	}
}

// TestProof_SigningTwiceIsNoFork: an ecdsa key can sign the same bytes in many
// ways, and even somebody without the key can derive another valid signature.
func TestProof_SigningTwiceIsNoFork(t *testing.T) {
	k := otherKeys(t)["p256"]
	write := func(reason string) []byte {
		c := event.Chain{Hub: testHub, Agent: "bob", Sign: k.chainSign(t)}
		line, err := c.Stamp(&event.Envelope{Body: &event.AgentRetired{Reason: reason}}, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	a, b := write("x"), write("x")
	if bytes.Equal(a, b) {
		t.Fatal("the same signature twice")
	}
	if _, err := NewProof(a, b); RuleOf(err) != RuleProofSame {
		t.Fatal(err)
	}
	if _, err := NewProof(a, write("y")); err != nil {
		t.Fatal(err)
	}
}

func TestProof_WhatIsNone(t *testing.T) {
	base := newPen(t, "bob").say("k")
	a, b := base.fork().say("k", "k"), base.fork()
	b.write("k", &event.AgentRetired{Reason: "b"})
	b.say("k")
	p := proofOf(t, a, b)
	other := newPen(t, "eve").say("k", "k")
	for _, c := range []struct {
		name string
		a, b []byte
		rule string
	}{
		{"one line twice", p.A.Raw, p.A.Raw, RuleProofSame},
		{"two sequences", a.lines[1].Raw, b.lines[2].Raw, RuleProofMalformed},
		{"two agents", a.lines[1].Raw, other.lines[1].Raw, RuleProofMalformed},
		{"no line", a.lines[1].Raw, []byte("{}"), RuleProofMalformed},
		{"nothing", nil, nil, RuleProofMalformed},
		{"too long", a.lines[1].Raw, bytes.Repeat([]byte("x"), event.MaxLine+1), RuleProofMalformed},
		{"unsigned", newPen(t, "bob").say("", "").lines[1].Raw, newPen(t, "bob").say("k", "").lines[1].Raw, RuleProofKeys},
		{"two keys", a.lines[1].Raw, base.fork().say("eve").lines[1].Raw, RuleProofKeys},
		{"a flipped bit", a.lines[1].Raw, bytes.Replace(b.lines[1].Raw, []byte(`"b"`), []byte(`"c"`), 1), RuleProofKeys},
	} {
		if q, err := NewProof(c.a, c.b); RuleOf(err) != c.rule || q != nil {
			t.Errorf("%s: %v, want %s", c.name, err, c.rule)
		}
	}
	file := string(p.File())
	for name, f := range map[string]string{
		"no LF": strings.TrimSuffix(file, "\n"), "two": file + file, "empty": "", "another agent": strings.Replace(file, `"agent":"bob"`, `"agent":"eve"`, 1),
		"another type": strings.Replace(file, "AgentForked", "AgentForkee", 1), "white space": strings.Replace(file, `","agent"`, `", "agent"`, 1),
		"a member more": strings.TrimSuffix(file, "}\n") + `,"x":1}` + "\n", "no object": "[1,2,3,4]\n", "numbers": `{"type":1,"agent":2,"line_a":3,"line_b":4}` + "\n",
	} {
		if _, err := ParseProof([]byte(f)); RuleOf(err) != RuleProofMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	swapped := Proof{p.Hub, p.Agent, p.Seq, p.Key, p.B, p.A}
	if _, err := ParseProof(swapped.File()); RuleOf(err) != RuleProofMalformed {
		t.Error("a second encoding is accepted")
	}
}
