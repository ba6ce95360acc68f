package trust

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Standing is a verdict that is worth remembering: every line counts and no
// question is open. What such a log says next is judged without the lines before,
// as long as the meta stands.
type Standing struct {
	Keys       []Key `json:"keys,omitempty"` // in force behind the last line
	Off        bool  `json:"off,omitempty"`  // signatures are not looked at
	Unapproved bool  `json:"unapproved,omitempty"`
	Signed     bool  `json:"signed,omitempty"` // to be continued signed (Verdict.Signed)
}

// Standing is the verdict's, made under r; false if the lines before may matter
// for those to come: some do not count, the log ends at a revocation, or there
// are proofs of a fork.
func (v *Verdict) Standing(r *Roll, proofs []*Proof) (Standing, bool) {
	_, revoked := r.Meta.Revoked[v.Agent]
	if v.Ends != "" || v.Forked || revoked || len(proofs) > 0 || v.Fed == 0 {
		return Standing{}, false
	}
	return Standing{v.Keys, v.off, v.unapproved, v.signed}, true
}

// Verdict is that of a log of so many lines which stands so under r, without what
// is to be said of single lines.
func (s Standing) Verdict(r *Roll, agent string, lines uint64) *Verdict {
	return &Verdict{Agent: agent, Lines: lines, Fed: lines, Listed: r.Signers.Lists(Principal(agent)), Keys: s.Keys, off: s.Off, unapproved: s.Unapproved, signed: s.Signed}
}

// Vouch judges a log that goes on with these lines: all of it counts then, next is
// how it stands after them, and mark is what is to be said of each of its lines.
// false: ask the log as a whole. The rules are those of Log; a last line that is
// signed by a key in force vouches for all before it.
func (s Standing) Vouch(more []*event.Envelope) (next Standing, mark string, ok bool) {
	for _, e := range more {
		switch e.Body.(type) {
		case *event.KeyRotated, *event.AgentForked:
			return s, "", false
		}
		if e.V == 3 {
			return s, "", false
		}
	}
	if len(more) == 0 {
		return s, "", false
	}
	last := more[len(more)-1]
	switch {
	case s.Off:
		return s, "", true
	case !slices.ContainsFunc(s.Keys, func(k Key) bool { return k.Fingerprint() == last.SignedBy }):
		return s, "", false
	}
	if _, err := VerifyLine(last); err != nil {
		return s, "", false
	}
	if s.Signed = true; s.Unapproved {
		return s, RuleUnapproved, true
	}
	return s, "", true
}
