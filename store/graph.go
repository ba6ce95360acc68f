package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"slices"
	"sort"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// What an issue's row shows of other issues: its parent and children, what it waits
// for and what waits for it, what it is related to. The rules are those of
// reducer.View. Edges are kept as the events say, also to and from issues that are
// not shown; a row shows those between issues that are.

// The kinds of edges. A relation's kind follows relationEdge.
const (
	parentEdge   = "p" // the issue has the other as parent
	blockerEdge  = "b" // the issue waits for the other
	relationEdge = "r"
)

// edge is an edge from an issue.
type edge struct {
	kind  string
	other event.UUID
}

// edgesOf are the edges that an issue's own events make, keyed by where they
// begin: a relation may begin at the other end.
func edgesOf(issue event.UUID, o *reducer.OwnIssue) map[event.UUID][]edge {
	all := map[event.UUID][]edge{}
	if o.Parent != (event.UUID{}) {
		all[issue] = append(all[issue], edge{parentEdge, o.Parent})
	}
	for _, b := range o.Blockers {
		all[issue] = append(all[issue], edge{blockerEdge, b})
	}
	for _, r := range o.Relations {
		all[r.A] = append(all[r.A], edge{relationEdge + string(r.Kind), r.B})
	}
	return all
}

// edges writes the edges that an issue's own events make.
func (u *update) edges(issue event.UUID, o reducer.OwnIssue) error {
	want := edgesOf(issue, &o)
	if u.bulk {
		for _, e := range want[issue] { // the other relations are written with their first issue
			if err := u.insert("edge", bytes.Clone(issue[:]), e.kind, e.other[:], false); err != nil {
				return err
			}
		}
		return nil
	}
	type end struct {
		from event.UUID
		edge
	}
	old := map[end]bool{}
	if err := u.each("SELECT issue, kind, other FROM edge WHERE issue = ?1 UNION ALL SELECT issue, kind, other FROM edge WHERE other = ?1 AND kind >= 'r'", []any{issue[:]}, func(r *sql.Rows) error {
		var from, other []byte
		var e end
		if err := r.Scan(&from, &e.kind, &other); err != nil {
			return err
		}
		if len(from) != len(e.from) || len(other) != len(e.other) {
			return errRow
		}
		e.from, e.other = event.UUID(from), event.UUID(other)
		old[e] = true
		return nil
	}); err != nil {
		return err
	}
	changed := func(e end) {
		u.tied[e.from], u.tied[e.other] = true, true
		if e.kind == parentEdge || e.kind == blockerEdge {
			u.cycles[e.from], u.cycles[e.other] = true, true
		}
	}
	for from, all := range want {
		for _, e := range all {
			at := end{from, e}
			if old[at] {
				delete(old, at)
				continue
			}
			changed(at)
			if err := u.change("edge", "INSERT INTO edge (issue, kind, other, cyclic) VALUES (?, ?, ?, 0)", from[:], e.kind, e.other[:]); err != nil {
				return err
			}
		}
	}
	for e := range old {
		changed(e)
		if err := u.change("edge", "DELETE FROM edge WHERE issue = ? AND kind = ? AND other = ?", e.from[:], e.kind, e.other[:]); err != nil {
			return err
		}
	}
	return nil
}

// neighbors adds all issues that an issue has edges with.
func (u *update) neighbors(issue event.UUID, to map[event.UUID]bool) error {
	return u.each("SELECT other FROM edge WHERE issue = ?1 UNION ALL SELECT issue FROM edge WHERE other = ?1", []any{issue[:]}, func(r *sql.Rows) error {
		var k []byte
		if err := r.Scan(&k); err != nil || len(k) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		to[event.UUID(k)] = true
		return nil
	})
}

// ties brings what rows show of other issues up to date, and writes the rows that
// changed.
func (u *update) ties() error {
	if u.bulk {
		return u.allTies()
	}
	for issue := range u.moved {
		if err := u.write(issue, u.rows[issue]); err != nil {
			return err
		}
		delete(u.dirty, issue)
	}
	if err := u.recycle(); err != nil {
		return err
	}
	for issue := range u.tied {
		row, err := u.row(issue)
		if err != nil {
			return err
		}
		if row.Issue == nil {
			continue
		}
		if changed, err := u.tie(row.Issue); err != nil {
			return err
		} else if changed {
			u.dirty[issue] = true
		}
	}
	for issue := range u.dirty {
		if err := u.write(issue, u.rows[issue]); err != nil {
			return err
		}
		if u.moved[issue] {
			u.count["issue"]-- // written once more
		}
	}
	return nil
}

// seenEdge is an edge to or from an issue that is shown.
type seenEdge struct {
	edge
	cyclic  bool
	out     bool // it begins at the issue that is asked about
	created event.Time
}

const edgeQuery = `SELECT e.kind, e.other, e.cyclic, 1, o.created FROM edge e JOIN issue o ON o.k = e.other AND o.shown WHERE e.issue = ?1
	UNION ALL SELECT e.kind, e.issue, e.cyclic, 0, o.created FROM edge e JOIN issue o ON o.k = e.issue AND o.shown WHERE e.other = ?1`

