package tracker

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/standing"
)

// ClaimOptions say how to claim a lock.
type ClaimOptions struct {
	Queue   bool   // wait in the queue if somebody else holds the lock
	Branch  string // the branch of the work, for others to see
	Offline bool   // append only, do not contact the hub
}

// Claim is the result of a claim, and Outcome the state of a lock.
type (
	Claim   = standing.Claim
	Outcome = standing.Outcome
)

// The states of a lock for an agent (package standing).
const (
	Held    = standing.Held
	Waiting = standing.Waiting
	Taken   = standing.Taken
	Pending = standing.Pending
	Free    = standing.Free
	Ended   = standing.Ended
	Closed  = standing.Closed
)

// Standing returns the state of an issue's lock for an agent, in a projection.
func Standing(p Projection, issue event.UUID, agent string) (*Claim, error) {
	return standing.Of(p, issue, agent)
}

// lookedLately is how old the data about the hub may be when a lock is reported as held. A
// push takes less time unless the hub is slow.
const lookedLately = 3 * time.Second

// claimTries bounds how often a claim is repeated that lost to a holder who has released
// the lock since.
const claimTries = 4

// Claim claims the lock of an issue. Unless this process has already contacted the hub, it
// fetches first, so that it does not claim a lock that somebody holds. If claims race, the
// ledger decides.
func (t *Tracker) Claim(ctx context.Context, issue event.UUID, o ClaimOptions) (*standing.Claim, error) {
	how := &clone.Signing{}
	c, err := t.beforeClaim(ctx, issue, o)
	switch {
	case err != nil:
		return nil, err
	case c.Outcome == standing.Closed && c.Mine(t.clone.Agent):
		return t.tooLate(ctx, issue, o, how)
	case c.Settled(o.Queue):
		c.Already = true
		return c, nil
	}
	for range claimTries {
		before, err := t.clone.Reads.Load(ctx)
		if err != nil {
			return nil, err
		}
		known := before.Decided().View
		c, r, err := t.claim(ctx, issue, o, how)
		if err != nil {
			return nil, err
		}
		if c, err = t.lookAgain(ctx, issue, o, c, r.seen); err != nil {
			return nil, err
		}
		if c.Outcome == standing.Closed { // closed while this command waited for the hub
			return t.tooLate(ctx, issue, o, how)
		}
		token, err := t.ended(ctx, c, r, known)
		if err != nil {
			return nil, err
		}
		switch {
		case token != 0:
			c.Outcome, c.Token, c.Place = standing.Ended, token, 0
			return c, nil
		case r.Undecided && !o.Queue && c.Lost(t.clone.Agent):
			// refused before the ledger has seen the claim: it must not be granted later, when
			// nobody is waiting for it
			c.Outcome, c.Place = standing.Taken, 0
			_, err = t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true, asking: issue, signing: how}, release(issue))
			return c, err
		case c.Settled(o.Queue) || r.Undecided || c.Outcome == standing.Pending:
			return c, nil
		}
		// it was held when the step was made, but no longer
	}
	return nil, &fail.Error{Kind: fail.Unconfirmed, Code: "claim-race",
		Message: "the lock changed hands too often while you were claiming it: your claim was withdrawn"}
}

// beforeClaim returns the state of a lock before it is claimed. If the hub was seen
// recently and the lock looks free, the hub is not contacted first: the ledger decides by
// the data on the hub, and lookAgain checks afterward for other changes, unless the push
// has shown that there are none.
func (t *Tracker) beforeClaim(ctx context.Context, issue event.UUID, o ClaimOptions) (*standing.Claim, error) {
	p, err := t.read(ctx, Offline, issue)
	if err != nil {
		return nil, err
	}
	c, err := standing.Of(p, issue, t.clone.Agent)
	age, known := t.clone.Contact.Since()
	if o.Offline || t.clone.Link.Reached || err == nil && c.Outcome == standing.Free && known && age < stale && t.clone.Agent != "" {
		return c, err
	}
	if p, err = t.read(ctx, Fresh, issue); err != nil {
		return nil, err
	}
	return standing.Of(p, issue, t.clone.Agent)
}

