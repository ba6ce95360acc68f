package members

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/trust"
)

// ForkProof is a checked proof that one key signed two histories of a log.
type ForkProof struct {
	Agent       string `json:"agent"`
	Hub         string `json:"hub"`
	Seq         uint64 `json:"seq"`
	Fingerprint string `json:"fingerprint"`
	Key         string `json:"key"`
	LineA       string `json:"line_a"`
	LineB       string `json:"line_b"`
	File        []byte `json:"-"`
}

func forkProof(p *trust.Proof) *ForkProof {
	return &ForkProof{p.Agent, p.Hub, p.Seq, p.Key.Fingerprint(), p.Key.String(), string(p.A.Raw), string(p.B.Raw), p.File()}
}

// MaxProof is the maximum length of a proof file, in bytes.
const MaxProof = trust.MaxProof

// VerifyProof checks a proof file. It needs no other data.
func VerifyProof(file []byte) (*ForkProof, error) {
	p, err := trust.ParseProof(file)
	if err != nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-proof/file", Err: err, Message: fmt.Sprintf("this proves nothing: %v", err)}
	}
	return forkProof(p), nil
}

// ProofOf returns the first proof that an agent's log has forked.
func (m *Members) ProofOf(ctx context.Context, agent string) (*ForkProof, error) {
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	proofs := s.Proofs()[agent]
	if l := s.Log(agent); l == nil || l.Verdict() == nil || len(proofs) == 0 {
		return nil, &fail.Error{Kind: fail.No, Code: "no-proof", Message: fmt.Sprintf("nothing proves that '%s' has forked", fail.Truncate(agent)), Fields: fail.Fields{"agent": fail.Truncate(agent)}}
	}
	return forkProof(proofs[0]), nil
}
