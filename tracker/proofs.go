package tracker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// ForkProof is a checked proof that one key wrote two histories of a log.
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

// MaxProof is the longest proof file there is, in bytes.
const MaxProof = trust.MaxProof

// VerifyProof checks a proof file with nothing else at hand.
func VerifyProof(file []byte) (*ForkProof, error) {
	p, err := trust.ParseProof(file)
	if err != nil {
		return nil, &fail.Error{Kind: fail.No, Code: "no-proof/file", Err: err, Message: fmt.Sprintf("that proves nothing: %v", err)}
	}
	return forkProof(p), nil
}

// ProofOf returns the first proof that stands against an agent.
func (t *Tracker) ProofOf(ctx context.Context, agent string) (*ForkProof, error) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	proofs := s.Proofs()[agent]
	if l := s.Logs[agent]; l == nil || l.Verdict == nil || len(proofs) == 0 {
		return nil, &fail.Error{Kind: fail.No, Code: "no-proof", Message: fmt.Sprintf("nothing proves that '%s' has forked", fail.Truncate(agent)), Fields: fail.Fields{"agent": fail.Truncate(agent)}}
	}
	return forkProof(proofs[0]), nil
}

// prove looks whether a log that was rewritten was so by its own key. What is
// proven is written into the own log by the next sync.
func (a *adoption) prove(ctx context.Context, id string, old, fresh refs.OID) (bool, error) {
	ours, err := a.t.clone.Reads.Good(ctx, id, old)
	if err != nil {
		return false, ignoreMissing(err)
	}
	theirs, err := a.t.clone.Reads.Good(ctx, id, fresh)
	if err != nil {
		return false, ignoreMissing(err)
	}
	p := trust.FindFork(ours, theirs)
	if p == nil || a.metas.Roll == nil || p.Hub != a.metas.Roll.Meta.Hub {
		return false, nil
	}
	// by its own key, or by somebody else's who may push?
	l := a.metas.Roll.Log(id, trust.LogOptions{Proofs: []*trust.Proof{p}})
	for _, e := range ours {
		l.Feed(e)
	}
	if !l.Verdict().Forked {
		return false, nil
	}
	if a.t.forks == nil {
		a.t.forks = map[string]*trust.Proof{}
	}
	a.t.forks[id] = p
	return true, nil
}

// tellForks writes the proofs that this replica holds and no log that counts
// carries into the own log, once: whoever holds both lines tells everybody. One
// proof for each agent is enough.
func (t *Tracker) tellForks(ctx context.Context) error {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || t.clone.Agent == "" || s.Logs[t.clone.Agent] == nil || s.Logs[t.clone.Agent].Seq == 0 || t.mayAppend(s) != nil {
		return err
	}
	if len(t.untold(s, t.clone.Agent)) == 0 {
		return nil
	}
	r, _, err := t.append(ctx, &clone.Signing{}, func(Projection) ([]Body, error) {
		s, err := t.clone.Reads.Load(ctx)
		if err != nil {
			return nil, err
		}
		var bodies []Body
		for _, p := range t.untold(s, t.clone.Agent) {
			bodies = append(bodies, p.Event())
		}
		return bodies, nil
	})
	if err != nil {
		return fmt.Errorf("tell of a fork: %w", err)
	}
	for _, e := range r.Lines {
		if b, ok := e.Body.(*event.AgentForked); ok {
			t.clone.Notice(fail.Notice{Code: "forked/proven", Text: fmt.Sprintf("the key of '%s' wrote two histories: its log has forked, and stops there", b.Agent),
				Fields: fail.Fields{"agent": b.Agent}})
		}
	}
	return nil
}

// untold are the proofs held here of agents against which no line that counts
// holds one, by agent. Who is to tell them, teller, does not tell of itself; ""
// is anybody.
func (t *Tracker) untold(s *reading.Snapshot, teller string) []*trust.Proof {
	found := map[string]*trust.Proof{}
	for id, p := range t.forks {
		found[id] = p
	}
	if !s.Replayed() || len(found) == 0 && !s.Proven() {
		return nil
	}
	for id, ps := range s.Proofs() {
		if found[id] == nil {
			found[id] = ps[0]
		}
	}
	for _, l := range s.Logs {
		for _, x := range l.Proofs {
			if p, err := trust.NewProof([]byte(x.A), []byte(x.B)); err == nil && x.Seq <= l.Counted {
				delete(found, p.Agent)
			}
		}
	}
	var all []*trust.Proof
	for _, id := range slices.Sorted(maps.Keys(found)) {
		_, revoked := s.Roll.Meta.Revoked[id]
		if id != teller && !revoked && s.Hub == found[id].Hub {
			all = append(all, found[id])
		}
	}
	return all
}
