package tracker_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
)

// fewSignatures is an ssh-agent that signs so often and then refuses.
type fewSignatures struct {
	agent.Agent
	left atomic.Int64
}

func (a *fewSignatures) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	if a.left.Add(-1) < 0 {
		return nil, errors.New("no more")
	}
	return a.Agent.Sign(key, data)
}

// sshAgent runs an ssh-agent that holds one key, and tells where it listens.
func sshAgent(t *testing.T, private ed25519.PrivateKey) (a *fewSignatures, socket string) {
	t.Helper()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	a = &fewSignatures{Agent: ring}
	socket = filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); _ = agent.ServeAgent(a, conn) }()
		}
	}()
	return a, socket
}

// say writes so many comments with one command.
func (c *clone) say(issue event.UUID, n int) (*tracker.Receipt, error) {
	return c.tryEmit(func(tr *tracker.Tracker) (bodies []event.Body) {
		for i := range n {
			bodies = append(bodies, &event.CommentAdded{Issue: issue, Comment: tr.MintUUID(), Author: "bob", Content: fmt.Sprint("word ", i), CreatedAt: event.TimeOf(c.now()), Kind: "note"})
		}
		return bodies
	})
}

// told is what a clone was reported by notices of a name since it was asked last.
func (c *clone) told(name string) (texts []string) {
	for _, n := range c.notices {
		if n.Code.Name() == name {
			texts = append(texts, n.Text)
		}
	}
	c.notices = nil
	return texts
}

// TestSigningFails: what becomes of a write whose key signs its first line and
// fails at the second, and of one where signing is switched off. The policy
// decides, and the two are distinguished.
func TestSigningFails(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{trust.Off, trust.Warn, trust.Require} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
			signs, socket := sshAgent(t, private)
			pub, err := ssh.NewPublicKey(private.Public())
			if err != nil {
				t.Fatal(err)
			}
			key, err := trust.KeyOf(pub)
			if err != nil {
				t.Fatal(err)
			}
			w.env = append(w.env, "SSH_AUTH_SOCK="+socket)
			alice, bob := w.clone("alice"), w.clone("bob")
			alice.init()
			issue := alice.create("the flux")
			bob.set("crosslink.signingKey", "key::"+key.String())
			signs.left.Store(100)
			bob.comment(issue, "signed")
			alice.sync()
			alice.approve("bob")
			alice.admin(func(tr *tracker.Tracker) error {
				return tr.SetPolicy(context.Background(), tracker.Policy{Signing: policy})
			})
			bob.sync()
			alice.notices, bob.notices = nil, nil
			before := w.hubLines("bob")
			tip := w.git(bob.replica(), "rev-parse", "refs/heads/crosslink/agents/bob")

			// written is how many of bob's lines arrived, and what alice sees about them
			written := func() (lines [][]byte, marks string) {
				alice.sync()
				lines = w.hubLines("bob")[len(before):]
				p := alice.read()
				for i := range lines {
					marks += p.Mark("bob", uint64(len(before)+i+1)) + ";"
				}
				before = w.hubLines("bob")
				return lines, marks
			}
			refused := func(err error, why, notWhy string) {
				t.Helper()
				var e *fail.Error
				if !errors.As(err, &e) || e.Kind != fail.Denied || e.Code.Name() != "unsigned" || !strings.Contains(e.Message, why) || strings.Contains(e.Message, notWhy) || len(hints.For(e.Code, e.Fields)) == 0 {
					t.Errorf("%v: %+v", err, e)
				}
				if now := w.git(bob.replica(), "rev-parse", "refs/heads/crosslink/agents/bob"); now != tip {
					t.Error("something was written")
				}
				if lines, _ := written(); len(lines) != 0 {
					t.Errorf("%d lines came to the hub", len(lines))
				}
			}
			wrote := func(err error, n int, mark string) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				lines, marks := written()
				if len(lines) != n || marks != strings.Repeat(mark+";", n) {
					t.Errorf("%d lines with the marks %s", len(lines), marks)
				}
				for _, l := range lines {
					if strings.Contains(string(l), `"signature":`) || strings.Contains(string(l), `"signed_by":`) {
						t.Errorf("half of a command is signed: %s", l)
					}
				}
			}

			signs.left.Store(1)
			_, err = bob.say(issue, 3)
			if signs.left.Load() >= 0 {
				t.Fatal("the key did not fail")
			}
			failed := fmt.Sprintf("the key %s failed: ssh-agent refuses to sign", key.Fingerprint())
			told := bob.told("unsigned")
			switch policy {
			case trust.Off:
				wrote(err, 3, "")
				if len(told) != 0 {
					t.Errorf("told %q", told)
				}
			case trust.Warn, trust.Require: // under warn, because the log was signed before
				refused(err, failed, "switched off")
			}

			bob.set("crosslink.sign", "false")
			for range 2 {
				signs.left.Store(100)
				_, err = bob.say(issue, 1)
				if signs.left.Load() != 100 {
					t.Error("it was asked to sign")
				}
				told = bob.told("unsigned")
				switch policy {
				case trust.Off:
					wrote(err, 1, "")
					if len(told) != 0 {
						t.Errorf("told %q", told)
					}
				case trust.Warn, trust.Require:
					refused(err, "turned off here (crosslink.sign)", "failed")
				}
			}

			// the key is back: the same command, and what was unsigned before is vouched for
			bob.unset("crosslink.sign")
			if _, err := bob.say(issue, 2); err != nil {
				t.Fatal(err)
			}
			if told := bob.told("unsigned"); len(told) != 0 {
				t.Errorf("told %q", told)
			}
			lines, marks := written()
			if len(lines) != 2 || marks != ";;" {
				t.Errorf("%d lines with the marks %s", len(lines), marks)
			}
			for _, l := range lines {
				if !strings.Contains(string(l), `"signed_by":"`+key.Fingerprint()+`"`) {
					t.Errorf("not signed: %s", l)
				}
			}
		})
	}
}

