package tracker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// A new line is stamped after all lines that count, so a clock that is wrong by
// years moves everybody's stamps, and the order stays right. Lines that do not
// count move nobody's. Nor do lines further ahead than event.Follows: after the
// greatest time there is no other, so whoever followed one to it could never win
// a register again. What such a line wrote cannot be changed. A command that
// tries is refused, and names the agent whose line it is.

// farAhead is how far ahead of this clock a time is reported.
const farAhead = 365 * 24 * time.Hour

// clock is what a new line is ordered after.
type clock struct {
	seen  event.Time // greatest time that is followed
	limit event.Time // nothing beyond it is
}

// clock returns the clock of a line that is written now at the end of l. It
// refuses a line that nobody could follow because the log is beyond the limit.
func (t *Tracker) clock(ctx context.Context, s *snapshot, l *log) (c clock, err error) {
	c.limit = event.Follows(event.TimeOf(t.now()))
	if l.chain.Time > c.limit {
		return c, t.ownClockError(l)
	}
	if c.seen, err = t.newestWithin(ctx, s, c.limit); err != nil || s.newest <= c.limit {
		return c, err
	}
	for _, id := range s.agents() { // which values a line that is not followed holds, all lines tell
		lines, err := t.countedLines(ctx, s.logs[id])
		if err != nil {
			return c, err
		}
		for _, e := range lines {
			s.stamped.Apply(e)
		}
	}
	return c, nil
}

// upTo is how many lines of a log have times up to limit.
func upTo(lines []*event.Envelope, limit event.Time) int {
	return sort.Search(len(lines), func(i int) bool { return lines[i].Time > limit })
}

// outranked refuses an event that would not change all it is to change, because a
// line that is not followed holds some of it.
func (t *Tracker) outranked(ctx context.Context, s *snapshot, c clock, by event.Key) error {
	lines, err := t.countedLines(ctx, s.logs[by.Agent])
	if err != nil {
		return err
	}
	first := upTo(lines, c.limit)
	return &fail.Error{Kind: fail.Denied, Code: "far-future/outranked",
		Message: fmt.Sprintf("event %d of '%s' is stamped %s, too far ahead to be followed, and no later event can change what it wrote: nothing was written", by.Seq, by.Agent, by.Time),
		Fields:  fail.Fields{"agent": by.Agent, "after": strconv.Itoa(first)}}
}

// ownClockError refuses to write to a log that was written with a clock far
// ahead: others could not change what is added to it.
func (t *Tracker) ownClockError(l *log) error {
	return &fail.Error{Kind: fail.Fatal, Code: "own-clock",
		Message: fmt.Sprintf("the last event of '%s' is stamped %s, too far ahead to be followed, and nobody could change what is written after it: nothing was written", l.agent, l.chain.Time)}
}

// ahead is a log with times far ahead.
type ahead struct {
	agent  string
	seq    uint64     // first line that is
	beyond uint64     // first line that nobody follows, 0 if there is none
	at     event.Time // of beyond, else of seq
}

// ahead returns the logs that brought times far ahead, by agent. A line brings
// one if its writer's own clock said so (it has no wall), or if no line before
// it in the order explains it. Whoever only followed is not in the list.
func (t *Tracker) ahead(ctx context.Context, s *snapshot) ([]ahead, error) {
	limit, follows := event.TimeOf(t.now().Add(farAhead)), event.Follows(event.TimeOf(t.now()))
	if s.newest <= limit {
		return nil, nil
	}
	var lines []*event.Envelope
	for _, l := range s.logs {
		if l.chain.Time <= limit {
			continue
		}
		all, err := t.linesOf(ctx, l)
		if err != nil {
			return nil, err
		}
		lines = append(lines, all[upTo(all, limit):]...)
	}
	slices.SortFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
	var found []ahead
	before := limit // a follower of a line just before the limit may be just after it
	for _, e := range lines {
		n := slices.IndexFunc(found, func(a ahead) bool { return a.agent == e.Agent })
		counts := e.Seq <= s.logs[e.Agent].counted() // one that does not explains others, who followed it before they knew
		if n < 0 && counts && (e.Wall == 0 || e.Time-before > followGap) {
			n, found = len(found), append(found, ahead{agent: e.Agent, seq: e.Seq, at: e.Time})
		}
		if n >= 0 && counts && found[n].beyond == 0 && e.Time > follows {
			found[n].beyond, found[n].at = e.Seq, e.Time
		}
		before = e.Time
	}
	slices.SortFunc(found, func(a, b ahead) int { return cmp.Compare(a.agent, b.agent) })
	return found, nil
}

// followGap is how much later than the line it follows a line may be stamped: a
// follower adds 1 ns for each of its lines.
const followGap = event.Time(time.Second)

// text is what status and doctor say of it.
func (a ahead) text() string {
	if a.beyond > 0 {
		return fmt.Sprintf("event %d of '%s' is stamped %s, too far ahead to be followed: no later event can change what it wrote", a.beyond, a.agent, a.at)
	}
	return fmt.Sprintf("the clock of '%s' was years ahead: event %d is stamped %s, and later events are ordered after it", a.agent, a.seq, a.at)
}

// checkClocks is the doctor's look at times.
func (t *Tracker) checkClocks(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	all, err := t.ahead(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		d := fail.Diagnosis{Code: "far-future", Severity: fail.Warning, Text: a.text()}
		if a.beyond > 0 {
			d.Code, d.Fields = "far-future/beyond", fail.Fields{"agent": a.agent, "after": strconv.FormatUint(a.beyond-1, 10)}
		}
		found = append(found, d)
	}
	return found, nil
}
