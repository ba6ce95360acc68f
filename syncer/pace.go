package syncer

import (
	"fmt"
	"slices"
	"time"
)

// How many pushes a hub is sent, and when it is left alone. The rules are:
//
//  1. A hub with a limit is sent that many pushes in any 60 s by all processes
//     of a clone together. Three of them, or a sixth, but at most half, are kept for
//     what is more urgent than facts; a sixth for commands that wait: --wait, sync,
//     init.
//  2. Claims and releases have a budget of the same size that nothing else uses. A push that
//     carries one counts there, no matter who sends it, and includes all that waits. The
//     pushes that locks use are lost for the others, except for one push a minute.
//  3. Facts start at the earliest 10 s after the last push, so that the events
//     of one job go together: nobody waits for them.
//  4. A server that is busy (429, 5xx) is left alone for as long as it asks, or
//     30 s if it does not say, or does not answer at all. That doubles each time
//     in a row, what the server asks for from the fourth time on, up to an hour.
//     It is somewhat longer at random, so that clones do not return together.
//     Only a command that insists asks before.
//  5. A hub without a limit has one for an hour after it was busy or slow.
//  6. If the admins of a hub have set a limit for all clones together, a clone
//     sends at most its share of that (share.go), whatever else its limit is.
//     Claims and releases have at least two pushes a minute, and no share makes a
//     clone wait for more than 10 min.
//  7. When a quarter of a limit of 20 or more is used, the others are spread over
//     the minute: a clone of many agents waits a little for each, and not for half a
//     minute when all are used.
//  8. A push of which git sent nothing, because the hub had moved since it was seen,
//     does not count: to the hub it was a read.
const (
	minute      = 60 * time.Second
	Coalesce    = 10 * time.Second
	firstHold   = 30 * time.Second
	longestHold = time.Hour

	slowPush     = 10 * time.Second // a push that takes longer makes a hub slow
	SlowedPushes = 6                // pushes a minute that a hub is sent that was busy or slow
	slowedFor    = time.Hour

	// slowKnown is how long a push that took longer than a command waits is a
	// reason not to wait for the next one.
	slowKnown = 10 * time.Minute
)

// Urgency determines how many of a minute's pushes a push may use.
type Urgency byte

const (
	Facts    Urgency = iota // nobody notices when they arrive
	Numbers                 // an issue is shown without its number meanwhile
	Somebody                // a command waits for it
	Locks                   // a claim or a release
)

// share is how many of n pushes a minute there may be before this one waits.
func (u Urgency) share(n int) int {
	switch u {
	case Facts:
		return n - min(n/2, max(3, n/6))
	case Numbers:
		return n - n/6
	}
	return n
}

// Limits are how many pushes a minute a clone may send to a hub.
type Limits struct {
	Set       bool // PerMinute was configured and holds whatever happened
	PerMinute int  // 0 is any number
	Never     bool // a path, or a repository that is its own hub, is not paced unless configured
	Hub       Shared
}

// Pace is what a clone remembers of its pushes to one hub.
type Pace struct {
	Pushes []time.Time `json:"pushes,omitempty"` // starts of those in the last minute, and of the one before
	Locks  []time.Time `json:"locks,omitempty"`  // the same of pushes that carried claims or releases
	Holds  int         `json:"holds,omitempty"`  // how often in a row the hub was busy
	Until  time.Time   `json:"until,omitzero"`   // the hub is left alone until then
	Why    string      `json:"why,omitempty"`
	Cut    time.Time   `json:"cut,omitzero"`    // when a push last took longer than a command waits
	Slowed time.Time   `json:"slowed,omitzero"` // until then a hub without a limit has one
}

// AsOf drops what has expired. A start in the future was recorded with a wrong clock and
// counts as now; an end later than any rule can set counts as expired.
func (p Pace) AsOf(now time.Time) Pace {
	recent := func(all []time.Time) (kept []time.Time) {
		for i, at := range all {
			if at.After(now) {
				at = now
			}
			if age := now.Sub(at); age < minute || i == len(all)-1 && age < longestShare {
				kept = append(kept, at)
			}
		}
		return kept
	}
	p.Pushes, p.Locks = recent(p.Pushes), recent(p.Locks)
	if p.Until.After(now.Add(2 * longestHold)) {
		p.Until = time.Time{}
	}
	if !p.Slowed.After(now) || p.Slowed.After(now.Add(slowedFor)) {
		p.Slowed = time.Time{}
	}
	if p.Cut.After(now) || now.Sub(p.Cut) > slowKnown {
		p.Cut = time.Time{}
	}
	return p
}

// Slow reports whether a recent push took longer than a command waits.
func (p Pace) Slow(now time.Time) bool { return !p.AsOf(now).Cut.IsZero() }

// Limit returns the limit for pushes of an urgency. shared reports whether it is the
// clone's share of a limit for all clones.
func (p Pace) Limit(l Limits, u Urgency, now time.Time) (limit Rate, shared bool) {
	switch {
	case l.Set || l.PerMinute > 0:
		limit = perMinute(l.PerMinute)
	case !l.Never && p.Slowed.After(now):
		limit = perMinute(SlowedPushes)
	}
	share := l.Hub.Share()
	if least := perMinute(handover); u == Locks && share.slower(least) {
		share = least
	}
	if share.slower(limit) {
		return share, true
	}
	return limit, false
}

