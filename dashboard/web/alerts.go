package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/export"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
)

// alertDoc is an alert in JSON. The first members are those of crosslink 0.9.
type alertDoc struct {
	ID         int64           `json:"id"`
	Project    string          `json:"project_slug"`
	Kind       alerts.Kind     `json:"kind"`
	Severity   alerts.Severity `json:"severity"`
	Ref        string          `json:"subject_ref"`
	Detail     string          `json:"detail"`
	Opened     instant         `json:"opened_at"`
	Resolved   instant         `json:"resolved_at"`
	AckAt      instant         `json:"acknowledged_at"`
	Subject    string          `json:"subject"`
	State      alerts.State    `json:"state"`
	Pending    instant         `json:"pending_at"`
	AckBy      string          `json:"acknowledged_by"`
	AckNote    string          `json:"ack_note"`
	AckUntil   instant         `json:"ack_until"`
	SilencedBy []int64         `json:"silenced_by"`
	Flapping   bool            `json:"flapping"`
	NowDetail  string          `json:"now_detail"`
	NoData     bool            `json:"no_data"` // the project cannot be read: the alert is as of then
	AsOf       instant         `json:"as_of"`
	Issue      string          `json:"issue,omitempty"`
	Agent      string          `json:"agent,omitempty"`
}

// Text is what the alert says now.
func (d alertDoc) Text() string { return cmp.Or(d.NowDetail, d.Detail) }

// Open reports whether the alert has not been resolved.
func (d alertDoc) Open() bool { return d.State != alerts.Resolved }

// Active reports whether it may be acknowledged.
func (d alertDoc) Active() bool { return d.State == alerts.Firing || d.State == alerts.Recovering }

