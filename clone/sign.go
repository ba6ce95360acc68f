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

// Signer finds the keys of this clone: one directory for all worktrees, one key
// for each agent id.
func (c *Clone) Signer() agents.Signer {
	return agents.Signer{Identity: c.Identity(), Own: c.Agent, Top: c.Outer.Top,
		Ring: &keys.Ring{Dir: filepath.Join(c.Outer.CommonDir, "crosslink", "keys"), Environ: c.Environ, Ask: c.Options.Ask}}
}

// Key returns the key that is asked for, and reports it if it was made for that.
func (c *Clone) Key(q agents.Request) (keys.Signer, error) {
	k, made, err := c.Signer().Key(q)
	if made {
		c.Notice(fail.Notice{Code: "new-agent/key", Text: fmt.Sprintf("'%s' signs with a key made for it", q.Agent)})
	}
	return k, err
}

// Signing is how the lines of one call are signed.
type Signing struct {
	Unsigned bool      // there is no key, or it failed, and it was told
	Handing  trust.Key // the own key that is handing over to the next one
}

// ownLog is what signing has to know of an agent's log.
func ownLog(s *reading.Snapshot, agent string) agents.Log {
	l := agents.Log{Agent: agent, Policy: trust.Warn, Signed: s.ContinuedSigned(agent), Free: func() string { return freeID(s, agent) }}
	if s.Meta != nil {
		l.Policy = s.Meta.Signing
	}
	l.Here = s.Log(agent) != nil && s.Log(agent).Here != ""
	return l
}

// CannotSign says what becomes of a write that cannot be signed: an error where
// signatures are required, else at most one warning.
func (c *Clone) CannotSign(s *reading.Snapshot, agent string, err error) error {
	n, once, refused := c.Signer().Unsigned(ownLog(s, agent), err)
	switch {
	case refused != nil || n.Code == "":
		return refused
	case !once:
		c.Notice(n)
	case !c.Contact.Unsigned && !c.Unwatched:
		c.Notice(n)
		_ = c.Contact.Remember(func(note *hubs.Note) { note.Unsigned = true }) // else it is said again
	}
	return nil
}

// Admitted refuses a write that nobody would count: an agent that a closed hub
// does not list, one that is revoked, one whose key is not listed where
// signatures are required.
func (c *Clone) Admitted(s *reading.Snapshot) error {
	e := c.NotAdmitted(s, true)
	if e == nil {
		return nil
	}
	e.Message += ": nothing was written"
	return e
}

// TellNotAdmitted says that what was written here before that was known does
// not count.
func (c *Clone) TellNotAdmitted(s *reading.Snapshot) {
	l := s.Log(c.Agent)
	if l == nil || l.Seq == 0 {
		return
	}
	if e := c.NotAdmitted(s, false); e != nil && e.Code.Name() == "not-approved" {
		c.TellOnce(e.Notice(e.Message + ": your changes are saved here, but do not count"))
	}
}

// NotAdmitted says why nothing that is written now would count, nil if it
// would. make lets it make the key that an admin is to see.
func (c *Clone) NotAdmitted(s *reading.Snapshot, make bool) *fail.Error {
	return agents.NotAdmitted(s.Roll, c.Agent, func() (keys.Signer, error) { return c.Key(agents.Request{Agent: c.Agent, Make: make}) })
}

// ErrAgain says that a write has to begin again.
var ErrAgain = errors.New("again")

// WritingKey returns the key that the next lines of an agent are signed with;
// nil leaves them unsigned, and it has been told why.
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

// UnsignedThen lets a write whose key failed half-way begin again without it,
// if that may be.
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

// Locked says why the agent of this worktree, whose log is to be continued signed,
// cannot sign now; nil if it can, or need not. Nobody is asked for anything.
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

// LockedError says so; nil if it can sign.
func (c *Clone) LockedError(ctx context.Context, s *reading.Snapshot) *fail.Error {
	err := c.Locked(ctx, s)
	if err == nil {
		return nil
	}
	return c.Signer().Continue(ownLog(s, c.Agent), err,
		fmt.Sprintf("the log of '%s' was signed up to event %d, and nothing can be added to it now: %s", c.Agent, s.Log(c.Agent).Verdict().Vouched, agents.WhyUnsigned(err)))
}

// freeID is an id like an agent's that has no log yet.
func freeID(s *reading.Snapshot, agent string) string {
	agent = strings.TrimRight(agent[:min(len(agent), 60)], "-")
	for n := 2; n < 100; n++ {
		if id := fmt.Sprintf("%s-%d", agent, n); s.Log(id) == nil && event.ValidAgentID(id) == nil {
			return id
		}
	}
	return agents.Mint("")
}

// AdminKey returns the key here that may sign the meta commit after a state, nil
// if nobody has to.
func (c *Clone) AdminKey(s *reading.Snapshot, state *trust.State) (keys.Signer, error) {
	return c.Signer().Admin(state, s.LocalAgents(c.Agent))
}
