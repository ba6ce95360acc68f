package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// rulesPage is the data of the page of rules.
type rulesPage struct {
	Scope      string         `json:"scope"` // slug; "" is every project
	Rules      []ruleDoc      `json:"rules"`
	Thresholds []thresholdDoc `json:"thresholds"`
	Edit       *ruleDoc       `json:"-"` // the rule whose form is shown
	Preview    *previewDoc    `json:"preview"`
	Choices    choices        `json:"-"`
}

type thresholdDoc struct {
	Key     string `json:"key"`
	About   string `json:"about"`
	Unit    string `json:"unit"`
	Value   string `json:"value"`
	Changed bool   `json:"changed"` // from the default
}

// previewDoc says how many conditions are true now, and how many would be.
type previewDoc struct {
	Now   int    `json:"now"`
	Would int    `json:"would"`
	Error string `json:"error,omitempty"`
}

// settingValues are the settings that a form or a query gives.
func settingValues(q url.Values) map[string]string {
	values := map[string]string{}
	for _, t := range db.Thresholds {
		if q.Has(t.Key) {
			values[t.Key] = q.Get(t.Key)
		}
	}
	for _, rule := range alerts.Rules {
		for _, member := range []string{"enabled", "severity", "for_seconds"} {
			if key := fmt.Sprintf("rule.%s.%s", rule.Kind, member); q.Has(key) {
				values[key] = q.Get(key)
			}
		}
	}
	return values
}

// scope is the project that settings are of; none for "".
func (s *Server) scope(r *request, slug string) (id string, projects []db.Project, err error) {
	if slug == "" {
		projects, err = s.DB.Projects(r.Context())
		return "", projects, err
	}
	p, err := s.DB.Project(r.Context(), slug)
	if err != nil {
		return "", nil, refuse(http.StatusNotFound, "there is no project %q", slug)
	}
	return p.ID, []db.Project{p}, nil
}

func (s *Server) rules(r *request) error {
	q := r.URL.Query()
	return s.showRules(r, q.Get("project"), q.Get("edit"), settingValues(q))
}

// showRules shows the rules, and what they would be with other values.
func (s *Server) showRules(r *request, slug, edit string, values map[string]string) error {
	d := rulesPage{Scope: slug}
	id, projects, err := s.scope(r, d.Scope)
	if err != nil {
		return err
	}
	set, err := s.DB.Settings(r.Context(), id)
	if err != nil {
		return err
	}
	shown := set
	if len(values) > 0 {
		d.Preview = &previewDoc{}
		now := event.TimeOf(s.Now())
		if d.Preview.Now, err = firing(projects, func(p db.Project) (alerts.Settings, error) { return s.DB.Settings(r.Context(), p.ID) }, now); err != nil {
			return err
		}
		d.Preview.Would, err = firing(projects, func(p db.Project) (alerts.Settings, error) { return s.DB.Preview(r.Context(), p.ID, values) }, now)
		if err != nil {
			d.Preview.Error = err.Error()
		} else if shown, err = s.DB.Preview(r.Context(), id, values); err != nil {
			return err
		}
	}
	defaults := alerts.Defaults()
	for _, t := range db.Thresholds {
		if t.Global() && id != "" {
			continue
		}
		d.Thresholds = append(d.Thresholds, thresholdDoc{t.Key, t.About, t.Unit, t.Value(&shown), t.Value(&set) != t.Value(&defaults)})
	}
	for _, rule := range alerts.Rules {
		d.Rules = append(d.Rules, ruleDocOf(&set, rule.Kind))
		if string(rule.Kind) == edit {
			doc := ruleDocOf(&shown, rule.Kind)
			d.Edit = &doc
		}
	}
	if d.Choices, err = s.choices(r); err != nil {
		return err
	}
	return s.render(r, "rules", "Rules", d, "settings_changed")
}

// setRules changes settings, or shows what they would do.
func (s *Server) setRules(r *request) error {
	slug := r.PostForm.Get("project")
	if r.PostForm.Has("preview") {
		return s.showRules(r, slug, r.PostForm.Get("edit"), settingValues(r.PostForm))
	}
	id, _, err := s.scope(r, slug)
	if err != nil {
		return err
	}
	values := settingValues(r.PostForm)
	if len(values) == 0 {
		return refuse(http.StatusBadRequest, "the form changes no setting")
	}
	set, err := s.DB.Settings(r.Context(), id)
	if err != nil {
		return err
	}
	maps.DeleteFunc(values, func(key, v string) bool { return v == valueOf(&set, key) }) // what is as it was is not set
	if _, err := s.DB.Preview(r.Context(), id, values); err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	to := "/settings/rules"
	if slug != "" {
		to += "?project=" + url.QueryEscape(slug)
	}
	return s.did(r, slug, "set", "rules", to, func(ctx context.Context) error { return s.DB.Set(ctx, id, values) })
}

