package members

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// AgentKey is the key that this worktree's agent signs with.
type AgentKey struct {
	Agent       string `json:"agent"`
	Fingerprint string `json:"fingerprint"`
	Key         string `json:"key"`      // one line of OpenSSH public key
	Where       string `json:"where"`    // its file, or the program that has it
	Approved    bool   `json:"approved"` // the hub lists it
	Admin       bool   `json:"admin"`
}

// SigningKey returns the key that this worktree's agent signs with. It writes nothing.
func (m *Members) SigningKey(ctx context.Context) (*AgentKey, error) {
	s, k, err := m.OwnKey(ctx)
	if err != nil {
		return nil, err
	}
	return m.AgentKey(s, k), nil
}

// AgentKey returns a key of this worktree's agent, with its state on the hub.
func (m *Members) AgentKey(s *reading.Snapshot, k keys.Signer) *AgentKey {
	a := &AgentKey{Agent: m.Agent, Fingerprint: k.Key().Fingerprint(), Key: k.Key().String(), Where: k.Where()}
	if s.Roll != nil {
		a.Approved = slices.Contains(s.Roll.Signers.Keys(trust.Principal(m.Agent), trust.EventNamespace), k.Key())
		a.Admin = s.Roll.AdminOf(k.Key()) != ""
	}
	return a
}

// OwnKey returns the current key of this worktree's agent, or an error that explains why
// there is none.
func (m *Members) OwnKey(ctx context.Context) (*reading.Snapshot, keys.Signer, error) {
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	if m.Agent == "" {
		return nil, nil, &fail.Error{Kind: fail.No, Code: "no-agent/key", Message: "nobody has written here yet: the first write creates an id and a key"}
	}
	k, err := m.Key(agents.Request{Agent: m.Agent, InForce: s.Keys(m.Agent)})
	if err != nil {
		return nil, nil, &fail.Error{Kind: fail.No, Code: "no-key/unsigned", Err: err, Message: fmt.Sprintf("'%s' does not sign: %v", m.Agent, err)}
	}
	return s, k, nil
}
