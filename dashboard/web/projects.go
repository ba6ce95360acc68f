package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/event"
)

// projectsPage is the data of the page of all projects.
type projectsPage struct {
	Projects []projectDoc `json:"projects"`
	Sort     string       `json:"sort"`
	Query    string       `json:"q"`
	View     string       `json:"view"` // tiles or table

	Sparks map[string]spark `json:"-"` // of open issues, by project
	Tracks bool             `json:"-"` // more can be watched from here
}

// manyProjects is the number of projects above which a table is easier to read than tiles.
const manyProjects = 24

// sparkDays is how many days a curve of open issues shows.
const sparkDays = 30

// The box of a curve of open issues.
const (
	sparkWidth  = 240
	sparkHeight = 24
)

// spark is the curve of a project's open issues, with its ends in numbers.
type spark struct {
	Points   string
	From, To int
	Days     int64 // since the first point
}

// sparkOf draws the days up to today; nothing if there is only one.
func sparkOf(days []db.Day, today int64) (k spark) {
	first := today - sparkDays + 1
	most := 0
	var points []draw.Point
	for _, d := range days {
		most = max(most, d.Open)
		points = append(points, draw.Point{At: float64(max(d.Day, first)-first) / (sparkDays - 1), Value: float64(d.Open)})
	}
	if len(days) < 2 {
		return k
	}
	return spark{draw.Steps(points, float64(most), sparkWidth, sparkHeight), days[0].Open, days[len(days)-1].Open, today - max(days[0].Day, first)}
}

// shapes are the shapes of projects, the most urgent first.
var shapes = []alerts.Shape{alerts.ShapeCritical, alerts.ShapeNoData, alerts.ShapeWarning, alerts.ShapeInfo, alerts.ShapeOK, alerts.ShapePaused}

// projectOrders are the orders of the page of all projects.
var projectOrders = map[string]func(a, b projectDoc) int{
	"slug":     func(a, b projectDoc) int { return strings.Compare(a.Slug, b.Slug) },
	"activity": func(a, b projectDoc) int { return int(min(max(b.LastActivity-a.LastActivity, -1), 1)) },
	"severity": func(a, b projectDoc) int { return slices.Index(shapes, a.Shape) - slices.Index(shapes, b.Shape) },
}

// projects is the page of all projects: pinned ones first, then in the order
// that was asked for.
func (s *Server) projects(r *request) error {
	all, by, clones, err := s.merged(r)
	if err != nil {
		return err
	}
	if r.csv() {
		return s.csv(r, export.Projects(all))
	}
	d := projectsPage{Projects: []projectDoc{}, Sort: r.URL.Query().Get("sort"), Query: r.URL.Query().Get("q")}
	order := projectOrders[d.Sort]
	if order == nil {
		d.Sort, order = "severity", projectOrders["severity"]
	}
	snoozes, err := s.DB.Snoozes(r.Context())
	if err != nil {
		return err
	}
	for _, p := range all {
		doc := s.projectDoc(p, by[p.ID])
		doc.Places = placesOf(clones, p)
		called := func(name string) bool { return strings.Contains(strings.ToLower(name), strings.ToLower(d.Query)) }
		if !called(p.Slug) && !slices.ContainsFunc(doc.Places, func(o placeDoc) bool { return called(o.Slug) }) {
			continue
		}
		items, _, err := s.inbox(r, p, by[p.ID], snoozes)
		if err != nil {
			return err
		}
		doc.NeedsYou = len(items)
		d.Projects = append(d.Projects, doc)
	}
	views := []string{"tiles", "table"}
	if len(d.Projects) > manyProjects {
		slices.Reverse(views)
	}
	d.View = oneOf(r.URL.Query().Get("view"), views)
	today := db.DayOf(event.TimeOf(s.Now()))
	series, err := s.DB.Series(r.Context(), today-sparkDays+1)
	if err != nil {
		return err
	}
	d.Sparks, d.Tracks = map[string]spark{}, s.Track != nil
	for id, days := range series {
		d.Sparks[id] = sparkOf(days, today)
	}
	slices.SortStableFunc(d.Projects, func(a, b projectDoc) int {
		if a.Pinned != b.Pinned {
			return map[bool]int{true: -1, false: 1}[a.Pinned]
		}
		return order(a, b)
	})
	return s.render(r, "projects", "Projects", d, "all")
}

// projectActions are what can be done to a project as a whole.
var projectActions = map[string]func(*Server, context.Context, db.Project) error{
	"pin":     func(s *Server, ctx context.Context, p db.Project) error { return s.DB.Pin(ctx, p.ID, true) },
	"unpin":   func(s *Server, ctx context.Context, p db.Project) error { return s.DB.Pin(ctx, p.ID, false) },
	"pause":   func(s *Server, ctx context.Context, p db.Project) error { return s.DB.SetStatus(ctx, p.ID, db.Paused) },
	"resume":  func(s *Server, ctx context.Context, p db.Project) error { return s.DB.SetStatus(ctx, p.ID, db.Active) },
	"untrack": func(s *Server, ctx context.Context, p db.Project) error { return s.DB.Untrack(ctx, p.ID) },
	"refresh": func(s *Server, ctx context.Context, p db.Project) error {
		s.Poller.Kick(p.ID)
		_, err := s.Poller.Poll(ctx, p.ID)
		return err
	},
}

// actOnProject does something to a project, which the form names.
func (s *Server) actOnProject(r *request) error {
	do := projectActions[r.PathValue("verb")]
	if do == nil {
		return refuse(http.StatusNotFound, "there is no action %q", r.PathValue("verb"))
	}
	p, err := s.DB.Project(r.Context(), r.PostForm.Get("project"))
	if err != nil {
		return refuse(http.StatusNotFound, "there is no project %q", r.PostForm.Get("project"))
	}
	err = s.audited(r, p.Slug, r.PathValue("verb"), "project", func(ctx context.Context, _ *db.Action) error { return do(s, ctx, p) })
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	s.Changed()
	return s.to(r, "/projects", actionDoc{Verb: r.PathValue("verb"), Lines: []lineDoc{}, Notes: []string{}})
}
