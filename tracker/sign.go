package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Signing what is written here. The rules are:
//   - the key is the one in force in the agent's log; where nothing is in force
//     yet, the one that crosslink.signingKey names, else one made for the agent
//     at its first write;
//   - a key that cannot sign is told by name and reason; that signing is
//     switched off (crosslink.sign=false) is told apart, once;
//   - then, policy `off`: nothing; `warn`: what is written is unsigned and says
//     so, or, in a log that was signed, nothing is written, for it would not
//     count; `require`: nothing is written;
//   - a CI job makes no key, which would be gone with the job: it signs with the
//     one that crosslink.signingKey names, or not at all.

// errNotSigning says that signing is switched off here.
var errNotSigning = errors.New("signing is switched off here (crosslink.sign)")

// errElsewhere says that the log has a key, and this clone has not.
var errElsewhere = errors.New("is not here")

// errNoJobKey says that an agent of CI jobs has no key.
var errNoJobKey = errors.New("no key is configured for this CI job")

// inJob reports whether this is a CI job under an id that somebody chose: the
// clone, and what is made in it, goes with the job.
func (t *Tracker) inJob() bool {
	return t.getenv("CI") != "" && (t.getenv("GIT_CROSSLINK_AGENT") != "" || t.config("crosslink.agent") != "")
}

// ring is where this clone keeps the keys of its agents: one directory for all
// worktrees, one key for each agent id.
func (t *Tracker) ring() *keys.Ring {
	return &keys.Ring{Dir: filepath.Join(t.outer.CommonDir, "crosslink", "keys"), Environ: t.environ, Ask: t.o.Ask}
}

// signer returns the key that an agent signs with, given the keys in force in
// its log. Where nothing has been written yet it is made.
func (t *Tracker) signer(agent string, force []trust.Key, first bool) (keys.Signer, error) {
	if !t.conf.Bool("crosslink.sign", true) {
		return nil, errNotSigning
	}
	r := t.ring()
	var have []keys.Signer
	var unread error // why the key that is configured is none
	if v := t.config("crosslink.signingKey"); v != "" && (agent == t.agent || t.agent == "") {
		k, err := r.Configured(t.path(v))
		if err != nil && len(force) == 0 {
			return nil, err
		}
		if unread = err; err == nil {
			have = append(have, k)
		}
	}
	made, err := r.Made(agent)
	if err != nil && len(have) == 0 {
		return nil, err
	}
	have = append(have, made...)
	if len(have) == 0 && len(force) == 0 && t.inJob() {
		return nil, errNoJobKey
	}
	if len(have) == 0 && first && len(force) == 0 {
		k, err := r.Make(agent)
		if err != nil {
			return nil, fmt.Errorf("no key can be made: %w", err)
		}
		t.notice(fail.Notice{Code: "new-agent/key", Text: fmt.Sprintf("'%s' signs with a key made for it", agent)})
		return k, nil
	}
	if len(force) == 0 && len(have) > 0 {
		return have[0], nil
	}
	for _, k := range have { // while a key hands over the hub may list both
		if k.Key() == t.handing {
			return k, nil
		}
	}
	for _, k := range have {
		if slices.Contains(force, k.Key()) {
			if len(made) == 2 && k == made[1] { // the rotation was written and what follows it was cut short
				_ = r.Promote(agent)
			}
			return k, nil
		}
	}
	if len(force) == 0 {
		return nil, errors.New("there is no key for it here")
	}
	if unread != nil { // the key in force may well be that one
		return nil, unread
	}
	return nil, fmt.Errorf("the key %s %w", force[0].Fingerprint(), errElsewhere)
}

// madeKey makes the key of a new agent and reports whether it did. What hinders it the first
// line tells.
func (t *Tracker) madeKey(agent string) bool {
	if !t.conf.Bool("crosslink.sign", true) || t.config("crosslink.signingKey") != "" {
		return false
	}
	_, err := t.ring().Make(agent)
	return err == nil
}

// path is a configured path as git means it.
func (t *Tracker) path(v string) string {
	if rest, ok := strings.CutPrefix(v, "~/"); ok {
		return filepath.Join(t.getenv("HOME"), rest)
	}
	if keys.IsPublic(v) || filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(t.outer.Top, v)
}

// force is the keys in force in an agent's log.
func (s *snapshot) force(agent string) []trust.Key {
	if l := s.logs[agent]; l != nil && l.verdict != nil {
		return l.verdict.Keys
	}
	if s.roll == nil {
		return nil
	}
	return s.roll.Log(agent, trust.LogOptions{}).Verdict().Keys
}

