package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// signer finds the keys of this clone: one directory for all worktrees, one key
// for each agent id.
func (t *Tracker) signer() agents.Signer {
	return agents.Signer{Identity: t.identity(), Own: t.agent, Top: t.outer.Top,
		Ring: &keys.Ring{Dir: filepath.Join(t.outer.CommonDir, "crosslink", "keys"), Environ: t.environ, Ask: t.o.Ask}}
}

// key returns the key that is asked for, and says so if it was made for that.
func (t *Tracker) key(q agents.Request) (keys.Signer, error) {
	k, made, err := t.signer().Key(q)
	if made {
		t.notice(fail.Notice{Code: "new-agent/key", Text: fmt.Sprintf("'%s' signs with a key made for it", q.Agent)})
	}
	return k, err
}

// signing is how the lines of one call are signed.
type signing struct {
	unsigned bool      // there is no key, or it failed, and it was told
	handing  trust.Key // the own key that is handing over to the next one
}

// ownLog is what signing has to know of an agent's log.
func ownLog(s *reading.Snapshot, agent string) agents.Log {
	l := agents.Log{Agent: agent, Policy: trust.Warn, Signed: s.ContinuedSigned(agent), Free: func() string { return freeID(s, agent) }}
	if s.Meta != nil {
		l.Policy = s.Meta.Signing
	}
	l.Here = s.Logs[agent] != nil && s.Logs[agent].Here != ""
	return l
}

// cannotSign says what becomes of a write that cannot be signed: an error where
// signatures are required, else at most one warning.
func (t *Tracker) cannotSign(s *reading.Snapshot, agent string, err error) error {
	n, once, refused := t.signer().Unsigned(ownLog(s, agent), err)
	switch {
	case refused != nil || n.Code == "":
		return refused
	case !once:
		t.notice(n)
	case !t.contact.Unsigned && !t.unwatched:
		t.notice(n)
		_ = t.contact.Remember(func(c *hubs.Note) { c.Unsigned = true }) // else it is said again
	}
	return nil
}

// admitted refuses a write that nobody would count: an agent that a closed hub
// does not list, one that is revoked, one whose key is not listed where
// signatures are required.
func (t *Tracker) admitted(s *reading.Snapshot) error {
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
	s, err := t.reads.Load(ctx)
	if err != nil {
		return nil // the next command tells
	}
	if l := s.Logs[t.agent]; l == nil || l.Verdict == nil || l.Verdict.Fed >= lines[len(lines)-1].Seq {
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
func (t *Tracker) tellNotAdmitted(s *reading.Snapshot) {
	l := s.Logs[t.agent]
	if l == nil || l.Seq == 0 {
		return
	}
	if e := t.notAdmitted(s, false); e != nil && e.Code.Name() == "not-approved" {
		t.tellOnce(e.Notice(e.Message + ": what is written here is kept, and does not count"))
	}
}

// notAdmitted says why nothing that is written now would count, nil if it
// would. make lets it make the key that an admin is to see.
func (t *Tracker) notAdmitted(s *reading.Snapshot, make bool) *fail.Error {
	return agents.NotAdmitted(s.Roll, t.agent, func() (keys.Signer, error) { return t.key(agents.Request{Agent: t.agent, Make: make}) })
}

// errAgain says that a write has to begin again.
var errAgain = errors.New("again")

// writer returns the key that the next lines of an agent are signed with;
// nil leaves them unsigned, and it has been told why.
func (t *Tracker) writer(s *reading.Snapshot, agent string, first bool, how *signing) (keys.Signer, error) {
	if how.unsigned {
		return nil, nil
	}
	k, err := t.key(agents.Request{Agent: agent, InForce: s.Keys(agent), Make: first, Handing: how.handing})
	if err == nil {
		if t.contact.Unsigned {
			_ = t.contact.Remember(func(c *hubs.Note) { c.Unsigned = false })
		}
		return k, nil
	}
	err = t.cannotSign(s, agent, err)
	how.unsigned = err == nil
	return nil, err
}

// unsignedThen lets a write whose key failed half-way begin again without it,
// if that may be.
func (t *Tracker) unsignedThen(s *reading.Snapshot, err error, how *signing) error {
	if failed := (*agents.SignError)(nil); !errors.As(err, &failed) {
		return err
	}
	if err := t.cannotSign(s, t.agent, err); err != nil {
		return err
	}
	how.unsigned = true
	return errAgain
}

// signStep signs a step of the ledger.
func (t *Tracker) signStep(ctx context.Context, s *reading.Snapshot, l *ledger.Ledger) error {
	k, err := t.key(agents.Request{Agent: l.WrittenBy, InForce: s.Keys(l.WrittenBy)})
	return agents.SignStep(ctx, s.Roll, l, k, err)
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
	return true
}
