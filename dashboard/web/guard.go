package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
)

// readyWithin is how long a pass may be ago: three ticks and the time that one
// may take.
const readyWithin = 3*poll.Period + poll.Deadline

// request is one request on its way through the checks to its handler.
type request struct {
	*http.Request
	w       http.ResponseWriter
	route   *route
	json    bool   // asked for as JSON
	part    bool   // asked for as a fragment of a page
	secret  string // of the session; "" before a login
	session db.Session
	id      string // of an action, unique
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
	r := &request{Request: q, w: w}
	for _, check := range []func(*request) error{s.checkHost, s.checkRoute, s.checkBody, s.checkOrigin, s.checkSession, s.checkForm, s.checkScope, s.checkRate} {
		if err := check(r); err != nil {
			s.refused(r, err)
			s.fail(r, err)
			return
		}
	}
	if !r.route.stream {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(30 * time.Second))
	}
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.Failed("panic", fmt.Errorf("%s %s: %v", q.Method, r.route.pattern, p))
			s.fail(r, errors.New("internal error"))
		}
	}()
	s.routes.ServeHTTP(w, r.Request.WithContext(context.WithValue(r.Request.Context(), requestKey{}, r)))
}

// problem is a refusal with its status.
type problem struct {
	status  int
	kind    string // of the error in JSON; "" is the status in words
	message string
	hints   []string
}

func (p *problem) Error() string { return p.message }

func refuse(status int, format string, args ...any) error {
	return &problem{status: status, message: fmt.Sprintf(format, args...)}
}

// checkHost refuses names that others may have pointed at this machine.
func (s *Server) checkHost(r *request) error {
	if !slices.Contains(s.Hosts, strings.ToLower(r.Host)) {
		return refuse(http.StatusMisdirectedRequest, "the dashboard is not served under this name")
	}
	return nil
}

// checkRoute finds the route.
func (s *Server) checkRoute(r *request) error {
	p := r.URL.Path
	if !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\\") || r.URL.RawPath != "" && r.URL.EscapedPath() != r.URL.Path && strings.Contains(strings.ToLower(r.URL.RawPath), "%2") {
		return refuse(http.StatusBadRequest, "the path cannot be read")
	}
	if clean := path.Clean(p); clean != p {
		return refuse(http.StatusNotFound, "there is no such page")
	}
	accept := r.Header.Get("Accept")
	r.json = accept == "application/json"
	r.part = accept == "text/vnd.crosslink.fragment"
	if bare, ok := strings.CutSuffix(p, ".json"); ok && !strings.HasPrefix(p, "/assets/") {
		u := *r.URL
		u.Path, u.RawPath = bare, ""
		q := r.Request.WithContext(r.Context())
		q.URL = &u
		if _, pattern := s.routes.Handler(q); pattern != "" && s.table[pattern].twin {
			r.Request, r.json = q, true
		}
	}
	_, pattern := s.routes.Handler(r.Request)
	if r.route = s.table[pattern]; r.route != nil {
		return nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		q := r.Request.WithContext(r.Context())
		q.Method = method
		if _, pattern := s.routes.Handler(q); s.table[pattern] != nil {
			return refuse(http.StatusMethodNotAllowed, "the method is not allowed here")
		}
	}
	return refuse(http.StatusNotFound, "there is no such page")
}

// checkBody bounds what is read.
func (s *Server) checkBody(r *request) error {
	if r.ContentLength > r.route.max {
		return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.route.max)
	}
	r.Body = http.MaxBytesReader(r.w, r.Body, r.route.max)
	return nil
}

// reads reports whether the request changes nothing.
func (r *request) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

var crossOrigin = http.NewCrossOriginProtection()

// checkOrigin refuses what another site's page sends. A browser says where a
// request comes from; one that does not say is none.
func (s *Server) checkOrigin(r *request) error {
	if r.reads() {
		if r.route.stream && !slices.Contains([]string{"", "same-origin"}, r.Header.Get("Sec-Fetch-Site")) {
			return refuse(http.StatusForbidden, "the request comes from another site")
		}
		return nil
	}
	// Without a referrer browsers send "null" as the origin of a form, also of our own.
	if origin := r.Header.Get("Origin"); r.Header.Get("Sec-Fetch-Site") == "" && (origin == "" || origin == "null") {
		return refuse(http.StatusForbidden, "the request does not say where it comes from")
	}
	if err := crossOrigin.Check(r.Request); err != nil {
		return refuse(http.StatusForbidden, "the request comes from another site")
	}
	return nil
}

// checkSession finds who asks.
func (s *Server) checkSession(r *request) error {
	if c, err := r.Cookie(s.Cookie); err == nil && len(c.Value) == 64 {
		session, err := s.DB.Session(r.Context(), hashOf(c.Value))
		if err == nil {
			r.secret, r.session = c.Value, session
			s.limits.see(session.Hash, event.TimeOf(s.Now()))
		} else if !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	if r.route.scope == anybody || r.secret != "" {
		return nil
	}
	return &problem{status: http.StatusUnauthorized, message: "you are not logged in", hints: []string{"git crosslink dashboard login-url"}}
}

func hashOf(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// requestID mints an id that lets one form act once, for this session alone.
func (r *request) requestID() string {
	id := secret(16)
	return id + "." + r.sign(id)
}

func (r *request) sign(id string) string {
	m := hmac.New(sha256.New, []byte(r.secret))
	m.Write([]byte(id))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// checkForm reads a form, and whether this server made it for this session.
func (s *Server) checkForm(r *request) error {
	if r.reads() {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.route.max)
		}
		return refuse(http.StatusBadRequest, "the form cannot be read")
	}
	for _, values := range r.PostForm {
		if !slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			continue
		}
		return refuse(http.StatusBadRequest, "a text is not UTF-8")
	}
	if r.route.scope == anybody {
		return nil
	}
	id, mac, _ := strings.Cut(r.PostForm.Get("request"), ".")
	if id == "" || !hmac.Equal([]byte(mac), []byte(r.sign(id))) {
		return &problem{status: http.StatusForbidden, message: "the form belongs to another session", hints: []string{"reload the page and try again"}}
	}
	r.id = id
	return nil
}

// checkScope refuses to change anything where only reading is allowed.
func (s *Server) checkScope(r *request) error {
	if r.route.scope == actor && (s.ReadOnly || r.session.Scope != "act") {
		return refuse(http.StatusForbidden, "this dashboard is read-only")
	}
	return nil
}

// checkRate bounds how often a session changes something.
func (s *Server) checkRate(r *request) error {
	if r.route.scope == actor && !s.limits.allow("act "+r.session.Hash, s.limits.most) {
		return refuse(http.StatusTooManyRequests, "more than %d changes a minute", s.limits.most)
	}
	return nil
}

// refused puts an attempt to change something into the audit log.
func (s *Server) refused(r *request, why error) {
	if r.route == nil || r.route.scope != actor || r.secret == "" {
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
	a := db.Action{Request: r.id, Session: r.session.Hash, Remote: host, Operator: operator, Verb: r.Method + " " + r.URL.Path}
	if len(a.Session) > 12 {
		a.Session = a.Session[:12]
	}
	return a
}
