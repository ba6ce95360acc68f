package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
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
	api     bool   // asked for as crosslink 0.9 is asked
	secret  string // of the session; "" before a login
	session db.Session
	bearer  bool   // a script that showed a token
	id      string // of an action, unique
	cursor  int64  // of the feed, before the page was read
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
	r.api = strings.HasPrefix(p, "/api/")
	r.json = r.json || r.api
	if r.route = s.table[pattern]; r.route != nil {
		return nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
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
	_, r.bearer = bearer(r)
	if r.reads() {
		origin := r.Header.Get("Origin") // the only thing that a browser says of a WebSocket
		if (r.route.stream || r.route.scope == actor) && (!slices.Contains([]string{"", "same-origin"}, r.Header.Get("Sec-Fetch-Site")) || origin != "" && !s.ownOrigin(r, origin)) {
			return refuse(http.StatusForbidden, "the request comes from another site")
		}
		return nil
	}
	if r.bearer { // no page of another site can add the header without asking first, and is never let
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

// ownOrigin reports whether an origin is that of the pages of this server.
func (s *Server) ownOrigin(r *request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host) && (u.Scheme == "http" || u.Scheme == "https")
}

// bearer is the token that a request shows, and whether it shows one at all.
func bearer(r *request) (token string, shown bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "bearer")
}

// checkSession finds who asks. Who shows a token is nobody else, whatever cookie
// comes with it.
func (s *Server) checkSession(r *request) error {
	if token, shown := bearer(r); shown {
		if err := s.checkToken(r, token); err != nil {
			return err
		}
	} else if c, err := r.Cookie(s.Cookie); err == nil && len(c.Value) == 64 {
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
	return &problem{status: http.StatusUnauthorized, message: "you are not logged in", hints: []string{"git crosslink dashboard login-url", "for a script: git crosslink dashboard token add"}}
}

// checkToken finds whose token it is that a script shows.
func (s *Server) checkToken(r *request, token string) error {
	if len(token) != 64 {
		return nil
	}
	t, err := s.DB.Token(r.Context(), hashOf(token))
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.secret, r.session = token, db.Session{Hash: t.Hash, Made: t.Made, Seen: t.Seen, Scope: t.Scope, UserAgent: "token " + t.Name}
	s.limits.see(t.Hash, event.TimeOf(s.Now()))
	return nil
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
	if err := r.parse(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.route.max)
		}
		if p := (*problem)(nil); errors.As(err, &p) {
			return p
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
	if r.bearer { // a script makes its own ids, if it wants to be able to send a request twice
		if r.id = r.PostForm.Get("request"); r.id == "" {
			r.id = secret(16)
		} else if !ownID.MatchString(r.id) {
			return refuse(http.StatusBadRequest, "'request' has 8 to 64 letters, digits, '.', '_' and '-'")
		}
		r.id = r.session.Hash[:12] + "." + r.id
		return nil
	}
	id, mac, _ := strings.Cut(r.PostForm.Get("request"), ".")
	if id == "" || !hmac.Equal([]byte(mac), []byte(r.sign(id))) {
		return &problem{status: http.StatusForbidden, message: "the form belongs to another session", hints: []string{"reload the page and try again"}}
	}
	r.id = id
	return nil
}

// ownID is the form of the ids that scripts make for what they ask.
var ownID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// parse reads a form, or a JSON object of the same fields.
func (r *request) parse() error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return r.ParseForm()
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Form, r.PostForm = url.Values{}, url.Values{}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if !utf8.Valid(b) {
		return refuse(http.StatusBadRequest, "a text is not UTF-8")
	}
	var fields map[string]any
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	if err := in.Decode(&fields); err != nil || in.More() {
		return refuse(http.StatusBadRequest, "the body is not one JSON object")
	}
	for name, v := range fields {
		all, list := v.([]any)
		if list {
			r.PostForm[name] = []string{} // an empty list is not the same as none
		} else {
			all = []any{v}
		}
		for _, one := range all {
			switch one := one.(type) {
			case nil:
			case string, json.Number:
				r.PostForm.Add(name, fmt.Sprint(one))
			case bool:
				r.PostForm.Add(name, map[bool]string{true: "true"}[one])
			default:
				return refuse(http.StatusBadRequest, "'%s' is neither a text nor a number", name)
			}
		}
	}
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
	if r.route == nil || r.route.scope != actor || r.secret == "" || r.reads() {
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
