package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// silenceDoc is a silence in JSON.
type silenceDoc struct {
	ID       int64           `json:"id"`
	Project  string          `json:"project"` // slug; "" is any
	Kind     alerts.Kind     `json:"kind"`
	Subject  string          `json:"subject"`
	Severity alerts.Severity `json:"severity"`
	Starts   instant         `json:"starts_at"`
	Ends     instant         `json:"ends_at"`
	Comment  string          `json:"comment"`
	By       string          `json:"created_by"`
	Holds    int             `json:"holds"` // open alerts that it is about
}

func (s *Server) silenceDoc(o alerts.Silence, slug string) silenceDoc {
	return silenceDoc{ID: o.ID, Project: slug, Kind: o.Kind, Subject: o.Subject, Severity: o.Severity, Starts: instant(o.Starts), Ends: instant(o.Ends), Comment: o.Comment, By: o.By}
}

// silencesPage is the data of the page of silences.
type silencesPage struct {
	Silences []silenceDoc      `json:"silences"`
	Choices  choices           `json:"-"`
	Given    map[string]string `json:"-"` // values that the link to this page gives to the form
}

func (s *Server) silences(r *request) error {
	all, err := s.DB.Silences(r.Context())
	if err != nil {
		return err
	}
	projects, by, err := s.everything(r)
	if err != nil {
		return err
	}
	slugs := map[string]string{}
	for _, p := range projects {
		slugs[p.ID] = p.Slug
	}
	d := silencesPage{Silences: []silenceDoc{}, Given: map[string]string{}}
	for k := range all {
		doc := s.silenceDoc(all[k], slugs[all[k].Project])
		for id, open := range by {
			for n := range open {
				if all[k].Matches(id, &open[n]) {
					doc.Holds++
				}
			}
		}
		d.Silences = append(d.Silences, doc)
	}
	for _, name := range []string{"project", "kind", "subject", "severity"} {
		d.Given[name] = r.URL.Query().Get(name)
	}
	if d.Choices, err = s.choices(r); err != nil {
		return err
	}
	return s.render(r, "silences", "Silences", d, "all")
}

// silence makes a silence.
func (s *Server) silence(r *request) error {
	ends, err := s.ends(r, "for")
	if err != nil {
		return err
	}
	o := alerts.Silence{Kind: alerts.Kind(r.PostForm.Get("kind")), Subject: strings.TrimSpace(r.PostForm.Get("subject")), Severity: alerts.Severity(r.PostForm.Get("severity")),
		Starts: event.TimeOf(s.Now()), Ends: ends, Comment: strings.TrimSpace(r.PostForm.Get("comment")), By: s.operator}
	slug := r.PostForm.Get("project")
	if slug != "" {
		p, err := s.DB.Project(r.Context(), slug)
		if err != nil {
			return refuse(http.StatusNotFound, "there is no project %q", slug)
		}
		o.Project = p.ID
	}
	if err := o.Check(o.Starts); err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	return s.did(r, slug, "silence", "alerts", "/silences", func(ctx context.Context) error {
		_, err := s.DB.AddSilence(ctx, o)
		return err
	})
}

// endSilence ends a silence before its time.
func (s *Server) endSilence(r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refuse(http.StatusNotFound, "there is no silence %q", r.PathValue("id"))
	}
	return s.did(r, "", "end silence", fmt.Sprintf("silence %d", id), "/silences", func(ctx context.Context) error {
		err := s.DB.EndSilence(ctx, id)
		if errors.Is(err, db.ErrNotFound) {
			return refuse(http.StatusNotFound, "there is no silence %d, or it has ended", id)
		}
		return err
	})
}
