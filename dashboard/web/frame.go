package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/inbox"
	"github.com/git-crosslink/git-crosslink/dashboard/metrics"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// surroundings are the parts of a page that every page has.
type surroundings struct {
	Projects []tab
	Rail     []tab  // those of the projects that the rail shows
	Here     string // slug of the project that the page is of; "" is none
	Tabs     []link // of the only project
	Menu     [2][]link
	Views    []db.View
	Alerts   map[string]int // active and not acknowledged
	Agents   int            // active
	Fetched  event.Time     // the oldest last fetch of a project that has a hub elsewhere
}

// link is a page in the rail.
type link struct {
	Name, Path string
	Current    bool
	Count      int
}

// menu are the pages in the rail: those that a narrow window shows, and the rest.
func menu(at string, needs, open int) (m [2][]link) {
	m[0] = []link{{Name: "Inbox", Path: "/", Count: needs}, {Name: "Agents", Path: "/agents"}, {Name: "Projects", Path: "/projects"}, {Name: "Alerts", Path: "/alerts", Count: open}, {Name: "More", Path: "/more"}}
	m[1] = []link{{Name: "Search", Path: "/search"}, {Name: "Activity", Path: "/activity"}, {Name: "Silences", Path: "/silences"}, {Name: "Audit log", Path: "/audit"}, {Name: "Rules", Path: "/settings/rules"}, {Name: "Webhooks", Path: "/settings/webhooks"}}
	for k := range m {
		for n := range m[k] {
			m[k][n].Current = m[k][n].Path == at
		}
	}
	return m
}

// tabsOf are the pages of a project, of which one is shown.
type tabsOf struct {
	Slug  string
	Shape alerts.Shape
	Title string
	Tabs  []link
}

// projectTabs are the pages of a project: the end of their paths, and their names.
var projectTabs = [][2]string{{"", "Overview"}, {"issues", "Issues"}, {"graph", "Graph"}, {"timeline", "Timeline"}, {"milestones", "Milestones"}, {"locks", "Locks"}, {"log", "Log"}, {"health", "Health"}}

func tabs(p projectDoc, at string) tabsOf {
	t := tabsOf{Slug: p.Slug, Shape: p.Shape}
	for _, one := range projectTabs {
		l := link{Name: one[1], Path: strings.TrimSuffix("/p/"+p.Slug+"/"+one[0], "/"), Current: one[0] == at}
		if l.Current {
			t.Title = l.Name
		}
		t.Tabs = append(t.Tabs, l)
	}
	return t
}

// tab is a project in the rail.
type tab struct {
	ID     string
	Slug   string
	Path   string // of the same page of this project
	Pinned bool
	Shape  alerts.Shape
	Count  int // of what needs somebody
}

func (s *Server) surroundings(r *request) (surroundings, error) {
	f := surroundings{Alerts: map[string]int{}}
	var page string
	f.Here, page = hereOf(r.URL.Path)
	projects, byProject, _, err := s.merged(r)
	if err != nil {
		return f, err
	}
	snoozes, err := s.DB.Snoozes(r.Context())
	if err != nil {
		return f, err
	}
	for _, p := range projects {
		t := tab{ID: p.ID, Slug: p.Slug, Path: "/p/" + p.Slug + page, Pinned: p.Pinned, Shape: shapeOf(p, byProject[p.ID])}
		for _, a := range byProject[p.ID] {
			if a.Active() && a.Ack.At == 0 {
				f.Alerts[string(a.Severity)]++
				if a.Severity.AtLeast(alerts.Warning) && !snoozed(snoozes, p.Slug, &a) {
					t.Count++
				}
			}
		}
		if inbox.OfFacts(&p.State.Facts) {
			items, _, err := s.inbox(r, p, byProject[p.ID], snoozes)
			if err != nil {
				return f, err
			}
			t.Count = len(items)
		}
		f.Agents += p.State.Counters.ActiveAgents
		if h := &p.State.Facts.Health; h.Remote && h.FetchedAt != 0 && (f.Fetched == 0 || h.FetchedAt < f.Fetched) {
			f.Fetched = h.FetchedAt
		}
		f.Projects = append(f.Projects, t)
	}
	if f.Views, err = s.DB.Views(r.Context()); err != nil {
		return f, err
	}
	needs := 0
	for _, t := range f.Projects {
		needs += t.Count
		if len(f.Projects) <= manyProjects || t.Pinned || t.Count > 0 || t.Slug == f.Here {
			f.Rail = append(f.Rail, t)
		}
	}
	f.Rail = f.Rail[:min(len(f.Rail), 2*manyProjects)]
	if len(projects) == 1 {
		if r.URL.Path == "/" { // the overview of this project
			f.Here = projects[0].Slug
		}
		f.Tabs = tabs(projectDoc{Slug: projects[0].Slug}, strings.TrimPrefix(page, "/")).Tabs
		for k := range f.Tabs {
			f.Tabs[k].Current = f.Tabs[k].Path == r.URL.Path
		}
	}
	f.Menu = menu(r.URL.Path, needs, f.Alerts["critical"]+f.Alerts["warning"]+f.Alerts["info"])
	return f, nil
}

