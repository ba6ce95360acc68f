package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
)

// Checkpoint is the state of a Log after a line. The Log can resume there without reading
// earlier lines. A checkpoint is valid under every meta state with the same Inputs for the
// agent.
type Checkpoint struct {
	Lines   uint64   `json:"lines"`
	Inputs  string   `json:"inputs"`
	Keys    []Key    `json:"keys,omitempty"` // in force after the last line
	Out     []string `json:"out,omitempty"`  // fingerprints that were replaced
	Intro   *Key     `json:"intro,omitempty"`
	Vouched uint64   `json:"vouched,omitempty"`
	Legacy  bool     `json:"legacy,omitempty"` // line Vouched is of level 3
	Other   bool     `json:"other,omitempty"`  // it is not the log that was revoked
	Tail    []Mark   `json:"tail,omitempty"`   // of the lines after Vouched
}

// Checkpoint returns where the log can be resumed. It returns false if later lines may
// change the verdict on earlier ones, or if the log has forked.
func (l *Log) Checkpoint() (Checkpoint, bool) {
	if l.forked {
		return Checkpoint{}, false
	}
	for _, p := range l.o.Proofs {
		if !l.revoked && p.Seq > l.lines {
			return Checkpoint{}, false
		}
	}
	w := &l.walk
	w.verify()
	c := Checkpoint{Lines: l.lines, Inputs: l.inputs, Intro: l.intro, Vouched: w.vouched, Legacy: w.legacy, Other: l.other}
	if len(w.tail) > 0 {
		c.Tail = slices.Clone(w.tail)
	}
	if c.Inputs == "" {
		c.Inputs = l.state.Inputs(l.agent, l.o.Proofs)
	}
	for _, k := range w.force {
		c.Keys = append(c.Keys, k)
	}
	slices.SortFunc(c.Keys, func(a, b Key) int { return bytes.Compare(a.Blob(), b.Blob()) })
	c.Out = slices.Sorted(maps.Keys(w.out))
	return c, true
}

// Resume returns a Log that continues after a checkpoint. o.Covered of the earlier lines
// are covered. It returns false if the meta or the proofs have changed for this agent
// since the checkpoint; the log must then be judged from its first line.
func (r *State) Resume(agent string, c Checkpoint, o LogOptions) (*Log, bool) {
	l := r.Log(agent, LogOptions{Covered: o.Covered, Proofs: o.Proofs})
	if c.Inputs != r.Inputs(agent, o.Proofs) {
		return nil, false
	}
	l.restore(c, o.Covered)
	return l, true
}

// Recall returns the verdict on the log of a checkpoint, with the given number of covered
// lines, under the meta state of the checkpoint.
func (r *State) Recall(agent string, c Checkpoint, covered uint64) *Verdict {
	l := r.Log(agent, LogOptions{})
	l.restore(c, covered)
	return l.Verdict()
}

func (l *Log) restore(c Checkpoint, covered uint64) {
	l.o.Proofs, l.kept = nil, nil // they have shown no fork, and are of lines before this one
	l.lines, l.covered, l.intro, l.inputs = c.Lines, min(covered, c.Lines), c.Intro, c.Inputs
	if l.other = c.Other; l.other {
		l.limit = 0
	}
	l.walk = walk{keyring: keyring{map[string]Key{}, map[string]bool{}, map[Key]bool{}}, vouched: c.Vouched, legacy: c.Legacy, tail: slices.Clone(c.Tail)}
	for _, k := range c.Keys {
		l.walk.enforce(k)
	}
	for _, f := range c.Out {
		l.walk.out[f] = true
	}
}

// Inputs returns a hash of everything but the lines that affects how an agent's log is
// judged: who may write, with which keys and up to which line, and proofs of forks. The
// signing policy is not included, because it is applied only when a verdict is made.
func (r *State) Inputs(agent string, proofs []*Proof) string {
	listed := r.Signers.Lists(Principal(agent))
	at, revoked := r.Meta.Revoked[agent]
	h := sha256.New()
	fmt.Fprintf(h, "%t %t %t %d %s\n", r.Meta.Open || listed, listed, revoked, at.AfterSeq, at.Hash)
	var all []string
	for _, k := range r.Signers.Keys(Principal(agent), EventNamespace) {
		all = append(all, "key "+k.String())
	}
	for _, p := range proofs {
		if p.Agent == agent && p.Hub == r.Meta.Hub {
			all = append(all, fmt.Sprintf("proof %x %x", sha256.Sum256(p.A.Raw), sha256.Sum256(p.B.Raw)))
		}
	}
	slices.Sort(all)
	for _, s := range slices.Compact(all) {
		fmt.Fprintln(h, s)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15])
}
