package trust

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// The verdict on a log. The rules are:
//   - a hub that is not open admits the agents that allowed_signers lists,
//     whatever for; of others no line counts;
//   - a revocation pins a sequence and a hash: lines behind it do not count,
//     and signatures there vouch for nothing. A log that has another line at
//     that place is another log, of which nothing counts;
//   - a proven fork ends the log at the later of the lines before the fork and
//     what the ledger covers, unless a revocation has settled it;
//   - keys in force are those that the meta lists for the agent (none listed:
//     the one its first line introduces). A KeyRotated line that is itself
//     signed by one of them puts the new key in the place of that one, for the
//     lines behind it;
//   - a line is signed if it or a later line that counts carries a valid
//     signature by a key in force there;
//   - under `require` a log counts up to its last signed line, and only if the
//     key is listed; under `off` signatures are not looked at;
//   - under `warn` unsigned lines count and are marked, unless they follow a
//     signed one: a log that was signed is continued signed. Lines after its last
//     signed line do not count, because anybody who can push can append them. What
//     the ledger covers, or a revocation pins, counts all the same.
//
// So what counts is always a beginning of the log.

// Memo remembers which lines carry a valid signature by the key they name, so
// that none is checked twice. It is a fact about bytes, true under any policy.
// The zero value knows nothing; nil remembers nothing.
type Memo struct {
	known, used map[string]bool
	fresh       bool
}

// NewMemo returns a memo of what an earlier one has Used.
func NewMemo(known map[string]bool) *Memo { return &Memo{known: known} }

// Used returns what was asked for, event.Hash of a line → whether its signature
// is good, and whether any of it is new. It is what is worth keeping.
func (m *Memo) Used() (lines map[string]bool, fresh bool) { return m.used, m.fresh }

func (m *Memo) verify(e *event.Envelope) error {
	if m == nil {
		_, err := VerifyLine(e)
		return err
	}
	hash := event.Hash(e.Raw)
	good, ok := m.used[hash]
	if !ok {
		if good, ok = m.known[hash]; !ok {
			_, err := VerifyLine(e)
			good, m.fresh = err == nil, true
		}
		if m.used == nil {
			m.used = map[string]bool{}
		}
		m.used[hash] = good
	}
	if !good {
		return fault(RuleBadSignature, "")
	}
	return nil
}

// VerifyLine checks a level-4 line's signature by the key that it names and
// returns that key. Whose key it is, is another question. The error is a *Fault.
func VerifyLine(e *event.Envelope) (Key, error) {
	if e.Signature == "" {
		return Key{}, fault(RuleUnsigned, "")
	}
	s, err := ParseSignatureText(e.Signature)
	if err != nil {
		return Key{}, fault(RuleBadSignature, "%v", err)
	}
	if s.Key.Fingerprint() != e.SignedBy {
		return Key{}, fault(RuleBadSignature, "'signed_by' names another key than the signature holds")
	}
	if err := s.Verify(EventNamespace, event.Signed(e.Raw)); err != nil {
		return Key{}, fault(RuleBadSignature, "%v", err)
	}
	return s.Key, nil
}

// Log judges one agent's log: feed it the good part, ask for the verdict, feed
// on.
type Log struct {
	roll  *Roll
	agent string
	o     LogOptions
	lines []*event.Envelope
}

// LogOptions are what a verdict depends on beside the log and the meta.
type LogOptions struct {
	Covered uint64   // how many lines the ledger covers: what it covers is the log, whatever is proven
	Proofs  []*Proof // of forks, whoever brought them; those of other agents are passed over
	Memo    *Memo    // may be nil
}

// Log returns the judge of a log under the state r.
func (r *Roll) Log(agent string, o LogOptions) *Log {
	l := &Log{roll: r, agent: agent, o: o}
	l.o.Proofs = nil
	for _, p := range o.Proofs {
		if p.Agent == agent && p.Hub == r.Meta.Hub {
			l.o.Proofs = append(l.o.Proofs, p)
		}
	}
	return l
}

// Feed takes the log's next line, which continues those before it (event.Chain).
func (l *Log) Feed(e *event.Envelope) { l.lines = append(l.lines, e) }

// keyring is the keys in force at a place of a log.
type keyring struct {
	force   map[string]Key  // by fingerprint
	out     map[string]bool // fingerprints that were replaced
	ever    map[Key]bool    // all that were in force up to here
	vouched int             // lines known to be signed
}

func (k *keyring) enforce(key Key) {
	k.force[key.Fingerprint()], k.ever[key] = key, true
	delete(k.out, key.Fingerprint())
}

