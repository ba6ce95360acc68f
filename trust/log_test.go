package trust

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

func keyNamed(name string) Key {
	k, err := parseKeyBlob(sshEd25519(ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))).Public().(ed25519.PublicKey)))
	if err != nil {
		panic(err)
	}
	return k
}

func sshEd25519(pub ed25519.PublicKey) []byte {
	b := []byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20")
	return append(b, pub...)
}

// pen writes a log: say appends lines, signed by the key of a name.
type pen struct {
	t     testing.TB
	chain event.Chain
	lines []*event.Envelope
}

func newPen(t testing.TB, agent string) *pen {
	return &pen{t: t, chain: event.Chain{Hub: testHub, Agent: agent}}
}

func (p *pen) write(by string, b event.Body) *event.Envelope {
	p.t.Helper()
	if p.chain.Sign = nil; by != "" {
		p.chain.Sign = newKey(p.t, by).chainSign(p.t)
	}
	e := &event.Envelope{Body: b}
	line, err := p.chain.Stamp(e, event.Time(1000+len(p.lines)), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	e, err = event.Decode(line)
	if err != nil {
		p.t.Fatal(err)
	}
	p.lines = append(p.lines, e)
	return e
}

// say writes one line per word: "" unsigned, "key" signed, "old>new" a rotation
// signed by old, "+key" an introduction of the key signed by it.
func (p *pen) say(words ...string) *pen {
	for i, w := range words {
		old, to, rotates := strings.Cut(w, ">")
		intro, introduces := strings.CutPrefix(w, "+")
		switch {
		case rotates:
			p.write(old, &event.KeyRotated{PublicKey: keyNamed(to).String()})
		case introduces:
			p.write(intro, &event.AgentIntroduced{Kind: event.Machine, PublicKey: keyNamed(intro).String()})
		default:
			p.write(w, &event.AgentRetired{Reason: fmt.Sprintf("%d of %d", i, len(p.lines))})
		}
	}
	return p
}

func (p *pen) fork() *pen { return &pen{p.t, p.chain, slices.Clone(p.lines)} }

func verdict(r *State, p *pen, o LogOptions) *Verdict {
	l := r.Log(p.chain.Agent, o)
	for _, e := range p.lines {
		l.Feed(e)
	}
	return l.Verdict()
}

// marks is a verdict in a line: a word per line of the log.
func marks(v *Verdict) string {
	var w []string
	for seq := uint64(1); seq <= v.Lines; seq++ {
		m := v.Mark(seq)
		if m == "" {
			m = "ok"
		}
		if seq > v.Fed {
			m = "-" + m
		}
		w = append(w, m)
	}
	return strings.Join(w, " ")
}

func TestVerdict_TheChainRuleAndKeysInForce(t *testing.T) {
	for _, c := range []struct {
		name, signing string
		closed        bool
		keys          string // bob's in the meta
		revoke        int    // 0: not; −1: all
		log           string // "_" is an unsigned line
		want          string
	}{
		{"signed", Require, true, "k", 0, "k k", "ok ok"},
		{"a later line vouches", Require, true, "k", 0, "_ _ k", "ok ok ok"},
		{"never signed, warn", Warn, true, "k", 0, "_ eve", "unsigned unknown-signer"},
		{"unsigned first, then signed, warn", Warn, true, "k", 0, "_ _ k", "ok ok ok"},
		{"unsigned at the end, warn", Warn, true, "k", 0, "k _ _", "ok -unsigned -unsigned"},
		{"unsigned in between, warn", Warn, true, "k", 0, "k _ k _", "ok ok ok -unsigned"},
		{"a revocation pins what is unsigned, warn", Warn, true, "k", 2, "k _ k", "ok unsigned -revoked"},
		{"unsigned at the end, require", Require, true, "k", 0, "k _ _", "ok -unsigned -unsigned"},
		{"unsigned, off", Off, true, "k", 0, "_ eve", "ok ok"},
		{"re-signed by another key", Warn, true, "k", 0, "k eve", "ok -unknown-signer"},
		{"re-signed by another key, require", Require, true, "k", 0, "k eve", "ok -unknown-signer"},
		{"a stranger's line between", Require, true, "k", 0, "eve k", "ok ok"},
		{"rotated", Require, true, "k", 0, "k k>n n", "ok ok ok"},
		{"by a rotated-out key", Warn, true, "k", 0, "k k>n k", "ok ok -rotated-out"},
		{"by a rotated-out key, require", Require, true, "k", 0, "k>n n k k", "ok ok -rotated-out -rotated-out"},
		{"rotated twice and back", Require, true, "k", 0, "k>n n>k k", "ok ok ok"},
		{"a rotation that nobody signed is none", Require, true, "k", 0, "k _>eve eve", "ok -unsigned -unsigned"},
		{"a rotation by a stranger is none", Require, true, "k", 0, "eve>eve eve k", "ok ok ok"},
		{"a vouched-for rotation is none", Require, true, "k", 0, "_>n n", "-unsigned -unsigned"},
		{"a rotated-out key cannot rotate", Warn, true, "k", 0, "k>n k>eve eve", "ok -rotated-out -rotated-out"},
		{"two keys listed", Require, true, "k n", 0, "k n k", "ok ok ok"},
		{"only the one that rotates is replaced", Require, true, "k n", 0, "k>m n m k", "ok ok ok -rotated-out"},
		{"the meta lists the key of after", Require, true, "n", 0, "k k>n n", "ok ok ok"},
		{"the meta lists the key of after, nothing behind", Warn, true, "n", 0, "k k>n", "unknown-signer unknown-signer"},
		{"not listed, open", Warn, false, "", 0, "+b b", "unapproved unapproved"},
		{"not listed, lapsed", Warn, false, "", 0, "+b b _", "unapproved unapproved -unsigned"},
		{"not listed, another key", Warn, false, "", 0, "+b eve", "unapproved -unknown-signer"},
		{"not listed, rotated", Warn, false, "", 0, "+b b>c c b", "unapproved unapproved unapproved -rotated-out"},
		{"not listed, never introduced", Warn, false, "", 0, "b b", "unknown-signer unknown-signer"},
		{"not listed, require", Require, false, "", 0, "+b b", "-unapproved -unapproved"},
		{"not listed, closed", Warn, true, "", 0, "+b b", "-not-admitted -not-admitted"},
		{"not listed, closed, off", Off, true, "", 0, "+b b", "-not-admitted -not-admitted"},
		{"introduces one key, listed with another", Warn, true, "k", 0, "+b b k", "ok ok ok"},
		{"introduces one key, listed with another, only the former signs", Warn, true, "k", 0, "+b b", "unknown-signer unknown-signer"},
		{"after revocation", Warn, true, "k", 2, "k k k", "ok ok -revoked"},
		{"after revocation, off", Off, true, "k", 2, "k k k", "ok ok -revoked"},
		{"signatures behind it vouch for nothing", Warn, true, "k", 2, "_ _ k", "unsigned unsigned -revoked"},
		{"signatures behind it vouch for nothing, require", Require, true, "k", 2, "k _ k", "ok -unsigned -unsigned"},
		{"a rotation behind it is none", Require, true, "k", 1, "k k>n n", "ok -revoked -revoked"},
		{"all of it", Warn, true, "k", -1, "k k", "-revoked -revoked"},
		{"a log that is not there yet", Warn, true, "k", 9, "k", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := founded(t, c.signing, !c.closed)
			for _, k := range strings.Fields(c.keys) {
				r = next(t, r, "alice", list("bob", k))
			}
			p := newPen(t, "bob")
			for _, w := range strings.Fields(c.log) {
				if w = strings.ReplaceAll(w, "_", ""); w == ">eve" || w == ">n" {
					p.write("", &event.KeyRotated{PublicKey: keyNamed(w[1:]).String()})
					continue
				}
				p.say(w)
			}
			if c.revoke != 0 {
				r = next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
					x := Revocation{}
					if c.revoke > 0 {
						x = Revocation{AfterSeq: uint64(c.revoke), Hash: testHash}
						if c.revoke <= len(p.lines) {
							x.Hash = event.Hash(p.lines[c.revoke-1].Raw)
						}
					}
					m.Revoked = map[string]Revocation{"bob": x}
					return nil
				})
			}
			got := marks(verdict(r, p, LogOptions{}))
			if got != c.want {
				t.Fatalf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestVerdict_ARevocationPinsTheLog: another line at the pinned place is
// another log.
func TestVerdict_ARevocationPinsTheLog(t *testing.T) {
	p := newPen(t, "bob").say("k", "k")
	other := newPen(t, "bob").say("k", "", "k")
	r := next(t, founded(t, Warn, true), "alice", func(m *Meta, s *Signers) *Signers {
		m.Revoked = map[string]Revocation{"bob": {AfterSeq: 2, Hash: event.Hash(p.lines[1].Raw)}}
		return s.With(Signer{Principal: "bob@crosslink", Key: keyNamed("k")})
	})
	if got := marks(verdict(r, p, LogOptions{})); got != "ok ok" {
		t.Error(got)
	}
	if got := marks(verdict(r, other, LogOptions{})); got != "-revoked-hash -revoked-hash -revoked-hash" {
		t.Error(got)
	}
}

// TestTamperedLines: each way to alter or move a signed line, by the rule that
// finds it: a rule of the chain ends the log, a rule of trust marks the line.
func TestTamperedLines(t *testing.T) {
	p := newPen(t, "bob").say("k", "k", "k")
	r := next(t, founded(t, Require, false), "alice", list("bob", "k"))
	line := func(i int) []byte { return p.lines[i].Raw }
	edit := func(b []byte, old, new string) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("%s does not hold %s", b, old)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
	hub2 := "0b54b9f0-3c5e-4c0e-9d7a-5d1f0f6f0a01"
	sig := p.lines[2].Signature
	resigned := newPen(t, "bob").say("k", "k", "eve")
	for _, c := range []struct {
		name string
		last [][]byte // what follows the first two lines
		rule string
	}{
		{"as it was", [][]byte{line(2)}, ""},
		{"a flipped bit of the body", [][]byte{edit(line(2), "2 of 2", "2 of 3")}, RuleBadSignature},
		{"a flipped time", [][]byte{edit(line(2), "00.000001002Z", "00.000001003Z")}, RuleBadSignature},
		{"a wall added", [][]byte{edit(line(2), `,"prev"`, `,"wall":"2026-03-01T10:00:00.000000000Z","prev"`)}, RuleBadSignature},
		{"a member added", [][]byte{edit(line(2), `,"signed_by"`, `,"more":1,"signed_by"`)}, RuleBadSignature},
		{"signed_by of another key", [][]byte{edit(line(2), keyNamed("k").Fingerprint(), keyNamed("eve").Fingerprint())}, RuleUnknownSigner},
		{"the signature of another line", [][]byte{edit(line(2), sig, p.lines[1].Signature)}, RuleBadSignature},
		{"another namespace", [][]byte{edit(line(2), sig, newKey(t, "k").sign(t, MetaNamespace, event.Signed(line(2))).String())}, RuleBadSignature},
		{"re-signed by another key", [][]byte{resigned.lines[2].Raw}, RuleUnknownSigner},
		{"re-signed by another key under the old name", [][]byte{edit(line(2), sig, newKey(t, "eve").sign(t, EventNamespace, event.Signed(line(2))).String())}, RuleBadSignature},
		{"the signature cut off", [][]byte{edit(line(2), `,"signed_by":"`+keyNamed("k").Fingerprint()+`","signature":"`+sig+`"`, "")}, RuleUnsigned},
		{"moved to another hub", [][]byte{edit(line(2), testHub, hub2)}, event.WrongHub},
		{"moved to another agent", [][]byte{edit(line(2), `"agent_id":"bob"`, `"agent_id":"eve"`)}, event.WrongAgent},
		{"moved to another position", [][]byte{edit(line(2), `"agent_seq":3`, `"agent_seq":4`)}, event.Sequence},
		{"replayed", [][]byte{line(1)}, event.Sequence},
		{"replayed behind", [][]byte{line(2), line(2)}, event.Sequence},
		{"a gap", [][]byte{newPen(t, "bob").say("k", "k", "k", "k").lines[3].Raw}, event.Sequence},
		{"wrong prev", [][]byte{newPen(t, "bob").say("k", "", "k").lines[2].Raw}, event.PrevHash},
		{"level downgrade", [][]byte{edit(line(2), `{"v":4`, `{"v":3`)}, event.NoVersion},
		{"without a level", [][]byte{edit(line(2), `"v":4,`, ``)}, event.NoVersion},
		{"an earlier time", [][]byte{edit(line(2), "1970-01-01T00:00:00.000001002Z", "1970-01-01T00:00:00.000000002Z")}, event.TimeFalls},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain := event.Chain{Hub: testHub, Agent: "bob"}
			l := r.Log("bob", LogOptions{})
			ended := ""
			for _, b := range append([][]byte{line(0), line(1)}, c.last...) {
				e, err := chain.Next(b)
				if err != nil {
					ended = err.(*event.LineError).Reason
					break
				}
				l.Feed(e)
			}
			v := l.Verdict()
			if ended == "" {
				ended = v.Ends
			}
			if ended != c.rule {
				t.Fatalf("found by %q, want %q", ended, c.rule)
			}
			if want := uint64(2); c.rule != "" && v.Fed != want && c.name != "replayed behind" {
				t.Fatalf("%d lines count, want %d", v.Fed, want)
			}
		})
	}
}

// TestTamperedLines_ADroppedLine: what is cut off the end cannot be seen in a
// log alone, what is cut out of it can.
func TestTamperedLines_ADroppedLine(t *testing.T) {
	p := newPen(t, "bob").say("k", "k", "k")
	chain := event.Chain{Hub: testHub, Agent: "bob"}
	if _, err := chain.Next(p.lines[0].Raw); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Next(p.lines[2].Raw); err == nil || err.(*event.LineError).Reason != event.Sequence {
		t.Fatal(err)
	}
}