// alertDocs gives alerts their shape.
func (s *Server) alertDocs(r *request, all []db.Alert) ([]alertDoc, error) {
	projects, err := s.DB.Projects(r.Context())
	if err != nil {
		return nil, err
	}
	silences, err := s.DB.Silences(r.Context())
	if err != nil {
		return nil, err
	}
	docs := make([]alertDoc, 0, len(all))
	for k := range all {
		a := &all[k]
		d := alertDoc{ID: a.ID, Project: a.Slug, Kind: a.Kind, Severity: a.Severity, Ref: a.Ref, Detail: a.Detail, Opened: instant(a.Opened), Resolved: instant(a.Resolved),
			AckAt: instant(a.Ack.At), Subject: a.Subject, State: a.State, Pending: instant(a.Pending), AckBy: a.Ack.By, AckNote: a.Ack.Note, AckUntil: instant(a.Ack.Until),
			SilencedBy: []int64{}, Flapping: a.Flapping, NowDetail: a.NowDetail}
		if n := slices.IndexFunc(projects, func(p db.Project) bool { return p.ID == a.Project }); n >= 0 && a.Open() {
			d.NoData, d.AsOf = projects[n].PollError != "", instant(projects[n].PolledAt)
		}
		for n := range silences {
			if o := &silences[n]; a.Open() && o.Starts <= event.TimeOf(s.Now()) && o.Matches(a.Project, &a.Alert) {
				d.SilencedBy = append(d.SilencedBy, o.ID)
			}
		}
		switch what, name, _ := strings.Cut(a.Ref, ":"); what {
		case "issue", "lock":
			d.Issue = name
		case "agent":
			d.Agent = name
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// alertFilter says which alerts a page shows.
type alertFilter struct {
	State    string `json:"state"`
	Severity string `json:"severity"`
	Kind     string `json:"kind"`
	Project  string `json:"project"`
}

func filterOf(q url.Values) alertFilter {
	return alertFilter{q.Get("state"), q.Get("severity"), q.Get("kind"), q.Get("project")}
}

// alertStates are the states that a page of alerts can be narrowed to.
var alertStates = []string{"unacknowledged", "firing", "pending", "recovering", "acknowledged", "silenced"}

func (f alertFilter) shows(d alertDoc) bool {
	state := map[string]bool{"": true, string(d.State): true, "acknowledged": d.AckAt != 0, "unacknowledged": d.AckAt == 0 && d.Active() && len(d.SilencedBy) == 0,
		"silenced": len(d.SilencedBy) > 0}[f.State]
	return state && (f.Severity == "" || f.Severity == string(d.Severity)) && (f.Kind == "" || f.Kind == string(d.Kind)) && (f.Project == "" || f.Project == d.Project)
}

// choices are what the forms of alerts and silences offer.
type choices struct {
	States, Severities, Kinds, Projects []string
}

func (s *Server) choices(r *request) (choices, error) {
	c := choices{States: alertStates}
	for _, v := range alerts.Severities {
		c.Severities = append(c.Severities, string(v))
	}
	for _, v := range alerts.Rules {
		c.Kinds = append(c.Kinds, string(v.Kind))
	}
	projects, err := s.DB.Projects(r.Context())
	for _, p := range projects {
		c.Projects = append(c.Projects, p.Slug)
	}
	return c, err
}

// alertGroup are alerts of one kind and severity in one project. Many of them
// are folded.
type alertGroup struct {
	Kind     alerts.Kind
	Severity alerts.Severity
	Project  string
	Items    []alertDoc
}

// foldAbove is how many alerts of one group are shown one by one.
const foldAbove = 4

// Folded reports whether the group shows as one line that opens.
func (g alertGroup) Folded() bool { return len(g.Items) > foldAbove }

// Title says how many alerts of which kind these are.
func (g alertGroup) Title() string {
	return fmt.Sprintf("%d × %s in %s", len(g.Items), words(string(g.Kind)), g.Project)
}

// words is the name of a kind for people.
func words(kind string) string { return strings.ReplaceAll(kind, "_", " ") }

// alertsPage is the data of the page of alerts.
type alertsPage struct {
	Alerts  []alertDoc   `json:"alerts"`
	Filter  alertFilter  `json:"filter"`
	Total   int          `json:"total"` // without the filter
	Older   string       `json:"older,omitempty"`
	Groups  []alertGroup `json:"-"`
	Choices choices      `json:"-"`
}

func (s *Server) alerts(r *request) error {
	all, err := s.DB.Alerts(r.Context(), "")
	if err != nil {
		return err
	}
	if r.csv() {
		return s.csv(r, export.Alerts(all))
	}
	projects, err := s.DB.Projects(r.Context())
	if err != nil {
		return err
	}
	clones := place.ClonesOf(projects)
	hidden := map[string]bool{}
	for _, p := range projects {
		hidden[p.ID] = clones.Hides(p)
	}
	all = slices.DeleteFunc(all, func(a db.Alert) bool { return hidden[a.Project] && !own(a.Alert) }) // it is there once
	slices.SortStableFunc(all, func(a, b db.Alert) int { return alerts.Urgent(a.Alert, b.Alert) })
	docs, err := s.alertDocs(r, all)
	if err != nil {
		return err
	}
	d := alertsPage{Alerts: []alertDoc{}, Filter: filterOf(r.URL.Query()), Total: len(docs)}
	if d.Choices, err = s.choices(r); err != nil {
		return err
	}
	for _, one := range docs {
		if !d.Filter.shows(one) {
			continue
		}
		d.Alerts = append(d.Alerts, one)
		same := func(g alertGroup) bool {
			return g.Kind == one.Kind && g.Severity == one.Severity && g.Project == one.Project
		}
		if k := slices.IndexFunc(d.Groups, same); k >= 0 {
			d.Groups[k].Items = append(d.Groups[k].Items, one)
		} else {
			d.Groups = append(d.Groups, alertGroup{one.Kind, one.Severity, one.Project, []alertDoc{one}})
		}
	}
	return s.render(r, "alerts", "Alerts", d, "all")
}

// pageRows is how many rows of a log a page shows.
const pageRows = 100

func (s *Server) alertHistory(r *request) error {
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 1<<63 - 1
	}
	rows, err := s.DB.ResolvedAlerts(r.Context(), event.Time(before), pageRows+1)
	if err != nil {
		return err
	}
	if r.csv() {
		return s.csv(r, export.Alerts(rows))
	}
	d := alertsPage{Filter: filterOf(r.URL.Query())}
	if len(rows) > pageRows {
		rows = rows[:pageRows]
		d.Older = "/alerts/history?before=" + strconv.FormatInt(int64(rows[pageRows-1].Resolved), 10)
	}
	if d.Alerts, err = s.alertDocs(r, rows); err != nil {
		return err
	}
	d.Total = len(d.Alerts)
	return s.render(r, "alert-history", "Past alerts", d, "all")
}

// alertPage is the data of the page of one alert.
type alertPage struct {
	Alert    alertDoc        `json:"alert"`
	Rule     ruleDoc         `json:"rule"`
	Why      string          `json:"why"`
	Events   []alertEventDoc `json:"events"`
	Silences []silenceDoc    `json:"silences"`
	Sent     []deliveryDoc   `json:"deliveries"`
	Strip    []bar           `json:"-"`
	Days     []float64       `json:"-"`
}

type alertEventDoc struct {
	At     instant      `json:"at"`
	From   alerts.State `json:"from"`
	To     alerts.State `json:"to"`
	Notice string       `json:"notice"`
	Actor  string       `json:"actor"`
	Note   string       `json:"note"`
}

// bar is a stretch of time on a strip of width stripWidth.
type bar struct {
	X, Width float64
	State    string
}

// The strip of an alert's history shows a week.
const (
	stripWidth = 700
	stripSpan  = 7 * 24 * time.Hour
)

// strip draws what an identity was over the last week. rows are its alerts.
func strip(rows []db.Alert, now event.Time) (bars []bar) {
	from := now - event.Time(stripSpan)
	at := func(t event.Time) float64 {
		return float64(min(max(t, from), now)-from) / float64(stripSpan) * stripWidth
	}
	add := func(state string, begin, end event.Time) {
		if end == 0 {
			end = now
		}
		if begin == 0 || end <= from {
			return
		}
		bars = append(bars, bar{min(at(begin), stripWidth-3), max(at(end)-at(begin), 3), state})
	}
	for k := range rows {
		a := &rows[k]
		if a.Opened != a.Pending {
			add("pending", a.Pending, cmp.Or(a.Opened, a.Resolved))
		}
		if a.Opened != 0 {
			add("firing", a.Opened, cmp.Or(a.Recovering, a.Resolved))
		}
		if a.Recovering != 0 {
			add("recovering", a.Recovering, a.Resolved)
		}
	}
	return bars
}

func (s *Server) alert(r *request) error {
	a, err := s.alertOf(r)
	if err != nil {
		return err
	}
	docs, err := s.alertDocs(r, []db.Alert{a})
	if err != nil {
		return err
	}
	set, err := s.DB.Settings(r.Context(), a.Project)
	if err != nil {
		return err
	}
	d := alertPage{Alert: docs[0], Rule: ruleDocOf(&set, a.Kind), Events: []alertEventDoc{}, Silences: []silenceDoc{}, Sent: []deliveryDoc{}}
	d.Why = d.Rule.About
	if d.Rule.ForSeconds > 0 {
		d.Why += fmt.Sprintf(", for at least %s", span(time.Duration(d.Rule.ForSeconds)*time.Second))
	}
	events, err := s.DB.AlertEvents(r.Context(), a.ID)
	if err != nil {
		return err
	}
	for _, e := range events {
		d.Events = append(d.Events, alertEventDoc{instant(e.At), e.From, e.To, string(e.Notice), e.Actor, e.Note})
	}
	sent, err := s.DB.DeliveriesOf(r.Context(), a.ID, pageRows)
	if err != nil {
		return err
	}
	for _, x := range sent {
		d.Sent = append(d.Sent, deliveryDocOf(x))
	}
	silences, err := s.DB.Silences(r.Context())
	if err != nil {
		return err
	}
	for _, o := range silences {
		if slices.Contains(d.Alert.SilencedBy, o.ID) {
			d.Silences = append(d.Silences, s.silenceDoc(o, a.Slug))
		}
	}
	now := event.TimeOf(s.Now())
	same, err := s.DB.AlertsOf(r.Context(), a.Project, a.Identity, now-event.Time(stripSpan))
	if err != nil {
		return err
	}
	d.Strip = strip(same, now)
	for k := range 7 {
		d.Days = append(d.Days, float64(k)*stripWidth/7)
	}
	return s.render(r, "alert", words(string(a.Kind))+" in "+a.Slug, d, "all", "webhooks_changed")
}

// alertOf is the alert that the path names.
func (s *Server) alertOf(r *request) (db.Alert, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return db.Alert{}, refuse(http.StatusNotFound, "there is no alert %q", r.PathValue("id"))
	}
	a, err := s.DB.Alert(r.Context(), id)
	if errors.Is(err, db.ErrNotFound) {
		return a, refuse(http.StatusNotFound, "there is no alert %d", id)
	}
	return a, err
}

// ends reads a duration from a field of a form, a number with the unit h or d, and returns
// the time at which it ends; 0 if the field is empty.
func (s *Server) ends(r *request, field string) (event.Time, error) {
	v := r.PostForm.Get(field)
	if v == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour}[v[len(v)-1]]
	n, err := strconv.Atoi(v[:len(v)-1])
	if err != nil || unit == 0 || n < 1 || n > 1000 {
		return 0, refuse(http.StatusBadRequest, "%q is not a duration: use 1h, 12h, 7d", v)
	}
	return event.TimeOf(s.Now()) + event.Time(unit)*event.Time(n), nil
}