// hereOf is the project that a path is below, and which of its pages it is, as every project has it.
func hereOf(path string) (slug, page string) {
	parts := strings.SplitN(strings.TrimPrefix(path, "/p/"), "/", 3)
	if !strings.HasPrefix(path, "/p/") || len(parts) < 2 {
		return "", ""
	}
	if len(parts) == 3 && slices.ContainsFunc(projectTabs, func(t [2]string) bool { return t[0] == parts[2] }) {
		page = "/" + parts[2]
	}
	return parts[0] + "/" + parts[1], page
}

// everything is all projects, and their open alerts by project.
func (s *Server) everything(r *request) ([]db.Project, map[string][]alerts.Alert, error) {
	projects, err := s.DB.Projects(r.Context())
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.DB.Alerts(r.Context(), "")
	if err != nil {
		return nil, nil, err
	}
	by := map[string][]alerts.Alert{}
	for _, a := range rows {
		by[a.Project] = append(by[a.Project], a.Alert)
	}
	for _, all := range by {
		slices.SortFunc(all, alerts.Urgent)
	}
	return projects, by, nil
}

// metrics shows figures for Prometheus.
func (s *Server) metrics(r *request) error {
	projects, by, err := s.everything(r)
	if err != nil {
		return err
	}
	endpoints, err := s.DB.Endpoints(r.Context())
	if err != nil {
		return err
	}
	r.W.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = r.W.Write([]byte(metrics.Text(projects, by, endpoints, metrics.Server{Skipped: s.Poller.Skipped(), LastPass: s.Poller.LastPass()})))
	return nil
}

func shapeOf(p db.Project, all []alerts.Alert) alerts.Shape {
	return alerts.Worst(all, p.Status == db.Paused, p.PollError != "" || p.State.Rev == 0)
}

// Trouble is a problem with reading or fetching a project.
type Trouble struct {
	What  string  `json:"what"`
	Why   string  `json:"why"`
	Since instant `json:"since"` // of the data that is shown
	Cure  string  `json:"cure"`  // a command
	Slug  string  `json:"-"`     // of the project, which can be tried again

	Unread bool `json:"-"` // the page shows nothing of the tracker
}

// troubleOf returns why a project cannot be reached; nil if it can.
func troubleOf(p db.Project) *Trouble {
	switch {
	case p.Status == db.Paused:
		return nil
	case p.PollError != "":
		return unreadTrouble(p, p.PollError)
	case p.Failures > 0:
		return &Trouble{What: "The hub cannot be reached", Why: p.FetchError, Since: instant(p.FetchedAt), Cure: cure(p, "sync"), Slug: p.Slug}
	case p.State.Rev == 0:
		return &Trouble{What: "This project has not been read yet", Slug: p.Slug}
	}
	return nil
}

// unreadTrouble is the trouble of a project whose repository cannot be read.
func unreadTrouble(p db.Project, why string) *Trouble {
	t := &Trouble{What: "This project cannot be read", Why: why, Since: instant(p.PolledAt), Cure: cure(p, "doctor"), Slug: p.Slug}
	if why == poll.ErrGone.Error() {
		t.Why, t.Cure = why+"; put it back, or stop watching it", "git crosslink dashboard untrack "+p.Slug
	}
	return t
}

// unread is the trouble of a page that can show nothing of its tracker.
func unread(p db.Project, why error) *Trouble {
	t := unreadTrouble(p, cmp.Or(p.PollError, why.Error()))
	t.Unread = true
	return t
}

// hint is a command that helps, as it is typed anywhere.
func cure(p db.Project, command string) string {
	return "git -C " + shell.Word(p.Place.Path) + " crosslink " + command
}
