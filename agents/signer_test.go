package agents

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// signer is what a clone of alice signs with.
func signer(t *testing.T, environ ...string) Signer {
	t.Helper()
	return Signer{Identity: place(t, environ...), Own: "alice", Top: t.TempDir(), Ring: &keys.Ring{Dir: filepath.Join(t.TempDir(), "keys")}}
}

func (s *Signer) set(key, value string) {
	s.Config = append(s.Config, refs.Setting{Scope: "local", Key: strings.ToLower(key), Value: value})
}

func made(t *testing.T, r *keys.Ring, agent string) keys.Signer {
	t.Helper()
	k, err := r.Make(agent)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhichKeySigns(t *testing.T) {
	other := made(t, &keys.Ring{Dir: filepath.Join(t.TempDir(), "keys")}, "other").Key()
	for name, c := range map[string]struct {
		environ []string
		does    func(t *testing.T, s *Signer, q *Request) keys.Signer // the key that is to come
		made    bool
		fails   error
	}{
		"none is made unasked": {does: func(*testing.T, *Signer, *Request) keys.Signer { return nil }, fails: errors.New("its key is not here")},
		"one is made":          {does: func(_ *testing.T, _ *Signer, q *Request) keys.Signer { q.Make = true; return nil }, made: true},
		"the one that was made": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			q.Make = true
			return made(t, s.Ring, "alice")
		}},
		"the configured one": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			made(t, s.Ring, "alice")
			s.set("crosslink.signingKey", "mine/key")
			return made(t, &keys.Ring{Dir: filepath.Join(s.Top, "mine")}, "key")
		}},
		"it is not another agent's": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			made(t, &keys.Ring{Dir: filepath.Join(s.Top, "mine")}, "key")
			s.set("crosslink.signingKey", "mine/key")
			q.Agent = "bob"
			return made(t, s.Ring, "bob")
		}},
		"the one in force": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			k := made(t, s.Ring, "alice")
			made(t, &keys.Ring{Dir: filepath.Join(s.Top, "mine")}, "key")
			s.set("crosslink.signingKey", "mine/key")
			q.InForce = []trust.Key{other, k.Key()}
			return k
		}},
		"it is elsewhere": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			made(t, s.Ring, "alice")
			q.InForce, q.Make = []trust.Key{other}, true
			return nil
		}, fails: ErrElsewhere},
		"the one that hands over": {does: func(t *testing.T, s *Signer, q *Request) keys.Signer {
			k := made(t, s.Ring, "alice")
			next, err := s.Ring.MakeNext("alice")
			if err != nil {
				t.Fatal(err)
			}
			q.InForce, q.Handing = []trust.Key{next.Key(), k.Key()}, k.Key()
			return k
		}},
		"signing is off": {does: func(_ *testing.T, s *Signer, q *Request) keys.Signer {
			s.set("crosslink.sign", "false")
			q.Make = true
			return nil
		}, fails: ErrNotSigning},
		"a job makes none": {environ: []string{"CI=1", Variable + "=alice"}, does: func(_ *testing.T, _ *Signer, q *Request) keys.Signer {
			q.Make = true
			return nil
		}, fails: ErrNoJobKey},
	} {
		t.Run(name, func(t *testing.T) {
			s, q := signer(t, c.environ...), Request{Agent: "alice"}
			want := c.does(t, &s, &q)
			k, isMade, err := s.Key(q)
			if c.fails != nil {
				if err == nil || !errors.Is(err, c.fails) && err.Error() != c.fails.Error() {
					t.Fatalf("%v, want %v", err, c.fails)
				}
				return
			}
			if err != nil || isMade != c.made || want != nil && k.Key() != want.Key() {
				t.Fatalf("made %t: %v", isMade, err)
			}
		})
	}
}