// actOnAlert acknowledges an alert, or ends the acknowledgement.
func (s *Server) actOnAlert(r *request) error {
	verb := r.PathValue("verb")
	if verb != "ack" && verb != "unack" {
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	a, err := s.alertOf(r)
	if err != nil {
		return err
	}
	if !a.Active() {
		return refuse(http.StatusConflict, "alert %d is %s: only an alert that is firing can be acknowledged", a.ID, a.State)
	}
	var ack alerts.Ack
	if verb == "ack" {
		until, err := s.ends(r, "for")
		if err != nil {
			return err
		}
		ack = alerts.Ack{At: event.TimeOf(s.Now()), By: s.operator, Note: strings.TrimSpace(r.PostForm.Get("note")), Until: until}
	}
	return s.did(r, a.Slug, verb, fmt.Sprintf("alert %d (%s %s)", a.ID, a.Kind, a.Ref), back(r, "/alerts"), func(ctx context.Context) error {
		return s.DB.Ack(ctx, a.ID, s.operator, ack)
	})
}

// did changes the dashboard's own data: it records the change in the audit log, wakes the
// pages and answers.
func (s *Server) did(r *request, project, verb, subject, to string, do func(context.Context) error) error {
	d := actionDoc{Verb: verb, Lines: []lineDoc{}, Notes: []string{}}
	err := s.audited(r, project, verb, subject, func(ctx context.Context, _ *db.Action) error { return do(ctx) })
	if errors.Is(err, errDone) {
		d.Notes, err = []string{err.Error()}, nil
	}
	if err != nil {
		return err
	}
	s.Changed()
	return s.to(r, to, d)
}

// back is the page of the dashboard that a form names to return to.
func back(r *request, otherwise string) string {
	to := r.PostForm.Get("back")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return otherwise
	}
	return to
}

