package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// ClaimOptions say how a lock is asked for.
type ClaimOptions struct {
	Queue   bool   // take a place in the queue if it is held
	Branch  string // the branch the work happens on, for others to see
	Offline bool   // append only, leave the hub alone
}

// Outcome is how a claim stands.
type Outcome string

const (
	Held    Outcome = "held"        // confirmed by the hub's ledger
	Waiting Outcome = "queued"      // in the queue, confirmed
	Taken   Outcome = "taken"       // somebody else holds it
	Pending Outcome = "unconfirmed" // durable here, not decided yet
)

// Claim is what became of asking for a lock.
type Claim struct {
	Outcome Outcome
	Already bool        // it was so before: nothing was written
	Lock    *store.Lock // who holds or claims it now; nil if nobody
	Place   int         // 1 is next, with Waiting
	View    Projection
}

// Claim asks for an issue's lock. It looks at the hub first, so a lock that is
// held is not claimed in vain; the ledger decides between claims that race.
func (t *Tracker) Claim(ctx context.Context, issue event.UUID, o ClaimOptions) (*Claim, error) {
	freshness := Fresh
	if o.Offline {
		freshness = Offline
	}
	p, err := t.Read(ctx, freshness)
	if err != nil {
		return nil, err
	}
	if c, err := t.standing(p, issue); err != nil || c.Outcome == Held || c.Outcome == Waiting || c.Outcome == Taken && !o.Queue {
		if c != nil {
			c.Already = true
		}
		return c, err
	}
	r, err := t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true}, func(p Projection) ([]Body, error) {
		c, err := t.standing(p, issue)
		if err != nil || c.Lock != nil && c.Lock.Holder == t.agent || c.Outcome == Waiting {
			return nil, err // asked for already
		}
		return []Body{&event.LockClaimed{Issue: issue, Branch: o.Branch, Wait: o.Queue}}, nil
	})
	if err != nil {
		return nil, err
	}
	c, err := t.standing(r.View, issue)
	if err != nil || c.Outcome != Taken || !r.Undecided {
		return c, err
	}
	if o.Queue {
		c.Outcome = Pending
		return c, nil
	}
	// refused before the ledger has seen the claim: it must not be granted
	// later, when nobody waits for it any more
	_, err = t.Emit(ctx, EmitOptions{Offline: o.Offline, Lock: true}, func(Projection) ([]Body, error) {
		return []Body{&event.LockReleased{Issue: issue}}, nil
	})
	return c, err
}

// standing is how the lock of an issue stands for this agent.
func (t *Tracker) standing(p Projection, issue event.UUID) (*Claim, error) {
	row, err := p.Issue(issue)
	if err != nil {
		return nil, err
	}
	c := &Claim{Lock: row.Lock, View: p}
	for i, w := range row.Queue {
		if w.Agent == t.agent && t.agent != "" {
			c.Outcome, c.Place = Waiting, i+1
			return c, nil
		}
	}
	switch {
	case row.Lock == nil:
		c.Outcome = Pending
	case row.Lock.Holder == t.agent && row.Lock.Confirmed:
		c.Outcome = Held
	case row.Lock.Holder == t.agent || !row.Lock.Confirmed:
		c.Outcome = Pending
	default:
		c.Outcome = Taken
	}
	return c, nil
}
