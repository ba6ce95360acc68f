package web

import (
	"context"
	"errors"
	"net/http"
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

// apiGitHub says whether there is a token, and never what it is.
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
	if s.GitHub.Repositories == nil || s.GitHub.Track == nil {
		return errNoGitHub
	}
	if r.PostForm.Get("init") != "" || r.PostForm.Get("clone_root") != "" {
		return refuse(http.StatusBadRequest, "no code is cloned, and each repository joins by itself: send neither 'init' nor 'clone_root'")
	}
	type skipped struct {
		Slug   string `json:"slug"`
		Reason string `json:"reason"`
	}
	tracked, left := []string{}, []skipped{}
	err := s.audited(r, "", "track all", r.PathValue("org"), func(ctx context.Context, _ *db.Action) error {
		all, err := s.GitHub.Repositories(ctx, r.PathValue("org"))
		if err != nil {
			return err
		}
		for _, o := range all {
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
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	s.Changed()
	return s.raw(r, http.StatusOK, map[string]any{"tracked": tracked, "skipped": left})
}
