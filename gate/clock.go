package gate

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A new line may be stamped a little ahead of the server's clock, because clocks differ, or
// right after a line on the hub that its writer follows. Writers do not follow lines that
// do not count, or that are too far ahead (event.Follows). So no push gets ahead of the
// clock by more than follower, and a hub whose time is ahead is not moved further ahead.

// ahead is how far a stamp may be ahead of the server's clock.
const ahead = event.Time(60 * time.Second)

// follower is how far a stamp may be ahead of the line it follows. A writer adds
// 1 ns for each line.
const follower = event.Time(time.Millisecond)

// stamp is the position and time of a line.
type stamp struct {
	seq uint64
	at  event.Time
}

func (g *gate) clock() event.Time { return event.TimeOf(g.o.Now) }

// late judges lines that are ahead of the server's clock.
func (l *logCheck) late(lines []stamp) (*Refusal, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	newest, err := l.newestOnHub()
	if err != nil {
		return nil, err
	}
	for _, s := range lines {
		if s.at > newest+follower {
			r := refuse(Clock, cureClock, "it is dated %s, more than %d s ahead of the hub's clock, and follows no line on the hub", s.at, ahead/1e9)
			r.Line = s.seq
			return r, nil
		}
	}
	return nil, nil
}

// newestOnHub returns the greatest time on the hub that a writer follows. It is computed
// only if it matters, and only from logs that end ahead of the clock.
func (g *gate) newestOnHub() (event.Time, error) {
	if g.newest >= 0 {
		return g.newest, nil
	}
	var reqs []refs.LogRequest
	for name, tip := range g.before {
		if id, ok := strings.CutPrefix(name, agentPrefix); ok {
			reqs = append(reqs, refs.LogRequest{Agent: id, Tip: tip, From: math.MaxUint64})
		}
	}
	late := map[int]bool{}
	if _, err := refs.WalkLogs(g.ctx, g.repo, reqs, func(i int, _ uint64, line []byte) bool {
		e, err := event.Decode(line)
		late[i] = err == nil && e.Time > g.clock()+ahead
		return true
	}); err != nil {
		return 0, err
	}
	newest := event.Time(0)
	for i, r := range reqs {
		if !late[i] {
			continue
		}
		t, err := g.newestThatCounts(r.Agent, r.Tip)
		if err != nil {
			return 0, err
		}
		newest = max(newest, t)
	}
	g.newest = newest
	return newest, nil
}

// newestThatCounts returns the greatest time that a writer follows among the counted lines
// of a log on the hub.
func (g *gate) newestThatCounts(id string, tip refs.OID) (newest event.Time, err error) {
	chain, judge := event.Chain{Hub: g.meta.Hub, Agent: id}, g.meta.roll.Log(id, trust.LogOptions{})
	var times []event.Time
	_, err = refs.WalkLogs(g.ctx, g.repo, []refs.LogRequest{{Agent: id, Tip: tip, From: 1}}, func(_ int, _ uint64, line []byte) bool {
		e, err := chain.Next(bytes.Clone(line))
		if err != nil {
			return false
		}
		judge.Feed(e)
		times = append(times, e.Time)
		return true
	})
	if err != nil {
		return 0, fmt.Errorf("read the log on the hub: %w", err)
	}
	for _, t := range times[:judge.Verdict().Fed] {
		if t <= event.Follows(g.clock()) {
			newest = t
		}
	}
	return newest, nil
}
