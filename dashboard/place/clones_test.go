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
	clones := ClonesOf([]db.Project{copied, a, b})
	if len(clones.Of(a)) != 2 || len(clones.Of(b)) != 2 || len(clones.Of(copied)) != 0 {
		t.Errorf("clones: %+v", clones)
	}
	if clones.Hides(copied) || clones.Hides(a) || !clones.Hides(b) {
		t.Errorf("hidden: the copy %t, the clones %t and %t", clones.Hides(copied), clones.Hides(a), clones.Hides(b))
	}
	if got := Copies([]db.Project{copied, a, b}, a); len(got) != 1 || got[0].ID != "copy" {
		t.Errorf("copies of a: %+v", got)
	}
	if got := Copies([]db.Project{copied, a, b}, copied); len(got) != 2 {
		t.Errorf("copies of the copy: %+v", got)
	}
	// the hub itself, which has no remote, is one of its clones
	hub, c := project("hub", ""), project("c", "/hub")
	if got := ClonesOf([]db.Project{hub, c, project("apart", "")}); len(got.Of(c)) != 2 {
		t.Errorf("a clone of a hub on this machine: %+v", got)
	}
}
