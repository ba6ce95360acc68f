package transfer

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Readers ignore every edge on a cycle. An import leaves out the parent that closes
// one, so that the others stay, and names the blockers on one, which show reports.

// acyclic takes an issue's parent away if it would close a cycle.
func (m *moving) acyclic(i *importer.Issue) {
	u := m.Names.Issue(i.Key)
	if i.Parent != "" && !m.above.add(u, m.Names.Issue(i.Parent)) {
		m.rep.EdgesSkipped++
		m.rep.Warn(importer.Warning{Line: i.Line, Key: i.Key, Name: "parent-cycle",
			Text: fmt.Sprintf("the parent %q is left out: it is below this issue, directly or through others", shown(i.Parent))})
		i.Parent = ""
	}
	for _, b := range i.BlockedBy {
		m.waits.add(i, u, b, m.Names.Issue(b))
	}
}

// forest holds for each child an issue above it: not always its parent, since add
// shortens the ways.
type forest map[event.UUID]event.UUID

// add makes an issue the child of another, unless that closes a cycle. An issue
// that has a parent keeps the first.
func (f forest) add(child, parent event.UUID) bool {
	if _, ok := f[child]; ok {
		return true
	}
	top := parent
	for next, ok := f[top]; ok; next, ok = f[top] {
		if higher, ok := f[next]; ok {
			f[top] = higher
		}
		top = next
	}
	if top == child {
		return false
	}
	f[child] = parent
	return true
}

// graph is who waits for whom in a source.
type graph struct {
	nodes map[event.UUID]int32
	keys  []string // by node
	edges [][]int32
	lines []int // by node, where its issue is in the source
}

func (g *graph) node(u event.UUID, key string) int32 {
	if n, ok := g.nodes[u]; ok {
		return n
	}
	if g.nodes == nil {
		g.nodes = map[event.UUID]int32{}
	}
	n := int32(len(g.edges))
	g.nodes[u], g.edges, g.keys, g.lines = n, append(g.edges, nil), append(g.keys, key), append(g.lines, 0)
	return n
}

func (g *graph) add(i *importer.Issue, u event.UUID, key string, blocker event.UUID) {
	from, to := g.node(u, i.Key), g.node(blocker, key)
	g.edges[from] = append(g.edges[from], to)
	g.lines[from] = i.Line
}

// warn names the edges that lie on a cycle.
func (g *graph) warn(rep *importer.Report) {
	part := reducer.Components(g.edges)
	for from, all := range g.edges {
		for _, to := range all {
			if part[from] == part[to] {
				rep.Warn(importer.Warning{Line: g.lines[from], Key: g.keys[from], Name: "blocker-cycle",
					Text: fmt.Sprintf("waits for %q, which waits for this issue, directly or through others; issues on such a cycle do not block each other", shown(g.keys[to]))})
			}
		}
	}
}

// shown keeps a key of the source short.
func shown(key string) string {
	if len(key) > 100 {
		return key[:100]
	}
	return key
}
