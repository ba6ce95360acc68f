package web

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
	"github.com/git-crosslink/git-crosslink/event"
)

// pathOf fills in a pattern.
func pathOf(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for from, to := range map[string]string{"{$}": "", "{owner}": "o", "{repo}": "a", "{id}": "1", "{agent}": "agent-a", "{verb}": "close", "{name}": hashed()["app.css"], "{file}": "projects.csv", "{org}": "acme"} {
		path = strings.ReplaceAll(path, from, to)
	}
	return method, path
}

// TestEveryRoute sends every route what it must refuse, and expects the exact
// status.
func TestEveryRoute(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	readOnly := serve(t, dashtest.New(t), func(o *Options) { o.ReadOnly = true })
	stranger := &served{World: w, base: s.base, client: &http.Client{CheckRedirect: s.client.CheckRedirect}}
	s.login()
	readOnly.login()
	to, _, err := s.db.AddReceiver(t.Context(), "id-a")
	s.Check(err)
	s.receiver = to.Name
	for _, r := range table {
		method, path := pathOf(r.Pattern)
		var form url.Values
		if method != http.MethodGet {
			form = url.Values{"x": {"y"}}
		}
		own := s.own()
		try := func(who *served, what string, want int, path string, form url.Values, headers ...string) {
			t.Helper()
			got := who.do(method, path, form, headers...)
			if got.status != want {
				t.Errorf("%s, %s: %d, want %d\n%.200s", r.Pattern, what, got.status, want, got.body)
			}
			for name, value := range headersOf(r) {
				if got.header.Get(name) != value {
					t.Errorf("%s, %s: header %s is %q", r.Pattern, what, name, got.header.Get(name))
				}
			}
		}
		if r.Stream {
			form = nil
		}
		try(s, "a name of somebody else", 421, path, form, append(own, "Host", "evil.example")...)
		try(s, "a name that was pointed here", 421, path, form, append(own, "Host", fmt.Sprintf("rebind.example:%d", s.port))...)
		try(s, "another port", 421, path, form, append(own, "Host", "localhost:1")...)
		if path != "/" {
			try(s, "a path that leads elsewhere", 404, "/x/.."+path, form, own...)
			try(s, "a path with a trailing slash", 404, path+"/", form, own...)
			try(s, "an encoded slash", 400, strings.Replace(path[1:], "", "/%2f", 1), form, own...)
		}
		if r.Scope == signed { // its handler checks the signature: TestReceive
			try(stranger, "a name that nobody has", 404, path, form)
			try(s, "too much", 413, strings.Replace(path, hashed()["app.css"], s.receiver, 1), url.Values{"x": {strings.Repeat("x", int(r.Bound())+1)}})
			continue
		}
		if r.Scope != anybody {
			want := 401
			if method == http.MethodGet && !r.Stream && !strings.HasPrefix(path, "/api/") {
				want = http.StatusSeeOther // to the login page
			}
			try(stranger, "nobody", want, path, form, own...)
			for _, wrong := range []string{"Bearer ", "Bearer x", "bearer " + guard.Secret(32), "Basic " + guard.Secret(32)} {
				try(stranger, "nobody, with "+wrong, want, path, form, append(own, "Authorization", wrong)...)
			}
			want = 401
			if method == http.MethodGet && !r.Stream && !strings.HasPrefix(path, "/api/") {
				want = http.StatusSeeOther
			}
			try(s, "a session beside a token that is wrong", want, path, form, append(own, "Authorization", "Bearer "+guard.Secret(32))...)
		}
		if r.Scope == actor {
			try(stranger, "a token for reading", 403, path, form, "Authorization", "Bearer "+s.token("read"))
			if method == http.MethodGet {
				try(readOnly, "a server that is read-only", 403, path, nil)
				try(s, "a page of another site", 403, path, nil, "Sec-Fetch-Site", "cross-site")
				try(s, "a page of another port", 403, path, nil, "Sec-Fetch-Site", "same-site")
				try(s, "an address that was typed", 200, path, nil, "Sec-Fetch-Site", "none")
			}
		}
		if strings.Contains(path, "/github/") && r.Scope != actor {
			t.Errorf("%s shows what the operator's token sees, and is open to readers", r.Pattern)
		}
		if method == http.MethodGet {
			continue
		}
		try(s, "no origin", 403, path, form)
		try(s, "origin null", 403, path, form, "Origin", "null")
		try(s, "origin null of another site", 403, path, form, "Origin", "null", "Sec-Fetch-Site", "cross-site")
		try(s, "another site", 403, path, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		try(s, "the same site", 403, path, form, "Origin", "http://localhost:1", "Sec-Fetch-Site", "same-site")
		try(s, "another origin from a browser that says no site", 403, path, form, "Origin", "https://evil.example")
		try(s, "too much", 413, path, url.Values{"x": {strings.Repeat("x", int(r.Bound())+1)}}, own...)
		try(s, "text that is not UTF-8", 400, path, url.Values{"x": {"\xff"}}, own...)
		if r.Scope == anybody {
			continue
		}
		try(s, "a form of nobody", 403, path, url.Values{"request": {""}}, own...)
		try(s, "a form of another session", 403, path, url.Values{"request": {guard.Secret(16) + "." + guard.Secret(16)}}, own...)
		if r.Scope == actor {
			form := url.Values{"request": {guard.Secret(16) + ".x"}}
			id := guard.Secret(16)
			form.Set("request", id+"."+(&checked{Secret: cookieOf(readOnly)}).Sign(id))
			try(readOnly, "a server that is read-only", 403, path, form, readOnly.own()...)
		}
	}
	if got := s.do("DELETE", "/", nil, s.own()...); got.status != 405 {
		t.Errorf("another method: %d, want 405", got.status)
	}
	if got := s.do("GET", "/nowhere", nil); got.status != 404 {
		t.Errorf("no route: %d, want 404", got.status)
	}
	if got := s.do("GET", "/assets/app.css", nil); got.status != 404 {
		t.Errorf("an asset without its hash: %d, want 404", got.status)
	}
}

// token makes a token.
func (s *served) token(scope string) string {
	s.Helper()
	token := guard.Secret(32)
	_, err := s.db.AddToken(s.Context(), db.Token{Hash: guard.HashOf(token), Name: scope, Scope: scope})
	s.Check(err)
	return token
}

// headersOf returns the headers that every answer of a route must have.
func headersOf(r route) map[string]string {
	all := map[string]string{}
	for name, value := range headers {
		if name != "Cache-Control" || !strings.Contains(r.Pattern, "/assets/") {
			all[name] = value
		}
	}
	return all
}

func cookieOf(s *served) string {
	u, _ := url.Parse(s.base)
	for _, c := range s.client.Jar.Cookies(u) {
		return c.Value
	}
	return ""
}

// TestReadingWritesNothing: after every page the database and the clone are
// byte for byte what they were.
func TestReadingWritesNothing(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", func(c *event.IssueCreated) { c.DueAt = 1 }) // alert 1
	s := serve(t, w, nil, a)
	s.login()
	s.Check(s.db.SetStatus(t.Context(), "id-a", db.Paused))                                               // the poller is not the subject
	for last := s.poller.LastPass(); s.poller.LastPass().Equal(last); time.Sleep(10 * time.Millisecond) { // a pass may have begun
	}
	s.poller.Wait()
	sum := func() string {
		t.Helper()
		var all strings.Builder
		events, _, err := s.db.FeedAfter(t.Context(), 0, 1000)
		s.Check(err)
		projects, err := s.db.Projects(t.Context())
		s.Check(err)
		acts, err := s.db.Actions(t.Context(), 0, 1000)
		s.Check(err)
		fmt.Fprint(&all, len(events), projects, acts)
		s.Check(filepath.WalkDir(filepath.Join(a, ".git"), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			fmt.Fprintf(&all, "\n%s %x", p, sha256.Sum256(b))
			return err
		}))
		return all.String()
	}
	s.get("/") // the first read makes the store
	before := sum()
	for _, r := range table {
		if method, path := pathOf(r.Pattern); method == http.MethodGet && !r.Stream {
			s.get(path)
			if r.AlsoJSON {
				s.get(strings.TrimSuffix(path, "/") + map[bool]string{true: "/.json", false: ".json"}[path == "/"])
			}
		}
	}
	if after := sum(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func TestLogin(t *testing.T) {
	s := serve(t, dashtest.New(t), nil)
	code := s.server.LoginCode()
	if a := s.do("POST", "/login", url.Values{"code": {"wrong"}}, s.own()...); a.status != 403 {
		t.Errorf("a wrong code: %d", a.status)
	}
	a := s.do("POST", "/login", url.Values{"code": {code}}, s.own()...)
	cookie := a.header.Get("Set-Cookie")
	if a.status != 303 || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("login: %d, cookie %q", a.status, cookie)
	}
	if a := s.do("POST", "/login", url.Values{"code": {code}}, s.own()...); a.status != 403 {
		t.Errorf("a code was taken twice: %d", a.status)
	}
	contains(t, s.get("/"), "No project is watched yet")
	first := cookieOf(s)
	s.login()
	if cookieOf(s) == first {
		t.Error("a login kept the session that was there")
	}
	request := s.requestFor()
	if a := s.do("POST", "/logout", url.Values{"request": {request}}, s.own()...); a.status != 303 {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	if a := s.do("GET", "/", nil); a.status != 303 || a.header.Get("Location") != "/login" {
		t.Errorf("after the logout: %d", a.status)
	}
	for range 10 {
		s.do("POST", "/login", url.Values{"code": {"wrong"}}, s.own()...)
	}
	if a := s.do("POST", "/login", url.Values{"code": {"wrong"}}, s.own()...); a.status != 429 {
		t.Errorf("the twelfth wrong code in a minute: %d", a.status)
	}
}

// requestFor signs an id as a page of this session would.
func (s *served) requestFor() string {
	id := guard.Secret(16)
	return id + "." + (&checked{Secret: cookieOf(s)}).Sign(id)
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext\nü 漢": "plain\ttext\nü 漢", "a\u202eb": "a‹U+202E›b", "a\u200bb": "a‹U+200B›b", "a\x00b\x1b": "a‹U+0000›b‹U+001B›",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWeight: what a browser loads for the first page is small.
func TestWeight(t *testing.T) {
	for name, most := range map[string]int{"app.js": 25 << 10, "app.css": 20 << 10, "icon.svg": 1 << 10} {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil || len(b) > most {
			t.Errorf("%s is %d bytes, of at most %d: %v", name, len(b), most, err)
		}
	}
	if len(hashed()) > 5 {
		t.Errorf("a page loads %d files beside itself", len(hashed()))
	}
}

// TestTemplates: a page that nobody asks for, or one without a template, is a
// mistake.
func TestTemplates(t *testing.T) {
	var names []string
	for name := range templates() {
		names = append(names, name)
	}
	slices.Sort(names)
	if got, want := strings.Join(names, " "), "about activity agent agents alert alert-history alerts audit error graph health issue issues locks log login milestones more preferences project projects rules search silences sources start timeline webhooks"; got != want {
		t.Errorf("pages: %s, want %s", got, want)
	}
}
