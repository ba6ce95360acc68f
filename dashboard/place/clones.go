package place

import (
	"cmp"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// Clones are the projects of each hub that is watched through several clones. The first is
// the one that pages list.
type Clones map[string][]db.Project

// ClonesOf finds them. Of the clones that can be read and written, the one that was watched
// first is listed.
func ClonesOf(projects []db.Project) Clones {
	by := Clones{}
	for _, p := range projects {
		if hub := hubOf(p); hub != "" {
			by[hub] = append(by[hub], p)
		}
	}
	bad := func(p db.Project) (n int) {
		for k, is := range []bool{!MayWrite(p.Place.Capability), p.Status == db.Paused, p.PollError != ""} {
			if is {
				n += 1 << k
			}
		}
		return n
	}
	for hub, all := range by {
		if len(all) < 2 {
			delete(by, hub)
			continue
		}
		slices.SortStableFunc(all, func(a, b db.Project) int {
			return cmp.Or(cmp.Compare(bad(a), bad(b)), cmp.Compare(a.AddedAt, b.AddedAt), strings.Compare(a.Slug, b.Slug))
		})
	}
	return by
}

// Of returns the clones of the hub of a project, if there are several.
func (c Clones) Of(p db.Project) []db.Project { return c[hubOf(p)] }

// ListedAs is the project that pages list instead of one; "" if they list that one.
func (c Clones) ListedAs(p db.Project) string {
	if all := c.Of(p); len(all) > 0 && all[0].ID != p.ID {
		return all[0].Slug
	}
	return ""
}

// Hides reports whether pages list another clone of the same hub instead of one.
func (c Clones) Hides(p db.Project) bool { return c.ListedAs(p) != "" }

// Copies returns the projects whose hub has the id of another one's, but another URL: one is
// a copy of the other.
func Copies(projects []db.Project, p db.Project) (all []db.Project) {
	for _, o := range projects {
		if id := p.State.Facts.Health.Hub; id != "" && o.State.Facts.Health.Hub == id && hubOf(o) != hubOf(p) {
			all = append(all, o)
		}
	}
	return all
}

func hubOf(p db.Project) string { return db.HubKey(p.State.Facts.Health.Hub, p.Place) }
