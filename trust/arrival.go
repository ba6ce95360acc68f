package trust

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// Lines that arrive at a hub are judged one by one, more strictly than a reader
// judges them: a reader must make the best of what there is, a hub need not let
// it in. The rules are those of the verdict (log.go), and:
//   - a signature that is there must be good, by whatever key it names, even
//     where a later line would vouch for it;
//   - for an agent that the meta lists it must be by a key in force, also under
//     `warn`;
//   - under `require`, and of a log that was signed, the last line that arrives at
//     once carries a signature: there is none after it to vouch for it.
//
// Proofs of forks are not looked at: they may be in any log.

// Arrival checks the lines that arrive for one log. It keeps keys, but no lines.
type Arrival struct {
	log    *Log
	keys   keyring
	listed bool
	last   string // why the last line is not signed, "" if it is
	came   bool
	signed bool // a line so far is signed by a key in force there
}

// Arrival returns an Arrival for an agent's log, under the state r.
func (r *State) Arrival(agent string) *Arrival {
	a := &Arrival{log: r.Log(agent, LogOptions{}), listed: r.Signers.Lists(Principal(agent))}
	a.keys = a.log.keyring()
	return a
}

// Signed reports whether any line so far is signed by a key that was in force at that
// line.
func (a *Arrival) Signed() bool { return a.signed }

// Past takes a line that is already on the hub. The caller passes, in order, the lines
// that may change the keys in force (the first line and every KeyRotated) and, until
// Signed, the lines with a signature.
func (a *Arrival) Past(e *event.Envelope) {
	if b, ok := e.Body.(*event.AgentIntroduced); ok && e.Seq == 1 && !a.listed {
		if key, err := ParseKey(b.PublicKey); err == nil {
			a.keys.enforce(key)
		}
	}
	a.signed = a.signed || e.V != 3 && a.keys.rule(e) == ""
	a.keys.rotate(e)
}

// Next checks the next line that arrives; the error is a *Fault.
func (a *Arrival) Next(e *event.Envelope) error {
	a.came = true
	meta := a.log.state.Meta
	r, revoked := meta.Revoked[a.log.agent]
	switch {
	case !meta.Open && !a.listed:
		return fault(RuleNotAdmitted, "the hub is not open, and does not list '%s'", a.log.agent)
	case revoked && e.Seq > r.AfterSeq:
		return fault(RuleRevoked, "'%s' was revoked after line %d", a.log.agent, r.AfterSeq)
	case revoked && e.Seq == r.AfterSeq && event.Hash(e.Raw) != r.Hash:
		return fault(RuleRevokedHash, "it is not the line that the revocation of '%s' pins", a.log.agent)
	case meta.Signing == Off:
		return nil
	case meta.Signing == Require && !a.listed:
		return fault(RuleUnapproved, "the hub accepts only listed agents, and does not list '%s'", a.log.agent)
	}
	if e.Seq == 1 {
		a.Past(e) // introduces the key that signs it
	}
	a.last = a.keys.rule(e)
	a.signed = a.signed || a.last == ""
	switch a.last {
	case RuleRotatedOut:
		return fault(RuleRotatedOut, "it is signed by the key %s, which '%s' has replaced", e.SignedBy, a.log.agent)
	case RuleBadSignature, RuleUnknownSigner:
		if _, err := VerifyLine(e); err != nil {
			return err
		}
		if a.listed {
			return fault(RuleUnknownSigner, "it is signed by the key %s, which is not a key of '%s'", e.SignedBy, a.log.agent)
		}
	}
	if e.Seq > 1 {
		a.keys.rotate(e)
	}
	return nil
}

// End checks the arrived lines as a whole; the error is a *Fault.
func (a *Arrival) End() error {
	switch signing := a.log.state.Meta.Signing; {
	case !a.came || a.last == "" || signing == Off:
		return nil
	case signing == Require:
		return fault(RuleUnsigned, "the hub requires signatures, and none covers the last line")
	case a.signed:
		return fault(RuleUnsigned, "the log of '%s' is signed, and no signature by its key covers the last line", a.log.agent)
	}
	return nil
}

// InForce reports whether a key is one of the agent's keys after the last line.
func (a *Arrival) InForce(k Key) bool {
	_, ok := a.keys.force[k.Fingerprint()]
	return ok
}
