package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
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

// trails reports whether the log in view ends in lines that do not count because
// they are not signed.
func (l *log) trails() bool { return l.verdict != nil && l.verdict.Trails() }

// kept is how many lines are before those, where it trails.
func (l *log) kept() uint64 { return l.verdict.Kept() }

// countedUpTo says of those logs of the hub that end in lines which do not count
// how many do: a step that covered more would make them count.
func (s *snapshot) countedUpTo(tips map[string]string) map[string]uint64 {
	upTo := map[string]uint64{}
	for id, tip := range tips {
		switch l := s.logs[id]; {
		case tip != string(l.hub):
		case l.beyond:
			upTo[id] = l.common
		case l.trails():
			upTo[id] = l.kept()
		}
	}
	return upTo
}

// withoutTrail is the log in view as far as it counts, in a commit on top of its
// tip.
func (t *Tracker) withoutTrail(ctx context.Context, l *log) (refs.OID, event.Chain, error) {
	none := event.Chain{}
	lines, err := t.goodLines(ctx, l.agent, l.view)
	if err != nil || uint64(len(lines)) < l.kept() {
		return "", none, fmt.Errorf("read the log of '%s' up to event %d: %w", l.agent, l.kept(), err)
	}
	lines = lines[:l.kept()]
	last := lines[len(lines)-1]
	var raw [][]byte
	for _, e := range lines {
		raw = append(raw, e.Raw)
	}
	c := refs.CommitInfo{Address: t.committer(), Author: l.agent, When: last.Time.Std(), Message: fmt.Sprintf("crosslink: the log of %s is put back\n\n[skip ci]\n", l.agent)}
	tip, err := refs.AppendLog(ctx, t.local(), l.agent, "", raw, c)
	if err == nil {
		tip, err = refs.Recommit(ctx, t.local(), tip, []refs.OID{l.view}, c)
	}
	return tip, event.Chain{Hub: last.Hub, Agent: l.agent, Seq: last.Seq, Hash: event.Hash(last.Raw), Time: last.Time}, err
}

// putInPlace makes the own log end where the next line belongs: after the lines of
// the hub, if it was written for another, and where it counts, if what follows was
// not written here. It reports whether it moved something; bound says that all
// logs have been bound before.
func (t *Tracker) putInPlace(ctx context.Context, s *snapshot, bound bool) (moved bool, err error) {
	if s.unboundLines() && !bound {
		return true, t.bind(ctx)
	}
	l := s.logs[t.agent]
	if l != nil && l.foreign {
		return false, t.waitsForKey(ctx, s)
	}
	if l == nil || !l.trails() || l.view != l.hub || l.here == l.hub {
		return false, nil
	}
	tip, _, err := t.withoutTrail(ctx, l)
	if err != nil {
		return false, err
	}
	ups := []refs.Update{{Ref: headRoot + agentLogs + l.agent, Old: l.here, New: tip}}
	if kept := "refs/forked/" + l.agent + "/" + string(l.view); s.refs[kept] == "" {
		ups = append(ups, refs.Update{Ref: kept, New: l.view}) // as it was on the hub
	}
	if err := t.local().Swap(ctx, ups); errors.Is(err, refs.ErrConflict) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	t.tellAppended(l, l.kept())
	return true, nil
}

// tellAppended says that events which were appended to a log on the hub, without
// its key, are replaced by what is written here.
func (t *Tracker) tellAppended(l *log, after uint64) {
	t.tellOnce(fail.Notice{Code: "appended", Text: fmt.Sprintf("unsigned events after event %d of the log of '%s' on the hub do not count and are replaced: they were not written with its key", after, l.agent),
		Fields: fail.Fields{"agent": l.agent}})
}

// onHubs is a log written here on a commit that a push can put in the place of the
// hub's.
func (t *Tracker) onHubs(ctx context.Context, l *log) (refs.OID, error) {
	if grown, err := hubs.Descends(ctx, t.local(), l.here, l.hub); err != nil || grown {
		return l.here, err
	}
	return refs.Recommit(ctx, t.local(), l.here, []refs.OID{l.hub, l.here}, refs.CommitInfo{
		Address: t.committer(), Author: l.agent, When: t.now(), Message: fmt.Sprintf("crosslink: the log of %s is put back\n\n[skip ci]\n", l.agent)})
}

// trailText says what follows the last line of a log that counts.
func (l *log) trailText() string {
	return fmt.Sprintf("the log of '%s' was signed up to event %d; unsigned events after that do not count (%d)", l.agent, l.verdict.Vouched, l.verdict.Lines-l.kept())
}

// beyondText says what the hub has after the last line of a log that is written
// here.
func (l *log) beyondText() string {
	return fmt.Sprintf("the hub's log of '%s' has unsigned data after event %d that does not count; the next event written here replaces it", l.agent, l.common)
}

// continuedSigned reports whether what an agent writes next counts only if it is
// signed.
func (s *snapshot) continuedSigned(agent string) bool {
	l := s.logs[agent]
	return l != nil && l.verdict != nil && l.verdict.Signed()
}

// locked says why the agent of this worktree, whose log is to be continued signed,
// cannot sign now; nil if it can, or need not. Nobody is asked for anything.
func (t *Tracker) locked(ctx context.Context, s *snapshot) error {
	if t.agent == "" || !s.continuedSigned(t.agent) {
		return nil
	}
	k, err := t.key(agents.Request{Agent: t.agent, InForce: s.force(t.agent)})
	if err != nil {
		return err
	}
	return agents.Ready(ctx, k)
}

// lockedError says so; nil if it can sign.
func (t *Tracker) lockedError(ctx context.Context, s *snapshot) *fail.Error {
	err := t.locked(ctx, s)
	if err == nil {
		return nil
	}
	return t.signer().Continue(s.ownLog(t.agent), err,
		fmt.Sprintf("the log of '%s' was signed up to event %d, and nothing can be added to it now: %s", t.agent, s.logs[t.agent].verdict.Vouched, agents.WhyUnsigned(err)))
}

// waitsForKey says why lines written for another hub id are not bound to this one.
func (t *Tracker) waitsForKey(ctx context.Context, s *snapshot) error {
	if e := t.lockedError(ctx, s); e != nil {
		return e
	}
	return fmt.Errorf("bind the log of '%s' to the hub: %w", t.agent, refs.ErrConflict)
}

// freeID is an id like an agent's that has no log yet.
func (s *snapshot) freeID(agent string) string {
	agent = strings.TrimRight(agent[:min(len(agent), 60)], "-")
	for n := 2; n < 100; n++ {
		if id := fmt.Sprintf("%s-%d", agent, n); s.logs[id] == nil && event.ValidAgentID(id) == nil {
			return id
		}
	}
	return agents.Mint("")
}
