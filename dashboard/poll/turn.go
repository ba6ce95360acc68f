package poll

import (
	"sync"
	"time"
)

// turn is the place of one look among those that run. A look begins in a worker's slot.
// When it has used up its Patience it makes room for another one, but only as long as
// fewer than slowLooks did: on a machine that is too slow for all, looks would pile up
// otherwise. One that continues beyond its Deadline hangs in the system and no longer
// counts.
type turn struct {
	p     *Poller
	done  func() // the pass waits no longer
	timer *time.Timer
	left  time.Duration // until the Deadline

	mu   sync.Mutex
	held chan struct{} // what it has to give back: a slot, then a place among the slow; nil in the end
}

// begin notes that a look begins, for which a slot was taken.
func (p *Poller) begin(done func()) *turn {
	t := &turn{p: p, done: done, left: Deadline, held: p.slots}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(p.o.Patience, t.late)
	return t
}

// late makes room, or tries again in a while.
func (t *turn) late() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left -= t.p.o.Patience; t.left <= 0 {
		t.leave()
		return
	}
	if t.held == t.p.slots {
		select {
		case t.p.slow <- struct{}{}:
			t.leave()
			t.held = t.p.slow
		default:
		}
	}
	if t.held != nil {
		t.timer.Reset(t.p.o.Patience)
	}
}

// leave releases everything that is held.
func (t *turn) leave() {
	if t.held == nil {
		return
	}
	<-t.held
	if t.held == t.p.slots {
		t.done()
	}
	t.held = nil
}

// end notes that the look has ended.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer.Stop()
	t.leave()
}
