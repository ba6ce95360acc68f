package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/compat"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
)

// This file answers the paths of crosslink 0.9 (dashboard/compat has the shapes), so that
// scripts for it continue working. They are aliases: what they do is done
// by the handlers of pages, in the same chain of checks.

// oldFields are the names of fields there that have another name here, by action.
var oldFields = map[string]map[string]string{
	"comment": {"content": "text"}, "block": {"blocker_id": "issue"}, "unblock": {"blocker_id": "issue"}, "relate": {"other_id": "issue"},
	"label": {"label": "name"}, "unlabel": {"label": "name"}, "add": {"issue_id": "issue"}, "remove": {"issue_id": "issue"}, "request": {"subject_issue": "issue"},
	"init": {"agent_id": "agent"}, "clone": {"url": "at"},
}

// rename gives the fields of a request the names that they have here.
func (r *request) rename(action string) {
	for old, name := range oldFields[action] {
		if v, ok := r.PostForm[old]; ok && !r.PostForm.Has(name) {
			r.PostForm[name] = v
		}
	}
}

func (s *Server) apiHealth(r *request) error {
	return s.raw(r, http.StatusOK, map[string]any{"status": "ok", "version": s.Version})
}

// apiDid answers an action. The original returned the output of its command; this answer has a
// short description instead.
func (s *Server) apiDid(r *request, data any) error {
	d, ok := data.(actionDoc)
	if !ok {
		return s.raw(r, http.StatusOK, data)
	}
	said := d.Verb
	if d.Sync != "" {
		said += ": " + d.Sync
	}
	return s.raw(r, http.StatusOK, map[string]any{"stdout": said + "\n", "stderr": strings.Join(d.Notes, "\n"), "receipt": d})
}

func (s *Server) apiIssue(r *request) error {
	r.rename(r.PathValue("verb"))
	return s.act(r)
}

// apiLock claims, releases or steals a lock.
func (s *Server) apiLock(r *request) error {
	switch verb := r.PathValue("verb"); verb {
	case "claim", "release":
	case "steal":
		r.SetPathValue("verb", "break")
		r.PostForm.Set("reason", cmp.Or(strings.TrimSpace(r.PostForm.Get("reason")), "taken through the dashboard"))
	default:
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	return s.act(r)
}

func (s *Server) apiMilestone(r *request) error {
	r.rename(r.PathValue("verb"))
	return s.actOnMilestone(r)
}

// apiAsk sends a request to an agent. A script names the agent in the path, which
// is as good as typing its id.
func (s *Server) apiAsk(r *request) error {
	r.rename("request")
	r.PostForm.Set("confirm", r.PathValue("agent"))
	return s.ask(r)
}

func (s *Server) apiJoin(r *request) error {
	r.rename("init")
	return s.join(r)
}

func (s *Server) apiTrack(r *request) error {
	r.rename("clone")
	return s.track(r)
}

func (s *Server) apiProjects(r *request) error {
	all, by, err := s.everything(r)
	if err != nil {
		return err
	}
	docs := make([]compat.Project, len(all))
	for k, p := range all {
		docs[k] = compat.ProjectOf(p, shapeOf(p, by[p.ID]))
	}
	return s.raw(r, http.StatusOK, docs)
}

// apiProject answers with a project and everything in it. What cannot be read is
// empty: the tile stays.
func (s *Server) apiProject(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	open, err := s.alertsOf(r, p)
	if err != nil {
		return err
	}
	d := compat.DetailOf(p, shapeOf(p, open))
	_ = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error { return d.Read(v.Projection, &p.State.Facts) }) // a clone that is gone has no issues, as in 0.9
	return s.raw(r, http.StatusOK, d)
}

// apiAlerts answers with the alerts that are open, the newest first.
func (s *Server) apiAlerts(r *request) error {
	docs, err := s.openAlerts(r)
	if err != nil {
		return err
	}
	return s.raw(r, http.StatusOK, docs)
}

func (s *Server) openAlerts(r *request) ([]alertDoc, error) {
	all, err := s.DB.Alerts(r.Context(), "")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a db.Alert) bool { return !a.Active() })
	return s.alertDocs(r, all)
}

// apiExport answers with a table as a file: projects or alerts, as CSV or JSON.
func (s *Server) apiExport(r *request) error {
	name, form, _ := strings.Cut(r.PathValue("file"), ".")
	var t export.Table
	var rows any
	switch name {
	case "projects":
		all, err := s.DB.Projects(r.Context())
		if err != nil {
			return err
		}
		t = export.Projects(all)
		rows = t.Records()
	case "alerts":
		all, err := s.DB.Alerts(r.Context(), "")
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(a db.Alert) bool { return !a.Active() })
		t = export.Alerts(all)
		if rows, err = s.alertDocs(r, all); err != nil {
			return err
		}
	default:
		return refuse(http.StatusNotFound, "there is no table %q", name)
	}
	switch form {
	case "csv":
		return s.csv(r, t)
	case "json":
		r.W.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", t.Name+".json"))
		return s.raw(r, http.StatusOK, rows)
	}
	return refuse(http.StatusNotFound, "there is no such table: use %s.csv or %s.json", name, name)
}

// apiWebhooks answers with the URLs of all endpoints. Each may be a secret, so only
// what may change them sees more than their hosts.
func (s *Server) apiWebhooks(r *request) error {
	all, err := s.DB.Endpoints(r.Context())
	if err != nil {
		return err
	}
	urls := []string{}
	for _, x := range all {
		if r.Session.Scope == "act" && !s.ReadOnly {
			urls = append(urls, x.URL)
		} else {
			urls = append(urls, notify.Masked(x.URL))
		}
	}
	return s.raw(r, http.StatusOK, map[string]any{"urls": urls})
}

// apiSetWebhooks makes the endpoints those of a list: the whole list, or nothing if
// one of them is refused. An endpoint that stays keeps its secret and its filter.
func (s *Server) apiSetWebhooks(r *request) error {
	urls, given := r.PostForm["urls"]
	if blank := !slices.ContainsFunc(urls, func(at string) bool { return strings.TrimSpace(at) != "" }); !given || blank && len(urls) > 0 {
		return &problem{Status: http.StatusBadRequest, Message: "'urls' is missing: an empty list removes every webhook", Hints: []string{`{"urls": ["https://example.com/hook"]}`}}
	}
	have, err := s.DB.Endpoints(r.Context())
	if err != nil {
		return err
	}
	var fresh []notify.Endpoint
	var keep []int64
	for _, at := range urls {
		if at = strings.TrimSpace(at); at == "" {
			continue
		}
		if k := slices.IndexFunc(have, func(x db.Endpoint) bool { return x.URL == at }); k >= 0 {
			keep = append(keep, have[k].ID)
			continue
		}
		x := notify.Endpoint{URL: at, Kind: cmp.Or(notify.KindOf(at), notify.Generic), Local: strings.HasPrefix(at, "http://")}
		if x.Kind == notify.Standard {
			x.Kind = notify.Generic // programs that listen there know the bodies of 0.9
		}
		if err := x.Check(); err != nil {
			return refuse(http.StatusBadRequest, "%s: %s", notify.Masked(at), err)
		}
		if !slices.ContainsFunc(fresh, func(o notify.Endpoint) bool { return o.URL == at }) {
			fresh = append(fresh, x)
		}
	}
	err = s.audited(r, "", "set webhooks", fmt.Sprintf("%d endpoints", len(keep)+len(fresh)), func(ctx context.Context, _ *db.Action) error { return s.DB.SetEndpoints(ctx, keep, fresh) })
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	s.Changed()
	return s.apiWebhooks(r)
}
