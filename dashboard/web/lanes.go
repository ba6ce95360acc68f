package web

import (
	"cmp"
	"slices"

	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// The day of an agent: a lane for each issue, with a tick for each event.
const (
	laneWidth = 480.0
	laneMost  = 8
	laneSpan  = 24 * 60 * minute
	lanesRead = 1000 // events
)

// dayLane is what an agent did to one issue in the last 24 hours.
type dayLane struct {
	Issue, Title string // "" is about no issue
	Events       int
	Last         instant
	Ticks        []float64
	about        event.UUID
}

// lanesOf are the lanes of lines that are newest first, the one used last first. Those
// beyond the most are added together.
func lanesOf(lines []*event.Envelope, about func(*event.Envelope) event.UUID, now event.Time) (lanes []dayLane, others int) {
	for _, l := range lines {
		age := now - l.Shown()
		if age > laneSpan {
			continue
		}
		u := about(l)
		k := slices.IndexFunc(lanes, func(x dayLane) bool { return x.about == u })
		if k < 0 && len(lanes) == laneMost {
			others++
			continue
		}
		if k < 0 {
			k = len(lanes)
			lanes = append(lanes, dayLane{about: u, Last: instant(l.Shown())})
		}
		x := max(0, min(laneWidth-3, laneWidth*(1-float64(age)/float64(laneSpan))))
		if n := len(lanes[k].Ticks); n == 0 || lanes[k].Ticks[n-1]-x >= 1 {
			lanes[k].Ticks = append(lanes[k].Ticks, x) // skip ticks that would cover the previous one
		}
		lanes[k].Events++
	}
	slices.SortStableFunc(lanes, func(a, b dayLane) int { return cmp.Compare(b.Last, a.Last) })
	return lanes, others
}

// day reads the lanes of an agent.
func (d *agentPage) day(v place.View, now event.Time) error {
	lines, err := v.Newest(store.LineFilter{Agent: d.Agent.ID, Limit: lanesRead})
	if err != nil {
		return err
	}
	d.Lanes, d.LanesLeft = lanesOf(lines, func(l *event.Envelope) event.UUID { return aboutOf(v, l.Body) }, now)
	for k := range d.Lanes {
		if i, err := v.Row(d.Lanes[k].about); err == nil {
			d.Lanes[k].Issue, d.Lanes[k].Title = i.Name(), i.Title
		}
	}
	return nil
}
