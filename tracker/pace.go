package tracker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// How many pushes a hub is sent, and when it is left alone. The rules are:
//
//   - a hub with a limit is sent that many pushes in any 60 s by all processes
//     of a clone together. Half of them are for facts; the last sixth is for
//     those who wait: --wait, sync, init;
//   - claims and releases have as many of their own, whatever else was sent. A
//     push that carries one is theirs, whoever sends it, and takes along all that
//     waits. What locks take is gone for the others, but for one push a minute;
//   - facts start at the earliest 10 s after the last push, so that the events of
//     one job go together: nobody waits for them;
//   - a server that is busy (429, 5xx, no answer at all) is left alone for as
//     long as it asks, else 30 s, twice as long each time, at most an hour and
//     somewhat longer at random; only 'git crosslink sync' asks it before;
//   - a hub without a limit has one for an hour after it was busy or slow.
//
// Which hubs have a limit is in pacing.go.
const (
	minute      = 60 * time.Second
	coalesce    = 10 * time.Second
	firstHold   = 30 * time.Second
	longestHold = time.Hour

	slowPush     = 10 * time.Second // a push that takes longer makes a hub slow
	slowedPushes = 6                // what a hub is sent a minute that was busy or slow
	slowedFor    = time.Hour
)

// urgency says how much of a minute's pushes a push may use up.
type urgency byte

const (
	facts    urgency = iota // nobody notices when they arrive
	numbers                 // an issue is shown without its number meanwhile
	somebody                // waits for it
	locks                   // a claim or a release
)

// share is how many of n pushes a minute there may be before this one waits.
func (u urgency) share(n int) int {
	switch u {
	case facts:
		return n - n/2
	case numbers:
		return n - n/6
	}
	return n
}

// pace is what a clone remembers of its pushes to a hub.
type pace struct {
	Hub    string      `json:"hub,omitempty"`    // its URL
	Pushes []time.Time `json:"pushes,omitempty"` // when they started, those of the last minute
	Locks  []time.Time `json:"locks,omitempty"`  // the same of pushes that carried claims or releases
	Holds  int         `json:"holds,omitempty"`  // how often in a row the hub was busy
	Until  time.Time   `json:"until,omitzero"`   // it is left alone
	Why    string      `json:"why,omitempty"`
	Slow   bool        `json:"slow,omitempty"`  // a push took longer than a command waits, and none less since
	Slowed time.Time   `json:"slowed,omitzero"` // until then a hub without a limit has one
}

// asOf drops what is over. Times that have not come yet are of a clock that was
// wrong: pushes are now, and what lies further ahead than any rule goes is over.
func (p *pace) asOf(now time.Time) {
	for _, all := range []*[]time.Time{&p.Pushes, &p.Locks} {
		recent := (*all)[:0]
		for _, at := range *all {
			if at.After(now) {
				at = now
			}
			if now.Sub(at) < minute {
				recent = append(recent, at)
			}
		}
		*all = recent
	}
	if p.Until.After(now.Add(2 * longestHold)) {
		p.Until = time.Time{}
	}
	if !p.Slowed.After(now) || p.Slowed.After(now.Add(slowedFor)) {
		p.Slowed = time.Time{}
	}
}

// turn is when the next push may start where n are allowed a minute, 0 is any
// number; a time that is over is at once.
func (p *pace) turn(n int, u urgency) time.Time {
	if n == 0 {
		return time.Time{}
	}
	if u == locks {
		return nth(p.Locks, n)
	}
	all := slices.Concat(p.Pushes, p.Locks)
	slices.SortFunc(all, time.Time.Compare)
	at := nth(all, u.share(n))
	if own := nth(p.Pushes, 1); own.Before(at) {
		at = own
	}
	if u != facts || len(all) == 0 {
		return at
	}
	return latest(at, all[len(all)-1].Add(coalesce))
}

// nth is when fewer than n of these times will lie in the last minute.
func nth(times []time.Time, n int) time.Time {
	if len(times) < n {
		return time.Time{}
	}
	return times[len(times)-n].Add(minute)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// started notes a push.
func (p *pace) started(now time.Time, u urgency) {
	if u == locks {
		p.Locks = append(p.Locks, now)
	} else {
		p.Pushes = append(p.Pushes, now)
	}
}

// busy notes that the hub is to be left alone, and for how long it asked for that.
func (p *pace) busy(now time.Time, why string, asked time.Duration) {
	wait := max(min(firstHold<<min(p.Holds, 10), longestHold), min(asked, longestHold))
	wait += rand.N(min(wait/4, minute)) // not all clones at once
	p.Holds++
	p.Until, p.Why, p.Slowed = now.Add(wait), why, now.Add(slowedFor)
}

// ended notes how long a push took that came to an end, or was given up (cut).
// wait is how long a command waits. It reports whether that changes anything.
func (p *pace) ended(now time.Time, took, wait time.Duration, cut bool) bool {
	changed := false
	if slow := cut || p.Slow && took > wait; slow != p.Slow {
		p.Slow, changed = slow, true
	}
	if took > slowPush {
		p.Slowed, changed = now.Add(slowedFor), true
	}
	if !cut && p.Holds > 0 {
		p.Holds, p.Until, p.Why, changed = 0, time.Time{}, "", true
	}
	return changed
}

// limited says what a limit is, for people.
func limited(n int, u urgency) string {
	what := "pushes"
	if u == locks {
		what = "pushes of locks"
	}
	if n == 1 {
		what = "push" + what[len("pushes"):]
	}
	return fmt.Sprintf("limit: %d %s a minute", n, what)
}
