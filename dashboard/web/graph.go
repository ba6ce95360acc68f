package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/verb"
)

// graphPage is the data of the page of what blocks what.
type graphPage struct {
	Project projectDoc  `json:"project"`
	Root    string      `json:"root"`
	Depth   int         `json:"depth"`
	Nodes   []graphNode `json:"nodes"`
	Edges   []graphEdge `json:"edges"`
	Left    int         `json:"left_out"`
	Error   string      `json:"error,omitempty"`
	Width   float64     `json:"-"`
	Height  float64     `json:"-"`
}

type graphNode struct {
	draw.Place
	Issue issueDoc `json:"issue"`
	Ready bool     `json:"ready"`
	Short string   `json:"-"` // the title, as much as there is room for
	Out   string   `json:"-"` // uuids of what it blocks, and
	In    string   `json:"-"` // of what it waits for
}

type graphEdge struct {
	draw.Line
	Blocker issueDoc `json:"blocker"`
	Blocked issueDoc `json:"blocked"`
}

// graph draws what blocks what. Closed issues and those that nothing connects
// are left out.
func (s *Server) graph(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := graphPage{Project: s.docOf(r, p), Root: strings.TrimPrefix(strings.TrimSpace(q.Get("root")), "#"), Nodes: []graphNode{}, Edges: []graphEdge{}}
	if d.Depth, err = strconv.Atoi(q.Get("depth")); err != nil || d.Depth < 1 {
		d.Depth = 10
	}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error { return d.fill(v) })
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
		d.Error, err = s.explain(err).Message, nil
	}
	if err != nil {
		return s.unreadable(r, p, "graph", "Graph of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "graph", "Graph of "+p.Slug, d, "p:"+p.ID)
}

// fill collects the issues of the graph and places them.
func (d *graphPage) fill(v place.View) error {
	rows, _, err := v.List(store.Filter{Sort: "priority"})
	if err != nil {
		return err
	}
	open := map[event.UUID]*store.Issue{}
	for _, i := range rows {
		open[i.UUID] = i
	}
	near := func(i *store.Issue) (all []event.UUID) {
		for _, u := range append(append(slices.Clone(i.BlockedBy), i.Blocks...), i.Cyclic...) {
			if open[u] != nil {
				all = append(all, u)
			}
		}
		return all
	}
	chosen, ids := map[event.UUID]bool{}, []string{}
	take := func(i *store.Issue) {
		switch {
		case chosen[i.UUID]:
		case len(ids) >= draw.MaxNodes:
			d.Left++
		default:
			chosen[i.UUID] = true
			ids = append(ids, i.UUID.String())
		}
	}
	if d.Root != "" {
		root, err := verb.Resolve(v.Projection, d.Root)
		if err != nil {
			return err
		}
		open[root.UUID] = root
		take(root)
		for ring := []*store.Issue{root}; d.Depth > 0 && len(ring) > 0; d.Depth-- {
			var next []*store.Issue
			for _, i := range ring {
				for _, u := range near(i) {
					if !chosen[u] {
						next = append(next, open[u])
						take(open[u])
					}
				}
			}
			ring = next
		}
	} else {
		for _, i := range rows {
			if len(near(i)) > 0 {
				take(i)
			}
		}
	}
	d.place(open, chosen, ids)
	return nil
}

func (d *graphPage) place(open map[event.UUID]*store.Issue, chosen map[event.UUID]bool, ids []string) {
	var edges []draw.Edge
	by, in, out := map[string]*store.Issue{}, map[string][]string{}, map[string][]string{}
	for u := range chosen {
		i := open[u]
		by[u.String()] = i
		for _, b := range append(slices.Clone(i.BlockedBy), i.Cyclic...) {
			if chosen[b] {
				edges = append(edges, draw.Edge{From: b.String(), To: u.String()})
			}
		}
	}
	g := draw.Layout(ids, edges)
	for _, l := range g.Lines {
		d.Edges = append(d.Edges, graphEdge{l, issueDocOf(by[l.From]), issueDocOf(by[l.To])})
		if !l.Cyclic {
			in[l.To], out[l.From] = append(in[l.To], l.From), append(out[l.From], l.To)
		}
	}
	for _, n := range g.Nodes {
		i := by[n.ID]
		d.Nodes = append(d.Nodes, graphNode{Place: n, Issue: issueDocOf(i), Ready: len(in[n.ID]) == 0 && (i.Lock == nil || i.Lock.Ending), Short: short(i.Title, 24),
			Out: strings.Join(out[n.ID], " "), In: strings.Join(in[n.ID], " ")})
	}
	d.Width, d.Height = g.Width, g.Height
}

// short cuts a text to a number of characters.
func short(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
