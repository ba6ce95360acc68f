// Package guard decides who may ask for what: the checks that every request passes, in
// their order, before its handler (dashboard/web).
package guard

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
)

// Scope says who may ask for a route.
type Scope int

// The scopes.
const (
	Anybody Scope = iota // before a login
	Reader
	Actor  // changes something, or uses what only the operator may use
	Signed // programs, each with a signature for a receiver, which the handler checks
)

// Route is what is to be checked of requests of one pattern.
type Route struct {
	Pattern  string // as http.ServeMux takes it
	Scope    Scope
	Max      int64 // bytes of a body; 0 is MaxBody
	AlsoJSON bool  // "….json" answers the same as JSON
	Stream   bool
}

// Bound is how many bytes a body may have.
func (r *Route) Bound() int64 { return cmp.Or(r.Max, MaxBody) }

// The bounds of a request.
const (
	MaxHeader  = 16 << 10
	MaxBody    = 64 << 10
	MaxText    = 1 << 20
	maxActions = 30 // of one session in a minute
	maxCodes   = 10 // wrong ones in a minute
	maxSigned  = 60 // requests to one receiver in a minute
)

// Options say what a Guard works with.
type Options struct {
	DB       *db.DB
	Now      func() time.Time
	Hosts    []string // what a request's Host may be, with the port
	Cookie   string   // name of the session's cookie
	ReadOnly bool
	Proxies  *Proxies // nil if browsers ask directly
	Most     int      // changes of one session in a minute; 0 is the usual number
}

// Guard checks requests.
type Guard struct {
	o      Options
	mux    *http.ServeMux
	table  map[string]*Route // by pattern
	codes  codes
	limits limits
}

// New returns a Guard of the routes, whose patterns the multiplexer knows.
func New(o Options, mux *http.ServeMux, routes []*Route) *Guard {
	g := &Guard{o: o, mux: mux, table: map[string]*Route{}}
	for _, r := range routes {
		g.table[r.Pattern] = r
	}
	if g.o.Most == 0 {
		g.o.Most = maxActions
	}
	g.codes.now, g.limits.now = o.Now, o.Now
	return g
}

// Request is one request that was checked, and what is known of who asks.
type Request struct {
	*http.Request
	W       http.ResponseWriter
	Route   *Route // nil if there is none
	JSON    bool   // asked for as JSON
	Part    bool   // asked for as a fragment of a page
	API     bool   // asked for as crosslink 0.9 is asked
	Secret  string // of the session; "" before a login
	Session db.Session
	Bearer  bool   // a script that showed a token
	ID      string // of an action, unique

	Receiver       db.Receiver // of a Signed route
	ReceiverSecret []byte
}

// Check makes the checks. The request is returned with an error, too, as far as it is
// known.
func (g *Guard) Check(w http.ResponseWriter, q *http.Request) (*Request, error) {
	r := &Request{Request: q, W: w}
	for _, check := range []func(*Request) error{g.checkPeer, g.checkHost, g.checkRoute, g.checkBody, g.checkOrigin, g.checkReceiver, g.checkSession, g.checkForm, g.checkScope, g.checkRate} {
		if err := check(r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Find returns the route of a GET request for a URL; nil if there is none.
func (g *Guard) Find(u *url.URL) *Route {
	_, pattern := g.mux.Handler(&http.Request{Method: http.MethodGet, URL: u})
	return g.table[pattern]
}

// Problem is a refusal with its status.
type Problem struct {
	Status  int
	Kind    string // of the error in JSON; "" is the status in words
	Message string
	Hints   []string
}

func (p *Problem) Error() string { return p.Message }

// Refuse returns a Problem.
func Refuse(status int, format string, args ...any) error {
	return &Problem{Status: status, Message: fmt.Sprintf(format, args...)}
}

// Secret returns n random bytes in hex.
func Secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}

// checkHost refuses names that others may have pointed at this machine.
func (g *Guard) checkHost(r *Request) error {
	if !slices.Contains(g.o.Hosts, strings.ToLower(r.Host)) {
		return Refuse(http.StatusMisdirectedRequest, "the dashboard is not served under this name")
	}
	return nil
}

// checkRoute finds the route.
func (g *Guard) checkRoute(r *Request) error {
	p := r.URL.Path
	if !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\\") || r.URL.RawPath != "" && r.URL.EscapedPath() != r.URL.Path && strings.Contains(strings.ToLower(r.URL.RawPath), "%2") {
		return Refuse(http.StatusBadRequest, "the path cannot be read")
	}
	if clean := path.Clean(p); clean != p {
		return Refuse(http.StatusNotFound, "there is no such page")
	}
	accept := r.Header.Get("Accept")
	r.JSON = accept == "application/json"
	r.Part = accept == "text/vnd.crosslink.fragment"
	if bare, ok := strings.CutSuffix(p, ".json"); ok && !strings.HasPrefix(p, "/assets/") {
		u := *r.URL
		u.Path, u.RawPath = bare, ""
		q := r.Request.WithContext(r.Context())
		q.URL = &u
		if _, pattern := g.mux.Handler(q); pattern != "" && g.table[pattern].AlsoJSON {
			r.Request, r.JSON = q, true
		}
	}
	_, pattern := g.mux.Handler(r.Request)
	r.API = strings.HasPrefix(p, "/api/")
	r.JSON = r.JSON || r.API
	if r.Route = g.table[pattern]; r.Route != nil {
		return nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		q := r.Request.WithContext(r.Context())
		q.Method = method
		if _, pattern := g.mux.Handler(q); g.table[pattern] != nil {
			return Refuse(http.StatusMethodNotAllowed, "the method is not allowed here")
		}
	}
	return Refuse(http.StatusNotFound, "there is no such page")
}

// checkBody bounds what is read.
func (g *Guard) checkBody(r *Request) error {
	if r.ContentLength > r.Route.Bound() {
		return Refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.Route.Bound())
	}
	r.Body = http.MaxBytesReader(r.W, r.Body, r.Route.Bound())
	return nil
}

