package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
)

// trackedDoc answers a request to watch a repository.
type trackedDoc struct {
	Slug        string   `json:"slug"`
	Path        string   `json:"clone_path"`
	Added       bool     `json:"added"` // else it was watched already
	Initialized bool     `json:"initialized"`
	Notes       []string `json:"notes"`
}

// track watches a repository, which the form names by its path or URL.
func (s *Server) track(r *request) error {
	at, agent := strings.TrimSpace(r.PostForm.Get("at")), strings.TrimSpace(r.PostForm.Get("agent_id"))
	switch {
	case s.Track == nil:
		return refuse(http.StatusNotFound, "this dashboard cannot add repositories")
	case at == "":
		return refuse(http.StatusBadRequest, "the path or URL is empty")
	case r.PostForm.Get("init") != "" && agent == "":
		return refuse(http.StatusBadRequest, "'init' needs the id of an agent: agent_id")
	case r.PostForm.Get("init") != "":
		if err := place.CheckAgentID(agent); err != nil {
			return refuse(http.StatusBadRequest, "%s", err)
		}
	}
	var d trackedDoc
	err := s.audited(r, strings.TrimSpace(r.PostForm.Get("slug")), "track", "project", func(ctx context.Context, a *db.Action) error {
		p, known, err := s.Track(ctx, at, strings.TrimSpace(r.PostForm.Get("slug")))
		if err != nil {
			return err
		}
		a.Project = p.Slug
		d = trackedDoc{Slug: p.Slug, Path: p.Place.Path, Added: !known, Notes: []string{}}
		if r.PostForm.Get("init") != "" {
			said, err := s.Library.Join(ctx, p.Place.Path, agent)
			if errors.Is(err, place.ErrAgentTaken) {
				return refuse(http.StatusConflict, "%s", err)
			}
			if err != nil {
				return err
			}
			d.Initialized, d.Notes = true, append(d.Notes, said...)
		}
		_, err = s.Poller.Poll(ctx, p.ID)
		if err != nil {
			d.Notes = append(d.Notes, err.Error()) // it is watched, and its page shows the problem
		}
		return nil
	})
	if err != nil {
		if errors.Is(err, errDone) {
			return refuse(http.StatusConflict, "%s", err)
		}
		return err
	}
	s.Changed()
	return s.to(r, "/p/"+d.Slug, d)
}

// join gives a clone an agent id and joins its hub, so that the dashboard can write there. It
// deletes nothing.
func (s *Server) join(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	agent := strings.TrimSpace(r.PostForm.Get("agent"))
	if agent == "" {
		return refuse(http.StatusBadRequest, "the agent id is empty")
	}
	if err := place.CheckAgentID(agent); err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	if p.Status == db.Paused {
		return refuse(http.StatusConflict, "%s is paused", p.Slug)
	}
	d := actionDoc{Verb: "join", Agent: agent, Lines: []lineDoc{}, Notes: []string{}}
	err = s.audited(r, p.Slug, "join", agent, func(ctx context.Context, _ *db.Action) error {
		said, err := s.Library.Join(ctx, p.Place.Path, agent)
		if errors.Is(err, place.ErrAgentTaken) {
			return refuse(http.StatusConflict, "%s", err)
		}
		if err != nil {
			return err
		}
		d.Notes = append(d.Notes, said...)
		_, err = s.Poller.Poll(ctx, p.ID)
		return err
	})
	if errors.Is(err, errDone) {
		d.Notes, err = []string{err.Error()}, nil
	}
	if err != nil {
		return err
	}
	s.Changed()
	return s.to(r, fmt.Sprintf("/p/%s/health", p.Slug), d)
}
