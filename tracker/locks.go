package tracker

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// locks are the grants and queues of the ledger, and over them what is not
// covered yet: claims written in this clone, and every release and break, which
// will end its grant whoever decides it.
func (s *snapshot) locks() store.Decided {
	now := s.granted()
	d := store.Decided{Aliases: now.Aliases, Locks: map[event.UUID]store.Lock{}, Queue: map[event.UUID][]store.Waiter{}}
	if s.newerRules() { // who holds what now, newer programs know
		return d
	}
	for u, k := range now.Locks {
		d.Locks[u] = store.Lock{Holder: k.Agent, Token: k.Token, Since: k.ClaimedAt, Branch: k.Branch, Confirmed: true}
	}
	for u, q := range now.Queue {
		for _, w := range q {
			d.Queue[u] = append(d.Queue[u], store.Waiter{Agent: w.Agent, Since: w.ClaimedAt, Confirmed: true})
		}
	}
	for _, id := range s.agents() {
		own := s.logs[id].here != ""
		for _, e := range s.open(s.logs[id]) {
			if _, claim := e.Body.(*event.LockClaimed); own || !claim {
				pend(d, id, e)
			}
		}
	}
	return d
}

// pend shows one line that no step covers yet.
func pend(d store.Decided, id string, e *event.Envelope) {
	switch b := e.Body.(type) {
	case *event.LockClaimed:
		k, held := d.Locks[b.Issue]
		switch {
		case held && k.Holder == id && !k.Ending || waits(d.Queue[b.Issue], id) > 0:
		case !held:
			d.Locks[b.Issue] = store.Lock{Holder: id, Since: e.Shown(), Branch: b.Branch}
		default: // void if that grant still stands when it is judged and it does not wait
			d.Queue[b.Issue] = append(d.Queue[b.Issue], store.Waiter{Agent: id, Since: e.Shown()})
		}
	case *event.LockReleased:
		d.Queue[b.Issue] = slices.DeleteFunc(d.Queue[b.Issue], func(w store.Waiter) bool { return w.Agent == id })
		if k, held := d.Locks[b.Issue]; held && k.Holder == id {
			end(d, b.Issue, k)
		}
	case *event.LockBroken:
		if k, held := d.Locks[b.Issue]; held && k.Confirmed && k.Token == b.Token {
			end(d, b.Issue, k)
		}
	}
}

// end marks a grant as ended here; a claim that nobody has decided is gone.
func end(d store.Decided, issue event.UUID, k store.Lock) {
	if !k.Confirmed {
		delete(d.Locks, issue)
		return
	}
	k.Ending = true
	d.Locks[issue] = k
}

// waits is an agent's place in a queue, 1 being next; 0 if it has none.
func waits(q []store.Waiter, agent string) int {
	return 1 + slices.IndexFunc(q, func(w store.Waiter) bool { return w.Agent == agent })
}
