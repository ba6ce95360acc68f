package reading

import (
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// A new line is stamped after all lines that count, so a clock that is wrong by
// years moves everybody's stamps, and the order stays right. Lines that do not
// count move nobody's. Nor do lines further ahead than event.Follows: after the
// greatest time there is no other, so anybody who followed one to it could never win
// a register again. What such a line wrote cannot be changed. A command that
// tries is refused, and names the agent whose line it is.

// farAhead is how far ahead of this clock a time is reported.
const farAhead = 365 * 24 * time.Hour

// Clock is what a new line is ordered after.
type Clock struct {
	Seen  event.Time // greatest time that is followed
	Limit event.Time // nothing beyond it is
}

// ErrAhead says that a log ends in a line that nobody could follow.
var ErrAhead = errors.New("the last line is stamped too far ahead to be followed")

// Clock returns the clock of a line that is written now at the end of l; ErrAhead
// if nobody could follow it. Which values are held by lines that are not followed,
// stamped says afterward.
func (r *Reader) Clock(ctx context.Context, s *Snapshot, l *Log, now event.Time, stamped *reducer.State) (c Clock, err error) {
	c.Limit = event.Follows(now)
	if l.Time > c.Limit {
		return c, ErrAhead
	}
	if c.Seen, err = r.Newest(ctx, s, c.Limit); err != nil || s.Newest <= c.Limit {
		return c, err
	}
	for _, l := range s.Logs() { // all lines tell
		lines, err := r.Counted(ctx, l)
		if err != nil {
			return c, err
		}
		for _, e := range lines {
			stamped.Apply(e)
		}
	}
	return c, nil
}

// Followed is how many lines of a log that count have times up to limit.
func (r *Reader) Followed(ctx context.Context, l *Log, limit event.Time) (int, error) {
	lines, err := r.Counted(ctx, l)
	return upTo(lines, limit), err
}

// upTo is how many lines of a log have times up to limit.
func upTo(lines []*event.Envelope, limit event.Time) int {
	return sort.Search(len(lines), func(i int) bool { return lines[i].Time > limit })
}

// Ahead is a log with times far ahead.
type Ahead struct {
	Agent  string
	Seq    uint64     // first line that is
	Beyond uint64     // first line that nobody follows, 0 if there is none
	At     event.Time // of Beyond, else of Seq
}

// Ahead returns the logs that brought times far ahead, by agent. A line brings
// one if its writer's own clock said so (it has no wall), or if no line before
// it in the order explains it. Anybody who only followed is not in the list.
func (r *Reader) Ahead(ctx context.Context, s *Snapshot, now time.Time) ([]Ahead, error) {
	limit, follows := event.TimeOf(now.Add(farAhead)), event.Follows(event.TimeOf(now))
	if s.Newest <= limit {
		return nil, nil
	}
	var lines []*event.Envelope
	for _, l := range s.Logs() {
		if l.Time <= limit {
			continue
		}
		all, err := r.Lines(ctx, l)
		if err != nil {
			return nil, err
		}
		lines = append(lines, all[upTo(all, limit):]...)
	}
	slices.SortFunc(lines, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
	var found []Ahead
	before := limit // a follower of a line just before the limit may be just after it
	for _, e := range lines {
		n := slices.IndexFunc(found, func(a Ahead) bool { return a.Agent == e.Agent })
		counts := e.Seq <= s.Log(e.Agent).Counted // one that does not explains others, who followed it before they knew
		if n < 0 && counts && (e.Wall == 0 || e.Time-before > followGap) {
			n, found = len(found), append(found, Ahead{Agent: e.Agent, Seq: e.Seq, At: e.Time})
		}
		if n >= 0 && counts && found[n].Beyond == 0 && e.Time > follows {
			found[n].Beyond, found[n].At = e.Seq, e.Time
		}
		before = e.Time
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Agent < found[j].Agent })
	return found, nil
}

// followGap is how much later than the line it follows a line may be stamped: a
// follower adds 1 ns for each of its lines.
const followGap = event.Time(time.Second)