// A rotation that was cut short is completed by the next look for a key.
func TestPromotedKey(t *testing.T) {
	s := signer(t)
	old := made(t, s.Ring, "alice")
	next, kept, err := s.Next(old)
	if err != nil || !kept {
		t.Fatal(kept, err)
	}
	k, _, err := s.Key(Request{Agent: "alice", InForce: []trust.Key{next.Key()}})
	if err != nil || k.Key() != next.Key() {
		t.Fatal(err)
	}
	if all, err := s.Ring.Made("alice"); err != nil || len(all) != 1 || all[0].Key() != next.Key() {
		t.Errorf("%d keys are left: %v", len(all), err)
	}
	s.set("crosslink.signingKey", filepath.Join(s.Ring.Dir, "alice"))
	if _, _, err := s.Next(next); codeOf(err) != "same-key" {
		t.Errorf("a key follows itself: %v", err)
	}
}

// What becomes of a write that cannot be signed depends on the policy, and on
// whether the log was signed.
func TestUnsigned(t *testing.T) {
	locked := &SignError{"SHA256:x", "/key", errors.New("it is locked")}
	free := func() string { return "alice-2" }
	for _, c := range []struct {
		policy          string
		signed, here    bool
		agent           bool // ssh-agent runs
		err             error
		told, fails     string
		once            bool
		own, free, path string
	}{
		{policy: trust.Warn, err: locked, told: "unsigned"},
		{policy: trust.Warn, err: ErrNotSigning, told: "unsigned/off", once: true},
		{policy: trust.Warn, err: ErrElsewhere, told: "unsigned/elsewhere"},
		{policy: trust.Warn, err: ErrNoJobKey, told: "unsigned/job"},
		{policy: trust.Off, err: locked, signed: true},
		{policy: trust.Require, err: locked, fails: "unsigned"},
		{policy: trust.Require, err: ErrNotSigning, fails: "unsigned/off"},
		{policy: trust.Warn, signed: true, here: true, err: locked, fails: "unsigned/no-ssh-agent", own: "alice", path: "/key"},
		{policy: trust.Warn, signed: true, here: true, agent: true, err: locked, fails: "unsigned/locked", own: "alice", path: "/key"},
		{policy: trust.Warn, signed: true, err: ErrNotSigning, fails: "unsigned/switched-off", free: "alice-2"},
		{policy: trust.Warn, signed: true, err: &SignError{Key: "SHA256:x", Err: errors.New("no")}, fails: "unsigned/failed", free: "alice-2"},
		{policy: trust.Warn, signed: true, err: ErrElsewhere, fails: "unsigned/no-file", free: "alice-2"},
	} {
		s := signer(t)
		if c.agent {
			s.Environ = append(s.Environ, "SSH_AUTH_SOCK=/x")
		}
		n, once, err := s.Unsigned(Log{Agent: "alice", Policy: c.policy, Signed: c.signed, Here: c.here, Free: free}, c.err)
		e := &fail.Error{}
		errors.As(err, &e)
		if string(n.Code) != c.told || once != c.once || string(e.Code) != c.fails || e.Fields["own"] != c.own || e.Fields["free"] != c.free || e.Fields["path"] != c.path {
			t.Errorf("%s, %v: told '%s' once %t, %s %v", c.policy, c.err, n.Code, once, e.Code, e.Fields)
		}
	}
}

// A chain that signs makes lines that verify; a key that fails says which it is.
func TestSignWith(t *testing.T) {
	s := signer(t)
	k := made(t, s.Ring, "alice")
	c := event.Chain{Hub: "0b9f2a52-6a3a-4a52-9f0e-0123456789ab", Agent: "alice"}
	SignWith(t.Context(), &c, k)
	line, err := c.Stamp(&event.Envelope{Body: s.Introduction(k)}, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Decode(line)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := trust.VerifyLine(e); err != nil || by != k.Key() {
		t.Error(err)
	}
	SignWith(t.Context(), &c, broken{k})
	_, err = c.Stamp(&event.Envelope{Body: &event.AgentRetired{}}, 2, 0)
	if e, ok := errors.AsType[*SignError](err); !ok || e.Key != k.Key().Fingerprint() || c.Seq != 1 {
		t.Errorf("%v", err)
	}
}

type broken struct{ keys.Signer }

func (broken) Sign(context.Context, string, []byte) (*trust.Signature, error) {
	return nil, errors.New("it is broken")
}
