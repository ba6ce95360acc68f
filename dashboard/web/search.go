package web

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/query"
	"github.com/git-crosslink/git-crosslink/store"
)

// How a search works.
const (
	searchMost     = 20 // issues of each project
	searchWorkers  = 4  // of all searches
	searchPatience = 250 * time.Millisecond
	searchLimit    = 20 * time.Second // for one project, after the answer
)

// hit are the issues of one project that a search finds.
type hit struct {
	Project string         `json:"project"`
	Total   int            `json:"total"`
	Issues  []answer.Issue `json:"issues"`
	Rows    []issueDoc     `json:"-"`
	Agents  []person       `json:"agents"`
}

// search looks for issues and agents in all projects. It answers within its patience, and
// names the projects that were not searched by then.
func (s *Server) search(r *request) error {
	d := struct {
		Query     string      `json:"q"`
		Hits      []hit       `json:"hits"`
		Left      []string    `json:"not_searched"`
		Error     string      `json:"error,omitempty"`
		Operators [][2]string `json:"-"`
	}{Query: strings.TrimSpace(r.URL.Query().Get("q")), Hits: []hit{}, Left: []string{}, Operators: query.Operators}
	asked, err := query.Parse(d.Query)
	if err != nil {
		d.Error = err.Error()
	}
	if asked.Status == "" {
		asked.Status = "all"
	}
	projects, err := s.shown(r)
	if err != nil {
		return err
	}
	if d.Query != "" && d.Error == "" {
		d.Hits, d.Left = s.searchAll(r, projects, asked, d.Query)
	}
	return s.render(r, "search", "Search", d, map[bool]string{true: "all"}[d.Query != ""])
}

// searchAll searches projects beside each other, those that changed last first. A search that
// has begun is finished after the answer, too: the first one of a project makes its index.
func (s *Server) searchAll(r *request, projects []db.Project, asked query.Query, text string) ([]hit, []string) {
	projects = slices.DeleteFunc(projects, func(p db.Project) bool {
		return p.Status == db.Paused || asked.Project != "" && p.Slug != asked.Project && !strings.HasSuffix(p.Slug, "/"+asked.Project)
	})
	slices.SortStableFunc(projects, func(a, b db.Project) int { return cmp.Compare(b.LastActivity, a.LastActivity) })
	found, waiting := make([]chan *hit, len(projects)), make(chan int, len(projects))
	for k := range projects {
		found[k] = make(chan *hit, 1)
		waiting <- k
	}
	close(waiting)
	late := time.After(searchPatience)
	over := make(chan struct{})
	defer close(over)
	ctx, json := context.WithoutCancel(r.Context()), r.JSON
	for range min(searchWorkers, len(projects)) {
		go func() {
			for k := range waiting {
				select {
				case <-over:
					return
				case s.searching <- struct{}{}:
				}
				found[k] <- s.searchOne(ctx, projects[k], asked, text, json)
				<-s.searching
			}
		}()
	}
	hits, left := []hit{}, []string{}
	for k, p := range projects {
		var h *hit
		select {
		case h = <-found[k]:
		case <-late:
			late = closed
			select {
			case h = <-found[k]: // it is there already
			default:
			}
		}
		switch {
		case h == nil:
			left = append(left, p.Slug)
		case h.Total > 0 || len(h.Agents) > 0:
			hits = append(hits, *h)
		}
	}
	return hits, left
}

// closed is a time that has come.
var closed = func() chan time.Time { c := make(chan time.Time); close(c); return c }()

// searchOne searches one project; nil if it cannot be read.
func (s *Server) searchOne(ctx context.Context, p db.Project, asked query.Query, text string, json bool) *hit {
	if p.PollError != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	h := &hit{Project: p.Slug, Issues: []answer.Issue{}, Agents: []person{}}
	for _, a := range p.State.Facts.Agents {
		if strings.Contains(a.ID, text) || a.Name != "" && strings.Contains(store.SameName(a.Name), store.SameName(text)) {
			h.Agents = append(h.Agents, personOf(&p.State.Facts, a.ID))
		}
	}
	err := s.Library.Read(ctx, p.Place.Path, func(v place.View) error { return h.fill(ctx, s, v, asked, json) })
	if missing := (*store.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		return nil
	}
	return h
}

func (h *hit) fill(ctx context.Context, s *Server, v place.View, asked query.Query, json bool) error {
	l, err := s.lister(ctx, v, asked)
	if err != nil {
		return err
	}
	rows, total, err := l.list(func(f *store.Filter) { f.Sort = "updated" }, 0, searchMost)
	if err != nil {
		return err
	}
	if rows, total, err = l.named(rows, total); err != nil {
		return err
	}
	h.Total = total
	for _, i := range rows {
		h.Rows = append(h.Rows, issueDocOf(v.Names, i))
	}
	if !json {
		return nil
	}
	h.Issues, err = answer.New(v.Projection).Issues(rows)
	return err
}
