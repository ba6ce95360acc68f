package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestMain lets the test binary be the child that fetches.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "fetch" {
		a := place.ChildAnswer{OK: true}
		if err := place.Fetch(context.Background(), os.Args[2], place.Options{}); err != nil {
			a = place.ChildAnswer{Why: err.Error()}
		}
		json.NewEncoder(os.Stdout).Encode(a)
		os.Exit(0)
	}
	os.Exit(testkit.Main(m))
}

// served is a dashboard that runs.
type served struct {
	*dashtest.World
	db     *db.DB
	poller *poll.Poller
	server *Server
	port   int
	base   string
	client *http.Client

	receiver string // name of one, where a test has made it

	stop func()

	mu     sync.Mutex
	failed []string
}

// serve starts a dashboard over the clones, as projects o/<name>.
func serve(t *testing.T, w *dashtest.World, change func(*Options), clones ...string) *served {
	t.Helper()
	s := &served{World: w}
	var err error
	if s.db, err = db.Open(t.Context(), t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range clones {
		name := c[strings.LastIndexByte(c, '/')+1:]
		s.Check(s.db.Track(t.Context(), db.Project{ID: "id-" + name, Slug: "o/" + name, Place: db.Place{Kind: db.PlacePath, Path: c}}))
	}
	// nobody approves the agents of these worlds: dashboard/place tests that rule
	s.Check(s.db.Set(t.Context(), "", map[string]string{"rule.untrusted_signer.enabled": "false"}))
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	s.Check(err)
	s.port = l.Addr().(*net.TCPAddr).Port
	s.base = fmt.Sprintf("http://localhost:%d", s.port)
	s.run(change, l)
	t.Cleanup(func() {
		s.stop()
		s.db.Close()
		for _, f := range s.failed {
			t.Errorf("an internal error: %s", f)
		}
	})
	jar, _ := cookiejar.New(nil)
	s.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

// run starts a poller and a server over the database. stop ends them.
func (s *served) run(change func(*Options), l net.Listener) {
	s.Helper()
	environ := append(s.Environ, "GIT_CROSSLINK_AGENT=agent-op")
	options := place.Options{Environ: environ, Fetch: []string{os.Args[0], "fetch"}}
	library := place.NewLibrary(options)
	var server *Server
	s.poller = poll.New(poll.Options{DB: s.db, Changed: func() { server.Changed() },
		Failed: func(slug, what string, err any) { s.fail(fmt.Sprint(slug, " ", what, ": ", err)) },
		Open: func(ctx context.Context, p db.Project) (poll.Place, error) {
			options := options
			options.Seen = p.HubSeen
			return place.Open(ctx, p.Place.Path, options)
		}})
	o := Options{DB: s.db, Poller: s.poller, Library: library, Reach: Reach{Hosts: []string{fmt.Sprintf("localhost:%d", s.port), fmt.Sprintf("127.0.0.1:%d", s.port)}, Cookie: "crosslink_session_test"},
		Failed: func(what string, err error) { s.fail(what + ": " + err.Error()) }, most: 1000}
	o.GitHub = GitHub{Source: func(context.Context) string { return "" }, Repositories: func(context.Context, string) ([]github.Repository, error) { return nil, nil }}
	if change != nil {
		change(&o)
	}
	server = New(o)
	s.server = server
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	poller := s.poller
	go func() { poller.Run(ctx); done <- struct{}{} }()
	go func() { server.Serve(ctx, l); done <- struct{}{} }()
	s.stop = func() {
		began := time.Now()
		cancel()
		<-done
		<-done
		if took := time.Since(began); took > 2*time.Second {
			s.Errorf("the server took %s to end", took)
		}
		library.Close()
	}
	for s.poller.LastPass().IsZero() {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *served) fail(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, what)
}

// Check ends the test on an error.
func (s *served) Check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// got is what came back.
type got struct {
	status int
	header http.Header
	body   string
}

// do sends a request. Headers are name, value pairs; "Host" sets the host.
func (s *served) do(method, path string, form url.Values, headers ...string) got {
	s.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.base+path, body)
	s.Check(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k := 0; k < len(headers); k += 2 {
		if headers[k] == "Host" {
			r.Host = headers[k+1]
		} else {
			r.Header.Set(headers[k], headers[k+1])
		}
	}
	back, err := s.client.Do(r)
	s.Check(err)
	defer back.Body.Close()
	b, err := io.ReadAll(back.Body)
	s.Check(err)
	return got{back.StatusCode, back.Header, string(b)}
}

// own are the headers that a browser sends with a form of the dashboard's own.
func (s *served) own() []string {
	return []string{"Origin", strings.TrimSuffix(s.base, s.server.Path), "Sec-Fetch-Site", "same-origin"}
}

// login logs the client in.
func (s *served) login() {
	s.Helper()
	if a := s.do("POST", "/login", url.Values{"code": {s.server.LoginCode()}}, s.own()...); a.status != http.StatusSeeOther {
		s.Fatalf("login: %d\n%s", a.status, a.body)
	}
}

func (s *served) get(path string) string {
	s.Helper()
	a := s.do("GET", path, nil)
	if a.status != http.StatusOK {
		s.Fatalf("GET %s: %d\n%s", path, a.status, a.body)
	}
	return a.body
}

var requestInput = regexp.MustCompile(`name="request" value="([^"]*)"`)

// request is the id of a form on a page.
func (s *served) request(path string) string {
	s.Helper()
	m := requestInput.FindStringSubmatch(s.get(path))
	if m == nil {
		s.Fatalf("%s has no form", path)
	}
	return m[1]
}

// post sends a form of a page as a script of the dashboard does.
func (s *served) post(page, path string, form url.Values) (doc struct {
	OK    bool
	Data  actionDoc
	Error errorDoc
}) {
	s.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("request", s.request(page))
	a := s.do("POST", path, form, append(s.own(), "Accept", "application/json")...)
	s.Check(json.Unmarshal([]byte(a.body), &doc))
	return doc
}

func contains(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// mustForm is a request that was sent a form.
func mustForm(form url.Values) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://localhost/", nil)
	if err != nil {
		panic(err)
	}
	r.PostForm = form
	return r
}
