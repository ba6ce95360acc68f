package tracker

import (
	"context"
	"fmt"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// outranked refuses an event that would not change all it is to change, because a
// line that is not followed holds some of it.
func (t *Tracker) outranked(ctx context.Context, s *reading.Snapshot, c reading.Clock, by event.Key) error {
	first, err := t.clone.Reads.Followed(ctx, s.Logs[by.Agent], c.Limit)
	if err != nil {
		return err
	}
	return &fail.Error{Kind: fail.Denied, Code: "far-future/outranked",
		Message: fmt.Sprintf("event %d of '%s' is stamped %s, too far ahead to be followed, and no later event can change what it wrote: nothing was written", by.Seq, by.Agent, by.Time),
		Fields:  fail.Fields{"agent": by.Agent, "after": strconv.Itoa(first)}}
}

// ownClockError refuses to write to a log that was written with a clock far
// ahead: others could not change what is added to it.
func (t *Tracker) ownClockError(l *reading.Log) error {
	return &fail.Error{Kind: fail.Fatal, Code: "own-clock",
		Message: fmt.Sprintf("the last event of '%s' is stamped %s, too far ahead to be followed, and nobody could change what is written after it: nothing was written", l.Agent, l.Time)}
}

// aheadText is what status and doctor say of a log with times far ahead.
func aheadText(a reading.Ahead) string {
	if a.Beyond > 0 {
		return fmt.Sprintf("event %d of '%s' is stamped %s, too far ahead to be followed: no later event can change what it wrote", a.Beyond, a.Agent, a.At)
	}
	return fmt.Sprintf("the clock of '%s' was years ahead: event %d is stamped %s, and later events are ordered after it", a.Agent, a.Seq, a.At)
}

// checkClocks is the doctor's look at times.
func (t *Tracker) checkClocks(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	all, err := t.clone.Reads.Ahead(ctx, s, t.clone.Now())
	if err != nil {
		return nil, err
	}
	var found []fail.Diagnosis
	for _, a := range all {
		d := fail.Diagnosis{Code: "far-future", Severity: fail.Warning, Text: aheadText(a)}
		if a.Beyond > 0 {
			d.Code, d.Fields = "far-future/beyond", fail.Fields{"agent": a.Agent, "after": strconv.FormatUint(a.Beyond-1, 10)}
		}
		found = append(found, d)
	}
	return found, nil
}
