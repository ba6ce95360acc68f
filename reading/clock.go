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

// A new line is stamped after all lines that count. So a clock that is wrong by years moves
// everybody's stamps, and the order stays right. Lines that do not count move nobody's
// clock, and neither do lines further ahead than event.Follows: there is no time after the
// greatest one, so a clone that followed a line to it could never win a register again.
// Nobody can change what such a line wrote. A command that tries is refused, and names the
// agent that wrote the line.

// farAhead is how far ahead of this clock a time is reported.
const farAhead = 365 * 24 * time.Hour

// Clock is the time after which a new line is ordered.
type Clock struct {
	Seen  event.Time // greatest time that writers follow
	Limit event.Time // later times are not followed
}

// ErrAhead means that a log ends with a line that no other line could follow.
var ErrAhead = errors.New("the last line is stamped too far ahead to be followed")

// Clock returns the clock for a line that is written now at the end of l; ErrAhead if no
// line could follow. stamped then shows which values belong to lines that are not followed.
func (r *Reader) Clock(ctx context.Context, s *Snapshot, l *Log, now event.Time, stamped *reducer.State) (c Clock, err error) {
	c.Limit = event.Follows(now)
	if l.Time > c.Limit {
		return c, ErrAhead
	}
	if c.Seen, err = r.Newest(ctx, s, c.Limit); err != nil || s.Newest <= c.Limit {
		return c, err
	}
	for _, l := range s.Logs() { // read the times of all lines
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

// Followed returns how many counted lines of a log have times up to limit.
func (r *Reader) Followed(ctx context.Context, l *Log, limit event.Time) (int, error) {
	lines, err := r.Counted(ctx, l)
	return upTo(lines, limit), err
}

// upTo returns how many lines of a log have times up to limit.
func upTo(lines []*event.Envelope, limit event.Time) int {
	return sort.Search(len(lines), func(i int) bool { return lines[i].Time > limit })
}

// Ahead is a log with times far ahead.
type Ahead struct {
	Agent  string
	Seq    uint64     // first line far ahead
	Beyond uint64     // first line that nobody follows, 0 if there is none
	At     event.Time // time of line Beyond, otherwise of line Seq
}

// Ahead returns the logs whose writers' clocks were far ahead, by agent. A line shows this
// if its time is its writer's own clock (it has no wall), or if no earlier line explains
// its time. Agents that only followed are not listed.
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
	before := limit // the follower of a line just before the limit may be just after the limit
	for _, e := range lines {
		n := slices.IndexFunc(found, func(a Ahead) bool { return a.Agent == e.Agent })
		counts := e.Seq <= s.Log(e.Agent).Counted // an uncounted line may explain times of agents that followed it before they knew
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

// followGap is how much later a follower's line may be than the line it follows: a follower
// adds 1 ns for each of its lines.
const followGap = event.Time(time.Second)