// ended returns the token of the grant that a receipt's claim got and has already lost, 0
// if there was none. Others saw that grant, and somebody broke it: claiming again would
// silently undo that. known is the ledger before the claim.
func (t *Tracker) ended(ctx context.Context, c *standing.Claim, r *Receipt, known ledger.View) (uint64, error) {
	if r.Undecided || len(r.Lines) == 0 || c.Outcome != standing.Free && c.Outcome != standing.Taken {
		return 0, nil
	}
	line := r.Lines[len(r.Lines)-1]
	claimed, ok := line.Body.(*event.LockClaimed)
	if !ok {
		return 0, nil
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || s.Decided().Err != nil {
		return 0, err
	}
	reader := ledger.NewReader(replay.NewSteps(ctx, t.clone.Local(), s.Hub), s.Hub)
	if known.Tip != "" {
		reader.Resume(known)
	}
	l, granted, err := reader.Granted(s.Ledger.Tip, claimed.Issue, r.Agent, line.Seq)
	if err != nil || !granted {
		return 0, refs.IgnoreMissing(err)
	}
	return l.Token, nil
}

// lookAgain fetches from the hub if that was not done recently: if somebody closed the
// issue without locking it, no ref has moved that would have refused the push. looked is
// when a push showed that the hub had not changed.
func (t *Tracker) lookAgain(ctx context.Context, issue event.UUID, o ClaimOptions, c *standing.Claim, looked time.Time) (*standing.Claim, error) {
	if t.clone.Link.Reached && t.clone.Contact.Last.After(looked) {
		looked = t.clone.Contact.Last
	}
	if o.Offline || c.Outcome != standing.Held || t.clone.Now().Sub(looked) < lookedLately {
		return c, nil
	}
	p, err := t.read(ctx, Fresh, issue)
	if err != nil {
		return nil, err
	}
	return standing.Of(p, issue, t.clone.Agent)
}

func release(issue event.UUID) func(Projection) ([]Body, error) {
	return func(Projection) ([]Body, error) { return []Body{&event.LockReleased{Issue: issue}}, nil }
}

// tooLate ends this agent's lock or claim on an issue that is closed. Nobody waits for
// this, so it is sent with the next push.
func (t *Tracker) tooLate(ctx context.Context, issue event.UUID, o ClaimOptions, how *clone.Signing) (*standing.Claim, error) {
	r, err := t.Emit(ctx, EmitOptions{Offline: true, asking: issue, signing: how}, release(issue))
	if err != nil {
		return nil, err
	}
	if !o.Offline {
		t.clone.Detach()
	}
	return standing.Of(r.View, issue, t.clone.Agent)
}

// releaseClosed releases this worktree's locks and claims on issues that are not open.
// Closing an issue ended the lock that was known then; only the claimer can end a later
// claim. If this fails, the sync still succeeds: such a lock blocks nobody.
func (t *Tracker) releaseClosed(ctx context.Context) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || t.clone.Agent == "" || !s.Bound || !s.Writable() || !s.Claims(t.clone.Agent) {
		return
	}
	closed := func(p Projection) (bodies []Body, err error) {
		rows, err := p.Locked()
		for _, row := range rows {
			if c, err := standing.Of(p, row.UUID, t.clone.Agent); err == nil && c.Outcome == standing.Closed && c.Mine(t.clone.Agent) {
				bodies = append(bodies, &event.LockReleased{Issue: row.UUID})
			}
		}
		return bodies, err
	}
	if some, err := closed(s.View); err != nil || len(some) == 0 {
		return
	}
	t.clone.TellDecided(s.View, UUID{}) // before the release ends the watch
	_, _ = t.Emit(ctx, EmitOptions{Offline: true}, closed)
}

// claim appends a claim, unless this agent already has a pending one, and publishes it.
func (t *Tracker) claim(ctx context.Context, issue event.UUID, o ClaimOptions, how *clone.Signing) (*standing.Claim, *Receipt, error) {
	r, err := t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true, asking: issue, signing: how}, func(p Projection) ([]Body, error) {
		row, err := p.Row(issue)
		if err != nil || standing.Waits(row.Queue, t.clone.Agent) > 0 || row.Lock != nil && row.Lock.Holder == t.clone.Agent && !row.Lock.Ending {
			return nil, err // already claimed
		}
		return []Body{&event.LockClaimed{Issue: issue, Branch: o.Branch, Wait: o.Queue}}, nil
	})
	if err != nil {
		return nil, nil, err
	}
	c, err := standing.Of(r.View, issue, t.clone.Agent)
	return c, r, err
}
