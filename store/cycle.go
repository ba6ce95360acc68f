package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// An edge is cyclic if both ends are in one strongly connected component. If edges or issues
// were added or removed, every component that changed contains one of their issues, before or
// after the change. So the rest of the graph is not read.

// recycle brings up to date which edges are cyclic.
func (u *update) recycle() error {
	if len(u.cycles) == 0 {
		return nil
	}
	for _, kind := range []string{parentEdge, blockerEdge} {
		all, err := u.wasCyclic(kind)
		if err != nil {
			return err
		}
		for seed := range u.cycles {
			if err := u.component(kind, seed, all); err != nil {
				return err
			}
		}
		if err := u.remark(kind, all); err != nil {
			return err
		}
	}
	return nil
}

// wasCyclic returns the components, as they were, of issues whose edges came or went.
func (u *update) wasCyclic(kind string) (map[event.UUID]bool, error) {
	all := map[event.UUID]bool{}
	next := slices.Collect(maps.Keys(u.cycles))
	for len(next) > 0 {
		k := next[0]
		next = next[1:]
		near, err := u.ids("SELECT other FROM edge WHERE issue = ?1 AND kind = ?2 AND cyclic UNION SELECT issue FROM edge WHERE other = ?1 AND kind = ?2 AND cyclic", k[:], kind)
		if err != nil {
			return nil, err
		}
		if len(near) > 0 {
			all[k] = true
		}
		for _, n := range near {
			if !all[n] {
				all[n] = true
				next = append(next, n)
			}
		}
	}
	return all, nil
}

const (
	forward  = "SELECT e.other FROM edge e JOIN issue o ON o.k = e.other AND o.shown WHERE e.issue = ? AND e.kind = ?"
	backward = "SELECT e.issue FROM edge e JOIN issue o ON o.k = e.issue AND o.shown WHERE e.other = ? AND e.kind = ?"
)

const isShown = "SELECT shown FROM issue WHERE k = ?"

// search is a search of the graph in one direction.
type search struct {
	query string
	seen  map[event.UUID]bool
	next  []event.UUID
}

func newSearch(query string, from event.UUID) *search {
	return &search{query, map[event.UUID]bool{from: true}, []event.UUID{from}}
}

// step visits one more issue, and skips issues that are not in among.
func (s *search) step(u *update, kind string, among map[event.UUID]bool) error {
	k := s.next[0]
	s.next = s.next[1:]
	near, err := u.ids(s.query, k[:], kind)
	for _, n := range near {
		if !s.seen[n] && (among == nil || among[n]) {
			s.seen[n] = true
			s.next = append(s.next, n)
		}
	}
	return err
}

// component adds the component of an issue, as it is now, to all. It searches in
// both directions until one ends, so that it does not follow a long chain at the end
// of which nothing waits.
func (u *update) component(kind string, seed event.UUID, all map[event.UUID]bool) error {
	var shown bool
	if _, err := u.one(isShown, []any{seed[:]}, &shown); err != nil || !shown {
		return err
	}
	ahead, behind := newSearch(forward, seed), newSearch(backward, seed)
	for len(ahead.next) > 0 && len(behind.next) > 0 {
		s := ahead
		if len(behind.seen) < len(ahead.seen) {
			s = behind
		}
		if err := s.step(u, kind, nil); err != nil {
			return err
		}
	}
	done, other := ahead, newSearch(backward, seed)
	if len(ahead.next) > 0 {
		done, other = behind, newSearch(forward, seed)
	}
	for len(other.next) > 0 {
		if err := other.step(u, kind, done.seen); err != nil {
			return err
		}
	}
	if len(other.seen) > 1 {
		maps.Copy(all, other.seen)
	}
	return nil
}

// remark writes which edges are cyclic of those that begin at some issues, which
// are whole components. Edges of issues that are not shown are not.
func (u *update) remark(kind string, all map[event.UUID]bool) error {
	g := newGraph()
	const hidden = "UPDATE edge SET cyclic = 0 WHERE issue = ?1 AND kind = ?2 AND cyclic AND NOT (EXISTS (SELECT 1 FROM issue WHERE k = ?1 AND shown) AND EXISTS (SELECT 1 FROM issue WHERE k = other AND shown))"
	for _, k := range slices.SortedFunc(maps.Keys(all), func(a, b event.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		if err := u.change("edge", hidden, k[:], kind); err != nil {
			return err
		}
		var shown bool
		if _, err := u.one(isShown, []any{k[:]}, &shown); err != nil || !shown {
			if err != nil {
				return err
			}
			continue
		}
		from := g.node(k)
		near, err := u.ids(forward, k[:], kind)
		if err != nil {
			return err
		}
		for _, n := range near {
			to := g.node(n) // perhaps of another component, which is only an end here
			g.edges[from] = append(g.edges[from], to)
		}
	}
	return u.mark(kind, g)
}

// ids reads a column of uuids.
func (w *writer) ids(query string, args ...any) (all []event.UUID, err error) {
	err = w.each(query, args, func(r *sql.Rows) error {
		var k []byte
		if err := r.Scan(&k); err != nil || len(k) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		all = append(all, event.UUID(k))
		return nil
	})
	return all, err
}
