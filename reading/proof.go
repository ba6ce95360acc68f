package reading

import (
	"context"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Proof is what proves a line.
type Proof struct {
	Line   *event.Envelope // with the bytes that are in the log
	Hash   string          // of these
	Signed error           // why the signature is not valid; nil for a valid one and for none
	Step   *Covering       // nil if no step of the ledger covers the line
}

// Covering is the step of the ledger that covered a line first.
type Covering struct {
	Sequence uint64
	Commit   string
	Earlier  bool // an older step covered it, and this is the oldest one that was read
}

// stepsBack is how many steps are searched for the one that covered a line.
const stepsBack = 100

// Prove reads a line of a log from the objects and checks its signature; nil if there is
// no such line.
func (r *Reader) Prove(ctx context.Context, agent string, seq uint64) (*Proof, error) {
	s, err := r.Load(ctx)
	if err != nil {
		return nil, err
	}
	l := s.Log(agent)
	if l == nil || l.Legacy {
		return nil, nil
	}
	e, err := r.Line(ctx, l, seq)
	if err != nil || e == nil {
		return nil, err
	}
	p := &Proof{Line: e, Hash: event.Hash(e.Raw)}
	if e.Signature != "" {
		_, p.Signed = trust.VerifyLine(e)
	}
	if seq <= l.Position {
		p.Step, err = r.covering(ctx, s, agent, seq)
	}
	return p, err
}

// covering finds the first step that covered a line. It searches back from the last step.
func (r *Reader) covering(ctx context.Context, s *Snapshot, agent string, seq uint64) (first *Covering, err error) {
	steps := replay.NewSteps(ctx, r.local(), s.Hub)
	at := s.Ledger.Step
	for range stepsBack {
		if at == "" {
			return first, nil
		}
		bad := slices.ContainsFunc(s.Ledger.Bad, func(b ledger.Bad) bool { return b.ID == at })
		if files, whole, err := steps.Files(at); err != nil {
			return nil, err
		} else if whole && !bad {
			step, err := ledger.Recall(files)
			if err != nil {
				return nil, err
			}
			if step.Positions()[agent].Seq < seq {
				return first, nil
			}
			first = &Covering{Sequence: step.Sequence, Commit: at}
		}
		parents, err := steps.Parents(at)
		if err != nil {
			return nil, err
		}
		if at = ""; len(parents) > 0 {
			at = parents[0]
		}
	}
	if first != nil {
		first.Earlier = at != ""
	}
	return first, nil
}
