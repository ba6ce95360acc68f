package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/forms"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// actionDoc answers an action.
type actionDoc struct {
	Verb  string      `json:"verb"`
	Sync  string      `json:"sync"` // confirmed, queued or local
	Agent string      `json:"agent"`
	Lines []lineDoc   `json:"lines"`
	Notes []string    `json:"notes"`
	Undo  *forms.Undo `json:"undo,omitempty"`
}

type lineDoc struct {
	Agent string `json:"agent"`
	Seq   uint64 `json:"seq"`
	Type  string `json:"type"`
}

// act does something to an issue, as the agent of the project's place.
func (s *Server) act(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	verb := r.PathValue("verb")
	if !forms.Known(verb) {
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	to := fmt.Sprintf("/p/%s/i/%s", p.Slug, r.PathValue("id"))
	if verb == "delete" {
		to = fmt.Sprintf("/p/%s/issues", p.Slug)
	}
	return s.emit(r, p, verb, r.PathValue("id"), func(*place.Receipt) string { return back(r, to) }, func(f forms.Form) ([]event.Body, error) { return forms.Act(verb, f) })
}

// emit lets the project's agent write the events that build returns: it records them in the
// audit log, polls the project, wakes the pages and answers.
func (s *Server) emit(r *request, p db.Project, verb, subject string, to func(*place.Receipt) string, build func(forms.Form) ([]event.Body, error)) error {
	if p.Status == db.Paused {
		return refuse(http.StatusConflict, "%s is paused", p.Slug)
	}
	d := actionDoc{Verb: verb, Lines: []lineDoc{}, Notes: []string{}}
	receipt := &place.Receipt{}
	err := s.audited(r, p.Slug, verb, subject, func(ctx context.Context, a *db.Action) (err error) {
		receipt, err = s.Library.Write(ctx, p.Place.Path, func(v place.View, t *tracker.Tracker) ([]event.Body, error) {
			bodies, err := build(forms.Form{View: v, Tracker: t, Now: s.Now(), ID: cmp.Or(r.PathValue("agent"), r.PathValue("id")), Fields: r.PostForm})
			if err == nil {
				d.Undo = forms.UndoOf(v, p.Slug, verb, bodies)
			}
			return bodies, err
		})
		if err != nil {
			return err
		}
		if receipt.Sync == tracker.Queued {
			a.Outcome = db.Unconfirmed
		}
		d.Sync, d.Agent, d.Notes = string(receipt.Sync), receipt.Agent, append(d.Notes, receipt.Notes...)
		for _, l := range receipt.Lines {
			d.Lines = append(d.Lines, lineDoc{l.Agent, l.Seq, l.Body.Type()})
			a.Lines = strings.TrimSpace(fmt.Sprintf("%s %s/%d", a.Lines, l.Agent, l.Seq))
		}
		if _, perr := s.Poller.Look(ctx, p.ID); perr != nil {
			s.Failed("poll", perr) // the page says so
		}
		return nil
	})
	if errors.Is(err, errDone) { // the form was sent twice
		d.Notes, err = []string{err.Error()}, nil
	}
	if err != nil {
		return err
	}
	if len(d.Lines) == 0 && len(d.Notes) == 0 {
		d.Notes = append(d.Notes, "nothing to change")
	}
	s.Changed()
	return s.to(r, to(receipt), d)
}

var errDone = errors.New("this was already done")

// audited makes a change, once for each form, with a row in the audit log before and after.
func (s *Server) audited(r *request, project, verb, subject string, do func(context.Context, *db.Action) error) error {
	rows, err := s.DB.Acted(r.Context(), r.ID)
	if err != nil {
		return err
	}
	if done(rows) {
		return errDone
	}
	a := r.action(s.operator)
	a.Project, a.Verb, a.Subject, a.Payload, a.Outcome = project, verb, subject, payload(r), db.Started
	if err := s.DB.Record(r.Context(), a); err != nil {
		return err
	}
	ctx := context.WithoutCancel(r.Context()) // an action that has begun is finished, even if the browser goes away
	a.Outcome = db.Succeeded
	if err = do(ctx, &a); err != nil {
		a.Outcome, a.Error = db.Failed, err.Error()
		if s.explain(err).Status < http.StatusInternalServerError {
			a.Outcome = db.Refused
		}
	}
	if rerr := s.DB.Record(ctx, a); rerr != nil {
		s.Failed("audit", rerr)
	}
	return err
}

// done reports whether a request has done what it asked for, or is about to.
func done(rows []db.Action) bool {
	return len(rows) > 0 && slices.Contains([]string{db.Started, db.Succeeded, db.Unconfirmed}, rows[len(rows)-1].Outcome)
}

// payload is what the form held, texts cut short.
func payload(r *request) string {
	all := map[string]string{}
	for name, values := range r.PostForm {
		if name == "request" {
			continue
		}
		v := strings.Join(values, "\n")
		switch name { // that of a webhook may hold a secret
		case "url":
			v = notify.Masked(v)
		case "urls":
			v = fmt.Sprintf("%d URLs", len(values))
		case "at":
			if strings.Contains(v, "://") {
				v = notify.Masked(v)
			}
		}
		if len(v) > 500 {
			v = strings.ToValidUTF8(v[:500], "") + "…"
		}
		all[name] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	return string(b)
}
