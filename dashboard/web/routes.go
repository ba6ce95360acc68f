package web

import (
	"fmt"
	"net/http"

	"github.com/git-crosslink/git-crosslink/dashboard/guard"
)

// route is one row of the table.
type route struct {
	guard.Route
	handle func(*Server, *request) error
}

// The scopes of dashboard/guard, as the table names them.
const (
	anybody, reader, actor, signed = guard.Anybody, guard.Reader, guard.Actor, guard.Signed
)

// table is every route there is.
var table = []route{
	{guard.Route{Pattern: "GET /{$}", Scope: reader, AlsoJSON: true}, (*Server).start},
	{guard.Route{Pattern: "GET /projects", Scope: reader, AlsoJSON: true}, (*Server).projects},
	{guard.Route{Pattern: "POST /projects/track", Scope: actor}, (*Server).track},
	{guard.Route{Pattern: "POST /projects/{verb}", Scope: actor}, (*Server).actOnProject},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}", Scope: reader, AlsoJSON: true}, (*Server).project},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/join", Scope: actor}, (*Server).join},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/i/{id}", Scope: reader, AlsoJSON: true}, (*Server).issue},
	{guard.Route{Pattern: "GET /agents", Scope: reader, AlsoJSON: true}, (*Server).agents},
	{guard.Route{Pattern: "GET /activity", Scope: reader, AlsoJSON: true}, (*Server).activity},
	{guard.Route{Pattern: "GET /search", Scope: reader, AlsoJSON: true}, (*Server).search},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/agents/{agent}", Scope: reader, AlsoJSON: true}, (*Server).agent},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/agents/{agent}/request", Scope: actor}, (*Server).ask},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/agents/{agent}/trust/{verb}", Scope: actor}, (*Server).judge},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/locks", Scope: reader, AlsoJSON: true}, (*Server).locks},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/milestones", Scope: reader, AlsoJSON: true}, (*Server).milestones},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/milestones", Scope: actor}, (*Server).createMilestone},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/milestones/{id}/{verb}", Scope: actor}, (*Server).actOnMilestone},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/graph", Scope: reader, AlsoJSON: true}, (*Server).graph},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/timeline", Scope: reader, AlsoJSON: true}, (*Server).timeline},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/log", Scope: reader, AlsoJSON: true}, (*Server).log},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/health", Scope: reader, AlsoJSON: true}, (*Server).health},
	{guard.Route{Pattern: "GET /p/{owner}/{repo}/issues", Scope: reader, AlsoJSON: true}, (*Server).issues},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/issues", Scope: actor, Max: guard.MaxText}, (*Server).create},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/bulk", Scope: actor}, (*Server).bulk},
	{guard.Route{Pattern: "POST /p/{owner}/{repo}/i/{id}/{verb}", Scope: actor, Max: guard.MaxText}, (*Server).act},

	{guard.Route{Pattern: "POST /inbox/{verb}", Scope: actor}, (*Server).snooze},
	{guard.Route{Pattern: "GET /alerts", Scope: reader, AlsoJSON: true}, (*Server).alerts},
	{guard.Route{Pattern: "GET /alerts/history", Scope: reader, AlsoJSON: true}, (*Server).alertHistory},
	{guard.Route{Pattern: "GET /alerts/{id}", Scope: reader, AlsoJSON: true}, (*Server).alert},
	{guard.Route{Pattern: "POST /alerts/{id}/{verb}", Scope: actor}, (*Server).actOnAlert},
	{guard.Route{Pattern: "GET /silences", Scope: reader, AlsoJSON: true}, (*Server).silences},
	{guard.Route{Pattern: "POST /silences", Scope: actor}, (*Server).silence},
	{guard.Route{Pattern: "POST /silences/{id}/end", Scope: actor}, (*Server).endSilence},
	{guard.Route{Pattern: "GET /audit", Scope: reader, AlsoJSON: true}, (*Server).audit},
	{guard.Route{Pattern: "POST /views", Scope: actor}, (*Server).saveView},
	{guard.Route{Pattern: "POST /views/{id}/remove", Scope: actor}, (*Server).removeView},
	{guard.Route{Pattern: "GET /more", Scope: reader, AlsoJSON: true}, (*Server).more},
	{guard.Route{Pattern: "GET /settings/rules", Scope: reader, AlsoJSON: true}, (*Server).rules},
	{guard.Route{Pattern: "POST /settings/rules", Scope: actor}, (*Server).setRules},
	{guard.Route{Pattern: "GET /settings/webhooks", Scope: reader, AlsoJSON: true}, (*Server).webhooks},
	{guard.Route{Pattern: "POST /settings/webhooks", Scope: actor}, (*Server).addWebhook},
	{guard.Route{Pattern: "POST /settings/webhooks/{id}/{verb}", Scope: actor}, (*Server).actOnWebhook},
	{guard.Route{Pattern: "GET /settings/sources", Scope: actor, AlsoJSON: true}, (*Server).sources},
	{guard.Route{Pattern: "POST /settings/sources", Scope: actor}, (*Server).addSources},
	{guard.Route{Pattern: "GET /settings/preferences", Scope: reader, AlsoJSON: true}, (*Server).preferences},
	{guard.Route{Pattern: "POST /settings/preferences", Scope: reader}, (*Server).setPreferences},
	{guard.Route{Pattern: "GET /settings/about", Scope: reader, AlsoJSON: true}, (*Server).about},

	{guard.Route{Pattern: "GET /events", Scope: reader, Stream: true}, (*Server).events},
	{guard.Route{Pattern: "GET /metrics", Scope: reader}, (*Server).metrics},
	{guard.Route{Pattern: "GET /ws", Scope: reader, Stream: true}, (*Server).socket},

	// as crosslink 0.9 is asked (compat.go)
	{guard.Route{Pattern: "GET /api/v1/health", Scope: anybody}, (*Server).apiHealth},
	{guard.Route{Pattern: "GET /api/v1/dashboard/projects", Scope: reader}, (*Server).apiProjects},
	{guard.Route{Pattern: "GET /api/v1/dashboard/projects/{owner}/{repo}", Scope: reader}, (*Server).apiProject},
	{guard.Route{Pattern: "GET /api/v1/dashboard/alerts", Scope: reader}, (*Server).apiAlerts},
	{guard.Route{Pattern: "GET /api/v1/dashboard/export/{file}", Scope: reader}, (*Server).apiExport},
	{guard.Route{Pattern: "GET /api/v1/dashboard/webhooks", Scope: reader}, (*Server).apiWebhooks},
	{guard.Route{Pattern: "PUT /api/v1/dashboard/webhooks", Scope: actor}, (*Server).apiSetWebhooks},
	{guard.Route{Pattern: "GET /api/v1/dashboard/github/config", Scope: actor}, (*Server).apiGitHub},
	{guard.Route{Pattern: "POST /api/v1/dashboard/github/config", Scope: actor}, (*Server).apiSetGitHub},
	{guard.Route{Pattern: "GET /api/v1/dashboard/github/orgs/{org}/repos", Scope: actor}, (*Server).apiRepositories},
	{guard.Route{Pattern: "POST /api/v1/dashboard/github/orgs/{org}/track-all", Scope: actor}, (*Server).apiTrackAll},
	{guard.Route{Pattern: "POST /api/v1/dashboard/clone", Scope: actor}, (*Server).apiTrack},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/init", Scope: actor}, (*Server).apiJoin},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/issues/{id}/{verb}", Scope: actor, Max: guard.MaxText}, (*Server).apiIssue},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/locks/{id}/{verb}", Scope: actor}, (*Server).apiLock},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/milestones", Scope: actor}, (*Server).createMilestone},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/milestones/{id}/{verb}", Scope: actor}, (*Server).apiMilestone},
	{guard.Route{Pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/agents/{agent}/request", Scope: actor}, (*Server).apiAsk},

	{guard.Route{Pattern: "POST /hook/{name}", Scope: signed, Max: guard.MaxText}, (*Server).receive},
	{guard.Route{Pattern: "GET /login", Scope: anybody}, (*Server).loginPage},
	{guard.Route{Pattern: "POST /login", Scope: anybody}, (*Server).login},
	{guard.Route{Pattern: "POST /logout", Scope: reader}, (*Server).logout},
	{guard.Route{Pattern: "GET /assets/{name}", Scope: anybody}, (*Server).asset},
	{guard.Route{Pattern: "GET /healthz", Scope: anybody}, (*Server).healthz},
	{guard.Route{Pattern: "GET /readyz", Scope: anybody}, (*Server).readyz},
}

// build makes the multiplexer of the table, and what guards it.
func (s *Server) build() {
	s.routes = http.NewServeMux()
	var all []*guard.Route
	for k := range table {
		r := table[k] // a server of its own
		all = append(all, &r.Route)
		s.routes.HandleFunc(r.Pattern, func(w http.ResponseWriter, q *http.Request) {
			rq := q.Context().Value(requestKey{}).(*request)
			rq.Request, rq.W = q, w
			if r.AlsoJSON && !rq.JSON {
				var err error
				if rq.cursor, err = s.DB.FeedEnd(q.Context()); err != nil {
					s.fail(rq, err)
					return
				}
			}
			if err := r.handle(s, rq); err != nil {
				s.fail(rq, err)
			}
		})
	}
	s.guard = guard.New(guard.Options{DB: s.DB, Now: s.Now, Hosts: s.Hosts, Cookie: s.Cookie, ReadOnly: s.ReadOnly, Proxies: s.Proxies, Most: s.most}, s.routes, all)
}

func (s *Server) healthz(r *request) error {
	r.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(r.W, "ok")
	return nil
}

// readyz reports whether the database answers and the poller has run lately.
func (s *Server) readyz(r *request) error {
	if _, err := s.DB.FeedEnd(r.Context()); err != nil {
		return &problem{Status: http.StatusServiceUnavailable, Message: "the database does not answer"}
	}
	if last := s.Poller.LastPass(); !last.IsZero() && s.Now().Sub(last) > readyWithin {
		return &problem{Status: http.StatusServiceUnavailable, Message: "the poller has not run lately"}
	}
	return s.healthz(r)
}
