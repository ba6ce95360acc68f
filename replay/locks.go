package replay

import (
	"errors"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Locks returns the grants and queues of the ledger, changed by what no step covers yet:
// claims written in this clone, and every release and break, because any step that covers
// them will end the grant.
func (s *State) Locks() map[event.UUID]delta.Lock {
	all := map[event.UUID]delta.Lock{}
	if errors.Is(s.Ledger.Err, ledger.ErrNewer) { // newer programs know who holds what
		return all
	}
	for u, k := range s.Ledger.Locks {
		lock := delta.Lock{Holder: k.Agent, Token: k.Token, Since: k.ClaimedAt, Branch: k.Branch, Confirmed: true}
		for _, w := range s.Ledger.Queue[u] {
			lock.Queue = append(lock.Queue, delta.Waiter{Agent: w.Agent, Since: w.ClaimedAt, Confirmed: true})
		}
		all[u] = lock
	}
	for _, id := range s.activeWith(func(c *Cursor) bool { return len(c.Undecided) > 0 }) {
		c := s.Logs.cursors[id]
		for _, e := range s.Open(id) {
			if _, claim := e.Body.(*event.LockClaimed); c.Here != "" || !claim {
				foresee(all, id, e)
			}
		}
	}
	maps.DeleteFunc(all, func(_ event.UUID, k delta.Lock) bool { return k.Holder == "" })
	return all
}

// foresee shows one line that no step covers yet. A queue may outlive its lock
// here, for the next claim.
func foresee(all map[event.UUID]delta.Lock, id string, e *event.Envelope) {
	switch b := e.Body.(type) {
	case *event.LockClaimed:
		k := all[b.Issue]
		waits := slices.ContainsFunc(k.Queue, func(w delta.Waiter) bool { return w.Agent == id })
		switch {
		case k.Holder == id && !k.Ending || waits:
			return
		case k.Holder == "":
			k.Holder, k.Since, k.Branch = id, e.Shown(), b.Branch
		default: // void if that grant still stands when it is judged and it does not wait
			k.Queue = append(slices.Clip(k.Queue), delta.Waiter{Agent: id, Since: e.Shown()})
		}
		all[b.Issue] = k
	case *event.LockReleased:
		k, known := all[b.Issue]
		if !known {
			return
		}
		if k.Queue = slices.DeleteFunc(slices.Clone(k.Queue), func(w delta.Waiter) bool { return w.Agent == id }); len(k.Queue) == 0 {
			k.Queue = nil
		}
		if k.Holder == id {
			k = ended(k)
		}
		all[b.Issue] = k
	case *event.LockBroken:
		if k := all[b.Issue]; k.Confirmed && k.Token == b.Token {
			all[b.Issue] = ended(k)
		}
	}
}

// ended is a grant that is marked as ended here; a claim that is still undecided
// is gone.
func ended(k delta.Lock) delta.Lock {
	if !k.Confirmed {
		return delta.Lock{Queue: k.Queue}
	}
	k.Ending = true
	return k
}

// lockChanges are the locks that differ, as they are now.
func lockChanges(was, now map[event.UUID]delta.Lock) map[event.UUID]delta.Lock {
	changed := map[event.UUID]delta.Lock{}
	for u, k := range now {
		if old, held := was[u]; !held || !sameLock(old, k) {
			changed[u] = k
		}
	}
	for u := range was {
		if _, held := now[u]; !held {
			changed[u] = delta.Lock{}
		}
	}
	return changed
}

func sameLock(a, b delta.Lock) bool {
	q, r := a.Queue, b.Queue
	a.Queue, b.Queue = nil, nil
	return a.Holder == b.Holder && a.Token == b.Token && a.Since == b.Since && a.Branch == b.Branch && a.Confirmed == b.Confirmed && a.Ending == b.Ending && slices.Equal(q, r)
}
