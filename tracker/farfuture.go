package tracker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// Times of events only go up, so one clock that is wrong by years pushes
// everybody's along, and the order stays as it was. Only the greatest time there
// is has none behind it: at it the agent id decides, and what the smaller one
// writes can be without effect. That is told, and whose log began it.

// farAhead is how far ahead of this clock a time is somebody's mistake.
const farAhead = 365 * 24 * time.Hour

// ahead names the logs that carry times far ahead, and the greatest of them:
// those whose writer's own clock said so; if all lines say that they were only
// pushed along, the log of the first in order.
func (s *snapshot) ahead(now time.Time) (who []string, at event.Time) {
	limit := event.TimeOf(now.Add(farAhead))
	var first *event.Envelope
	for _, e := range s.lines {
		if e.Time <= limit {
			continue
		}
		at = max(at, e.Time)
		if first == nil || e.Key().Less(first.Key()) {
			first = e
		}
		if e.Wall == 0 && !slices.Contains(who, e.Agent) {
			who = append(who, e.Agent)
		}
	}
	if len(who) == 0 && first != nil {
		who = []string{first.Agent}
	}
	slices.Sort(who)
	return who, at
}

// aheadProblems are they as status lists them.
func (t *Tracker) aheadProblems(s *snapshot) []string {
	who, at := s.ahead(t.now())
	var problems []string
	for _, id := range who {
		text := fmt.Sprintf("the log of '%s' carries times years ahead, up to %s; what is written since is ordered behind them", id, at)
		if at == event.MaxTime {
			text = fmt.Sprintf("the log of '%s' carries the greatest time there is, %s; what is written since may have no effect", id, at)
		}
		problems = append(problems, text)
	}
	return problems
}

// checkClocks is the doctor's look at times.
func (t *Tracker) checkClocks(_ context.Context, s *snapshot) ([]Diagnosis, error) {
	var found []Diagnosis
	for _, text := range t.aheadProblems(s) {
		found = append(found, Diagnosis{"far-future", Warning, text, []string{"set the clock of that writer's machine; nothing is lost or delayed by it: git crosslink status"}})
	}
	return found, nil
}

// apply adds a line just stamped to the state and reports whether, for want of
// a time behind what was seen, it changed nothing.
func (s *snapshot) apply(e *event.Envelope) (overruled bool) {
	if s.brief != nil || e.Time > s.state.Newest() { // a brief one knows no time far ahead
		s.state.Apply(e)
		return false
	}
	before := s.state.Hash()
	s.state.Apply(e)
	return s.state.Hash() == before
}

// tellOverruled says that a line was written and changed nothing.
func (t *Tracker) tellOverruled(s *snapshot) {
	who, at := s.ahead(t.now())
	if len(who) == 0 {
		return
	}
	t.notice(Notice{Name: "far-future", Hints: []string{"git crosslink status"},
		Text: fmt.Sprintf("what was written is kept and has no effect: the log of '%s' carries the greatest time there is, %s, which nothing is behind", who[0], at)})
}
