package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/forms"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// milestoneDoc is a milestone with its progress.
type milestoneDoc struct {
	UUID        string       `json:"uuid"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Status      event.Status `json:"status"`
	Open        int          `json:"open_issues"`
	Closed      int          `json:"closed_issues"`
	CreatedAt   instant      `json:"created_at"`
	ClosedAt    instant      `json:"closed_at"`
	Issues      []issueDoc   `json:"-"`
	Scope, Done string       `json:"-"` // curves
	Width       float64      `json:"-"` // of what is done, of progressWidth
}

// The sizes of a milestone's drawings.
const (
	progressWidth = 200.0
	burnWidth     = 600.0
	burnHeight    = 80.0
	milestoneRows = 50
)

// Percent is how much of it is done.
func (m milestoneDoc) Percent() int {
	if m.Open+m.Closed == 0 {
		return 0
	}
	return 100 * m.Closed / (m.Open + m.Closed)
}

func milestoneDocOf(v place.View, m *reducer.Milestone, now event.Time) milestoneDoc {
	d := milestoneDoc{UUID: m.UUID.String(), Name: m.Name, Description: m.Description, Status: m.Status, CreatedAt: instant(m.CreatedAt), ClosedAt: instant(m.ClosedAt)}
	var rows []*store.Issue
	for _, u := range m.Issues {
		i, err := v.Row(u)
		if err != nil {
			continue
		}
		rows = append(rows, i)
		if i.Status == event.Open {
			d.Open++
		} else {
			d.Closed++
		}
		if len(d.Issues) < milestoneRows {
			d.Issues = append(d.Issues, issueDocOf(v.Names, i))
		}
	}
	if len(rows) == 0 {
		return d
	}
	d.Width = progressWidth * float64(d.Closed) / float64(len(rows))
	begin := rows[0].CreatedAt
	for _, i := range rows {
		begin = min(begin, i.CreatedAt)
	}
	at := func(t event.Time) float64 { return float64(t-begin) / float64(max(now-begin, 1)) }
	slices.SortFunc(rows, func(a, b *store.Issue) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	var scope, done []draw.Point
	for k, i := range rows {
		scope = append(scope, draw.Point{At: at(i.CreatedAt), Value: float64(k + 1)})
	}
	rows = slices.DeleteFunc(rows, func(i *store.Issue) bool { return i.Status == event.Open || i.ClosedAt == 0 })
	slices.SortFunc(rows, func(a, b *store.Issue) int { return cmp.Compare(a.ClosedAt, b.ClosedAt) })
	for k, i := range rows {
		done = append(done, draw.Point{At: at(i.ClosedAt), Value: float64(k + 1)})
	}
	d.Scope = draw.Steps(scope, float64(len(scope)), burnWidth, burnHeight)
	d.Done = draw.Steps(done, float64(len(scope)), burnWidth, burnHeight)
	return d
}

// milestones shows the milestones of a project, the open ones first.
func (s *Server) milestones(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	d := struct {
		Project    projectDoc     `json:"project"`
		Milestones []milestoneDoc `json:"milestones"`
		Can        bool           `json:"-"`
	}{Project: s.docOf(r, p), Milestones: []milestoneDoc{}, Can: mayWrite(p)}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		all, err := v.Milestones()
		for _, m := range all {
			d.Milestones = append(d.Milestones, milestoneDocOf(v, m, event.TimeOf(s.Now())))
		}
		return err
	})
	slices.SortStableFunc(d.Milestones, func(a, b milestoneDoc) int {
		return cmp.Or(strings.Compare(string(b.Status), string(a.Status)), cmp.Compare(b.CreatedAt, a.CreatedAt))
	})
	if err != nil {
		return s.unreadable(r, p, "milestones", "Milestones of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "milestones", "Milestones of "+p.Slug, d, "p:"+p.ID)
}

// createMilestone makes a milestone.
func (s *Server) createMilestone(r *request) error {
	return s.onMilestones(r, "milestone new", r.PostForm.Get("name"), forms.CreateMilestone)
}

// actOnMilestone closes or reopens a milestone, puts an issue into it or takes
// one out.
func (s *Server) actOnMilestone(r *request) error {
	name, id := r.PathValue("verb"), r.PathValue("id")
	if !slices.Contains(forms.MilestoneActions, name) {
		return refuse(http.StatusNotFound, "there is no action %q", name)
	}
	return s.onMilestones(r, "milestone "+name, id, func(f forms.Form) ([]event.Body, error) { return forms.ActOnMilestone(name, f) })
}

func (s *Server) onMilestones(r *request, name, subject string, do func(forms.Form) ([]event.Body, error)) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	to := fmt.Sprintf("/p/%s/milestones", p.Slug)
	return s.emit(r, p, name, subject, func(*place.Receipt) string { return to }, do)
}
