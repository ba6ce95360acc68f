package store

import (
	"cmp"
	"database/sql"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Roots returns the issues without a parent, oldest first: all of them, or those
// whose tree has an open issue.
func (m *Memory) Roots(open bool) ([]event.UUID, error) {
	alive := map[event.UUID]bool{}
	var roots []*Issue
	for _, i := range m.listed {
		for up := i; i.Status == event.Open && up != nil && !alive[up.UUID]; up = m.listed[up.Parent] {
			alive[up.UUID] = true
		}
		if i.Parent == (event.UUID{}) {
			roots = append(roots, i)
		}
	}
	slices.SortFunc(roots, byCreation)
	var all []event.UUID
	for _, i := range roots {
		if !open || alive[i.UUID] {
			all = append(all, i.UUID)
		}
	}
	return all, nil
}

// The roots are found in the indexes of issues by status and of edges; no row is
// read. Those with an open issue in their tree are open themselves, or above one
// that is.
const (
	hasParent = "(SELECT 1 FROM edge e JOIN issue p ON p.k = e.other AND p.shown WHERE e.issue = i.k AND e.kind = 'p' AND e.cyclic = 0)"
	allRoots  = "SELECT i.k FROM issue i WHERE i.status IN ('open', 'closed', 'archived') AND NOT EXISTS " + hasParent
	openRoots = `WITH RECURSIVE above(k) AS (
		SELECT e.other FROM edge e JOIN issue c ON c.k = e.issue AND c.status = 'open' WHERE e.kind = 'p' AND e.cyclic = 0
		UNION SELECT e.other FROM above JOIN issue a ON a.k = above.k AND a.shown JOIN edge e ON e.issue = a.k AND e.kind = 'p' AND e.cyclic = 0)
	SELECT i.k FROM issue i WHERE (i.status = 'open' OR i.status IN ('closed', 'archived') AND i.k IN above) AND NOT EXISTS ` + hasParent
	oldestFirst = " ORDER BY i.created, i.k"
)

// Roots returns the issues without a parent, oldest first; see Memory.
func (f *File) Roots(open bool) ([]event.UUID, error) {
	return ask(f, func() (all []event.UUID, no, err error) {
		query := allRoots
		if open {
			query = openRoots
		}
		err = f.query(func(r *sql.Rows) error {
			var k sql.RawBytes
			if err := r.Scan(&k); err != nil || len(k) != len(event.UUID{}) {
				return cmp.Or(err, errRow)
			}
			all = append(all, event.UUID(k))
			return nil
		}, query+oldestFirst)
		return all, nil, err
	}, func(m *Memory) ([]event.UUID, error) { return m.Roots(open) })
}
