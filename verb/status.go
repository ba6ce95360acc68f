package verb

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// SetStatus closes, reopens or archives issues, for a reason if one is given. The
// lock of an issue that ends with it ends, too.
func SetStatus(p tracker.Projection, me string, ids []string, to event.Status, reason *string) (plan Plan, rows []*store.Issue, err error) {
	if rows, err = ResolveAll(p, ids); err != nil {
		return plan, nil, err
	}
	for _, i := range rows {
		e := Effect{What: StatusSet, Issue: i}
		if b := statusBody(i, to, reason); b == nil {
			e.What = StatusAlready
			plan.add(e)
		} else {
			plan.add(e, b)
		}
		if to != event.Open || i.Status != event.Open { // a late claim must not outlive the reopening
			endLock(&plan, me, i, "closed")
		}
	}
	return plan, rows, nil
}

// statusBody is the event for one issue, nil if it has the status already.
func statusBody(i *store.Issue, to event.Status, reason *string) event.Body {
	b := &event.StatusChanged{UUID: i.UUID, NewStatus: to}
	if to == event.Archived {
		b.ClosedAt = i.ClosedAt
	}
	if reason != nil {
		b.Reason = *reason
	}
	if i.Status == to {
		if reason == nil || *reason == i.Reason {
			return nil
		}
		b.ClosedAt = i.ClosedAt
	}
	return b
}

// endLock is the end of a lock that an issue's end implies: its own agent's
// release, or the breaking of the grant that somebody else holds now.
func endLock(plan *Plan, me string, i *store.Issue, reason string) {
	own := slices.ContainsFunc(i.Queue, func(w store.Waiter) bool { return w.Agent == me })
	if l := i.Lock; l != nil && !l.Ending {
		switch {
		case l.Holder == me:
			own = true
			plan.add(Effect{What: OwnLockEnded, Issue: i, Lock: l})
		case l.Confirmed:
			plan.add(Effect{What: LockEnded, Issue: i, Lock: l}, &event.LockBroken{Issue: i.UUID, Token: l.Token, Reason: reason})
		}
	}
	if own {
		plan.Bodies = append(plan.Bodies, &event.LockReleased{Issue: i.UUID})
	}
}

// HeldError refuses to end a lock that another agent holds or claims.
type HeldError struct{ Issue *store.Issue }

func (e *HeldError) Error() string { return "the lock is another agent's" }

// Unlock releases an agent's locks, claims and places in queues. If breaking is
// not empty, it also ends other agents' grants.
func Unlock(p tracker.Projection, me string, rows []*store.Issue, breaking string) (plan Plan, err error) {
	for _, i := range rows {
		c, err := tracker.Standing(p, i.UUID, me)
		if err != nil {
			return Plan{}, err
		}
		release := &event.LockReleased{Issue: i.UUID}
		e := Effect{Issue: i, Lock: c.Lock}
		own := c.Lock != nil && c.Lock.Holder == me && !c.Lock.Ending
		switch {
		case !c.Mine(me) && (c.Lock == nil || c.Lock.Ending):
			e.What = NoLock
			plan.add(e)
		case own && c.Lock.Confirmed:
			e.What = LockReleased
			plan.add(e, release)
		case own:
			e.What = ClaimReleased
			plan.add(e, release)
		case c.Place > 0 && breaking == "":
			e.What = QueueLeft
			plan.add(e, release)
		case c.Lock.Confirmed && breaking != "":
			e.What = LockBroken
			plan.add(e, &event.LockBroken{Issue: i.UUID, Token: c.Lock.Token, Reason: breaking})
		default: // also another worktree's claim, of which no grant can be named yet
			return Plan{}, &HeldError{i}
		}
	}
	return plan, nil
}