// Reads reports whether the request changes nothing.
func (r *Request) Reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

var crossOrigin = http.NewCrossOriginProtection()

// checkOrigin refuses requests from pages of other sites. A browser names the origin of a
// request that changes something, so one without an origin does not come from a page of ours.
func (g *Guard) checkOrigin(r *Request) error {
	_, r.Bearer = bearer(r)
	if r.Reads() {
		origin := r.Header.Get("Origin") // the only thing that a browser says of a WebSocket
		from := []string{"", "same-origin"}
		if !r.Route.Stream {
			from = append(from, "none") // somebody typed the address
		}
		if (r.Route.Stream || r.Route.Scope == Actor) && (!slices.Contains(from, r.Header.Get("Sec-Fetch-Site")) || origin != "" && !g.ownOrigin(r, origin)) {
			return Refuse(http.StatusForbidden, "the request comes from another site")
		}
		return nil
	}
	if r.Route.Scope == Signed { // no page has the secret
		return nil
	}
	if r.Bearer { // a page of another site would have to ask first, and is refused
		return nil
	}
	// Without a referrer browsers send "null" as the origin of a form, also of our own.
	if origin := r.Header.Get("Origin"); r.Header.Get("Sec-Fetch-Site") == "" && (origin == "" || origin == "null") {
		return Refuse(http.StatusForbidden, "the request does not say where it comes from")
	}
	if err := crossOrigin.Check(r.Request); err != nil {
		return Refuse(http.StatusForbidden, "the request comes from another site")
	}
	return nil
}

// ownOrigin reports whether an origin is that of the pages of this server.
func (g *Guard) ownOrigin(r *Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host) && (u.Scheme == "http" || u.Scheme == "https")
}

// bearer is the token that a request shows, and whether it shows one at all.
func bearer(r *Request) (token string, shown bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "bearer")
}

// receiverName is the form of the names that receivers are given.
var receiverName = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checkReceiver finds the receiver that a signed request is for, and bounds how many come.
// A name that no receiver has is chosen by the sender, so it is never a key of the limits:
// all such names are counted together.
func (g *Guard) checkReceiver(r *Request) (err error) {
	if r.Route.Scope != Signed {
		return nil
	}
	name, unknown := path.Base(r.URL.Path), Refuse(http.StatusNotFound, "there is no such page")
	if !receiverName.MatchString(name) {
		return unknown
	}
	key := "signed " + name
	switch r.Receiver, r.ReceiverSecret, err = g.o.DB.Receiver(r.Context(), name); {
	case errors.Is(err, db.ErrNotFound):
		key = "unknown receiver"
	case err != nil:
		return err
	default:
		unknown = nil
	}
	if !g.limits.allow(key, maxSigned) {
		return Refuse(http.StatusTooManyRequests, "more than %d requests a minute", maxSigned)
	}
	return unknown
}