// signWith makes the chain sign with a key.
func signWith(ctx context.Context, c *event.Chain, k keys.Signer) {
	c.Sign = func(signed []byte) (string, string, error) {
		by := k.Key().Fingerprint()
		if signed == nil {
			return by, "", nil
		}
		s, err := k.Sign(ctx, trust.EventNamespace, signed)
		if err != nil {
			return "", "", &signError{by, keys.Locked(k), err}
		}
		return by, s.String(), nil
	}
}

// signError is a key that failed.
type signError struct {
	key  string
	file string // that has to be unlocked, "" if there is none
	err  error
}

func (e *signError) Error() string { return e.err.Error() }
func (e *signError) Unwrap() error { return e.err }

// cannotSign says what becomes of a write that cannot be signed: an error where
// signatures are required, else at most one warning.
func (t *Tracker) cannotSign(s *snapshot, agent string, err error) error {
	policy := trust.Warn
	if s.meta != nil {
		policy = s.meta.Signing
	}
	why := whyUnsigned(err)
	n := fail.Notice{Code: "unsigned", Text: fmt.Sprintf("what '%s' writes here is not signed: %s", agent, why)}
	switch {
	case errors.Is(err, errElsewhere):
		n.Code = "unsigned/elsewhere"
	case errors.Is(err, errNotSigning):
		n.Code = "unsigned/off"
	case errors.Is(err, errNoJobKey):
		n.Code = "unsigned/job"
	}
	switch {
	case policy == trust.Require:
		return &fail.Error{Kind: fail.Denied, Code: n.Code, Err: err,
			Message: fmt.Sprintf("the hub requires signatures: nothing was written, for %s", why)}
	case policy == trust.Off:
	case s.continuedSigned(agent):
		return t.signsAgain(s, agent, err, fmt.Sprintf("not signed, so nothing was written: unsigned events in the signed log of '%s' would not count: %s", agent, why))
	case errors.Is(err, errNotSigning):
		if !t.contact.Unsigned && !t.unwatched {
			t.notice(n)
			_ = t.contact.Remember(func(c *hubs.Note) { c.Unsigned = true }) // else it is said again
		}
	default:
		t.notice(n)
	}
	return nil
}

// admitted refuses a write that nobody would count: an agent that a closed hub
// does not list, one that is revoked, one whose key is not listed where
// signatures are required.
func (t *Tracker) admitted(s *snapshot) error {
	e := t.notAdmitted(s, true)
	if e == nil {
		return nil
	}
	e.Message += ": nothing was written"
	return e
}

// countsStill says, of a write whose publishing showed that the hub's policy
// had changed meanwhile, that nobody counts it: it is kept.
func (t *Tracker) countsStill(ctx context.Context, lines []*event.Envelope) error {
	if !t.link.Reached || len(lines) == 0 {
		return nil
	}
	s, err := t.load(ctx)
	if err != nil {
		return nil // the next command tells
	}
	if l := s.logs[t.agent]; l == nil || l.verdict == nil || l.verdict.Fed >= lines[len(lines)-1].Seq {
		return nil
	}
	e := t.notAdmitted(s, true)
	if e == nil {
		return nil
	}
	e.Kind = fail.Unconfirmed
	e.Message += ", as was heard only now: this is kept here, and does not count"
	return e
}

// tellNotAdmitted says that what was written here before that was known does
// not count.
func (t *Tracker) tellNotAdmitted(s *snapshot) {
	l := s.logs[t.agent]
	if l == nil || l.chain.Seq == 0 {
		return
	}
	if e := t.notAdmitted(s, false); e != nil && e.Code.Name() == "not-approved" {
		t.tellOnce(e.Notice(e.Message + ": what is written here is kept, and does not count"))
	}
}

// notAdmitted says why nothing that is written now would count, nil if it
// would. make lets it make the key that an admin is to see.
func (t *Tracker) notAdmitted(s *snapshot, make bool) *fail.Error {
	if s.roll == nil || s.roll.Newer() > 0 {
		return nil
	}
	m := s.roll.Meta
	listed := s.roll.Signers.Lists(trust.Principal(t.agent))
	if _, revoked := m.Revoked[t.agent]; revoked {
		return &fail.Error{Kind: fail.Denied, Code: "revoked",
			Message: fmt.Sprintf("the agent '%s' is revoked", t.agent), Fields: fail.Fields{"agent": t.agent}}
	}
	if listed || m.Open && m.Signing != trust.Require {
		return nil
	}
	e := &fail.Error{Kind: fail.Denied, Code: "not-approved", Message: fmt.Sprintf("the hub does not know the agent '%s'", t.agent)}
	k, err := t.signer(t.agent, nil, make)
	if err == nil {
		e.Code, e.Fields = "not-approved/key", fail.Fields{"agent": t.agent, "key": k.Key().String()}
	} else if errors.Is(err, errNoJobKey) {
		e.Code = "not-approved/job"
	}
	return e
}

