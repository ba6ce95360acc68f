package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/members"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What is known about who may write to the hub, and the options for changes (package
// members).
type (
	Trust           = members.Trust
	TrustKey        = members.TrustKey
	TrustAgent      = members.TrustAgent
	TrustRevocation = members.TrustRevocation
	Policy          = members.Policy
	Approve         = members.Approve
	Approved        = members.Approved
	AgentKey        = members.AgentKey
	Command         = members.Command
	ForkProof       = members.ForkProof
)

// MaxPushesPerMinute is the highest limit that a policy may set for all clones together.
const MaxPushesPerMinute = syncer.MaxPerMinute

// MaxProof is the maximum length of a proof file, in bytes.
const MaxProof = members.MaxProof

// VerifyProof checks a proof file. It needs no other data.
func VerifyProof(file []byte) (*ForkProof, error) { return members.VerifyProof(file) }

func (t *Tracker) members() *members.Members { return &members.Members{Writer: t.writer} }

// Trust reports who may write to the hub, and the state of each log.
func (t *Tracker) Trust(ctx context.Context) (*Trust, error) { return t.members().Trust(ctx) }

// Approve lists the keys of agents in the hub's meta.
func (t *Tracker) Approve(ctx context.Context, o Approve) ([]Approved, error) {
	return t.members().Approve(ctx, o)
}

// Revoke ends an agent's log: lines 1 to after count, and later lines do not. If after is
// nil, all lines that count now continue to count.
func (t *Tracker) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*TrustRevocation, error) {
	return t.members().Revoke(ctx, agent, after, reason)
}

// SetPolicy changes the hub's policy.
func (t *Tracker) SetPolicy(ctx context.Context, p Policy) error {
	return t.members().SetPolicy(ctx, p)
}

// Commands determines which requests this clone obeys.
func (t *Tracker) Commands(ctx context.Context, p Projection, all []*reducer.Request) ([]Command, error) {
	return t.members().Commands(ctx, p, all)
}

// Trusted reports whether the signature of a line, of which its mark and the key are given,
// has no problem, or is by a key of this clone.
func (t *Tracker) Trusted(mark, signer string) bool { return t.members().Trusted(mark, signer) }

// Self finds the agents that belong to the person who writes in this clone.
func (t *Tracker) Self(ctx context.Context, p Projection) (*people.Self, error) {
	return t.members().Self(ctx, p)
}

// Key returns the key that this worktree's agent signs with. It writes nothing.
func (t *Tracker) Key(ctx context.Context) (*AgentKey, error) { return t.members().SigningKey(ctx) }

// ProofOf returns the first proof that an agent's log has forked.
func (t *Tracker) ProofOf(ctx context.Context, agent string) (*ForkProof, error) {
	return t.members().ProofOf(ctx, agent)
}
