package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// timelinePage is the data of the page of when things are to happen.
type timelinePage struct {
	Project projectDoc `json:"project"`
	By      string     `json:"by"`
	Zoom    string     `json:"zoom"`
	From    instant    `json:"from"`
	To      instant    `json:"to"`
	Lanes   []lane     `json:"lanes"`
	Left    int        `json:"left_out"`
	Can     bool       `json:"-"`
	Ticks   []tick     `json:"-"`
	Today   float64    `json:"-"`
	Height  float64    `json:"-"`
	Bys     []string   `json:"-"`
	Zooms   []string   `json:"-"`
}

type lane struct {
	Name string    `json:"name"`
	Text string    `json:"-"` // the name as it is shown
	Y    float64   `json:"-"`
	Bars []laneBar `json:"bars"`
}

type laneBar struct {
	Issue    issueDoc `json:"issue"`
	Begin    instant  `json:"begin"`
	End      instant  `json:"end"`
	X, Y, W  float64  `json:"-"`
	Open     bool     `json:"open"`
	Overdue  bool     `json:"overdue"`
	Label    string   `json:"-"`
	NotDated bool     `json:"not_dated"`
}

type tick struct {
	X     float64
	Label string
	Rest  bool // a weekend
}

// The measures of a timeline.
const (
	timeWidth = 1000.0
	barHeight = 20.0
	laneTitle = 24.0
	timeRows  = 100
)

var (
	timelineBys   = []string{"milestone", "assignee", "agent"}
	timelineZooms = []string{"month", "2 weeks", "quarter", "year"}
	zoomDays      = map[string]int{"2 weeks": 14, "month": 30, "quarter": 90, "year": 365}
)

// timeline draws issues from when they begin to when they are due.
func (s *Server) timeline(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := timelinePage{Project: s.docOf(r, p), By: oneOf(q.Get("by"), timelineBys), Zoom: oneOf(q.Get("zoom"), timelineZooms), Lanes: []lane{}, Can: mayWrite(p), Bys: timelineBys, Zooms: timelineZooms}
	day := event.Time(24 * time.Hour)
	now := event.TimeOf(s.Now())
	span := event.Time(zoomDays[d.Zoom]) * day
	d.From, d.To = instant(now-span/6), instant(now+span*5/6)
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error { return d.fill(v, now) })
	if err != nil {
		return s.unreadable(r, p, "timeline", "Timeline of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "timeline", "Timeline of "+p.Slug, d, "p:"+p.ID)
}

func (d *timelinePage) fill(v place.View, now event.Time) error {
	at := func(t event.Time) float64 {
		return float64(min(max(t, event.Time(d.From)), event.Time(d.To))-event.Time(d.From)) / float64(d.To-d.From) * timeWidth
	}
	names := map[event.UUID]string{}
	milestones, err := v.Milestones()
	if err != nil {
		return err
	}
	for _, m := range milestones {
		names[m.UUID] = m.Name
	}
	rows, _, err := v.List(store.Filter{Status: "all", Sort: "due"})
	if err != nil {
		return err
	}
	by, shown := map[string]*lane{}, 0
	for _, i := range rows {
		b := laneBar{Issue: issueDocOf(v.Names, i), Begin: instant(cmp.Or(i.ScheduledAt, i.CreatedAt)), End: instant(cmp.Or(i.ClosedAt, i.DueAt)), Open: i.Status == event.Open, Label: short(facts.Ref(i.Name())+" "+i.Title, 60)}
		if b.End == 0 {
			b.End, b.NotDated = instant(now), true
		}
		if b.Overdue = b.Open && i.DueAt != 0 && i.DueAt < now; b.Overdue {
			b.Begin, b.End = min(b.Begin, b.End), instant(now)
		}
		b.End = max(b.End, b.Begin)
		if i.Status == event.Archived || event.Time(b.End) < event.Time(d.From) || b.Begin > d.To || !b.Open && i.ClosedAt == 0 {
			continue
		}
		if shown++; shown > timeRows {
			d.Left++
			continue
		}
		name, text := "", ""
		switch d.By {
		case "milestone":
			name = names[i.Milestone]
			text = name
		case "assignee":
			name, text = strings.Join(i.Assignees, ", "), strings.Join(v.Names.Briefs(i.Assignees), ", ")
		case "agent":
			name, text = b.Issue.Holder.ID, b.Issue.Holder.Text()
		}
		l := by[name]
		if l == nil {
			l = &lane{Name: name, Text: text}
			by[name] = l
		}
		l.Bars = append(l.Bars, b)
	}
	for _, l := range by {
		if l.Name == "" {
			l.Name, l.Text = "none", map[string]string{"assignee": "nobody"}[d.By]
			l.Text = cmp.Or(l.Text, "no "+d.By)
		}
		d.Lanes = append(d.Lanes, *l)
	}
	slices.SortFunc(d.Lanes, func(a, b lane) int {
		return cmp.Or(map[bool]int{true: 1}[a.Name == "none"]-map[bool]int{true: 1}[b.Name == "none"], strings.Compare(a.Name, b.Name))
	})
	y := laneTitle
	for n := range d.Lanes {
		l := &d.Lanes[n]
		l.Y = y
		y += laneTitle
		for k := range l.Bars {
			b := &l.Bars[k]
			b.X = at(event.Time(b.Begin))
			b.Y, b.W = y, max(at(event.Time(b.End))-b.X, 4)
			y += barHeight + 4
		}
	}
	d.Height, d.Today = y, at(now)
	d.ticks(at)
	return nil
}

// ticks marks days, weeks or months, by the zoom.
func (d *timelinePage) ticks(at func(event.Time) float64) {
	t := event.Time(d.From).Std().UTC().Truncate(24 * time.Hour)
	for ; event.TimeOf(t) < event.Time(d.To); t = t.AddDate(0, 0, 1) {
		if event.TimeOf(t) < event.Time(d.From) {
			continue
		}
		one := tick{X: at(event.TimeOf(t))}
		switch days := zoomDays[d.Zoom]; {
		case days > 90 && t.Day() == 1:
			one.Label = t.Format("Jan")
		case days <= 90 && t.Weekday() == time.Monday:
			one.Label = t.Format("2 Jan")
		case days <= 30 && t.Weekday() == time.Saturday:
			one.Rest = true
		default:
			continue
		}
		d.Ticks = append(d.Ticks, one)
	}
}

// DayWidth is the width of two days, a weekend.
func (d timelinePage) DayWidth() float64 { return timeWidth / float64(zoomDays[d.Zoom]) * 2 }
