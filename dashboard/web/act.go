package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// actionDoc answers an action.
type actionDoc struct {
	Verb  string    `json:"verb"`
	Sync  string    `json:"sync"` // confirmed, queued or local
	Agent string    `json:"agent"`
	Lines []lineDoc `json:"lines"`
	Notes []string  `json:"notes"`
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
	do := actions[verb]
	if do == nil {
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	if p.Status == db.Paused {
		return refuse(http.StatusConflict, "%s is paused", p.Slug)
	}
	back := fmt.Sprintf("/p/%s/i/%s", p.Slug, r.PathValue("id"))
	if rows, err := s.DB.Acted(r.Context(), r.id); err != nil {
		return err
	} else if done(rows) { // the form was sent twice
		return s.to(r, back, actionDoc{Verb: verb, Lines: []lineDoc{}, Notes: []string{"this was done already"}})
	}
	a := r.action(s.operator)
	a.Project, a.Verb, a.Subject, a.Payload, a.Outcome = p.Slug, verb, r.PathValue("id"), payload(r), db.Started
	if err := s.DB.Record(r.Context(), a); err != nil {
		return err
	}
	ctx := context.WithoutCancel(r.Context()) // what has begun is finished, whoever goes away
	receipt, err := s.Library.Write(ctx, p.Place.Path, func(v place.View, t *tracker.Tracker) ([]event.Body, error) {
		u, err := v.Resolve(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		i, err := v.Issue(u)
		if err != nil {
			return nil, err
		}
		return do(writer{v, t, event.TimeOf(s.Now())}, i, r.PostForm.Get)
	})
	a.Outcome, a.Error = s.outcome(receipt, err)
	d := actionDoc{Verb: verb, Lines: []lineDoc{}, Notes: []string{}}
	if err == nil {
		d.Sync, d.Agent, d.Notes = string(receipt.Sync), receipt.Agent, append(d.Notes, receipt.Notes...)
		for _, l := range receipt.Lines {
			d.Lines = append(d.Lines, lineDoc{l.Agent, l.Seq, l.Body.Type()})
			a.Lines = strings.TrimSpace(fmt.Sprintf("%s %s/%d", a.Lines, l.Agent, l.Seq))
		}
	}
	if rerr := s.DB.Record(ctx, a); rerr != nil {
		s.Failed("audit", rerr)
	}
	if err != nil {
		return err
	}
	if _, perr := s.Poller.Poll(ctx, p.ID); perr != nil {
		s.Failed("poll", perr) // the page says so
	}
	s.Changed()
	return s.to(r, back, d)
}

// outcome is what the audit log says of an action's end.
func (s *Server) outcome(r *place.Receipt, err error) (outcome, why string) {
	switch {
	case err == nil && r.Sync == tracker.Queued:
		return db.Unconfirmed, ""
	case err == nil:
		return db.Succeeded, ""
	case s.explain(err).status < http.StatusInternalServerError:
		return db.Refused, err.Error()
	}
	return db.Failed, err.Error()
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

// writer is what an action may ask.
type writer struct {
	place.View
	t   *tracker.Tracker
	now event.Time
}

// actions are what can be done to an issue, by their name in a path.
var actions = map[string]func(w writer, i *store.Issue, field func(string) string) ([]event.Body, error){
	"close": func(w writer, i *store.Issue, field func(string) string) ([]event.Body, error) {
		return w.status(i, event.Closed, field("reason"))
	},
	"reopen": func(w writer, i *store.Issue, field func(string) string) ([]event.Body, error) {
		return w.status(i, event.Open, field("reason"))
	},
	"comment": func(w writer, i *store.Issue, field func(string) string) ([]event.Body, error) {
		return w.comment(i, field("text"))
	},
}
