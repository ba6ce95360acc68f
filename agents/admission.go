package agents

import (
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// NotAdmitted returns why an agent's writes would not count, nil if they would: a closed
// hub does not list the agent, the agent is revoked, or its key is not listed and
// signatures are required. key finds the key that an admin has to approve.
func NotAdmitted(state *trust.State, agent string, key func() (keys.Signer, error)) *fail.Error {
	if state == nil || state.Newer() > 0 {
		return nil
	}
	m := state.Meta
	if _, revoked := m.Revoked[agent]; revoked {
		return &fail.Error{Kind: fail.Denied, Code: "revoked",
			Message: fmt.Sprintf("the agent '%s' is revoked", agent), Fields: fail.Fields{"agent": agent}}
	}
	if state.Signers.Lists(trust.Principal(agent)) || m.Open && m.Signing != trust.Require {
		return nil
	}
	e := &fail.Error{Kind: fail.Denied, Code: "not-approved", Message: fmt.Sprintf("no admin of the hub has approved the agent '%s'", agent)}
	k, err := key()
	if err == nil {
		e.Code, e.Fields = "not-approved/key", fail.Fields{"agent": agent, "key": k.Key().String()}
	} else if errors.Is(err, ErrNoJobKey) {
		e.Code = "not-approved/job"
	} else if errors.Is(err, ErrNotSigning) {
		e.Code = "not-approved/off"
	}
	return e
}

// Introduction returns the first event of a log: a description of the agent, and its
// signing key, if any.
func (i Identity) Introduction(k keys.Signer) *event.AgentIntroduced {
	b := &event.AgentIntroduced{Kind: i.Kind()}
	b.Name, _ = i.Name(b.Kind)
	if k != nil {
		b.PublicKey = k.Key().String()
	}
	return b
}

// Retired refuses a line after an agent's last one.
func (i Identity) Retired(agent string) *fail.Error {
	e := &fail.Error{Kind: fail.Denied, Code: "retired", Message: fmt.Sprintf("'%s' is retired: nothing was written", agent), Fields: fail.Fields{"agent": agent}}
	if i.Getenv(Variable) != "" {
		e.Code = "retired/environment"
	}
	return e
}
