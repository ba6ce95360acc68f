package event

import (
	"errors"
	"time"
)

// Time is a moment in nanoseconds since the Unix epoch, UTC. Zero means absent
// where a member is optional (no optional member ever holds the epoch itself).
type Time int64

// MaxTime is 2199-12-31T23:59:59.999999999Z, the last moment a line may carry.
// See Follows, which keeps writers away from it.
const MaxTime Time = 7258118399999999999

// NotKnown stands for a time that an event must hold and nobody knows: 1 ns after the
// epoch. People see the time of the event instead. So imports of one source write the
// same bytes everywhere.
const NotKnown Time = 1

// String gives the one form level 4 writes: nine digits, always Z.
func (t Time) String() string {
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// Std returns t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.Unix(0, int64(t)).UTC() }

// TimeOf returns the Time of t, cut to 1970 … MaxTime.
func TimeOf(t time.Time) Time {
	if t.Before(time.Unix(0, 0)) {
		return 0
	}
	if t.After(MaxTime.Std()) {
		return MaxTime
	}
	return Time(t.UnixNano())
}

// ParseTime reads the form String writes and no other.
func ParseTime(s string) (Time, error) {
	const form = "0000-00-00T00:00:00.000000000Z"
	if len(s) != len(form) {
		return 0, errTime
	}
	for i := range len(form) {
		if c := s[i]; form[i] != '0' && c != form[i] || form[i] == '0' && (c < '0' || c > '9') {
			return 0, errTime
		}
	}
	num := func(from, to int) (n int) {
		for _, c := range []byte(s[from:to]) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := num(0, 4), num(5, 7), num(8, 10)
	hour, minute, sec := num(11, 13), num(14, 16), num(17, 19)
	if hour > 23 || minute > 59 || sec > 59 {
		return 0, errTime
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, num(20, 29), time.UTC)
	// time.Date makes 30 February a day of March; no such day was written.
	if _, m, d := t.Date(); int(m) != month || d != day {
		return 0, errTime
	}
	if year < 1970 || year > 2199 {
		return 0, errRange
	}
	return Time(t.UnixNano()), nil
}

var (
	errTime  = errors.New("not a time of the form 2026-03-01T10:00:00.123456789Z")
	errRange = errors.New("a time outside 1970 … 2199")
)

// parseTime3 reads a time as level 3 does: RFC 3339 of any offset and
// precision, cut to 1970 … MaxTime.
func parseTime3(s string) (Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	return TimeOf(t), nil
}
