package trust

import (
	"bytes"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// A proof of a fork: two lines of one hub, agent and sequence that say
// different things, both signed by one key. Anybody who has it can check it, with
// nothing else at hand. The rules are:
//   - signed bytes count, not lines: an ecdsa key that signs the same bytes
//     twice makes two lines and no fork, and anybody can rewrite such a
//     signature without the key;
//   - lines whose `prev` is the same part right there. If it is not, they part
//     earlier, where one was left unsigned to hide it: then nothing of the log
//     is safe but what the ledger covers;
//   - it counts against an agent if the key was in force in its log at that
//     sequence (log.go). A line signed by another key is never a fork, only
//     the end of the good part.

// Proof is a checked proof. A is the line with the smaller bytes.
type Proof struct {
	Hub, Agent string
	Seq        uint64
	Key        Key
	A, B       *event.Envelope
}

// NewProof checks two lines and returns the proof. The error is a *Fault.
func NewProof(a, b []byte) (*Proof, error) {
	if len(a) > event.MaxLine || len(b) > event.MaxLine {
		return nil, fault(RuleProofMalformed, "a line is too long to be quoted")
	}
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	x, err := event.Decode(a)
	if err != nil {
		return nil, fault(RuleProofMalformed, "a line is not valid: %v", err)
	}
	y, err := event.Decode(b)
	if err != nil {
		return nil, fault(RuleProofMalformed, "a line is not valid: %v", err)
	}
	switch {
	case x.Hub != y.Hub || x.Agent != y.Agent || x.Seq != y.Seq:
		return nil, fault(RuleProofMalformed, "the two lines are not of one hub, agent and sequence")
	case bytes.Equal(event.Signed(a), event.Signed(b)):
		return nil, fault(RuleProofSame, "the two lines say the same")
	case x.Signature == "" || x.SignedBy != y.SignedBy:
		return nil, fault(RuleProofKeys, "the two lines are not signed by one key")
	}
	var key Key
	for _, e := range []*event.Envelope{x, y} {
		if key, err = VerifyLine(e); err != nil {
			return nil, fault(RuleProofKeys, "a line's signature is not valid")
		}
	}
	return &Proof{x.Hub, x.Agent, x.Seq, key, x, y}, nil
}

// hidden reports whether the histories diverge before the two lines.
func (p *Proof) hidden() bool { return p.A.Prev != p.B.Prev }

// Event returns the event that contains the proof. It is the same for every agent that
// reports it.
func (p *Proof) Event() *event.AgentForked {
	return &event.AgentForked{Agent: p.Agent, LineA: string(p.A.Raw), LineB: string(p.B.Raw)}
}

// ProofIn returns the proof in a line; nil if there is none that is valid for its hub.
func ProofIn(e *event.Envelope) *Proof {
	b, ok := e.Body.(*event.AgentForked)
	if !ok {
		return nil
	}
	p, err := NewProof([]byte(b.LineA), []byte(b.LineB))
	if err != nil || p.Agent != b.Agent || p.Hub != e.Hub {
		return nil
	}
	return p
}

// FindFork compares two histories of one agent's log, each from its first line, and
// returns the proof that one key signed both. It returns nil if one is the beginning of
// the other, or if nothing proves the fork.
func FindFork(a, b []*event.Envelope) *Proof {
	i := 0
	for i < min(len(a), len(b)) && bytes.Equal(a[i].Raw, b[i].Raw) {
		i++
	}
	for ; i < min(len(a), len(b)); i++ {
		if p, err := NewProof(a[i].Raw, b[i].Raw); err == nil {
			return p
		}
	}
	return nil
}

// File returns the proof as a file: the event object of AgentForked and LF.
func (p *Proof) File() []byte {
	var w canon.Writer
	w.Obj()
	for _, m := range [][2]string{{"type", "AgentForked"}, {"agent", p.Agent}, {"line_a", string(p.A.Raw)}, {"line_b", string(p.B.Raw)}} {
		w.Name(m[0])
		w.Str(m[1])
	}
	w.EndObj()
	return append(w.Bytes(), '\n')
}

// MaxProof is the longest proof file that is read, in bytes.
const MaxProof = event.MaxForkLine + 1

// ParseProof reads and checks a proof file. The error is a *Fault.
func ParseProof(file []byte) (*Proof, error) {
	bad := fault(RuleProofMalformed, "the file is not a proof: one line, the event 'AgentForked'")
	line, ok := bytes.CutSuffix(file, []byte("\n"))
	if !ok || len(file) > MaxProof {
		return nil, bad
	}
	v, err := canon.Parse(line)
	if err != nil || v.Kind() != canon.Object {
		return nil, bad
	}
	var s [4]string
	for i, name := range []string{"type", "agent", "line_a", "line_b"} {
		if len(v.Members()) != 4 || v.Members()[i].Name != name {
			return nil, bad
		}
		if s[i], ok = v.Members()[i].Value.Str(); !ok {
			return nil, bad
		}
	}
	if s[0] != "AgentForked" {
		return nil, bad
	}
	p, err := NewProof([]byte(s[2]), []byte(s[3]))
	if err != nil {
		return nil, err
	}
	if p.Agent != s[1] || !bytes.Equal(p.File(), file) {
		return nil, bad
	}
	return p, nil
}
