package tracker

import (
	"cmp"
	"context"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
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
func (t *Tracker) leavable(s *snapshot, l *log) bool {
	if t.hub == nil || l.ended != "" || l.torn || l.missing || l.foreign || l.legacyOnly || s.position(l) > l.hubSeq {
		return false // where there is no hub, and where the ledger covers lines, numbers hang on them
	}
	return l.unsent() > 0 || l.chain.Time > event.Follows(event.TimeOf(t.now()))
}

// explained is the greatest time that a line written now has to have: now, or after
// what counts of all that the hub has. What
// waits here explains nothing: its times may be as wrong.
func (t *Tracker) explained(ctx context.Context, s *snapshot, now event.Time) (event.Time, error) {
	newest := event.Time(0)
	for _, l := range s.logs {
		at, err := t.newestIn(ctx, l, min(l.counted(), l.hubSeq), event.Follows(now))
		if err != nil {
			return 0, err
		}
		newest = max(newest, at)
	}
	return max(now, newest+1), nil
}

// left are the issues whose lock stays with an agent that is left: only its log
// can give one back.
func (s *snapshot) left(agent string) (issues []event.UUID) {
	for u, k := range s.decidedState().Locks {
		if k.Agent == agent {
			issues = append(issues, u)
		}
	}
	slices.SortFunc(issues, func(a, b event.UUID) int { return cmp.Compare(a.String(), b.String()) })
	return issues
}