// ruleDoc is a rule as the settings have it.
type ruleDoc struct {
	Kind       alerts.Kind     `json:"kind"`
	About      string          `json:"about"`
	Enabled    bool            `json:"enabled"`
	Severity   alerts.Severity `json:"severity"`
	ForSeconds int             `json:"for_seconds"`
	Keep       string          `json:"keep"`
	Changed    bool            `json:"changed"`
}

func ruleDocOf(set *alerts.Settings, k alerts.Kind) ruleDoc {
	r, on := set.RuleOf(k)
	d := ruleDoc{Kind: k, About: r.About, Enabled: on, Severity: r.Severity, ForSeconds: int(r.For.Seconds()), Keep: span(r.Keep), Changed: set.Rules[k] != alerts.RuleSetting{}}
	switch r.Keep {
	case 0:
		d.Keep = ""
	case alerts.KeepUntilSeen:
		d.Keep = "until acknowledged"
	}
	return d
}

// firing counts the conditions that would fire now under the given settings.
func firing(projects []db.Project, set func(db.Project) (alerts.Settings, error), now event.Time) (n int, err error) {
	for _, p := range projects {
		o, err := set(p)
		if err != nil {
			return n, err
		}
		n += len(alerts.Derive(alerts.Project{ID: p.ID, Slug: p.Slug}, &p.State.Facts, o, facts.NewClock(now)))
	}
	return n, nil
}
