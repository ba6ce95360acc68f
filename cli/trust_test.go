package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The memory hub keeps no keys: what is signed is tested with the real one.
var errNoKeys = &fail.Error{Kind: fail.No, Code: "no-key", Message: "there are no keys here"}

func (m *memoryHub) Trust(context.Context) (*tracker.Trust, error) {
	return &tracker.Trust{Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Hash: "h", Seq: 22, Signing: "warn", Open: true, Agents: []tracker.TrustAgent{
		{Agent: "alice", Approved: true, Admin: true, Events: 3, Counts: 3, Signed: 3},
		{Agent: "bob", Events: 5, Counts: 2, Signed: 1, Lapsed: true, Ends: "revoked", Mark: "unsigned", Revoked: &tracker.TrustRevocation{After: 2, Reason: "the box\x1b was stolen"}},
	}}, nil
}
func (m *memoryHub) Approve(context.Context, tracker.Approve) ([]tracker.Approved, error) {
	return nil, errNoKeys
}
func (m *memoryHub) Revoke(context.Context, string, *uint64, string) (*tracker.TrustRevocation, error) {
	return nil, errNoKeys
}
func (m *memoryHub) SetPolicy(context.Context, tracker.Policy) error { return errNoKeys }
func (m *memoryHub) ProofOf(context.Context, string) (*tracker.ForkProof, error) {
	return nil, errNoKeys
}
func (m *memoryHub) Key(context.Context) (*tracker.AgentKey, error) { return nil, errNoKeys }
func (m *memoryHub) RotateKey(context.Context) (was, is *tracker.AgentKey, err error) {
	return nil, nil, errNoKeys
}

func TestTrust_WordsAndStatuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"trust show", 0, "version 22 of the trust settings"},
		{"trust show", 0, "admins: none, so anybody can become one"},
		{"trust show bob", 0, "its events are signed up to event 1, and later ones are not: unsigned"},
		{"trust show bob", 0, `the box\x1b was stolen`},
		{"trust show carol", 1, "there is no agent 'carol' here"},
		{"trust show --proof x", 129, "'--proof' needs an agent"},
		{"trust show bob --proof x", 1, "there are no keys here"},
		{"trust list --porcelain", 0, "bob\trevoked\t2\t5\t1\t"},
		{"trust pending", 1, "no agent waits for approval"},
		{"trust approve", 129, "'approve' needs agents, or '--all'"},
		{"trust approve a --all", 129, "'approve' needs agents, or '--all'"},
		{"trust approve a b --key k", 129, "'--key' is for one agent"},
		{"trust approve bob --offline", 129, "cannot be changed offline"},
		{"trust approve bob", 1, "there are no keys here"},
		{"trust revoke", 129, "needs one agent"},
		{"trust revoke bob --after x", 129, "'x' is not the number of an event"},
		{"trust revoke bob --after 1", 1, "there are no keys here"},
		{"trust policy", 0, "signing warn"},
		{"trust policy --signing maybe", 129, "'maybe' is not a value of '--signing'"},
		{"trust policy --open --closed", 129, "'--open' and '--closed' exclude each other"},
		{"trust policy --closed", 1, "there are no keys here"},
		{"key show", 1, "there are no keys here"},
		{"key rotate", 1, "there are no keys here"},
		{"key show x", 129, "takes no arguments"},
		{"verify-proof", 129, "needs one file"},
		{"verify-proof /does/not/exist", 128, "cannot read"},
		{"verify-proof -", 1, "this proves nothing"},
	} {
		r := w.run(strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.out+r.err, c.says) || strings.Contains(r.out+r.err, "\x1b") {
			t.Errorf("%s: status %d, want %d and '%s'\n%s%s", c.args, r.code, c.code, c.says, r.out, r.err)
		}
	}
}
