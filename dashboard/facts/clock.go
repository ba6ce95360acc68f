package facts

import (
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// Clock compares times with the present, and remembers when the first of its answers will
// change. So a rule that asks only a Clock about time is evaluated again when that changes it.
type Clock struct {
	now  event.Time // frozen at limit
	last event.Time // the greatest value that now can ever reach
	next *event.Time
}

// forever is later than any time of an event, and leaves room for sums.
const forever = event.Time(1<<63 - 1)

// NewClock returns a clock that shows now.
func NewClock(now event.Time) *Clock {
	next := forever
	return &Clock{now: now, last: forever, next: &next}
}

// fetchGrace is how long after a fetch an agent is judged as if the fetch were
// now: a tick.
const fetchGrace = event.Time(5 * time.Second)

// Seen is the clock by which agents are judged. If they are seen through fetches, it stops
// shortly after the last successful one, so agents do not look silent while the hub cannot be
// reached.
func (c *Clock) Seen(h *Health) *Clock {
	if !h.Remote {
		return c
	}
	limit := h.FetchedAt + fetchGrace
	return &Clock{now: min(c.now, limit), last: min(c.last, limit), next: c.next}
}

// Now is what the clock shows.
func (c *Clock) Now() event.Time { return c.now }

// After reports whether now is later than t.
func (c *Clock) After(t event.Time) bool { return c.From(t + 1) }

// From reports whether now is t or later.
func (c *Clock) From(t event.Time) bool {
	if c.now >= t {
		return true
	}
	if t <= c.last {
		*c.next = min(*c.next, t)
	}
	return false
}

// Next is when the first answer given so far changes; false if none ever does.
func (c *Clock) Next() (event.Time, bool) { return *c.next, *c.next != forever }