// Turn returns when the limit allows the next push; a time in the past means at once.
func (p Pace) Turn(r Rate, u Urgency) time.Time {
	if r.Pushes == 0 {
		return time.Time{}
	}
	if u == Locks {
		return latest(nth(p.Locks, r.Pushes, r.Per), r.spread(p.Locks))
	}
	all := slices.Concat(p.Pushes, p.Locks)
	slices.SortFunc(all, time.Time.Compare)
	at := latest(nth(all, u.share(r.Pushes), r.Per), r.spread(all))
	if own := nth(p.Pushes, 1, r.Per); own.Before(at) {
		at = own
	}
	if u != Facts || len(all) == 0 {
		return at
	}
	return latest(at, all[len(all)-1].Add(Coalesce))
}

// Left returns how many pushes the limit still allows; claims and releases are counted
// separately.
func (p Pace) Left(r Rate, now time.Time) int {
	left := r.Pushes
	for _, at := range slices.Concat(p.Pushes, p.Locks) {
		if now.Sub(at) < r.Per {
			left--
		}
	}
	return max(left, 0)
}

// nth is when fewer than n of these times will lie in the time that has passed last.
func nth(times []time.Time, n int, per time.Duration) time.Time {
	if len(times) < n {
		return time.Time{}
	}
	return times[len(times)-n].Add(per)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Paced says that no push may start now, and when one may.
type Paced struct {
	Until time.Time
	Why   string
	Busy  bool // the hub asked for it, or did not answer; otherwise it is our own limit
}

// May returns nil if a push may start now, or else when it may. With insist, a hub that
// was busy is contacted anyway.
func (p Pace) May(now time.Time, l Limits, u Urgency, insist bool) *Paced {
	p = p.AsOf(now)
	if p.Until.After(now) && !insist {
		return &Paced{p.Until, p.Why, true}
	}
	limit, shared := p.Limit(l, u, now)
	if at := p.Turn(limit, u); at.After(now) {
		return &Paced{at, limited(limit, u, l.Hub, shared), false}
	}
	return nil
}

// MayStart returns when a push of this urgency may start.
func (p Pace) MayStart(now time.Time, l Limits, u Urgency) time.Time {
	p = p.AsOf(now)
	limit, _ := p.Limit(l, u, now)
	return latest(p.Turn(limit, u), p.Until)
}

// Started records a push.
func (p Pace) Started(now time.Time, l Limits, u Urgency) Pace {
	p = p.AsOf(now)
	switch limit, _ := p.Limit(l, u, now); {
	case limit == Rate{}:
	case u == Locks:
		p.Locks = append(slices.Clip(p.Locks), now)
	default:
		p.Pushes = append(slices.Clip(p.Pushes), now)
	}
	return p
}

// takeBack forgets a start after which nothing was sent.
func (p Pace) takeBack(start time.Time) Pace {
	without := func(all []time.Time) []time.Time {
		i := slices.IndexFunc(all, start.Equal)
		if i < 0 {
			return all
		}
		return slices.Delete(slices.Clone(all), i, i+1)
	}
	p.Pushes, p.Locks = without(p.Pushes), without(p.Locks)
	return p
}

// Busy records that the hub must be left alone, and for how long; asked is 0 if the hub
// named no time. jitter is in [0, 1).
func (p Pace) Busy(now time.Time, why string, asked time.Duration, jitter float64) (Pace, Paced) {
	more := max(p.Holds-2, 0)
	if asked <= 0 {
		asked, more = firstHold, p.Holds
	}
	wait := min(min(asked, longestHold)<<min(more, 10), longestHold)
	wait += time.Duration(jitter * float64(min(wait/4, minute)))
	p = p.AsOf(now)
	p.Holds++
	p.Until, p.Why, p.Slowed = now.Add(wait), why, now.Add(slowedFor)
	return p, Paced{p.Until, why, true}
}

// Ended records how long a push took that has ended or was given up (cut). wait is how
// long a command waits.
func (p Pace) Ended(now time.Time, took, wait time.Duration, cut bool) Pace {
	p = p.AsOf(now)
	if cut || !p.Cut.IsZero() && took > wait {
		p.Cut = now
	} else {
		p.Cut = time.Time{}
	}
	if took > slowPush {
		p.Slowed = now.Add(slowedFor)
	}
	if !cut {
		p.Holds, p.Until, p.Why = 0, time.Time{}, ""
	}
	return p
}

// Answered records the result of a push that began at start. If the hub is busy, it
// returns until when to leave the hub alone.
func (p Pace) Answered(e Pushed, t Task, start time.Time) (Pace, *Paced) {
	if e.unsent() {
		p = p.takeBack(start)
	}
	if e.Nothing { // the hub was not asked
		return p, nil
	}
	switch e.Failure {
	case Busy:
		p, later := p.Busy(e.Now, e.Why, e.RetryAfter, e.Jitter)
		return p, &later
	case Silent, Cut:
		if p = p.Ended(e.Now, e.Took, t.CommandWait, true); e.Failure == Silent && t.Background {
			p, _ = p.Busy(e.Now, "the hub does not answer", 0, e.Jitter)
		}
		return p, nil
	}
	return p.Ended(e.Now, e.Took, t.CommandWait, false), nil
}

// limited says what a limit is, for people.
func limited(r Rate, u Urgency, h Shared, shared bool) string {
	text := "limit: " + r.String()
	if u == Locks {
		text = "limit: " + r.of("push of locks", "pushes of locks")
	}
	if shared {
		text += fmt.Sprintf(", this clone's share of %d for the hub", h.PerMinute)
	}
	return text
}