// TestSigningFailsBeforeAnythingIsSigned: a log that was never signed continues
// unsigned, marked, and says why.
func TestSigningFailsBeforeAnythingIsSigned(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("the flux")
	bob.set("crosslink.sign", "false")
	for i := range 2 {
		bob.comment(issue, "unsigned")
		if told := bob.told("unsigned"); len(told) != 1-i || i == 0 && !strings.Contains(told[0], "turned off here (crosslink.sign)") {
			t.Errorf("told %q", told)
		}
	}
	bob.unset("crosslink.sign")
	bob.set("crosslink.signingKey", filepath.Join(w.dir, "nowhere"))
	bob.comment(issue, "unsigned")
	if told := bob.told("unsigned"); len(told) != 1 || !strings.Contains(told[0], "signing failed") {
		t.Errorf("told %q", told)
	}
	alice.sync()
	if a := alice.trusts("bob"); a.Counts != a.Events || a.Signed != 0 || a.Events != 4 || alice.read().Mark("bob", 4) != trust.RuleUnsigned {
		t.Errorf("%+v", a)
	}
}

// TestPolicyOff: signatures are not looked at, in whatever state they are; the
// next policy looks at all of them again.
func TestPolicyOff(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("the flux")
	bob.comment(issue, "signed")
	alice.sync()
	alice.approve("bob")
	policy := func(p string) {
		t.Helper()
		alice.admin(func(tr *tracker.Tracker) error { return tr.SetPolicy(context.Background(), tracker.Policy{Signing: p}) })
		bob.sync()
	}
	policy(trust.Off)
	bob.set("crosslink.sign", "false")
	bob.comment(issue, "unsigned")
	if told := bob.told("unsigned"); len(told) != 0 {
		t.Errorf("told %q", told)
	}
	alice.sync()
	last := uint64(len(w.hubLines("bob")))
	colds := 0
	is := func(mark string, counts uint64, problems int) {
		t.Helper()
		colds++
		cold := w.clone(fmt.Sprintf("cold-%d", colds))
		cold.sync()
		for _, c := range []*clone{alice, bob, cold} {
			a := c.trusts("bob")
			if got := c.read().Mark("bob", last); got != mark || a.Counts != counts {
				t.Errorf("%s: mark '%s', %d lines count, want '%s', %d", c.name, got, a.Counts, mark, counts)
			}
			if p := c.status().Problems(); mentions(p, "bob") != problems || c == bob && problems > 0 && mentions(p, "nothing can be added") != 1 {
				t.Errorf("%s: %q", c.name, p)
			}
		}
	}
	is("", last, 0)
	policy(trust.Warn)
	is(trust.RuleUnsigned, last-1, 1)
	policy(trust.Require)
	is(trust.RuleUnsigned, last-1, 1)
	policy(trust.Off)
	is("", last, 0)
}
