package web

import (
	"fmt"
	"net/http"
)

// scope says who may ask for a route.
type scope int

const (
	anybody scope = iota // before a login
	reader
	actor // changes something, or uses what only the operator may use
)

// route is one row of the table.
type route struct {
	pattern string // as http.ServeMux takes it
	scope   scope
	max     int64 // bytes of a body
	twin    bool  // "….json" answers the same as JSON
	stream  bool
	handle  func(*Server, *request) error
}

// table is every route there is.
var table = []route{
	{pattern: "GET /{$}", scope: reader, twin: true, handle: (*Server).start},
	{pattern: "GET /projects", scope: reader, twin: true, handle: (*Server).projects},
	{pattern: "POST /projects/track", scope: actor, handle: (*Server).track},
	{pattern: "POST /projects/{verb}", scope: actor, handle: (*Server).actOnProject},
	{pattern: "GET /p/{owner}/{repo}", scope: reader, twin: true, handle: (*Server).project},
	{pattern: "POST /p/{owner}/{repo}/join", scope: actor, handle: (*Server).join},
	{pattern: "GET /p/{owner}/{repo}/i/{id}", scope: reader, twin: true, handle: (*Server).issue},
	{pattern: "GET /agents", scope: reader, twin: true, handle: (*Server).agents},
	{pattern: "GET /activity", scope: reader, twin: true, handle: (*Server).activity},
	{pattern: "GET /search", scope: reader, twin: true, handle: (*Server).search},
	{pattern: "GET /p/{owner}/{repo}/agents/{agent}", scope: reader, twin: true, handle: (*Server).agent},
	{pattern: "POST /p/{owner}/{repo}/agents/{agent}/request", scope: actor, handle: (*Server).ask},
	{pattern: "POST /p/{owner}/{repo}/agents/{agent}/trust/{verb}", scope: actor, handle: (*Server).judge},
	{pattern: "GET /p/{owner}/{repo}/locks", scope: reader, twin: true, handle: (*Server).locks},
	{pattern: "GET /p/{owner}/{repo}/milestones", scope: reader, twin: true, handle: (*Server).milestones},
	{pattern: "POST /p/{owner}/{repo}/milestones", scope: actor, handle: (*Server).createMilestone},
	{pattern: "POST /p/{owner}/{repo}/milestones/{id}/{verb}", scope: actor, handle: (*Server).actOnMilestone},
	{pattern: "GET /p/{owner}/{repo}/graph", scope: reader, twin: true, handle: (*Server).graph},
	{pattern: "GET /p/{owner}/{repo}/timeline", scope: reader, twin: true, handle: (*Server).timeline},
	{pattern: "GET /p/{owner}/{repo}/log", scope: reader, twin: true, handle: (*Server).log},
	{pattern: "GET /p/{owner}/{repo}/health", scope: reader, twin: true, handle: (*Server).health},
	{pattern: "GET /p/{owner}/{repo}/issues", scope: reader, twin: true, handle: (*Server).issues},
	{pattern: "POST /p/{owner}/{repo}/issues", scope: actor, max: maxText, handle: (*Server).create},
	{pattern: "POST /p/{owner}/{repo}/bulk", scope: actor, handle: (*Server).bulk},
	{pattern: "POST /p/{owner}/{repo}/i/{id}/{verb}", scope: actor, max: maxText, handle: (*Server).act},

	{pattern: "GET /alerts", scope: reader, twin: true, handle: (*Server).alerts},
	{pattern: "GET /alerts/history", scope: reader, twin: true, handle: (*Server).alertHistory},
	{pattern: "GET /alerts/{id}", scope: reader, twin: true, handle: (*Server).alert},
	{pattern: "POST /alerts/{id}/{verb}", scope: actor, handle: (*Server).actOnAlert},
	{pattern: "GET /silences", scope: reader, twin: true, handle: (*Server).silences},
	{pattern: "POST /silences", scope: actor, handle: (*Server).silence},
	{pattern: "POST /silences/{id}/end", scope: actor, handle: (*Server).endSilence},
	{pattern: "GET /audit", scope: reader, twin: true, handle: (*Server).audit},
	{pattern: "POST /views", scope: actor, handle: (*Server).saveView},
	{pattern: "POST /views/{id}/remove", scope: actor, handle: (*Server).removeView},
	{pattern: "GET /more", scope: reader, twin: true, handle: (*Server).more},
	{pattern: "GET /settings/rules", scope: reader, twin: true, handle: (*Server).rules},
	{pattern: "POST /settings/rules", scope: actor, handle: (*Server).setRules},
	{pattern: "GET /settings/webhooks", scope: reader, twin: true, handle: (*Server).webhooks},
	{pattern: "POST /settings/webhooks", scope: actor, handle: (*Server).addWebhook},
	{pattern: "POST /settings/webhooks/{id}/{verb}", scope: actor, handle: (*Server).actOnWebhook},
	{pattern: "GET /settings/preferences", scope: reader, twin: true, handle: (*Server).preferences},
	{pattern: "POST /settings/preferences", scope: reader, handle: (*Server).setPreferences},
	{pattern: "GET /settings/about", scope: reader, twin: true, handle: (*Server).about},

	{pattern: "GET /events", scope: reader, stream: true, handle: (*Server).events},
	{pattern: "GET /metrics", scope: reader, handle: (*Server).metrics},
	{pattern: "GET /ws", scope: reader, stream: true, handle: (*Server).socket},

	// as crosslink 0.9 is asked (compat.go)
	{pattern: "GET /api/v1/health", scope: anybody, handle: (*Server).apiHealth},
	{pattern: "GET /api/v1/dashboard/projects", scope: reader, handle: (*Server).apiProjects},
	{pattern: "GET /api/v1/dashboard/projects/{owner}/{repo}", scope: reader, handle: (*Server).apiProject},
	{pattern: "GET /api/v1/dashboard/alerts", scope: reader, handle: (*Server).apiAlerts},
	{pattern: "GET /api/v1/dashboard/export/{file}", scope: reader, handle: (*Server).apiExport},
	{pattern: "GET /api/v1/dashboard/webhooks", scope: reader, handle: (*Server).apiWebhooks},
	{pattern: "PUT /api/v1/dashboard/webhooks", scope: actor, handle: (*Server).apiSetWebhooks},
	{pattern: "GET /api/v1/dashboard/github/config", scope: actor, handle: (*Server).apiGitHub},
	{pattern: "POST /api/v1/dashboard/github/config", scope: actor, handle: (*Server).apiSetGitHub},
	{pattern: "GET /api/v1/dashboard/github/orgs/{org}/repos", scope: actor, handle: (*Server).apiRepositories},
	{pattern: "POST /api/v1/dashboard/github/orgs/{org}/track-all", scope: actor, handle: (*Server).apiTrackAll},
	{pattern: "POST /api/v1/dashboard/clone", scope: actor, handle: (*Server).apiTrack},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/init", scope: actor, handle: (*Server).apiJoin},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/issues/{id}/{verb}", scope: actor, max: maxText, handle: (*Server).apiIssue},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/locks/{id}/{verb}", scope: actor, handle: (*Server).apiLock},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/milestones", scope: actor, handle: (*Server).createMilestone},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/milestones/{id}/{verb}", scope: actor, handle: (*Server).apiMilestone},
	{pattern: "POST /api/v1/dashboard/w/{owner}/{repo}/agents/{agent}/request", scope: actor, handle: (*Server).apiAsk},

	{pattern: "GET /login", scope: anybody, handle: (*Server).loginPage},
	{pattern: "POST /login", scope: anybody, max: maxBody, handle: (*Server).login},
	{pattern: "POST /logout", scope: reader, max: maxBody, handle: (*Server).logout},
	{pattern: "GET /assets/{name}", scope: anybody, handle: (*Server).asset},
	{pattern: "GET /healthz", scope: anybody, handle: (*Server).healthz},
	{pattern: "GET /readyz", scope: anybody, handle: (*Server).readyz},
}

// build makes the multiplexer of the table.
func (s *Server) build() {
	s.routes, s.table = http.NewServeMux(), map[string]*route{}
	for k := range table {
		r := &table[k]
		if r.max == 0 {
			r.max = maxBody
		}
		s.table[r.pattern] = r
		s.routes.HandleFunc(r.pattern, func(w http.ResponseWriter, q *http.Request) {
			rq := q.Context().Value(requestKey{}).(*request)
			rq.Request, rq.w = q, w
			if r.twin && !rq.json {
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
}

func (s *Server) healthz(r *request) error {
	r.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(r.w, "ok")
	return nil
}

// readyz reports whether the database answers and the poller has run lately.
func (s *Server) readyz(r *request) error {
	if _, err := s.DB.FeedEnd(r.Context()); err != nil {
		return &problem{status: http.StatusServiceUnavailable, message: "the database does not answer"}
	}
	if last := s.Poller.LastPass(); !last.IsZero() && s.Now().Sub(last) > readyWithin {
		return &problem{status: http.StatusServiceUnavailable, message: "the poller has not run lately"}
	}
	return s.healthz(r)
}
