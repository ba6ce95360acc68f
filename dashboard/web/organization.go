package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
)

// GitHub is how the server asks for what an organization has.
type GitHub struct {
	Source       func(ctx context.Context) string // who knows a token; "" if nobody does
	Repositories func(ctx context.Context, org string) ([]github.Repository, error)
	Track        func(ctx context.Context, url, slug string) (p db.Project, known bool, err error) // watches a URL that GitHub named, never a path
}

var errNoGitHub = &problem{Status: http.StatusNotFound, Message: "this dashboard does not ask GitHub"}

// apiGitHub answers whether there is a token, but never with the token.
func (s *Server) apiGitHub(r *request) error {
	if s.GitHub.Source == nil {
		return errNoGitHub
	}
	var source *string
	if from := s.GitHub.Source(r.Context()); from != "" {
		source = &from
	}
	return s.raw(r, http.StatusOK, map[string]any{"token_present": source != nil, "token_fingerprint": nil, "token_source": source, "default_org": nil})
}

// apiSetGitHub refuses a token: there are better places for it than a database.
func (s *Server) apiSetGitHub(*request) error {
	return &problem{Status: http.StatusBadRequest, Message: "the dashboard stores no token", Hints: []string{"gh auth login"}}
}

// oldRepository is a repository with a tracker.
type oldRepository struct {
	Owner string       `json:"owner"`
	Repo  string       `json:"repo"`
	Full  string       `json:"full_name"`
	Main  string       `json:"default_branch"`
	SSH   string       `json:"ssh_url"`
	HTTPS string       `json:"https_url"`
	Hub   bool         `json:"has_hub_branch"`
	State github.State `json:"state"`
}

func (s *Server) apiRepositories(r *request) error {
	if s.GitHub.Repositories == nil {
		return errNoGitHub
	}
	all, err := s.GitHub.Repositories(r.Context(), r.PathValue("org"))
	if err != nil {
		return err
	}
	docs := []oldRepository{}
	for _, o := range all {
		owner, repo, _ := strings.Cut(o.FullName, "/")
		docs = append(docs, oldRepository{owner, repo, o.FullName, o.Default, o.SSH, o.HTTPS, true, o.State})
	}
	return s.raw(r, http.StatusOK, docs)
}

// apiTrackAll watches every repository of an organization that has a tracker, each
// through a repository that the dashboard makes.
func (s *Server) apiTrackAll(r *request) error {
	if r.PostForm.Get("init") != "" || r.PostForm.Get("clone_root") != "" {
		return refuse(http.StatusBadRequest, "no code is cloned, and each repository joins by itself: send neither 'init' nor 'clone_root'")
	}
	tracked, left, err := s.trackOrganization(r, r.PathValue("org"), func(github.Repository) bool { return true })
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	return s.raw(r, http.StatusOK, map[string]any{"tracked": tracked, "skipped": left})
}

// skipped is a repository that is not watched, and why.
type skipped struct {
	Slug   string `json:"slug"`
	Reason string `json:"reason"`
}

// trackOrganization watches the repositories of an organization that are wanted.
func (s *Server) trackOrganization(r *request, org string, wanted func(github.Repository) bool) (tracked []string, left []skipped, err error) {
	tracked, left = []string{}, []skipped{}
	if s.GitHub.Repositories == nil || s.GitHub.Track == nil {
		return nil, nil, errNoGitHub
	}
	err = s.audited(r, "", "track all", org, func(ctx context.Context, _ *db.Action) error {
		all, err := s.GitHub.Repositories(ctx, org)
		if err != nil {
			return err
		}
		for _, o := range all {
			if !wanted(o) {
				continue
			}
			if o.State != github.Tracker {
				left = append(left, skipped{o.FullName, "its tracker has an older format"})
				continue
			}
			switch p, known, err := s.GitHub.Track(ctx, o.HTTPS, o.FullName); {
			case err != nil:
				left = append(left, skipped{o.FullName, frame.Explain(err).Message})
			case known:
				left = append(left, skipped{p.Slug, "already tracked"})
			default:
				tracked = append(tracked, p.Slug)
			}
		}
		return nil
	})
	s.Changed()
	return tracked, left, err
}

// sourcesPage is the data of the page of sources.
type sourcesPage struct {
	Token        string      `json:"token_source"` // who knows a token; "" if nobody does
	Organization string      `json:"organization"`
	Found        []sourceDoc `json:"repositories"`
	New          int         `json:"new"`
	Tracked      []string    `json:"tracked"`
	Skipped      []skipped   `json:"skipped"`
	Error        string      `json:"error,omitempty"`
	Can          bool        `json:"-"`
}

// sourceDoc is a repository of an organization.
type sourceDoc struct {
	Slug  string `json:"slug"`
	URL   string `json:"url"`
	State string `json:"state"` // new, watched, older-format
}

// sources shows where repositories may come from: an organization on GitHub, with the
// operator's token, which is stored nowhere.
func (s *Server) sources(r *request) error {
	return s.showSources(r, strings.TrimSpace(r.URL.Query().Get("org")), []string{}, []skipped{})
}

// addSources watches the repositories that were chosen.
func (s *Server) addSources(r *request) error {
	org, chosen := strings.TrimSpace(r.PostForm.Get("org")), r.PostForm["repository"]
	if len(chosen) == 0 {
		return refuse(http.StatusBadRequest, "no repository is selected")
	}
	tracked, left, err := s.trackOrganization(r, org, func(o github.Repository) bool { return slices.Contains(chosen, o.FullName) })
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	return s.showSources(r, org, tracked, left)
}

func (s *Server) showSources(r *request, org string, tracked []string, left []skipped) error {
	d := sourcesPage{Organization: org, Found: []sourceDoc{}, Tracked: tracked, Skipped: left, Can: s.GitHub.Repositories != nil}
	if s.GitHub.Source != nil {
		d.Token = s.GitHub.Source(r.Context())
	}
	if org != "" && d.Can {
		all, err := s.GitHub.Repositories(r.Context(), org)
		if err != nil {
			d.Error = s.explain(err).Message
		}
		projects, err := s.DB.Projects(r.Context())
		if err != nil {
			return err
		}
		for _, o := range all {
			f := sourceDoc{o.FullName, o.HTTPS, "new"}
			if o.State != github.Tracker {
				f.State = "older-format"
			} else if slices.ContainsFunc(projects, func(p db.Project) bool { return p.Place.URL == o.HTTPS || p.Place.URL == o.SSH && o.SSH != "" }) {
				f.State = "watched"
			} else {
				d.New++
			}
			d.Found = append(d.Found, f)
		}
	}
	return s.render(r, "sources", "Sources", d, "projects_changed")
}
