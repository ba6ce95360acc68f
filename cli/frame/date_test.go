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
	for _, in := range []string{"", "yesterday", "2026-02-30", "2026-3-1", "+d", "+3", "+-3d", "+3m", "1970-01-01T00:00:00Z", "1969-12-31", "2200-01-01", "+99999999d", "someday!!!"} {
		if got, err := ParseDate("--due", in, DayEnd, monday); err == nil {
			t.Errorf("'%s' gives %s", in, got)
		} else if f := Explain(err); f.Code != ExitUsage {
			t.Errorf("'%s': status %d", in, f.Code)
		}
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
