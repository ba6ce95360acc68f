package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/members"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What is known about who may write to the hub, and what is asked for (package members).
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

// MaxPushesPerMinute is the largest limit that a policy has for all clones.
const MaxPushesPerMinute = syncer.MaxPerMinute

// MaxProof is the longest proof file there is, in bytes.
const MaxProof = members.MaxProof

// VerifyProof checks a proof file with nothing else at hand.
func VerifyProof(file []byte) (*ForkProof, error) { return members.VerifyProof(file) }

func (t *Tracker) members() *members.Members { return &members.Members{Writer: t.writer} }

// Trust tells who may write to the hub and how each log stands.
func (t *Tracker) Trust(ctx context.Context) (*Trust, error) { return t.members().Trust(ctx) }

// Approve lists the keys of agents.
func (t *Tracker) Approve(ctx context.Context, o Approve) ([]Approved, error) {
	return t.members().Approve(ctx, o)
}

// Revoke ends an agent's log: lines 1 … after count, no line after them. nil is
// all that counts now.
func (t *Tracker) Revoke(ctx context.Context, agent string, after *uint64, reason string) (*TrustRevocation, error) {
	return t.members().Revoke(ctx, agent, after, reason)
}

// SetPolicy changes the hub's policy.
func (t *Tracker) SetPolicy(ctx context.Context, p Policy) error {
	return t.members().SetPolicy(ctx, p)
}

// Commands judges which requests are obeyed in this clone.
func (t *Tracker) Commands(ctx context.Context, p Projection, all []*reducer.Request) ([]Command, error) {
	return t.members().Commands(ctx, p, all)
}

// Self finds out which agents are the person who writes in this clone.
func (t *Tracker) Self(ctx context.Context, p Projection) (*people.Self, error) {
	return t.members().Self(ctx, p)
}

// Key tells which key this worktree's agent signs with. Nothing is written.
func (t *Tracker) Key(ctx context.Context) (*AgentKey, error) { return t.members().SigningKey(ctx) }

// ProofOf returns the first proof that stands against an agent.
func (t *Tracker) ProofOf(ctx context.Context, agent string) (*ForkProof, error) {
	return t.members().ProofOf(ctx, agent)
}
