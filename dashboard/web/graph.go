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

// graphReads bounds how many issues are read around a root, and how many blockers of those drawn.
const graphReads = 5000

// graphPage is the data of the page of what blocks what.
type graphPage struct {
	Project projectDoc  `json:"project"`
	Root    string      `json:"root"`
	Depth   int         `json:"depth"`
	Nodes   []graphNode `json:"nodes"`
	Edges   []graphEdge `json:"edges"`
	Left    int         `json:"left_out"`    // connected issues that are not drawn
	Apart   int         `json:"unconnected"` // open issues that neither wait for an open issue nor block one
	Error   string      `json:"error,omitempty"`
	Can     bool        `json:"-"`
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

// graph draws which open issue waits for which: the most urgent that are connected, or those
// around one.
func (s *Server) graph(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := graphPage{Project: s.docOf(r, p), Root: strings.TrimPrefix(strings.TrimSpace(q.Get("root")), "#"), Nodes: []graphNode{}, Edges: []graphEdge{}, Can: mayWrite(p)}
	if d.Depth, err = strconv.Atoi(q.Get("depth")); err != nil || d.Depth < 1 {
		d.Depth = 10
	}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error { return d.fill(v, event.TimeOf(s.Now())) })
	if missing := (*store.NotFoundError)(nil); errors.As(err, &missing) {
		d.Error, err = s.explain(err).Message, nil
	}
	if err != nil {
		return s.unreadable(r, p, "graph", "Graph of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "graph", "Graph of "+p.Slug, d, "p:"+p.ID)
}

// fill collects the issues of the graph and places them.
func (d *graphPage) fill(v place.View, now event.Time) error {
	if d.Root != "" {
		root, err := verb.Resolve(v.Projection, d.Root)
		if err != nil {
			return err
		}
		d.place(v, d.around(v, root), now)
		return nil
	}
	rows, total, err := v.List(store.Filter{Connected: true, Sort: "priority", Limit: draw.MaxNodes})
	if err != nil {
		return err
	}
	_, open, err := v.List(store.Filter{Limit: 1})
	if err != nil {
		return err
	}
	d.Left, d.Apart = total-len(rows), open-total
	d.place(v, rows, now)
	return nil
}

// near are the issues that an issue waits for or blocks.
func near(i *store.Issue) []event.UUID { return slices.Concat(i.BlockedBy, i.Blocks, i.Cyclic) }

// around are the open issues that can be reached from one, the nearest first.
func (d *graphPage) around(v place.View, root *store.Issue) []*store.Issue {
	rows, seen, reads := []*store.Issue{root}, map[event.UUID]bool{root.UUID: true}, 0
	for ring, depth := rows, d.Depth; depth > 0 && len(ring) > 0; depth-- {
		var next []*store.Issue
		for _, i := range ring {
			for _, u := range near(i) {
				if seen[u] || reads == graphReads {
					continue
				}
				seen[u] = true
				reads++
				switch o, err := v.Row(u); {
				case err != nil || o.Status != event.Open:
				case len(rows) == draw.MaxNodes:
					d.Left++
				default:
					rows, next = append(rows, o), append(next, o)
				}
			}
		}
		ring = next
	}
	return rows
}

func (d *graphPage) place(v place.View, rows []*store.Issue, now event.Time) {
	var edges []draw.Edge
	var ids []string
	by, in, out := map[string]*store.Issue{}, map[string][]string{}, map[string][]string{}
	for _, i := range rows {
		by[i.UUID.String()] = i
		ids = append(ids, i.UUID.String())
	}
	for _, i := range rows {
		for _, b := range append(slices.Clone(i.BlockedBy), i.Cyclic...) {
			if by[b.String()] != nil {
				edges = append(edges, draw.Edge{From: b.String(), To: i.UUID.String()})
			}
		}
	}
	g := draw.Layout(ids, edges)
	for _, l := range g.Lines {
		d.Edges = append(d.Edges, graphEdge{l, issueDocOf(v.Names, by[l.From]), issueDocOf(v.Names, by[l.To])})
		if !l.Cyclic {
			in[l.To], out[l.From] = append(in[l.To], l.From), append(out[l.From], l.To)
		}
	}
	reads := 0
	for _, n := range g.Nodes {
		i := by[n.ID]
		ready := i.Status == event.Open && (i.Lock == nil || i.Lock.Ending) && i.ScheduledAt <= now
		for k := 0; ready && k < len(i.BlockedBy); k++ { // a blocker may not be drawn
			reads++
			o, err := v.Row(i.BlockedBy[k])
			ready = reads <= graphReads && err == nil && o.Status != event.Open
		}
		d.Nodes = append(d.Nodes, graphNode{Place: n, Issue: issueDocOf(v.Names, i), Ready: ready, Short: short(i.Title, 24),
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
