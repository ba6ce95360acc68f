package event

import (
	"fmt"
	"time"
)

// Time is a moment in nanoseconds since the Unix epoch, UTC. Zero means absent
// where a member is optional (no optional member ever holds the epoch itself).
type Time int64

// MaxTime is 2199-12-31T23:59:59.999999999Z, the last moment a line may carry
// (rules: at MaxTime every stamp is MaxTime and order goes on by agent and
// sequence).
const MaxTime Time = 7258118399999999999

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
	t, err := time.Parse("2006-01-02T15:04:05.000000000Z", s)
	if err != nil || len(s) != 30 {
		return 0, fmt.Errorf("'%s' is not a time of the form 2026-03-01T10:00:00.123456789Z", s)
	}
	if t.Before(time.Unix(0, 0)) || t.After(MaxTime.Std()) {
		return 0, fmt.Errorf("'%s' is outside 1970 … 2199", s)
	}
	return Time(t.UnixNano()), nil
}
