package web

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
)

// placeDoc is a clone through which a project is read.
type placeDoc struct {
	Slug       string `json:"slug"`
	Path       string `json:"path"`
	Agent      person `json:"agent"`
	Capability string `json:"write_capability"`
}

// placesOf are the clones of a project, where there are several.
func placesOf(c place.Clones, p db.Project) []placeDoc {
	all := []placeDoc{}
	for _, o := range c.Of(p) {
		all = append(all, placeDoc{o.Slug, o.Place.Path, personOf(&o.State.Facts, o.Place.Agent), o.Place.Capability})
	}
	return all
}

// merged is everything as pages show it: a hub that is watched through several clones
// is one project. What is wrong with one of the clones is shown with it.
func (s *Server) merged(r *request) ([]db.Project, map[string][]alerts.Alert, place.Clones, error) {
	projects, by, err := s.everything(r)
	if err != nil {
		return nil, nil, nil, err
	}
	c := place.ClonesOf(projects)
	for _, all := range c {
		for _, o := range all[1:] {
			for _, a := range by[o.ID] {
				if own(a) {
					by[all[0].ID] = append(by[all[0].ID], a)
				}
			}
			delete(by, o.ID)
		}
		slices.SortFunc(by[all[0].ID], alerts.Urgent)
	}
	return slices.DeleteFunc(projects, c.Hides), by, c, nil
}

// shown are the projects as pages list them: of each hub one.
func (s *Server) shown(r *request) ([]db.Project, error) {
	projects, err := s.DB.Projects(r.Context())
	return slices.DeleteFunc(projects, place.ClonesOf(projects).Hides), err
}

// own reports whether an alert is about a clone, and not about its hub.
func own(a alerts.Alert) bool { return strings.HasPrefix(a.Subject, "project:") }
