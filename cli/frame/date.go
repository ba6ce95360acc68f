package frame

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of dates are:
//
//   - a day ('2026-03-01', 'today', 'tomorrow', '+3d', '+2w', 'friday') is one of
//     the user's zone: its last instant where something is due, its first where
//     it is scheduled; 'friday' is the next one after today;
//   - RFC 3339 is exactly that moment;
//   - 'none' clears.

type DayEdge int

const (
	DayStart DayEdge = iota // scheduled
	DayEnd                  // due
)

const dateForms = "2026-03-01, 2026-03-01T10:00:00Z, today, tomorrow, +3d, +2w, monday … sunday, none"

// ParseDate reads one of the forms; 0 is none. The zone is that of now.
func ParseDate(option, s string, at DayEdge, now time.Time) (event.Time, error) {
	bad := func() error {
		f := Misuse(fmt.Sprintf("'%s' is not a date for '%s'", s, option), "valid forms: "+dateForms)
		f.Kind = "bad-value"
		return f
	}
	word := strings.ToLower(strings.TrimSpace(s))
	today := dayOf(now)
	var day time.Time
	switch {
	case word == "none":
		return 0, nil
	case word == "today":
		day = today
	case word == "tomorrow":
		day = today.AddDate(0, 0, 1)
	case strings.HasPrefix(word, "+"):
		n, ok := daysAhead(word[1:])
		if !ok {
			return 0, bad()
		}
		day = today.AddDate(0, 0, n)
	case len(word) == len("2006-01-02"):
		d, err := time.Parse("2006-01-02", word)
		if err != nil {
			return 0, bad()
		}
		day = d
	default:
		if w, ok := weekday(word); ok {
			day = today.AddDate(0, 0, (int(w)-int(today.Weekday())+6)%7+1)
			break
		}
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

// bounded refuses what a line cannot carry, and the epoch, which means none.
func bounded(option, s string, t time.Time) (event.Time, error) {
	if !t.After(time.Unix(0, 0)) || t.After(event.MaxTime.Std()) {
		f := Misuse(fmt.Sprintf("'%s' for '%s' is outside 1970 … 2199", s, option))
		f.Kind = "bad-value"
		return 0, f
	}
	return event.TimeOf(t), nil
}

func daysAhead(s string) (int, bool) {
	if len(s) < 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
	if err != nil {
		return 0, false
	}
	switch s[len(s)-1] {
	case 'd':
		return int(n), true
	case 'w':
		return int(n) * 7, true
	}
	return 0, false
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