// keyring returns the keys that the meta lists, or the log introduces.
func (l *Log) keyring(listed bool) *keyring {
	k := &keyring{map[string]Key{}, map[string]bool{}, map[Key]bool{}, 0}
	for _, key := range l.roll.Signers.Keys(Principal(l.agent), EventNamespace) {
		k.enforce(key)
	}
	if !listed && len(l.lines) > 0 {
		if b, ok := l.lines[0].Body.(*event.AgentIntroduced); ok {
			if key, err := ParseKey(b.PublicKey); err == nil {
				k.enforce(key)
			}
		}
	}
	return k
}

// walk follows the keys along the first lines of the log, limit of them. It
// stops at a fork: common is then how many lines are before it.
func (l *Log) walk(listed bool, limit int, settled bool) (k *keyring, forked bool, common int) {
	k = l.keyring(listed)
	for i, e := range l.lines[:limit] {
		for _, p := range l.o.Proofs {
			if settled || p.Seq != uint64(i)+1 || !k.ever[p.Key] {
				continue
			}
			if p.hidden() || p.A.Prev != e.Prev {
				return k, true, 0 // the histories part before the lines shown
			}
			forked, common = true, i
		}
		if forked {
			return k, true, common
		}
		l.rotate(k, i, e)
	}
	for _, p := range l.o.Proofs {
		if !settled && p.Seq > uint64(len(l.lines)) && p.hidden() && k.ever[p.Key] {
			return k, true, 0 // it parts in what is here
		}
	}
	return k, false, limit
}

// rotate lets a KeyRotated line that is signed as it should be take effect.
func (l *Log) rotate(k *keyring, i int, e *event.Envelope) {
	if e.V == 3 { // pinned by the meta, which an admin signed
		k.vouched = i + 1
		return
	}
	b, ok := e.Body.(*event.KeyRotated)
	if !ok || l.rule(k, e) != "" {
		return
	}
	k.vouched = i + 1
	if key, err := ParseKey(b.PublicKey); err == nil {
		delete(k.force, e.SignedBy)
		k.out[e.SignedBy] = true
		k.enforce(key)
	}
}

// rule returns why a line carries no valid signature by a key in force, "" if
// it does.
func (l *Log) rule(k *keyring, e *event.Envelope) string {
	switch _, ok := k.force[e.SignedBy]; {
	case e.Signature == "":
		return RuleUnsigned
	case ok:
		return RuleOf(l.o.Memo.verify(e))
	case k.out[e.SignedBy]:
		return RuleRotatedOut
	}
	return RuleUnknownSigner
}

// Verdict is what counts of a log and what is signed of it.
type Verdict struct {
	Agent   string
	Lines   uint64 // lines 1 … Lines were judged
	Fed     uint64 // lines 1 … Fed count: the reducer is given them
	Ends    string // the rule by which line Fed+1 does not count; "" if Fed = Lines
	Vouched uint64 // lines 1 … Vouched are signed by a key in force
	Listed  bool   // allowed_signers lists the agent
	Forked  bool   // a proof of a fork stands against it
	Keys    []Key  // in force behind the last line that counts

	unapproved bool
	off        bool
	trails     bool     // lines follow that no signature and no step vouches for
	kept       uint64   // lines before those
	signed     bool     // a line carries a valid signature by a key in force there
	marks      []string // of the lines behind Vouched
}

// Verdict judges the lines fed so far.
func (l *Log) Verdict() *Verdict {
	meta := l.roll.Meta
	n := uint64(len(l.lines))
	v := &Verdict{Agent: l.agent, Lines: n, Fed: n, off: meta.Signing == Off}
	v.Listed = l.roll.Signers.Lists(Principal(l.agent))
	r, revoked := meta.Revoked[l.agent]
	switch {
	case !meta.Open && !v.Listed:
		v.end(0, RuleNotAdmitted)
	case revoked && r.AfterSeq > 0 && r.AfterSeq <= n && event.Hash(l.lines[r.AfterSeq-1].Raw) != r.Hash:
		v.end(0, RuleRevokedHash)
	case revoked:
		v.end(r.AfterSeq, RuleRevoked)
	}
	k, forked, common := l.walk(v.Listed, int(v.Fed), revoked)
	if v.Forked = forked; forked {
		v.end(max(uint64(common), l.o.Covered), RuleForked)
		k, _, _ = l.walk(v.Listed, int(v.Fed), true)
	}
	for _, key := range k.force {
		v.Keys = append(v.Keys, key)
	}
	slices.SortFunc(v.Keys, func(a, b Key) int { return strings.Compare(a.blob, b.blob) })
	if !v.off {
		l.signed(k, v)
	}
	return v
}

