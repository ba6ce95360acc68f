// Package draw computes the positions in a drawing: in a graph of issues that block each
// other, a timeline, or a curve. It returns numbers; templates make SVG of them
// (dashboard/web). Equal input gives equal output, to the last digit.
package draw

import (
	"cmp"
	"slices"
)

// Edge says that From must be done before To.
type Edge struct{ From, To string }

// The measures of a graph.
const (
	NodeWidth  = 200.0
	NodeHeight = 44.0
	gapX       = 60.0
	gapY       = 16.0
	sweeps     = 4
	MaxNodes   = 200
)

// Place is where a node of a graph stands.
type Place struct {
	ID       string
	X, Y     float64
	Layer    int
	Critical bool // it lies on a longest path
}

// Line is an edge with its ends.
type Line struct {
	Edge
	X1, Y1, X2, Y2 float64
	Critical       bool
	Cyclic         bool // it closes a circle and was ignored
}

// Graph is a drawing.
type Graph struct {
	Nodes         []Place
	Lines         []Line
	Width, Height float64
}

// layout is one graph on its way to its drawing.
type layout struct {
	ids    []string
	out    map[string][]string
	in     map[string][]string
	cyclic map[Edge]bool
	layer  map[string]int
	height map[string]int // longest way to an end
	rows   [][]string
}

// Layout places the nodes of a graph in layers from left to right: a node is
// right of everything it waits for. Edges that close a circle are drawn and
// ignored, and so are those to nodes that are not there.
func Layout(ids []string, edges []Edge) Graph {
	l := &layout{ids: slices.Compact(slices.Sorted(slices.Values(ids))), out: map[string][]string{}, in: map[string][]string{}, cyclic: map[Edge]bool{},
		layer: map[string]int{}, height: map[string]int{}}
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	edges = slices.DeleteFunc(slices.Compact(edges), func(e Edge) bool {
		_, from := slices.BinarySearch(l.ids, e.From)
		_, to := slices.BinarySearch(l.ids, e.To)
		return !from || !to
	})
	l.breakCycles(edges)
	for _, e := range edges {
		if !l.cyclic[e] {
			l.out[e.From] = append(l.out[e.From], e.To)
			l.in[e.To] = append(l.in[e.To], e.From)
		}
	}
	l.layers()
	l.order()
	return l.draw(edges)
}

// breakCycles finds the edges that lead back to where a walk came from.
func (l *layout) breakCycles(edges []Edge) {
	next := map[string][]string{}
	for _, e := range edges {
		next[e.From] = append(next[e.From], e.To)
	}
	const walking, done = 1, 2
	state := map[string]int{}
	var walk func(string)
	walk = func(id string) {
		state[id] = walking
		for _, to := range next[id] {
			switch state[to] {
			case walking:
				l.cyclic[Edge{id, to}] = true
			case 0:
				walk(to)
			}
		}
		state[id] = done
	}
	for _, id := range l.ids {
		if state[id] == 0 {
			walk(id)
		}
	}
}

// layers puts each node after the last of what it waits for.
func (l *layout) layers() {
	var depth func(string) int
	depth = func(id string) int {
		if d, ok := l.layer[id]; ok {
			return d
		}
		d := 0
		for _, from := range l.in[id] {
			d = max(d, depth(from)+1)
		}
		l.layer[id] = d
		return d
	}
	var reach func(string) int
	reach = func(id string) int {
		if h, ok := l.height[id]; ok {
			return h
		}
		h := 0
		for _, to := range l.out[id] {
			h = max(h, reach(to)+1)
		}
		l.height[id] = h
		return h
	}
	for _, id := range l.ids {
		d := depth(id)
		reach(id)
		for len(l.rows) <= d {
			l.rows = append(l.rows, nil)
		}
		l.rows[d] = append(l.rows[d], id)
	}
}

// order sorts each layer by where the neighbors stand, forth and back, so that
// fewer lines cross.
func (l *layout) order() {
	at := map[string]float64{}
	note := func(row []string) {
		for k, id := range row {
			at[id] = float64(k)
		}
	}
	for _, row := range l.rows {
		note(row)
	}
	middle := func(id string, of map[string][]string) float64 {
		if len(of[id]) == 0 {
			return at[id]
		}
		sum := 0.0
		for _, o := range of[id] {
			sum += at[o]
		}
		return sum / float64(len(of[id]))
	}
	for k := range sweeps {
		of := l.in
		if k%2 == 1 {
			of = l.out
		}
		for n := range l.rows {
			row := l.rows[n]
			if k%2 == 1 {
				row = l.rows[len(l.rows)-1-n]
			}
			want := map[string]float64{}
			for _, id := range row {
				want[id] = middle(id, of)
			}
			slices.SortStableFunc(row, func(a, b string) int { return cmp.Or(cmp.Compare(want[a], want[b]), cmp.Compare(a, b)) })
			note(row)
		}
	}
}

// draw gives everything its place.
func (l *layout) draw(edges []Edge) (g Graph) {
	longest := 0
	for _, id := range l.ids {
		longest = max(longest, l.layer[id]+l.height[id])
	}
	critical := func(id string) bool { return longest > 0 && l.layer[id]+l.height[id] == longest }
	by := map[string]Place{}
	for n, row := range l.rows {
		for k, id := range row {
			p := Place{ID: id, X: float64(n) * (NodeWidth + gapX), Y: float64(k) * (NodeHeight + gapY), Layer: n, Critical: critical(id)}
			by[id] = p
			g.Nodes = append(g.Nodes, p)
			g.Width, g.Height = max(g.Width, p.X+NodeWidth), max(g.Height, p.Y+NodeHeight)
		}
	}
	for _, e := range edges {
		a, b := by[e.From], by[e.To]
		line := Line{Edge: e, X1: a.X + NodeWidth, Y1: a.Y + NodeHeight/2, X2: b.X, Y2: b.Y + NodeHeight/2, Cyclic: l.cyclic[e],
			Critical: !l.cyclic[e] && a.Critical && b.Critical && b.Layer == a.Layer+1}
		g.Lines = append(g.Lines, line)
	}
	return g
}
