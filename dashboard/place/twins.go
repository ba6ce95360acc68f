package place

import (
	"cmp"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// Twins are the projects of each hub that is watched through several clones, the
// one that is shown first.
type Twins map[string][]db.Project

// TwinsOf finds them. One that is read, may be written and was watched first is shown.
func TwinsOf(projects []db.Project) Twins {
	by := Twins{}
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

// Of returns the projects of the hub of a project, if there are several.
func (t Twins) Of(p db.Project) []db.Project { return t[hubOf(p)] }

func hubOf(p db.Project) string { return db.HubKey(p.State.Facts.Health.Hub, p.Place) }

// Hides reports whether another project of the same hub is shown in the place of one.
func (t Twins) Hides(p db.Project) bool {
	all := t.Of(p)
	return len(all) > 0 && all[0].ID != p.ID
}
