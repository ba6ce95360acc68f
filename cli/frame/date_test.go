package frame

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

func TestParseDate(t *testing.T) {
	monday := time.Date(2026, 3, 2, 23, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		in   string
		at   DayEdge
		want string
	}{
		{"2026-03-01", DayEnd, "2026-03-01T23:59:59.999999999Z"},
		{"2026-03-01", DayStart, "2026-03-01T00:00:00.000000000Z"},
		{"2026-03-01T10:00:00+01:00", DayEnd, "2026-03-01T09:00:00.000000000Z"},
		{"2026-03-01t10:00:00.5z", DayEnd, "2026-03-01T10:00:00.500000000Z"},
		{"today", DayStart, "2026-03-02T00:00:00.000000000Z"},
		{"Tomorrow", DayEnd, "2026-03-03T23:59:59.999999999Z"},
		{"+3d", DayStart, "2026-03-05T00:00:00.000000000Z"},
		{"+2w", DayStart, "2026-03-16T00:00:00.000000000Z"},
		{"+0d", DayStart, "2026-03-02T00:00:00.000000000Z"},
		{"3d", DayStart, "2026-03-05T00:00:00.000000000Z"},
		{"in 3 days", DayStart, "2026-03-05T00:00:00.000000000Z"},
		{"in 1 day", DayStart, "2026-03-03T00:00:00.000000000Z"},
		{" In  2  Weeks ", DayStart, "2026-03-16T00:00:00.000000000Z"},
		{"next week", DayStart, "2026-03-09T00:00:00.000000000Z"},
		{"next month", DayEnd, "2026-04-02T23:59:59.999999999Z"},
		{"in 6 months", DayStart, "2026-09-02T00:00:00.000000000Z"},
		{"next friday", DayStart, "2026-03-06T00:00:00.000000000Z"},
		{"31.12.2026", DayEnd, "2026-12-31T23:59:59.999999999Z"},
		{"1.2.2027", DayStart, "2027-02-01T00:00:00.000000000Z"},
		{"monday", DayStart, "2026-03-09T00:00:00.000000000Z"},
		{"tue", DayStart, "2026-03-03T00:00:00.000000000Z"},
		{"Sunday", DayStart, "2026-03-08T00:00:00.000000000Z"},
	} {
		got, err := ParseDate("--due", c.in, c.at, monday)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		check(t, c.in, got, c.want)
	}
	if got, err := ParseDate("--due", "none", DayEnd, monday); err != nil || got != 0 {
		t.Errorf("none: %v %v", got, err)
	}
	for _, in := range []string{"", "yesterday", "2026-02-30", "2026-3-1", "+d", "+3", "+-3d", "+3m", "1970-01-01T00:00:00Z", "1969-12-31", "2200-01-01", "+99999999d", "someday!!!", "12/31/2026", "31.2.2026", "in days", "3 days ago", "next year"} {
		if got, err := ParseDate("--due", in, DayEnd, monday); err == nil {
			t.Errorf("'%s' gives %s", in, got)
		} else if f := Explain(err); f.Code != ExitUsage {
			t.Errorf("'%s': status %d", in, f.Code)
		}
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"yesterday": "2026-03-30", "today": "2026-03-31", "3d": "2026-03-28", "2 weeks ago": "2026-03-17",
		"1 day ago": "2026-03-30", "2026-01-02": "2026-01-02", "1.2.2026": "2026-02-01", "in 3 days": "2026-04-03",
	} {
		got, err := ParseSince("--since", in, now)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		check(t, in, got, want+"T00:00:00.000000000Z")
	}
	if _, err := ParseSince("--since", "long ago", now); err == nil {
		t.Error("'long ago' is a date")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30 s", 5 * time.Minute: "5 min", 47 * time.Hour: "47 h", 72 * time.Hour: "3 d",
		70 * 24 * time.Hour: "2 months", 800 * 24 * time.Hour: "2 years",
	} {
		check(t, d.String(), Span(d), want)
	}
}

// FuzzParseDate: whatever is typed gives a moment that a line can carry, none,
// or a refusal.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-03-01", "2026-03-01T10:00:00.5+14:00", "today", "+3d", "+65535w", "fri", "none", " Tomorrow ", "9999-12-31T23:59:60Z"} {
		f.Add(s, int64(1_800_000_000), true)
	}
	f.Fuzz(func(t *testing.T, s string, sec int64, due bool) {
		at := DayStart
		if due {
			at = DayEnd
		}
		names := []string{"UTC", "America/Havana", "Pacific/Apia", "Europe/Berlin", "Africa/Monrovia"}
		now := time.Unix(sec%(1<<33), 0).In(zoneNamed(t, names[uint64(sec)%uint64(len(names))]))
		d, err := ParseDate("--due", s, at, now)
		if err != nil && d != 0 || d < 0 || d > event.MaxTime {
			t.Fatalf("%q: %d, %v", s, d, err)
		}
		if err == nil && d == 0 && strings.ToLower(strings.TrimSpace(s)) != "none" {
			t.Fatalf("%q clears", s)
		}
		if err == nil && d != 0 { // what is printed means the same again
			if again, err := ParseDate("--due", d.String(), at, now); err != nil || again != d {
				t.Fatalf("%q is %s, then %s, %v", s, d, again, err)
			}
		}
	})
}