// valueOf is the value of a key in the settings.
func valueOf(set *alerts.Settings, key string) string {
	for _, t := range db.Thresholds {
		if t.Key == key {
			return t.Value(set)
		}
	}
	kind, member, _ := strings.Cut(strings.TrimPrefix(key, "rule."), ".")
	d := ruleDocOf(set, alerts.Kind(kind))
	return map[string]string{"enabled": strconv.FormatBool(d.Enabled), "severity": string(d.Severity), "for_seconds": strconv.Itoa(d.ForSeconds)}[member]
}

// preferences are what a browser keeps in cookies, and the values that are valid; the first is the default.
var preferences = map[string][]string{
	"theme":  {"system", "light", "dark"},
	"zone":   {"local", "utc"},
	"rows":   {"dense", "comfortable"},
	"keys":   {"on", "off"},                       // single-key commands
	"notify": {"", "critical", "warning", "info"}, // from which severity on the browser notifies of alerts
	"tone":   {"", "critical", "warning", "info"},
}

// preferenceCookie is the cookie of a preference.
func preferenceCookie(name string) string { return "crosslink_" + name }

// preference is the value that the browser keeps.
func (r *request) preference(name string) string {
	if c, err := r.Cookie(preferenceCookie(name)); err == nil {
		return oneOf(c.Value, preferences[name])
	}
	return preferences[name][0]
}

func (s *Server) preferences(r *request) error {
	return s.render(r, "preferences", "Preferences", struct {
		Theme      string   `json:"theme"`
		Zone       string   `json:"zone"`
		Rows       string   `json:"rows"`
		Keys       bool     `json:"keys"`
		Notify     string   `json:"notify"`
		Tone       string   `json:"tone"`
		Severities []string `json:"-"`
	}{r.preference("theme"), r.preference("zone"), r.preference("rows"), r.preference("keys") == "on", r.preference("notify"), r.preference("tone"), preferences["notify"]})
}

// setPreferences keeps in the browser what the form has.
func (s *Server) setPreferences(r *request) error {
	set := map[string]string{}
	for name, valid := range preferences {
		if !r.PostForm.Has(name) {
			continue
		}
		if set[name] = r.PostForm.Get(name); !slices.Contains(valid, set[name]) {
			return refuse(http.StatusBadRequest, "%q is not valid for %s: use %s", set[name], name, strings.Trim(strings.Join(valid, ", "), ", "))
		}
	}
	for name, value := range set {
		http.SetCookie(r.W, &http.Cookie{Name: preferenceCookie(name), Value: value, Path: s.Path + "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	return s.to(r, back(r, "/settings/preferences"), set)
}

func (s *Server) about(r *request) error {
	sessions, err := s.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	type session struct {
		UserAgent string  `json:"user_agent"`
		Made      instant `json:"made_at"`
		Seen      instant `json:"seen_at"`
		Scope     string  `json:"scope"`
		Own       bool    `json:"own"`
	}
	type token struct {
		ID    int64   `json:"id"`
		Name  string  `json:"name"`
		Scope string  `json:"scope"`
		Made  instant `json:"made_at"`
		Seen  instant `json:"seen_at"`
	}
	d := struct {
		Version  string    `json:"version"`
		Operator string    `json:"operator"`
		Skipped  int64     `json:"ticks_skipped"`
		Passed   instant   `json:"last_pass_at"`
		Sessions []session `json:"sessions"`
		Tokens   []token   `json:"tokens"`
	}{Tokens: []token{}, Version: s.Version, Operator: s.operator, Skipped: s.Poller.Skipped(), Sessions: []session{}}
	if last := s.Poller.LastPass(); !last.IsZero() {
		d.Passed = instant(event.TimeOf(last))
	}
	for _, o := range sessions {
		d.Sessions = append(d.Sessions, session{o.UserAgent, instant(o.Made), instant(o.Seen), o.Scope, o.Hash == r.Session.Hash})
	}
	tokens, err := s.DB.Tokens(r.Context())
	if err != nil {
		return err
	}
	for _, o := range tokens {
		d.Tokens = append(d.Tokens, token{o.ID, o.Name, o.Scope, instant(o.Made), instant(o.Seen)})
	}
	return s.render(r, "about", "About", d)
}
