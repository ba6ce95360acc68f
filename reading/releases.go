package reading

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// Releases returns the events that release all locks of an agent and its places in queues,
// after the events of before, if that is not nil.
func Releases(p Projection, agent string, before func(Projection) ([]event.Body, error)) (bodies []event.Body, err error) {
	if before != nil {
		if bodies, err = before(p); err != nil {
			return nil, err
		}
	}
	given := map[event.UUID]bool{}
	for _, b := range bodies {
		if r, ok := b.(*event.LockReleased); ok {
			given[r.Issue] = true
		}
	}
	rows, _, err := p.List(store.Filter{Status: "all"})
	for _, i := range rows {
		waits := slices.ContainsFunc(i.Queue, func(w store.Waiter) bool { return w.Agent == agent })
		if (i.Lock != nil && i.Lock.Holder == agent && !i.Lock.Ending || waits) && !given[i.UUID] {
			bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
		}
	}
	return bodies, err
}
