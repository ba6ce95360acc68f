package tracker

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/store"
)

// ClaimOptions say how a lock is asked for.
type ClaimOptions struct {
	Queue   bool   // take a place in the queue if it is held
	Branch  string // the branch the work happens on, for others to see
	Offline bool   // append only, leave the hub alone
}

// Outcome is how a lock stands for one agent.
type Outcome string

const (
	Held    Outcome = "held"        // by it, confirmed by the hub's ledger
	Waiting Outcome = "queued"      // it is in the queue, confirmed
	Taken   Outcome = "taken"       // somebody else holds it
	Pending Outcome = "unconfirmed" // claimed, durable here, not decided yet
	Free    Outcome = "free"        // nobody holds it, or the grant has been ended here
	Ended   Outcome = "ended"       // it was granted, and somebody ended it before this clone heard of it
)

// Claim is what became of asking for a lock.
type Claim struct {
	Outcome Outcome
	Already bool        // it was so before: nothing was written
	Lock    *store.Lock // who holds or claims it now; nil if nobody
	Place   int         // in the queue, 1 is next; 0 outside
	Token   uint64      // of the grant that was Ended
	View    Projection
}

// Standing is how the lock of an issue stands for an agent in a projection.
func Standing(p Projection, issue event.UUID, agent string) (*Claim, error) {
	row, err := p.Issue(issue)
	if err != nil {
		return nil, err
	}
	c := &Claim{Lock: row.Lock, View: p}
	if agent != "" {
		c.Place = waits(row.Queue, agent)
	}
	switch {
	case c.Place > 0 && row.Queue[c.Place-1].Confirmed:
		c.Outcome = Waiting
	case c.Place > 0:
		c.Outcome = Pending
	case row.Lock == nil || row.Lock.Ending:
		c.Outcome = Free
	case !row.Lock.Confirmed:
		c.Outcome = Pending
	case row.Lock.Holder == agent:
		c.Outcome = Held
	default:
		c.Outcome = Taken
	}
	return c, nil
}

// claimTries bounds how often a claim is made again that lost to a holder who
// has gone since.
const claimTries = 4

// Claim asks for an issue's lock. It looks at the hub first, so a lock that is
// held is not claimed in vain; the ledger decides between claims that race.
func (t *Tracker) Claim(ctx context.Context, issue event.UUID, o ClaimOptions) (*Claim, error) {
	t.asking = issue
	defer func() { t.asking = event.UUID{} }()
	freshness := Fresh
	if o.Offline {
		freshness = Offline
	}
	p, err := t.Read(ctx, freshness)
	if err != nil {
		return nil, err
	}
	if c, err := Standing(p, issue, t.agent); err != nil || c.settled(o) {
		if c != nil {
			c.Already = true
		}
		return c, err
	}
	if err := open(p, issue); err != nil {
		return nil, err
	}
	for range claimTries {
		before, err := t.load(ctx)
		if err != nil {
			return nil, err
		}
		known := before.ledger().view
		c, r, err := t.claim(ctx, issue, o)
		if err != nil {
			return nil, err
		}
		token, err := t.ended(ctx, c, r, known)
		if err != nil {
			return nil, err
		}
		switch {
		case token != 0:
			c.Outcome, c.Token, c.Place = Ended, token, 0
			return c, nil
		case r.Undecided && !o.Queue && c.lost(t.agent):
			// refused before the ledger has seen the claim: it must not be
			// granted later, when nobody waits for it any more
			c.Outcome, c.Place = Taken, 0
			_, err = t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true}, func(Projection) ([]Body, error) {
				return []Body{&event.LockReleased{Issue: issue}}, nil
			})
			return c, err
		case c.settled(o) || r.Undecided || c.Outcome == Pending:
			return c, nil
		}
		// it was held when the step was made, and is not any more
	}
	return nil, &Error{Kind: Unconfirmed, Name: "claim-race",
		Message: "the lock kept changing hands while it was claimed; no claim of yours is left",
		Hints:   []string{"take a place in the queue: git crosslink lock --wait <id>"}}
}

// ended returns the token of the grant that the claim of a receipt got and has
// lost again, 0 if there was none. Others were shown that grant, and somebody
// broke it: to claim again would undo that behind his back. known is the ledger
// from before the claim.
func (t *Tracker) ended(ctx context.Context, c *Claim, r *Receipt, known ledger.View) (uint64, error) {
	if r.Undecided || len(r.Lines) == 0 || c.Outcome != Free && c.Outcome != Taken {
		return 0, nil
	}
	line := r.Lines[len(r.Lines)-1]
	claimed, ok := line.Body.(*event.LockClaimed)
	if !ok {
		return 0, nil
	}
	s, err := t.load(ctx)
	if err != nil || s.ledger().err != nil {
		return 0, err
	}
	reader := ledger.NewReader(newSteps(ctx, t.local(), s.hubID()), s.hubID())
	if known.Tip != "" {
		reader.Resume(known)
	}
	l, granted, err := reader.Granted(s.decided.view.Tip, claimed.Issue, r.Agent, line.Seq)
	if err != nil || !granted {
		return 0, ignoreMissing(err)
	}
	return l.Token, nil
}

// open refuses to claim what is done: who asks for a lock is about to work.
func open(p Projection, issue event.UUID) error {
	row, err := p.Issue(issue)
	if err != nil || row.Status == event.Open {
		return err
	}
	return &Error{Kind: No, Name: "closed", Message: fmt.Sprintf("issue '%s' is %s: there is nothing to lock", row.Name(), row.Status),
		Hints: []string{"if there is still something to do: git crosslink reopen " + row.Name()}}
}

// lost reports whether somebody else is known to hold it.
func (c *Claim) lost(agent string) bool {
	return c.Lock != nil && c.Lock.Confirmed && !c.Lock.Ending && c.Lock.Holder != agent
}

// settled reports whether there is nothing more to ask for.
func (c *Claim) settled(o ClaimOptions) bool {
	return c.Outcome == Held || c.Outcome == Waiting || c.Outcome == Taken && !o.Queue
}

// claim appends a claim, unless one of this agent is on its way already, and
// publishes it.
func (t *Tracker) claim(ctx context.Context, issue event.UUID, o ClaimOptions) (*Claim, *Receipt, error) {
	r, err := t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true}, func(p Projection) ([]Body, error) {
		row, err := p.Issue(issue)
		if err != nil || waits(row.Queue, t.agent) > 0 || row.Lock != nil && row.Lock.Holder == t.agent && !row.Lock.Ending {
			return nil, err // asked for already
		}
		return []Body{&event.LockClaimed{Issue: issue, Branch: o.Branch, Wait: o.Queue}}, nil
	})
	if err != nil {
		return nil, nil, err
	}
	c, err := Standing(r.View, issue, t.agent)
	return c, r, err
}
