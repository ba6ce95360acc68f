package place

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// TestACopyHidesNothing: a copy of a tracker on another server, which has the hub id of the
// original, is a project of its own.
func TestACopyHidesNothing(t *testing.T) {
	project := func(id, url string) db.Project {
		p := db.Project{ID: id, Slug: id, Status: db.Active, Place: db.Place{Path: "/" + id, URL: url}}
		p.State.Facts.Health.Hub = "11111111-1111-4111-8111-111111111111"
		return p
	}
	copied, a, b := project("copy", "https://evil.example/o/r"), project("a", "https://example.com/o/r"), project("b", "git@example.com:o/r.git")
	twins := TwinsOf([]db.Project{copied, a, b})
	if len(twins.Of(a)) != 2 || len(twins.Of(b)) != 2 || len(twins.Of(copied)) != 0 {
		t.Errorf("twins: %+v", twins)
	}
	if twins.Hides(copied) || twins.Hides(a) || !twins.Hides(b) {
		t.Errorf("hidden: the copy %t, the clones %t and %t", twins.Hides(copied), twins.Hides(a), twins.Hides(b))
	}
}
