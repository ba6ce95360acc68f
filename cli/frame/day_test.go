package frame

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/git-crosslink/git-crosslink/event"
)

func zoneNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestDayIsTheUsersDay: what a word for a day means, wherever and whenever it is
// typed. Times are UTC; the end of a day is one nanosecond before what is listed.
func TestDayIsTheUsersDay(t *testing.T) {
	for _, c := range []struct{ zone, now, word, first, end string }{
		// at the edges of a day
		{"UTC", "2026-03-02T23:59:59Z", "today", "2026-03-02T00:00", "2026-03-03T00:00"},
		{"UTC", "2026-03-03T00:00:00Z", "today", "2026-03-03T00:00", "2026-03-04T00:00"},
		{"Pacific/Honolulu", "2026-03-02T23:59:59-10:00", "today", "2026-03-02T10:00", "2026-03-03T10:00"}, // in UTC the day after
		{"Pacific/Honolulu", "2026-03-03T00:00:00-10:00", "today", "2026-03-03T10:00", "2026-03-04T10:00"},
		{"Asia/Tokyo", "2026-03-02T08:00:00+09:00", "today", "2026-03-01T15:00", "2026-03-02T15:00"}, // in UTC the day before
		{"Pacific/Kiritimati", "2026-03-02T23:59:00+14:00", "tomorrow", "2026-03-02T10:00", "2026-03-03T10:00"},
		{"Asia/Kathmandu", "2026-03-02T23:59:00+05:45", "tomorrow", "2026-03-02T18:15", "2026-03-03T18:15"},
		{"America/New_York", "2026-12-31T23:59:00-05:00", "tomorrow", "2027-01-01T05:00", "2027-01-02T05:00"},
		{"America/New_York", "2028-02-28T23:59:00-05:00", "tomorrow", "2028-02-29T05:00", "2028-03-01T05:00"},
		{"Pacific/Auckland", "2026-11-30T12:00:00+13:00", "2027-03-04", "2027-03-03T11:00", "2027-03-04T11:00"},
		// days of 23 and 25 hours, of 23.5 and 24.5
		{"Europe/Berlin", "2026-03-29T12:00:00+02:00", "today", "2026-03-28T23:00", "2026-03-29T22:00"},
		{"Europe/Berlin", "2026-10-25T12:00:00+01:00", "today", "2026-10-24T22:00", "2026-10-25T23:00"},
		{"Europe/Berlin", "2026-03-28T23:59:00+01:00", "tomorrow", "2026-03-28T23:00", "2026-03-29T22:00"},
		{"Europe/Berlin", "2026-03-28T23:30:00+01:00", "+1d", "2026-03-28T23:00", "2026-03-29T22:00"}, // not 24 h later
		{"Europe/Berlin", "2026-10-24T00:30:00+02:00", "+2d", "2026-10-25T23:00", "2026-10-26T23:00"},
		{"Europe/Berlin", "2026-03-22T00:30:00+01:00", "+2w", "2026-04-04T22:00", "2026-04-05T22:00"},
		{"America/New_York", "2026-03-08T12:00:00-04:00", "today", "2026-03-08T05:00", "2026-03-09T04:00"},
		{"America/New_York", "2026-11-01T12:00:00-05:00", "today", "2026-11-01T04:00", "2026-11-02T05:00"},
		{"Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", "today", "2026-10-03T13:30", "2026-10-04T13:00"},
		{"Australia/Lord_Howe", "2026-04-05T12:00:00+10:30", "today", "2026-04-04T13:00", "2026-04-05T13:30"},
		// weekdays are the next ones after today
		{"Europe/Berlin", "2026-03-27T23:59:00+01:00", "sunday", "2026-03-28T23:00", "2026-03-29T22:00"},
		{"Europe/Berlin", "2026-03-29T00:01:00+01:00", "sun", "2026-04-04T22:00", "2026-04-05T22:00"},
		{"Pacific/Honolulu", "2026-03-05T20:00:00-10:00", "friday", "2026-03-06T10:00", "2026-03-07T10:00"}, // a friday already in UTC
		// midnights that do not exist: the day begins at 1 o'clock
		{"America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "tomorrow", "2018-11-04T03:00", "2018-11-05T02:00"},
		{"America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "today", "2018-11-03T03:00", "2018-11-04T03:00"},
		{"Africa/Cairo", "2026-04-20T12:00:00+02:00", "2026-04-24", "2026-04-23T22:00", "2026-04-24T21:00"},
		{"Asia/Beirut", "2026-03-01T12:00:00+02:00", "2026-03-29", "2026-03-28T22:00", "2026-03-29T21:00"},
		{"America/Havana", "2026-03-01T12:00:00-05:00", "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"},
		// midnights that come twice: at 0 o'clock back to 23, so the day before is longer, or at 1 back to 0
		{"America/Sao_Paulo", "2018-02-17T12:00:00-02:00", "today", "2018-02-17T02:00", "2018-02-18T03:00"},
		{"America/Sao_Paulo", "2018-02-17T12:00:00-02:00", "tomorrow", "2018-02-18T03:00", "2018-02-19T03:00"},
		{"Africa/Cairo", "2026-10-01T12:00:00+03:00", "2026-10-29", "2026-10-28T21:00", "2026-10-29T22:00"},
		{"America/Havana", "2026-10-01T12:00:00-04:00", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"},
		// one minute into a day back into the day before, which so ends after this one has begun
		{"America/St_Johns", "2010-11-06T12:00:00-02:30", "today", "2010-11-06T02:30", "2010-11-07T03:30"},
		{"America/St_Johns", "2010-11-06T12:00:00-02:30", "tomorrow", "2010-11-07T02:30", "2010-11-08T03:30"},
		// days that were skipped are the moment of that; days that came twice have 48 hours
		{"Pacific/Apia", "2011-12-29T12:00:00-10:00", "today", "2011-12-29T10:00", "2011-12-30T10:00"},
		{"Pacific/Apia", "2011-12-29T12:00:00-10:00", "tomorrow", "2011-12-30T10:00", "2011-12-30T10:00"},
		{"Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00"},
		{"Pacific/Apia", "2011-12-29T12:00:00-10:00", "+2d", "2011-12-30T10:00", "2011-12-31T10:00"},
		{"Pacific/Kwajalein", "1993-08-20T12:00:00-12:00", "tomorrow", "1993-08-21T12:00", "1993-08-21T12:00"},
		// far from what any table of zones knows
		{"Europe/Berlin", "2026-03-01T12:00:00+01:00", "2100-12-31", "2100-12-30T23:00", "2100-12-31T23:00"},
		{"America/New_York", "2026-03-01T12:00:00-05:00", "2096-12-31", "2096-12-31T05:00", "2097-01-01T05:00"},
		{"Pacific/Auckland", "2026-03-01T12:00:00+13:00", "2096-12-31", "2096-12-30T11:00", "2096-12-31T11:00"},
	} {
		zone := zoneNamed(t, c.zone)
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if same := now.In(zone); same.Hour() != now.Hour() || same.Minute() != now.Minute() {
			t.Errorf("%s: %s is not a time there", c.zone, c.now)
		}
		what := c.zone + " " + c.now + " " + c.word
		e := &System{Now: func() time.Time { return now.In(zone) }}
		for at, want := range map[DayEdge]string{DayStart: c.first, DayEnd: c.end} {
			got, err := ParseDate("--due", c.word, at, e.Now())
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			instant := got
			if at == DayEnd {
				instant++
			}
			check(t, what, instant.Std().UTC().Format("2006-01-02T15:04:05.999999999"), want+":00")
			again, err := ParseDate("--due", e.DateAt(got, at), at, e.Now())
			if err != nil || again != got {
				t.Errorf("%s: shown as %s, which means %s, %v", what, e.DateAt(got, at), again, err)
			}
		}
	}
}

// TestDaysFollowEachOther: in every zone each day begins where the one before
// ended, but where a clock was set back over midnight.
func TestDaysFollowEachOther(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "Pacific/Kwajalein", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia", "Antarctica/Troll"} {
		zone := zoneNamed(t, name)
		before := time.Time{}
		for day := time.Date(1991, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2045; day = day.AddDate(0, 0, 1) {
			first, last := instantsOf(day, zone)
			if !before.IsZero() && !first.Equal(before.Add(1)) {
				t.Errorf("%s %s: begins at %s, the day before ended at %s", name, day.Format(time.DateOnly), first, before)
			}
			if first.Before(last) && (!dayOf(first).Equal(day) || !dayOf(last).Equal(day)) {
				t.Errorf("%s %s: from %s to %s", name, day.Format(time.DateOnly), first, last)
			}
			before = last
		}
	}
}

func TestDateAt(t *testing.T) {
	for _, c := range []struct {
		zone, instant string
		at            DayEdge
		want          string
	}{
		{"UTC", "2027-03-04T23:59:59.999999999Z", DayEnd, "2027-03-04"},
		{"UTC", "2027-03-04T23:59:59Z", DayEnd, "2027-03-04"}, // as older programs wrote it
		{"UTC", "2027-03-04T23:59:58.999Z", DayEnd, "2027-03-04 23:59"},
		{"UTC", "2027-03-05T00:00:00Z", DayEnd, "2027-03-05 00:00"},
		{"UTC", "2027-03-05T00:00:00Z", DayStart, "2027-03-05"},
		{"UTC", "2027-03-05T00:00:00.1Z", DayStart, "2027-03-05 00:00"},
		{"UTC", "2027-03-04T23:59:59.999999999Z", DayStart, "2027-03-04 23:59"},
		{"Pacific/Auckland", "2027-03-04T10:59:59.999999999Z", DayEnd, "2027-03-04"},
		{"Europe/Berlin", "2027-03-04T10:59:59.999999999Z", DayEnd, "2027-03-04 11:59"}, // of somebody in Auckland
		{"Africa/Cairo", "2026-04-23T22:00:00Z", DayStart, "2026-04-24"},
	} {
		zone := zoneNamed(t, c.zone)
		instant, err := time.Parse(time.RFC3339Nano, c.instant)
		if err != nil {
			t.Fatal(err)
		}
		e := &System{Now: func() time.Time { return instant.In(zone) }}
		check(t, c.zone+" "+c.instant, e.DateAt(event.TimeOf(instant), c.at), c.want)
	}
}
