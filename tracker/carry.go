package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reading"
)

// What Fork carries over to the log of the new id. The rules are:
//
//   - of a log that has not forked, the lines that the hub does not have. They may
//     have reached it all the same (an answer was lost, a push still runs): so they
//     are not written again under the old id, where two lines with one sequence
//     would be a fork. Under the new id they say the same of the same uuids;
//   - not the lines that are withdrawn, nor those about what a withdrawn line has
//     created: a comment on an issue that nobody will see says nothing;
//   - not what creates a comment or an issue that a later one of these lines
//     deletes, nor edits of it. The deletion itself is carried over, in case the
//     rest has reached the hub;
//   - a line is stamped again if its time is ahead of this machine's clock and of
//     what the hub has: it was written while the clock was wrong.

// leavable reports whether a log that has not forked can be left for a new id:
// there are lines that the hub does not have, or nobody could follow it.
func (t *Tracker) leavable(s *reading.Snapshot, l *reading.Log) bool {
	if t.clone.Hub == nil || l.Ended != "" || l.Torn || l.Missing || l.Foreign || l.Legacy || l.Position > l.HubSeq {
		return false // where there is no hub, and where the ledger covers lines, numbers hang on them
	}
	return l.Unsent() > 0 || l.Time > event.Follows(event.TimeOf(t.clone.Now()))
}

// explained is the greatest time that a line written now has to have: now, or after
// what counts of all that the hub has. What
// waits here explains nothing: its times may be as wrong.
func (t *Tracker) explained(ctx context.Context, s *reading.Snapshot, now event.Time) (event.Time, error) {
	newest := event.Time(0)
	for _, l := range s.Logs {
		at, err := t.clone.Reads.NewestIn(ctx, l, min(l.Counted, l.HubSeq), event.Follows(now))
		if err != nil {
			return 0, err
		}
		newest = max(newest, at)
	}
	return max(now, newest+1), nil
}
