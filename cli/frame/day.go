package frame

import (
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// A day that a user names lasts from its first to its last instant in the user's zone.
// Events contain instants. An instant that begins or ends a day in the reader's zone is
// shown as that day, any other with its time.

// dayOf returns the date of t in its zone, as midnight in UTC, so that it can be used in
// calculations.
func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// instantsOf returns the first and the last instant at which a calendar in the zone shows
// the day. For a day that the zone skipped, they are the instant after the skip and the one
// before it.
func instantsOf(day time.Time, zone *time.Location) (first, last time.Time) {
	const reach = 48 * time.Hour // more than any offset and any skip
	var skip time.Time
	for t, stop := day.Add(-reach), day.Add(2*reach); t.Before(stop); { // one offset after the other
		here := t.In(zone)
		_, seconds := here.Zone()
		_, until := here.ZoneBounds()
		if until.IsZero() || until.After(stop) {
			until = stop
		}
		if !until.After(t) { // by POSIX rules, the last day of a leap year ends before it begins
			until = t.Add(time.Hour)
		}
		offset := time.Duration(seconds) * time.Second
		from, to := day.Add(-offset), day.Add(24*time.Hour-offset)
		if skip.IsZero() && !to.After(t) {
			skip = t
		}
		if from.Before(t) {
			from = t
		}
		if to.After(until) {
			to = until
		}
		if from.Before(to) {
			if first.IsZero() {
				first = from
			}
			last = to.Add(-1)
		}
		t = until
	}
	if first.IsZero() {
		first, last = skip, skip.Add(-1)
	}
	return first.In(zone), last.In(zone)
}

// Date formats a moment in the user's own time.
func (s *System) Date(t event.Time) string {
	return t.Std().In(s.Now().Location()).Format("2006-01-02 15:04")
}

// Day formats the user's day of a moment.
func (s *System) Day(t event.Time) string {
	return t.Std().In(s.Now().Location()).Format(time.DateOnly)
}

// DateAt formats t as a day if it is the edge of one, otherwise with its time. Programs
// disagree about the end of a day, so the whole last second counts as the edge.
func (s *System) DateAt(t event.Time, at DayEdge) string {
	local := t.Std().In(s.Now().Location())
	first, last := instantsOf(dayOf(local), local.Location())
	if at == DayStart && local.Equal(first) || at == DayEnd && last.Sub(local) < time.Second {
		return s.Day(t)
	}
	return s.Date(t)
}

// Ago formats how long before now t was, or how long after.
func (s *System) Ago(t event.Time) string {
	d := s.Now().Sub(t.Std())
	if d < 0 {
		if -d < time.Minute { // clocks differ a little
			return "just now"
		}
		return "in " + Span(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return Span(d) + " ago"
}

// Span formats a duration in its greatest unit.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d < 60*day:
		return fmt.Sprintf("%d d", d/day)
	case d < 730*day:
		return fmt.Sprintf("%d months", d/(30*day))
	}
	return fmt.Sprintf("%d years", d/(365*day))
}
