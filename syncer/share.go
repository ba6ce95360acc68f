package syncer

import (
	"fmt"
	"time"
)

// Rate is a number of pushes in a period. The zero Rate is unlimited.
type Rate struct {
	Pushes int
	Per    time.Duration
}

// perMinute is n pushes a minute, and any number for 0.
func perMinute(n int) Rate {
	if n <= 0 {
		return Rate{}
	}
	return Rate{n, minute}
}

// slower reports whether r allows less than other.
func (r Rate) slower(other Rate) bool {
	return r != Rate{} && (other == Rate{} || float64(r.Pushes)*float64(other.Per) < float64(other.Pushes)*float64(r.Per))
}

// spreads is the smallest limit whose pushes are spread: they are 4 s apart at most.
const spreads = 20

// spread is when the next push may start after these. A quarter of the limit may start
// at once, and the others evenly apart, so that there is always one left soon.
func (r Rate) spread(times []time.Time) time.Time {
	burst := r.Pushes / 4
	if r.Pushes < spreads || len(times) < burst {
		return time.Time{}
	}
	return times[len(times)-1].Add(r.Per / time.Duration(r.Pushes-burst))
}

// String returns the rate in words: "6 pushes a minute", "1 push in 4 min".
func (r Rate) String() string { return r.of("push", "pushes") }

func (r Rate) of(one, many string) string {
	if r.Pushes == 1 {
		many = one
	}
	if r.Per == minute {
		return fmt.Sprintf("%d %s a minute", r.Pushes, many)
	}
	return fmt.Sprintf("%d %s in %d min", r.Pushes, many, (r.Per+time.Minute-1)/time.Minute)
}

const (
	// longestShare is the longest that a share makes a clone wait between two
	// pushes, however many clones there are.
	longestShare = 10 * time.Minute
	// handover is how many pushes a minute a clone has for its locks, whatever its
	// share: a claim and a release.
	handover = 2
	// MaxPerMinute is the highest limit of a hub; a larger number means no limit.
	MaxPerMinute = 100_000
)

// Shared is the limit that the admins of a hub have set for all its clones together
// (policy.pushes_per_minute in its meta), and the agents that share it: those that wrote
// recently, each with an equal share. So a clone in which fifty of them work has fifty
// times the share of a clone with one.
type Shared struct {
	PerMinute uint64 // 0 is no limit
	Active    int    // agents that wrote lately
	Here      int    // of them, in this clone
}

// Share returns this clone's share of the limit. A clone that is about to push counts as
// having an agent, even if the agent has not been seen.
func (h Shared) Share() Rate {
	if h.PerMinute == 0 || h.PerMinute > MaxPerMinute {
		return Rate{}
	}
	here := max(h.Here, 1)
	all := max(h.Active, here)
	mine := int(h.PerMinute) * here
	if mine >= all {
		return Rate{mine / all, minute}
	}
	return Rate{1, min(minute*time.Duration(all)/time.Duration(mine), longestShare)}
}

// LongestPause is the longest time between two polls.
const LongestPause = time.Minute

// Pause returns how long to wait before the next poll: first at first, then longer the
// longer nothing new has come (quiet), up to a minute. jitter, in [0, 1), shortens the
// pause by up to a quarter, so that clones that started together do not poll together.
func Pause(first, quiet time.Duration, jitter float64) time.Duration {
	pause := min(max(quiet/5, first), max(LongestPause, first))
	return pause - time.Duration(jitter*float64(pause/4))
}