// end lets the log count up to a line and no further.
func (v *Verdict) end(at uint64, rule string) {
	if at < v.Fed {
		v.Fed, v.Ends = at, rule
	}
}

// signed looks for the last signed line, from the end backwards.
func (l *Log) signed(k *keyring, v *Verdict) {
	at := int(v.Fed)
	for ; at > k.vouched; at-- {
		rule := l.rule(k, l.lines[at-1])
		if rule == "" {
			break
		}
		v.marks = append(v.marks, rule)
	}
	slices.Reverse(v.marks)
	v.Vouched = uint64(at)
	v.signed = at > 0 && l.lines[at-1].V != 3
	_, revoked := l.roll.Meta.Revoked[l.agent]
	v.unapproved = !v.Listed && l.roll.Signers.any()
	require := l.roll.Meta.Signing == Require
	kept := max(v.Vouched, l.o.Covered)
	if v.signed && !revoked && kept < v.Fed && (v.Listed || !require) {
		v.trails, v.kept = true, kept
	}
	switch {
	case require && !v.Listed:
		v.end(0, RuleUnapproved)
	case require && v.Vouched < v.Fed:
		v.end(v.Vouched, v.marks[0])
	case v.trails:
		v.end(kept, v.marks[kept-v.Vouched])
	}
	v.Vouched = min(v.Vouched, v.Fed)
}

// Mark returns what is to be said about a line where it is shown: "" if it is
// signed, or if the policy looks at no signatures; else a rule.
func (v *Verdict) Mark(seq uint64) string {
	switch {
	case seq > v.Fed:
		return v.Ends
	case v.off:
		return ""
	case seq <= v.Vouched && v.unapproved:
		return RuleUnapproved
	case seq <= v.Vouched:
		return ""
	}
	return v.marks[seq-v.Vouched-1]
}

// Lapsed reports whether the log was signed once and its last lines are not.
func (v *Verdict) Lapsed() bool { return v.trails || !v.off && v.Vouched > 0 && v.Vouched < v.Fed }

// Trails reports whether lines follow the last signed one that do not count for
// that reason alone, and that the ledger does not cover: trailing garbage, which
// the log's writer may replace.
func (v *Verdict) Trails() bool { return v.trails }

// Kept is how many lines are before those, where the log Trails.
func (v *Verdict) Kept() uint64 { return v.kept }

// Signed reports whether the log has to be continued signed: a line of it is
// signed, and the policy looks at signatures.
func (v *Verdict) Signed() bool { return v.signed }

// any reports whether anybody is listed.
func (s *Signers) any() bool { return len(s.by) > 0 }

// Admits reports whether an agent may write at all.
func (r *Roll) Admits(agent string) bool {
	_, revoked := r.Meta.Revoked[agent]
	return !revoked && (r.Meta.Open || r.Signers.Lists(Principal(agent)))
}

// CheckStep judges the signature of a ledger step: by is who wrote it, signed
// the bytes. The error is a *Fault. Steps are recomputed by everybody, so
// under `warn` one without a signature is as good as its bytes; one that has a
// signature must have a true one. Under `require` the key must be listed.
func (r *Roll) CheckStep(by, signedBy, signature string, signed []byte) error {
	_, revoked := r.Meta.Revoked[by]
	switch {
	case !r.Meta.Open && !r.Signers.Lists(Principal(by)):
		return fault(RuleNotAdmitted, "")
	case r.Meta.Signing == Off:
		return nil
	case signature == "" && signedBy == "" && r.Meta.Signing == Warn:
		return nil
	case signature == "":
		return fault(RuleUnsigned, "")
	}
	s, err := ParseSignatureText(signature)
	if err != nil {
		return fault(RuleStepSignature, "%v", err)
	}
	if s.Key.Fingerprint() != signedBy {
		return fault(RuleStepSignature, "'signed_by' names another key than the signature holds")
	}
	if err := s.Verify(LedgerNamespace, signed); err != nil {
		return fault(RuleStepSignature, "%v", err)
	}
	if r.Meta.Signing != Require {
		return nil
	}
	if revoked {
		return fault(RuleRevoked, "")
	}
	if !slices.Contains(r.Signers.Keys(Principal(by), LedgerNamespace), s.Key) {
		return fault(RuleUnknownSigner, "")
	}
	return nil
}
