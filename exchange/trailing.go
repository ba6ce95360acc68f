package exchange

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A log that was signed is continued signed. Anybody who can push can append
// unsigned lines to the log of another, and on the hub they are in the place of
// its writer's next lines. The rules are:
//
//   - such lines do not count for anybody (trust.Verdict.Trails), and no step that
//     is made here covers them;
//   - where the log is written, they are not part of it: what is written here
//     follows the last line that counts, in a commit on top of the hub's, and the
//     next push takes their place;
//   - a log whose unsigned end was replaced so is taken over like one that was
//     repaired;
//   - unsigned lines that were written here themselves stay here, and wait for a
//     signed line after them: that vouches for them, and sends them.

// withoutTrail is the log in view as far as it counts, in a commit on top of its
// tip.
func (x *Exchange) withoutTrail(ctx context.Context, l *reading.Log) (refs.OID, event.Chain, error) {
	none := event.Chain{}
	lines, err := x.Reads.Good(ctx, l.Agent, l.View)
	if err != nil || uint64(len(lines)) < l.Kept() {
		return "", none, fmt.Errorf("read the log of '%s' up to event %d: %w", l.Agent, l.Kept(), err)
	}
	lines = lines[:l.Kept()]
	last := lines[len(lines)-1]
	var raw [][]byte
	for _, e := range lines {
		raw = append(raw, e.Raw)
	}
	c := refs.CommitInfo{Address: x.Committer(), Author: l.Agent, When: last.Time.Std(), Message: fmt.Sprintf("crosslink: the log of %s is restored\n\n[skip ci]\n", l.Agent)}
	tip, err := refs.AppendLog(ctx, x.Local(), l.Agent, "", raw, c)
	if err == nil {
		tip, err = refs.Recommit(ctx, x.Local(), tip, []refs.OID{l.View}, c)
	}
	return tip, event.Chain{Hub: last.Hub, Agent: l.Agent, Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time}, err
}

// PutInPlace prepares the agent's log for its next line. If the log was written for
// another hub, it is moved after the hub's lines. If the log ends with lines that were not
// written here and do not count, they are removed. PutInPlace reports whether it moved a
// ref. bound says that all logs are already bound to the hub.
func (x *Exchange) PutInPlace(ctx context.Context, s *reading.Snapshot, bound bool) (moved bool, err error) {
	if s.UnboundLines() && !bound {
		return true, x.Bind(ctx)
	}
	l := s.Log(x.Agent)
	if l != nil && l.Foreign {
		return false, x.waitsForKey(ctx, s)
	}
	if l == nil || !l.Trails || l.View != l.Hub || l.Here == l.Hub {
		return false, nil
	}
	tip, _, err := x.withoutTrail(ctx, l)
	if err != nil {
		return false, err
	}
	ups := []refs.Update{{Ref: replay.HereRoot + replay.Agents + l.Agent, Old: l.Here, New: tip}}
	if kept := "refs/forked/" + l.Agent + "/" + string(l.View); s.AllRefs[kept] == "" {
		ups = append(ups, refs.Update{Ref: kept, New: l.View}) // as it was on the hub
	}
	if err := x.Local().Swap(ctx, ups); errors.Is(err, refs.ErrConflict) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	x.tellAppended(l, l.Kept())
	return true, nil
}

// tellAppended says that events which were appended to a log on the hub, without
// its key, are replaced by what is written here.
func (x *Exchange) tellAppended(l *reading.Log, after uint64) {
	x.TellOnce(fail.Notice{Code: "appended", Text: fmt.Sprintf("unsigned events after event %d of the log of '%s' on the hub do not count and are replaced: its key did not sign them", after, l.Agent),
		Fields: fail.Fields{"agent": l.Agent}})
}

// onHubs is a log written here on a commit that a push can put in the place of the
// hub's.
func (x *Exchange) onHubs(ctx context.Context, l *reading.Log) (refs.OID, error) {
	if grown, err := hubs.Descends(ctx, x.Local(), l.Here, l.Hub); err != nil || grown {
		return l.Here, err
	}
	return refs.Recommit(ctx, x.Local(), l.Here, []refs.OID{l.Hub, l.Here}, refs.CommitInfo{
		Address: x.Committer(), Author: l.Agent, When: x.Now(), Message: fmt.Sprintf("crosslink: the log of %s is restored\n\n[skip ci]\n", l.Agent)})
}

// TrailText describes the data after the last line of a log that counts.
func TrailText(l *reading.Log) string {
	return fmt.Sprintf("the log of '%s' was signed up to event %d; unsigned events after that do not count (%d)", l.Agent, l.Verdict().Vouched, l.Verdict().Lines-l.Kept())
}

// BeyondText describes the data on the hub after the last line of a log that is written
// here.
func BeyondText(l *reading.Log) string {
	return fmt.Sprintf("the hub's log of '%s' has unsigned data after event %d that does not count; the next event written here replaces it", l.Agent, l.Common)
}

// waitsForKey says why lines written for another hub id are not bound to this one.
func (x *Exchange) waitsForKey(ctx context.Context, s *reading.Snapshot) error {
	if e := x.LockedError(ctx, s); e != nil {
		return e
	}
	return fmt.Errorf("bind the log of '%s' to the hub: %w", x.Agent, refs.ErrConflict)
}