// tie puts into an issue what it shows of others, and reports whether that is new.
func (u *update) tie(i *Issue) (changed bool, err error) {
	var all []seenEdge
	if err := u.each(edgeQuery, []any{i.UUID[:]}, func(r *sql.Rows) error {
		var e seenEdge
		var k []byte
		if err := r.Scan(&e.kind, &k, &e.cyclic, &e.out, &e.created); err != nil || len(k) != len(e.other) {
			return cmp.Or(err, errRow)
		}
		e.other = event.UUID(k)
		all = append(all, e)
		return nil
	}); err != nil {
		return false, err
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := &all[i], &all[j]
		return cmp.Or(cmp.Compare(a.created, b.created), bytes.Compare(a.other[:], b.other[:]), strings.Compare(a.kind, b.kind), -compareFlags(a.out, b.out)) < 0
	})
	is := reducer.Issue{}
	for _, e := range all {
		switch kind, relation := strings.CutPrefix(e.kind, relationEdge); {
		case relation:
			is.Relations = append(is.Relations, reducer.Relation{Other: e.other, Kind: event.RelationKind(kind), Outgoing: e.out || kind == string(event.Related)})
		case e.kind == parentEdge && e.out && e.cyclic:
			is.ParentCyclic = true
		case e.kind == parentEdge && e.out:
			is.Parent = e.other
		case e.kind == parentEdge && !e.cyclic:
			is.Children = append(is.Children, e.other)
		case e.kind == blockerEdge && e.out && e.cyclic:
			is.Cyclic = append(is.Cyclic, e.other)
		case e.kind == blockerEdge && e.out:
			is.BlockedBy = append(is.BlockedBy, e.other)
		case e.kind == blockerEdge && !e.cyclic:
			is.Blocks = append(is.Blocks, e.other)
		}
	}
	if i.Parent == is.Parent && i.ParentCyclic == is.ParentCyclic && slices.Equal(i.Children, is.Children) && slices.Equal(i.BlockedBy, is.BlockedBy) &&
		slices.Equal(i.Blocks, is.Blocks) && slices.Equal(i.Cyclic, is.Cyclic) && slices.Equal(i.Relations, is.Relations) {
		return false, nil
	}
	i.Parent, i.ParentCyclic, i.Children, i.BlockedBy, i.Blocks, i.Cyclic, i.Relations = is.Parent, is.ParentCyclic, is.Children, is.BlockedBy, is.Blocks, is.Cyclic, is.Relations
	return true, nil
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// allTies is ties for all issues.
func (u *update) allTies() error {
	u.written = true
	for _, kind := range []string{parentEdge, blockerEdge} {
		g := newGraph()
		if err := u.each("SELECT e.issue, e.other FROM edge e JOIN issue a ON a.k = e.issue AND a.shown JOIN issue b ON b.k = e.other AND b.shown WHERE e.kind = ?", []any{kind}, g.scan); err != nil {
			return err
		}
		if err := u.mark(kind, g); err != nil {
			return err
		}
	}
	var all []event.UUID
	if err := u.each("SELECT issue FROM edge UNION SELECT other FROM edge", nil, func(r *sql.Rows) error {
		var k []byte
		err := r.Scan(&k)
		if err == nil {
			all = append(all, event.UUID(k))
		}
		return err
	}); err != nil {
		return err
	}
	for _, issue := range all {
		row, err := u.row(issue)
		if err != nil {
			return err
		}
		if row.Issue == nil {
			continue
		}
		if _, err := u.tie(row.Issue); err != nil {
			return err
		}
		if err := u.write(issue, row); err != nil {
			return err
		}
	}
	return nil
}

// graph is a set of edges of one kind between issues that are shown.
type graph struct {
	number map[event.UUID]int32
	ids    []event.UUID
	edges  [][]int32
}

func newGraph() *graph { return &graph{number: map[event.UUID]int32{}} }

func (g *graph) node(k event.UUID) int32 {
	n, there := g.number[k]
	if !there {
		n = int32(len(g.ids))
		g.number[k] = n
		g.ids, g.edges = append(g.ids, k), append(g.edges, nil)
	}
	return n
}

// scan adds the edge of a row.
func (g *graph) scan(r *sql.Rows) error {
	var a, b []byte
	if err := r.Scan(&a, &b); err != nil || len(a) != len(event.UUID{}) || len(b) != len(event.UUID{}) {
		return cmp.Or(err, errRow)
	}
	from, to := g.node(event.UUID(a)), g.node(event.UUID(b))
	g.edges[from] = append(g.edges[from], to)
	return nil
}

// mark writes which edges of a kind are cyclic. Of the issues in the graph it knows
// all edges to others in it.
func (u *update) mark(kind string, g *graph) error {
	comp := reducer.Components(g.edges)
	for from, all := range g.edges {
		for _, to := range all {
			cyclic := comp[from] == comp[to]
			if u.bulk && !cyclic {
				continue
			}
			a, b := g.ids[from], g.ids[to]
			was := u.count["edge"]
			if err := u.change("edge", "UPDATE edge SET cyclic = ?1 WHERE issue = ?2 AND kind = ?3 AND other = ?4 AND cyclic <> ?1", cyclic, a[:], kind, b[:]); err != nil {
				return err
			}
			if !u.bulk && u.count["edge"] != was {
				u.tied[a], u.tied[b] = true, true
			}
		}
	}
	return nil
}
