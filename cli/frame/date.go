package frame

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules for dates are:
//
//   - a day is a day in the user's zone: its last instant for a due date, its first for a
//     scheduled date. It is written as '2026-12-31' or '31.12.2026', 'today', 'tomorrow',
//     'friday' (the next one after today), '3d', '+3d', 'in 3 days', '2w', 'in 2 weeks',
//     'next week' (in 7 days) or 'next month' (the same day of it);
//   - RFC 3339 is exactly that moment;
//   - 'none' clears the date.
//
// '12/31/2026' is refused, because half of the world reads it the other way round.

type DayEdge int

const (
	DayStart DayEdge = iota // scheduled
	DayEnd                  // due
)

const dateForms = "2026-03-01, 31.12.2026, 2026-03-01T10:00:00Z, today, tomorrow, 3d, in 2 weeks, next week, monday … sunday, none"

// ParseDate parses one of the forms; 0 means 'none'. The zone is that of now.
func ParseDate(option, s string, at DayEdge, now time.Time) (event.Time, error) {
	bad := func() error {
		f := Misuse(fmt.Sprintf("'%s' is not a date for '%s'", s, option), "valid forms: "+dateForms)
		f.Kind = "bad-value"
		return f
	}
	word := strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if word == "none" {
		return 0, nil
	}
	day, ok := dayNamed(word, dayOf(now))
	if !ok {
		t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(word))
		if err != nil {
			return 0, bad()
		}
		return bounded(option, s, t)
	}
	first, last := instantsOf(day, now.Location())
	if at == DayEnd {
		return bounded(option, s, last)
	}
	return bounded(option, s, first)
}

// ParseSince parses a day or moment in the past: 'yesterday', '3d' and '3 days ago', and
// the forms of ParseDate.
func ParseSince(option, s string, now time.Time) (event.Time, error) {
	word := strings.Join(strings.Fields(strings.ToLower(s)), " ")
	today := dayOf(now)
	day, ok := today.AddDate(0, 0, -1), word == "yesterday"
	if !ok {
		then, back := ahead(strings.TrimSuffix(word, " ago"), today)
		if ok = back && !strings.HasPrefix(word, "in ") && !strings.HasPrefix(word, "+"); ok {
			day = today.Add(-then.Sub(today))
		}
	}
	if !ok {
		return ParseDate(option, s, DayStart, now)
	}
	first, _ := instantsOf(day, now.Location())
	return bounded(option, s, first)
}

// ParsePast is ParseSince, but refuses dates that are not in the past.
func ParsePast(option, s string, now time.Time) (event.Time, error) {
	t, err := ParseSince(option, s, now)
	if err == nil && (t == 0 || t > event.TimeOf(now)) {
		f := Misuse(fmt.Sprintf("'%s' for '%s' is not in the past", s, option), "valid forms: 3d, 2 weeks ago, yesterday, 2026-03-01")
		f.Kind = "bad-value"
		return 0, f
	}
	return t, err
}

// bounded refuses times that a line cannot contain, and the epoch, which means 'none'.
func bounded(option, s string, t time.Time) (event.Time, error) {
	if !t.After(time.Unix(0, 0)) || t.After(event.MaxTime.Std()) {
		f := Misuse(fmt.Sprintf("'%s' for '%s' is outside 1970 … 2199", s, option))
		f.Kind = "bad-value"
		return 0, f
	}
	return event.TimeOf(t), nil
}

// dayNamed returns the day that a word names.
func dayNamed(word string, today time.Time) (time.Time, bool) {
	switch word {
	case "today":
		return today, true
	case "tomorrow":
		return today.AddDate(0, 0, 1), true
	case "next week":
		return today.AddDate(0, 0, 7), true
	case "next month":
		return monthsAfter(today, 1), true
	}
	for _, layout := range []string{time.DateOnly, "2.1.2006"} {
		if d, err := time.Parse(layout, word); err == nil {
			return d, true
		}
	}
	if w, ok := weekday(strings.TrimPrefix(word, "next ")); ok {
		return today.AddDate(0, 0, (int(w)-int(today.Weekday())+6)%7+1), true
	}
	return ahead(word, today)
}

var aheadForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\+|in )?([0-9]{1,5}) ?(d|days?|w|weeks?|months?)$`)
})

// ahead returns the day after a number of days, weeks or months.
func ahead(word string, today time.Time) (time.Time, bool) {
	m := aheadForm().FindStringSubmatch(word)
	if m == nil {
		return time.Time{}, false
	}
	n, _ := strconv.Atoi(m[1])
	switch m[2][0] {
	case 'w':
		return today.AddDate(0, 0, 7*n), true
	case 'm':
		return monthsAfter(today, n), true
	}
	return today.AddDate(0, 0, n), true
}

// monthsAfter returns the same day n months later, or the last day of a shorter month.
func monthsAfter(day time.Time, n int) time.Time {
	first := time.Date(day.Year(), day.Month()+time.Month(n), 1, 0, 0, 0, 0, day.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day.Day(), last)-1)
}

func weekday(s string) (time.Weekday, bool) {
	for w := time.Sunday; w <= time.Saturday; w++ {
		name := strings.ToLower(w.String())
		if s == name || s == name[:3] {
			return w, true
		}
	}
	return 0, false
}
