package clone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Signer returns the keys of this clone: one directory for all worktrees, one key for each
// agent id.
func (c *Clone) Signer() agents.Signer {
	return agents.Signer{Identity: c.Identity(), Own: c.Agent, Top: c.Outer.Top,
		Ring: &keys.Ring{Dir: filepath.Join(c.Outer.CommonDir, "crosslink", "keys"), Environ: c.Environ, Ask: c.Options.Ask}}
}

// Key returns the requested key, and reports it if the key was made for this.
func (c *Clone) Key(q agents.Request) (keys.Signer, error) {
	k, made, err := c.Signer().Key(q)
	if made {
		c.Notice(fail.Notice{Code: "new-agent/key", Text: fmt.Sprintf("'%s' signs with a key made for it", q.Agent)})
	}
	return k, err
}

// Signing is how the lines of one call are signed.
type Signing struct {
	Unsigned bool      // there is no key, or it failed, and this was reported
	Handing  trust.Key // the key that hands over to the next one
}

// ownLog returns the facts about an agent's log that signing needs.
func ownLog(s *reading.Snapshot, agent string) agents.Log {
	l := agents.Log{Agent: agent, Policy: trust.Warn, Signed: s.ContinuedSigned(agent), Free: func() string { return freeID(s, agent) }}
	if s.Meta != nil {
		l.Policy = s.Meta.Signing
	}
	l.Here = s.Log(agent) != nil && s.Log(agent).Here != ""
	return l
}

// CannotSign handles a write that cannot be signed: an error if signatures are required,
// otherwise at most one warning.
func (c *Clone) CannotSign(s *reading.Snapshot, agent string, err error) error {
	n, once, refused := c.Signer().Unsigned(ownLog(s, agent), err)
	switch {
	case refused != nil || n.Code == "":
		return refused
	case !once:
		c.Notice(n)
	case !c.Contact.Unsigned && !c.Unwatched:
		c.Notice(n)
		_ = c.Contact.Remember(func(note *hubs.Note) { note.Unsigned = true }) // on failure it is reported again
	}
	return nil
}

// Admitted refuses a write that would not count: by an agent that a closed hub does not
// list, by a revoked agent, or with an unlisted key if signatures are required.
func (c *Clone) Admitted(s *reading.Snapshot) error {
	e := c.NotAdmitted(s, true)
	if e == nil {
		return nil
	}
	e.Message += ": nothing was written"
	return e
}

// TellNotAdmitted gives the notice that earlier writes of this clone do not count.
func (c *Clone) TellNotAdmitted(s *reading.Snapshot) {
	l := s.Log(c.Agent)
	if l == nil || l.Seq == 0 {
		return
	}
	if e := c.NotAdmitted(s, false); e != nil && e.Code.Name() == "not-approved" {
		c.TellOnce(e.Notice(e.Message + ": your changes are saved here, but do not count"))
	}
}

// NotAdmitted returns why a write would not count, nil if it would. make allows it to make
// the key that an admin has to approve.
func (c *Clone) NotAdmitted(s *reading.Snapshot, make bool) *fail.Error {
	return agents.NotAdmitted(s.Roll, c.Agent, func() (keys.Signer, error) { return c.Key(agents.Request{Agent: c.Agent, Make: make}) })
}

// ErrAgain means that a write has to start again.
var ErrAgain = errors.New("again")

// WritingKey returns the key that signs an agent's next lines. If it is nil, the lines stay
// unsigned, and the reason was reported.
func (c *Clone) WritingKey(s *reading.Snapshot, agent string, first bool, how *Signing) (keys.Signer, error) {
	if how.Unsigned {
		return nil, nil
	}
	k, err := c.Key(agents.Request{Agent: agent, InForce: s.Keys(agent), Make: first, Handing: how.Handing})
	if err == nil {
		if c.Contact.Unsigned {
			_ = c.Contact.Remember(func(note *hubs.Note) { note.Unsigned = false })
		}
		return k, nil
	}
	err = c.CannotSign(s, agent, err)
	how.Unsigned = err == nil
	return nil, err
}

// UnsignedThen lets a write whose key failed half-way start again without it, if this is
// allowed.
func (c *Clone) UnsignedThen(s *reading.Snapshot, err error, how *Signing) error {
	if failed := (*agents.SignError)(nil); !errors.As(err, &failed) {
		return err
	}
	if err := c.CannotSign(s, c.Agent, err); err != nil {
		return err
	}
	how.Unsigned = true
	return ErrAgain
}

// SignStep signs a step of the ledger.
func (c *Clone) SignStep(ctx context.Context, s *reading.Snapshot, l *ledger.Ledger) error {
	k, err := c.Key(agents.Request{Agent: l.WrittenBy, InForce: s.Keys(l.WrittenBy)})
	return agents.SignStep(ctx, s.Roll, l, k, err)
}

// Locked returns why the agent of this worktree cannot sign now, if its log accepts only
// signed lines; nil if it can sign, or need not. It never prompts.
func (c *Clone) Locked(ctx context.Context, s *reading.Snapshot) error {
	if c.Agent == "" || !s.ContinuedSigned(c.Agent) {
		return nil
	}
	k, err := c.Key(agents.Request{Agent: c.Agent, InForce: s.Keys(c.Agent)})
	if err != nil {
		return err
	}
	return agents.Ready(ctx, k)
}

// LockedError returns the same as a fail.Error; nil if it can sign.
func (c *Clone) LockedError(ctx context.Context, s *reading.Snapshot) *fail.Error {
	err := c.Locked(ctx, s)
	if err == nil {
		return nil
	}
	return c.Signer().Continue(ownLog(s, c.Agent), err,
		fmt.Sprintf("the log of '%s' was signed up to event %d, and nothing can be added to it now: %s", c.Agent, s.Log(c.Agent).Verdict().Vouched, agents.WhyUnsigned(err)))
}

// freeID returns an id similar to an agent's that has no log yet.
func freeID(s *reading.Snapshot, agent string) string {
	agent = strings.TrimRight(agent[:min(len(agent), 60)], "-")
	for n := 2; n < 100; n++ {
		if id := fmt.Sprintf("%s-%d", agent, n); s.Log(id) == nil && event.ValidAgentID(id) == nil {
			return id
		}
	}
	return agents.Mint("")
}

// AdminKey returns a key in this clone that may sign the next meta commit, nil if none is
// needed.
func (c *Clone) AdminKey(s *reading.Snapshot, state *trust.State) (keys.Signer, error) {
	return c.Signer().Admin(state, s.LocalAgents(c.Agent))
}
