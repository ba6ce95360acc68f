package trust

import (
	"maps"
	"math"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// The verdict on a log. The rules are:
//   - a hub that is not open admits the agents that allowed_signers lists,
//     whatever for; of others no line counts;
//   - a revocation pins a sequence and a hash: lines after it do not count,
//     and signatures there vouch for nothing. A log that has another line at
//     that place is another log, of which nothing counts;
//   - a proven fork ends the log at the later of the lines before the fork and
//     what the ledger covers, unless a revocation has settled it;
//   - keys in force are those that the meta lists for the agent (none listed:
//     the one its first line introduces). A KeyRotated line that is itself
//     signed by one of them puts the new key in the place of that one, for the
//     lines after it;
//   - a line is signed if it or a later line that counts carries a valid
//     signature by a key in force there;
//   - under `require` a log counts up to its last signed line, and only if the
//     key is listed; under `off` signatures are not looked at;
//   - under `warn` unsigned lines count and are marked, unless they follow a
//     signed one: a log that was signed is continued signed. Lines after its last
//     signed line do not count, because anybody who can push can append them. What
//     the ledger covers, or a revocation pins, counts anyway.
//
// So what counts is always a beginning of the log.

// Log judges one agent's log: feed it the good part, ask for the verdict, feed
// on. It holds keys and a few lines, however long the log is.
type Log struct {
	state   *State
	agent   string
	o       LogOptions
	listed  bool
	revoked bool
	intro   *Key   // of its first line, where the meta lists none
	limit   uint64 // lines after it do not count, by the meta
	other   bool   // it is not the log that was revoked
	inputs  string // Inputs, of a log that was resumed

	lines   uint64 // fed so far
	covered uint64 // of them, by the ledger
	walk    walk   // over those up to limit

	// Where proofs of a fork are known:
	forked bool
	common uint64 // lines before the fork
	kept   *walk  // over the first common or covered lines, whichever are more
}

// LogOptions are what a verdict depends on besides the log and the meta.
type LogOptions struct {
	Covered uint64   // how many lines the ledger covers: what it covers is the log, whatever is proven
	Proofs  []*Proof // of forks, no matter who brought them; those of other agents are ignored
}

// Log returns a Log for an agent, under the state r.
func (r *State) Log(agent string, o LogOptions) *Log {
	l := &Log{state: r, agent: agent, o: o, listed: r.Signers.Lists(Principal(agent)), limit: math.MaxUint64}
	l.o.Proofs = nil
	for _, p := range o.Proofs {
		if p.Agent == agent && p.Hub == r.Meta.Hub {
			l.o.Proofs = append(l.o.Proofs, p)
		}
	}
	at, revoked := r.Meta.Revoked[agent]
	if l.revoked = revoked; revoked {
		l.limit = at.AfterSeq
	}
	if !r.Meta.Open && !l.listed {
		l.limit = 0
	}
	l.walk = walk{keyring: l.keyring()}
	l.keep()
	return l
}

// keyring returns the keys that the meta lists, or the log introduces.
func (l *Log) keyring() keyring {
	k := keyring{map[string]Key{}, map[string]bool{}, map[Key]bool{}}
	for _, key := range l.state.Signers.Keys(Principal(l.agent), EventNamespace) {
		k.enforce(key)
	}
	if l.intro != nil {
		k.enforce(*l.intro)
	}
	return k
}

// keep notes the walk so far, in case a fork ends the log here.
func (l *Log) keep() {
	if len(l.o.Proofs) > 0 {
		l.kept = l.walk.clone()
	}
}

// Cover records that the ledger covers the lines fed so far.
func (l *Log) Cover() {
	l.covered = l.lines
	if !l.forked || l.lines > l.common {
		l.keep()
	}
}

// Feed takes the log's next line, which must continue the earlier ones (event.Chain).
func (l *Log) Feed(e *event.Envelope) {
	l.lines++
	if l.lines == 1 && !l.listed {
		if b, ok := e.Body.(*event.AgentIntroduced); ok {
			if key, err := ParseKey(b.PublicKey); err == nil {
				l.intro = &key
				l.walk.enforce(key)
				l.keep()
			}
		}
	}
	if at := l.state.Meta.Revoked[l.agent]; l.revoked && l.lines == at.AfterSeq && event.Hash(e.Raw) != at.Hash && l.limit > 0 {
		l.limit, l.other = 0, true
		l.walk = walk{keyring: l.keyring()}
	}
	if l.lines <= l.limit {
		l.part(e)
		l.walk.feed(e, l.lines)
	}
	if l.lines == l.o.Covered {
		l.Cover()
	}
}

// part marks the log as forked if a proof shows that it forks before its next line. A
// revoked log is left as it is.
func (l *Log) part(e *event.Envelope) {
	if l.forked || l.revoked {
		return
	}
	for _, p := range l.o.Proofs {
		if p.Seq != l.lines || !l.walk.ever[p.Key] {
			continue
		}
		l.forked = true
		if p.hidden() || p.A.Prev != e.Prev {
			l.common = 0 // the histories part before the lines shown
			return
		}
		l.common = l.lines - 1
	}
	if l.forked {
		l.keep()
	}
}

// partsLater reports whether a proof of lines that are not here shows that the
// log forks in those that are.
func (l *Log) partsLater() bool {
	return !l.revoked && slices.ContainsFunc(l.o.Proofs, func(p *Proof) bool { return p.Seq > l.lines && p.hidden() && l.walk.ever[p.Key] })
}

// keyring is the keys in force at a place of a log.
type keyring struct {
	force map[string]Key  // by fingerprint
	out   map[string]bool // fingerprints that were replaced
	ever  map[Key]bool    // all that were in force up to here
}

func (k *keyring) enforce(key Key) {
	k.force[key.Fingerprint()], k.ever[key] = key, true
	delete(k.out, key.Fingerprint())
}

// rule returns why a line carries no valid signature by a key in force, "" if
// it does.
func (k *keyring) rule(e *event.Envelope) string {
	if rule := k.claims(e); rule != "" {
		return rule
	}
	_, err := VerifyLine(e)
	return RuleOf(err)
}

// claims returns what rule does, but does not verify the signature itself.
func (k *keyring) claims(e *event.Envelope) string {
	switch _, ok := k.force[e.SignedBy]; {
	case e.Signature == "":
		return RuleUnsigned
	case ok:
		return ""
	case k.out[e.SignedBy]:
		return RuleRotatedOut
	}
	return RuleUnknownSigner
}

// rotate lets a KeyRotated line that is signed as it should be take effect.
// It reports whether it has, or the line is one that an admin signed with the
// meta: then all up to it is signed.
func (k *keyring) rotate(e *event.Envelope) bool {
	if e.V == 3 { // pinned by the meta
		return true
	}
	b, ok := e.Body.(*event.KeyRotated)
	if !ok || k.rule(e) != "" {
		return false
	}
	if key, err := ParseKey(b.PublicKey); err == nil {
		delete(k.force, e.SignedBy)
		k.out[e.SignedBy] = true
		k.enforce(key)
	}
	return true
}

// walk follows keys and signatures along the first lines of a log. To verify a
// signature takes long, and the last valid one is all that matters: so lines are
// remembered until it is asked for, a few of them.
type walk struct {
	keyring
	vouched uint64           // lines known to be signed
	legacy  bool             // the last of them is of level 3
	tail    []Mark           // of the lines after those; claimed where it is not verified yet
	open    []event.Envelope // the lines that are claimed, in order
	size    int              // bytes of those
}

// claimed marks a line with a signature by a key in force that is not verified yet.
const claimed = "?"

// maxOpen is how many lines with a signature are remembered, and maxOpenBytes how
// much of them: very many logs are judged at a time.
const (
	maxOpen      = 64
	maxOpenBytes = 64 << 10
)

// clone returns a walk that continues by itself.
func (w *walk) clone() *walk {
	c := *w
	c.keyring = keyring{maps.Clone(w.force), maps.Clone(w.out), maps.Clone(w.ever)}
	c.tail, c.open = slices.Clone(w.tail), slices.Clone(w.open)
	return &c
}

// feed takes the next line.
func (w *walk) feed(e *event.Envelope, seq uint64) {
	if w.rotate(e) {
		w.sign(seq, e.V == 3)
		return
	}
	rule := w.claims(e)
	if rule == "" {
		w.tail, w.open = append(w.tail, Mark{seq, claimed}), append(w.open, *e)
		if w.size += len(e.Raw); len(w.open) > maxOpen || w.size > maxOpenBytes {
			w.verify()
		}
		return
	}
	w.mark(seq, rule)
}

// sign notes that all lines up to seq are signed.
func (w *walk) sign(seq uint64, legacy bool) {
	w.vouched, w.legacy, w.tail, w.open, w.size = seq, legacy, nil, nil, 0
}

// mark notes why line seq, the next one, is not signed.
func (w *walk) mark(seq uint64, rule string) {
	if n := len(w.tail); n == 0 || w.tail[n-1].Rule != rule {
		w.tail = append(w.tail, Mark{seq, rule})
	}
}

// verify finds the last line with a valid signature.
func (w *walk) verify() {
	if len(w.open) == 0 {
		return
	}
	bad := map[uint64]string{}
	for n := len(w.open) - 1; n >= 0; n-- {
		e := &w.open[n]
		if _, err := VerifyLine(e); err != nil {
			bad[e.Seq] = RuleOf(err)
			continue
		}
		after := w.tail[1+slices.IndexFunc(w.tail, func(t Mark) bool { return t.From == e.Seq }):]
		w.sign(e.Seq, false)
		w.tail = after
		break
	}
	tail := w.tail
	w.tail, w.open, w.size = nil, nil, 0
	for _, t := range tail {
		if t.Rule == claimed {
			t.Rule = bad[t.From]
		}
		w.mark(t.From, t.Rule)
	}
}

// Mark is the mark of the lines from From up to the next Mark, because of their
// signatures: the name of a rule, or "" for none.
type Mark struct {
	From uint64 `json:"from"`
	Rule string `json:"rule"`
}

// any reports whether anybody is listed.
func (s *Signers) any() bool { return len(s.by) > 0 }

// Admits reports whether an agent may write at all.
func (r *State) Admits(agent string) bool {
	_, revoked := r.Meta.Revoked[agent]
	return !revoked && (r.Meta.Open || r.Signers.Lists(Principal(agent)))
}

// CheckStep checks the signature of a ledger step. by is the writer of the step, signed
// the bytes that were signed. The error is a *Fault. Because everybody recomputes steps, a
// step needs no signature under `warn`; but if it has one, the signature must be valid.
// Under `require` the key must be listed.
func (r *State) CheckStep(by, signedBy, signature string, signed []byte) error {
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