// errAgain says that a write has to begin again.
var errAgain = errors.New("again")

// writer returns the key that the next lines of an agent are signed with;
// nil leaves them unsigned, and it has been told why.
func (t *Tracker) writer(s *snapshot, agent string, first bool) (keys.Signer, error) {
	if t.unsigned {
		return nil, nil
	}
	k, err := t.signer(agent, s.force(agent), first)
	if err == nil {
		if t.contact.Unsigned {
			_ = t.contact.Remember(func(c *hubs.Note) { c.Unsigned = false })
		}
		return k, nil
	}
	err = t.cannotSign(s, agent, err)
	t.unsigned = err == nil
	return nil, err
}

// unsignedThen lets a write whose key failed half-way begin again without it,
// if that may be.
func (t *Tracker) unsignedThen(s *snapshot, err error) error {
	if failed := (*signError)(nil); !errors.As(err, &failed) {
		return err
	}
	if err := t.cannotSign(s, t.agent, err); err != nil {
		return err
	}
	t.unsigned = true
	return errAgain
}

// signStep signs a step of the ledger. Where signatures are required and this
// one would not do, others decide.
func (t *Tracker) signStep(ctx context.Context, s *snapshot, l *ledger.Ledger) error {
	k, err := t.signer(l.WrittenBy, s.force(l.WrittenBy), false)
	if err == nil {
		l.SignedBy = k.Key().Fingerprint()
		var sig *trust.Signature
		if sig, err = k.Sign(ctx, trust.LedgerNamespace, l.Signed()); err == nil {
			l.Signature = sig.String()
		}
	}
	if err != nil { // what was written by the same key has told it
		l.SignedBy, l.Signature = "", ""
	}
	if fault := s.roll.CheckStep(l.WrittenBy, l.SignedBy, l.Signature, l.Signed()); fault != nil {
		return fmt.Errorf("steps of this hub are signed by agents that it lists, and '%s' cannot: %s", l.WrittenBy, trust.RuleOf(fault))
	}
	return nil
}

// foundingMeta is the first meta commit of a hub: who founds it is its admin,
// if there is a key.
func (t *Tracker) foundingMeta(ctx context.Context, hub string) (map[string][]byte, error) {
	m := &trust.Meta{Version: Level, Hub: hub, Seq: 1, CreatedAt: event.TimeOf(t.now()), Signing: trust.Warn, Open: true}
	k, err := t.signer(t.agent, nil, true)
	if err != nil {
		return trust.MetaFiles(m, &trust.Signers{}), nil // the first line tells why
	}
	m.Admins = []string{trust.Principal(t.agent)}
	files := trust.MetaFiles(m, (&trust.Signers{}).With(trust.Signer{Principal: m.Admins[0], Key: k.Key()}))
	sig, err := k.Sign(ctx, trust.MetaNamespace, trust.MetaSigned(files))
	if err != nil { // an admin that cannot sign would be one for ever
		m.Admins = nil
		return trust.MetaFiles(m, &trust.Signers{}), nil
	}
	return trust.Signed(files, sig), nil
}

// maybeOutdated asks the hub, once, before a write is refused for what is
// known here of its policy. It reports whether that may have changed.
func (t *Tracker) maybeOutdated(ctx context.Context, o EmitOptions, err error) bool {
	var e *fail.Error
	if !errors.As(err, &e) || e.Kind != fail.Denied || t.link.Reached || t.hub == nil || o.Offline || t.config("crosslink.sync") == "manual" ||
		!slices.Contains([]string{"unsigned", "not-approved", "revoked"}, e.Code.Name()) {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, t.patience(o))
	defer cancel()
	unlock, free, lerr := t.link.Lock(bounded, t.wait())
	if lerr != nil || !free {
		return false
	}
	defer unlock()
	if t.fetch(bounded) != nil {
		return false // what is known here stands
	}
	t.unsigned = false
	return true
}
