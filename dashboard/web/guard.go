package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
)

// readyWithin is how long a pass may be ago: three ticks and the time that one
// may take.
const readyWithin = 3*poll.Period + poll.Deadline

// The words of dashboard/guard that every handler uses.
type (
	checked = guard.Request
	problem = guard.Problem
)

var refuse = guard.Refuse

// request is one request that was checked, on its way to its handler.
type request struct {
	*checked
	cursor int64 // of the feed, before the page was read
}

type requestKey struct{}

// headers are on every answer.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types crosslink",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
	"Cache-Control":                "no-store",
	"Vary":                         "Accept, Cookie",
}

// ServeHTTP implements http.Handler: the checks, in their order, then the
// handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	q, below := s.below(q)
	if !below {
		http.Error(w, "the dashboard is served below "+s.Path+"/", http.StatusNotFound)
		return
	}
	c, err := s.guard.Check(w, q)
	r := &request{checked: c}
	if err != nil {
		s.refused(r, err)
		s.fail(r, err)
		return
	}
	if !r.Route.Stream {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(30 * time.Second))
	}
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.Failed("panic", fmt.Errorf("%s %s: %v", q.Method, r.Route.Pattern, p))
			s.fail(r, errors.New("internal error"))
		}
	}()
	s.routes.ServeHTTP(w, r.Request.WithContext(context.WithValue(r.Request.Context(), requestKey{}, r)))
}

// refused puts an attempt to change something into the audit log.
func (s *Server) refused(r *request, why error) {
	if r.Route == nil || r.Route.Scope != actor || r.Secret == "" || r.Reads() {
		return // nobody that is known
	}
	a := r.action(s.operator)
	a.Outcome, a.Error = db.Refused, why.Error()
	if err := s.DB.Record(r.Context(), a); err != nil {
		s.Failed("audit", err)
	}
}

// action is what the audit log says of a request.
func (r *request) action(operator string) db.Action {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a := db.Action{Request: r.ID, Session: r.Session.Hash, Remote: host, Operator: operator, Verb: r.Method + " " + r.URL.Path}
	if len(a.Session) > 12 {
		a.Session = a.Session[:12]
	}
	return a
}