// checkSession finds the session or token of a request. A request with a token is only that
// token's, even if it has a cookie, too.
func (g *Guard) checkSession(r *Request) error {
	if token, shown := bearer(r); shown {
		if err := g.checkToken(r, token); err != nil {
			return err
		}
	} else if c, err := r.Cookie(g.o.Cookie); err == nil && len(c.Value) == 64 {
		session, err := g.o.DB.Session(r.Context(), HashOf(c.Value))
		if err == nil {
			r.Secret, r.Session = c.Value, session
			g.limits.see(session.Hash, event.TimeOf(g.o.Now()))
		} else if !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	if r.Route.Scope == Anybody || r.Route.Scope == Signed || r.Secret != "" {
		return nil
	}
	return &Problem{Status: http.StatusUnauthorized, Message: "you are not logged in", Hints: []string{"git crosslink dashboard login-url", "for a script: git crosslink dashboard token add"}}
}

// checkToken finds the token that a script shows.
func (g *Guard) checkToken(r *Request, token string) error {
	if len(token) != 64 {
		return nil
	}
	t, err := g.o.DB.Token(r.Context(), HashOf(token))
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Secret, r.Session = token, db.Session{Hash: t.Hash, Made: t.Made, Seen: t.Seen, Scope: t.Scope, UserAgent: "token " + t.Name}
	g.limits.see(t.Hash, event.TimeOf(g.o.Now()))
	return nil
}

// HashOf is what is stored of a secret.
func HashOf(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// RequestID mints an id that lets one form act once, for this session alone.
func (r *Request) RequestID() string {
	id := Secret(16)
	return id + "." + r.Sign(id)
}

// Sign is the part of a form's id that only this session can make.
func (r *Request) Sign(id string) string {
	m := hmac.New(sha256.New, []byte(r.Secret))
	m.Write([]byte(id))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// checkForm reads a form, and whether this server made it for this session.
func (g *Guard) checkForm(r *Request) error {
	if r.Reads() || r.Route.Scope == Signed {
		return nil
	}
	if err := r.parse(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return Refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.Route.Bound())
		}
		if p := (*Problem)(nil); errors.As(err, &p) {
			return p
		}
		return Refuse(http.StatusBadRequest, "the form cannot be read")
	}
	for _, values := range r.PostForm {
		if !slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			continue
		}
		return Refuse(http.StatusBadRequest, "a text is not UTF-8")
	}
	if r.Route.Scope == Anybody {
		return nil
	}
	if r.Bearer { // a script makes its own ids, if it wants to be able to send a request twice
		if r.ID = r.PostForm.Get("request"); r.ID == "" {
			r.ID = Secret(16)
		} else if !ownID.MatchString(r.ID) {
			return Refuse(http.StatusBadRequest, "'request' has 8 to 64 letters, digits, '.', '_' and '-'")
		}
		r.ID = r.Session.Hash[:12] + "." + r.ID
		return nil
	}
	id, mac, _ := strings.Cut(r.PostForm.Get("request"), ".")
	if id == "" || !hmac.Equal([]byte(mac), []byte(r.Sign(id))) {
		return &Problem{Status: http.StatusForbidden, Message: "the form belongs to another session", Hints: []string{"reload the page and try again"}}
	}
	r.ID = id
	return nil
}

// ownID is the form of the ids that scripts make for what they ask.
var ownID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// parse reads a form, or a JSON object of the same fields.
func (r *Request) parse() error {
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
		return Refuse(http.StatusBadRequest, "a text is not UTF-8")
	}
	var fields map[string]any
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	if err := in.Decode(&fields); err != nil || in.More() {
		return Refuse(http.StatusBadRequest, "the body is not one JSON object")
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
				return Refuse(http.StatusBadRequest, "'%s' is neither a text nor a number", name)
			}
		}
	}
	return nil
}

// checkScope refuses to change anything where only reading is allowed.
func (g *Guard) checkScope(r *Request) error {
	if r.Route.Scope == Actor && (g.o.ReadOnly || r.Session.Scope != "act") {
		return Refuse(http.StatusForbidden, "this dashboard is read-only")
	}
	return nil
}

// checkRate bounds how often a session changes something.
func (g *Guard) checkRate(r *Request) error {
	if r.Route.Scope == Actor && !g.limits.allow("act "+r.Session.Hash, g.o.Most) {
		return Refuse(http.StatusTooManyRequests, "more than %d changes a minute", g.o.Most)
	}
	return nil
}
