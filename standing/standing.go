// Package standing has the state of an issue's lock from an agent's point of view: who holds
// it, who waits, and the result of the agent's claim. Pure.
package standing

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/store"
)

// Outcome is how a lock stands for one agent.
type Outcome string

const (
	Held    Outcome = "held"        // by it, confirmed by the hub's ledger
	Waiting Outcome = "queued"      // it is in the queue, confirmed
	Taken   Outcome = "taken"       // somebody else holds it
	Pending Outcome = "unconfirmed" // claimed, durable here, not decided yet
	Free    Outcome = "free"        // nobody holds it, or the grant has been ended here
	Ended   Outcome = "ended"       // it was granted, and somebody ended it before this clone heard of it
	Closed  Outcome = "closed"      // the issue is not open, so a lock of it is invalid
)

// Claim is what became of asking for a lock.
type Claim struct {
	Outcome Outcome
	Already bool        // it was so before: nothing was written
	Lock    *store.Lock // who holds or claims it now; nil if nobody
	Place   int         // in the queue, 1 is next; 0 outside
	Token   uint64      // of the grant that was Ended
	View    reading.Projection
}

// Of is how the lock of an issue stands for an agent in a projection. Of an
// issue that is not open that is Closed, whatever the ledger grants: a claim that
// was on its way while somebody finished the issue is granted after that.
func Of(p reading.Projection, issue event.UUID, agent string) (*Claim, error) {
	row, err := p.Row(issue)
	if err != nil {
		if _, gone := p.Resolve(issue.String()); gone != nil { // this one knows what was deleted
			err = gone
		}
		return nil, err
	}
	c := &Claim{Lock: row.Lock, View: p}
	if agent != "" {
		c.Place = Waits(row.Queue, agent)
	}
	switch {
	case row.Status != event.Open:
		c.Outcome = Closed
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

// Waits is an agent's place in a queue, 1 being next; 0 if it has none.
func Waits(q []store.Waiter, agent string) int {
	return 1 + slices.IndexFunc(q, func(w store.Waiter) bool { return w.Agent == agent })
}

// Mine reports whether the lock, or a place in its queue, is the agent's, even if it is
// confirmed or not.
func (c *Claim) Mine(agent string) bool {
	return c.Place > 0 || c.Lock != nil && c.Lock.Holder == agent && !c.Lock.Ending
}

// Lost reports whether somebody else is known to hold it.
func (c *Claim) Lost(agent string) bool {
	return c.Lock != nil && c.Lock.Confirmed && !c.Lock.Ending && c.Lock.Holder != agent
}

// Settled reports whether there is nothing more to ask for.
func (c *Claim) Settled(queue bool) bool {
	return c.Outcome == Held || c.Outcome == Waiting || c.Outcome == Closed || c.Outcome == Taken && !queue
}
