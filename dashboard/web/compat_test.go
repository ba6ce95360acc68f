package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/git-crosslink/git-crosslink/dashboard/compat"
	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/dashboard/socket"
	"github.com/git-crosslink/git-crosslink/event"
)

// script is a program that shows a token.
type script struct {
	*served
	token string
}

// call sends JSON and reads JSON.
func (c script) call(method, path, body string, into any) int {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.base+path, strings.NewReader(body))
	c.Check(err)
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := http.DefaultClient.Do(r)
	c.Check(err)
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	c.Check(err)
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			c.Errorf("%s %s: %d: %v in\n%s", method, path, got.StatusCode, err, b)
		}
	}
	return got.StatusCode
}

// did is how an action is answered.
type did struct {
	Stdout, Stderr, Error string
	Status                int
	Receipt               actionDoc
}

const old = "/api/v1/dashboard"

// TestOldAPI uses the paths and fields of crosslink 0.9.
func TestOldAPI(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", func(c *event.IssueCreated) { c.DueAt = 1 })
	w.Create(a, "two", nil)
	s := serve(t, w, nil, a)
	act, read := script{s, s.token("act")}, script{s, s.token("read")}
	do := func(path, body string, want int) (d did) {
		t.Helper()
		if got := act.call("POST", old+"/w/o/a"+path, body, &d); got != want {
			t.Errorf("%s %s: %d, want %d: %s", path, body, got, want, d.Error)
		}
		if want != 200 && (d.Status != want || d.Error == "") {
			t.Errorf("%s %s: the refusal is %+v", path, body, d)
		}
		return d
	}
	if d := do("/issues/1/comment", `{"content":"said by a script"}`, 200); d.Stdout != "comment: confirmed\n" || len(d.Receipt.Lines) != 2 || d.Receipt.Lines[1].Type != "CommentAdded" {
		t.Errorf("%+v", d)
	}
	do("/issues/1/comment", `{"content":" "}`, 400)
	do("/issues/1/comment", `{"content":["a",{}]}`, 400)
	do("/issues/1/comment", `["content"]`, 400)
	do("/issues/1/comment", "{\"content\":\"\xff\"}", 400)
	do("/issues/1/label", `{"label":"bug"}`, 200)
	do("/issues/1/label", `{"label":""}`, 400)
	do("/issues/1/unlabel", `{"label":"bug"}`, 200)
	do("/issues/2/block", `{"blocker_id":1}`, 200)
	do("/issues/2/unblock", `{"blocker_id":1}`, 200)
	do("/issues/2/relate", `{"other_id":1}`, 200)
	do("/issues/2/close", ``, 200)
	do("/issues/2/dance", ``, 404)
	do("/issues/99/close", ``, 404)
	do("/milestones", `{"name":"1.0","description":"first"}`, 200)
	do("/milestones", `{"name":""}`, 400)
	do("/milestones/1.0/add", `{"issue_id":1}`, 200)
	do("/milestones/1.0/remove", `{"issue_id":1}`, 200)
	do("/milestones/1.0/close", ``, 200)
	do("/locks/1/claim", `{"branch":"fix"}`, 200)
	do("/locks/1/dance", ``, 404)
	var detail compat.Detail
	if read.call("GET", old+"/projects/o/a", "", &detail); len(detail.Locks) != 1 || *detail.Locks[0].Issue != 1 || detail.Locks[0].Agent != "agent-op" || *detail.Locks[0].Branch != "fix" {
		t.Errorf("locks: %+v", detail.Locks)
	}
	do("/locks/1/release", ``, 200)
	do("/agents/agent-a/request", `{"kind":"dance"}`, 400)
	do("/agents/agent-a/request", `{"kind":"pause","subject_issue":1,"reason":"lunch"}`, 200)
	if read.call("GET", old+"/projects/o/a", "", &detail); len(detail.Issues) != 2 || *detail.Issues[0].DisplayID != 1 || detail.Issues[1].Status != "closed" || len(detail.Requests) != 1 ||
		detail.Requests[0].Agent != "agent-a" || detail.Requests[0].All[0].Kind != "pause" || *detail.Requests[0].All[0].Subject != 1 || len(detail.Agents) < 2 || detail.Counters.Overdue != 1 || detail.Signature == "" {
		t.Errorf("%+v", detail)
	}
	var list []map[string]any
	if read.call("GET", old+"/projects", "", &list); len(list) != 1 || list[0]["slug"] != "o/a" || list[0]["write_capability"] != "ready" || list[0]["counters"].(map[string]any)["overdue_issues"] != 1.0 {
		t.Errorf("%v", list)
	}
	if read.call("GET", old+"/alerts", "", &list); len(list) != 1 || list[0]["kind"] != "overdue_issue" || list[0]["project_slug"] != "o/a" || list[0]["subject_ref"] != "issue:1" {
		t.Errorf("%v", list)
	}
	for path, want := range map[string]string{"/export/projects.csv": "slug,status,pinned,", "/export/alerts.csv": "id,project_slug,kind,"} {
		if got := s.bearer(read.token, path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.100s", path, got)
		}
	}
	for _, path := range []string{"/export/projects.json", "/export/alerts.json"} {
		if read.call("GET", old+path, "", &list); len(list) != 1 {
			t.Errorf("%s: %v", path, list)
		}
	}
	if got := read.call("GET", old+"/export/secrets.csv", "", nil); got != 404 {
		t.Errorf("no table: %d", got)
	}
	if got := read.call("GET", old+"/projects/o/nothing", "", nil); got != 404 {
		t.Errorf("no project: %d", got)
	}
	var health map[string]any
	if (script{s, ""}).call("GET", "/api/v1/health", "", &health) != 200 || health["status"] != "ok" {
		t.Errorf("health is not for everybody: %v", health)
	}
}

// bearer asks with a token.
func (s *served) bearer(token, path string) string {
	s.Helper()
	return s.do("GET", old+path, nil, "Authorization", "Bearer "+token).body
}

// TestOldWebhooks: the list is set as a whole or not at all.
func TestOldWebhooks(t *testing.T) {
	s := serve(t, dashtest.New(t), nil)
	act, read := script{s, s.token("act")}, script{s, s.token("read")}
	var d struct {
		URLs  []string `json:"urls"`
		Error string
	}
	set := func(want int, urls ...string) {
		t.Helper()
		b, err := json.Marshal(map[string]any{"urls": append([]string{}, urls...)})
		s.Check(err)
		if got := act.call("PUT", old+"/webhooks", string(b), &d); got != want {
			t.Errorf("%v: %d, want %d: %s", urls, got, want, d.Error)
		}
	}
	slack, other := "https://hooks.slack.com/services/T/B/XYZ", "https://example.com/hook?key=hidden"
	set(200, slack, "  "+other+" ", "")
	if !slices.Equal(d.URLs, []string{slack, other}) {
		t.Errorf("%v", d.URLs)
	}
	all, err := s.db.Endpoints(t.Context())
	s.Check(err)
	if len(all) != 2 || all[0].Kind != notify.Slack || all[1].Kind != notify.Generic {
		t.Errorf("%+v", all)
	}
	if set(400, slack, "ftp://example.com/hook"); !strings.Contains(d.Error, "ftp://") {
		t.Errorf("%s", d.Error)
	}
	if read.call("GET", old+"/webhooks", "", &d); len(d.URLs) != 2 || strings.Contains(strings.Join(d.URLs, " "), "hidden") {
		t.Errorf("a token for reading sees %v", d.URLs)
	}
	for _, body := range []string{``, `{}`, `{"url":[]}`, `{"urls":null}`, `{"urls":""}`} {
		if got := act.call("PUT", old+"/webhooks", body, &d); got != 400 || !strings.Contains(d.Error, "urls") {
			t.Errorf("%s: %d, want 400: %s", body, got, d.Error)
		}
	}
	if kept, err := s.db.Endpoints(t.Context()); err != nil || len(kept) != 2 {
		t.Errorf("a request that names no URLs leaves %v %v", kept, err)
	}
	set(200, other)
	if kept, err := s.db.Endpoints(t.Context()); err != nil || len(kept) != 1 || kept[0].ID != all[1].ID {
		t.Errorf("what stays is another one: %v %v", kept, err)
	}
	if set(200); len(d.URLs) != 0 {
		t.Errorf("%v", d.URLs)
	}
	acts, err := s.db.Actions(t.Context(), 0, 100)
	s.Check(err)
	for _, one := range acts {
		if strings.Contains(one.Payload, "hidden") || strings.Contains(one.Payload, "XYZ") {
			t.Errorf("the audit log holds a URL: %s", one.Payload)
		}
	}
}

// TestTokens: a script may repeat a request without doing it twice, and nobody comes in
// with a token that was removed.
func TestTokens(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	act := script{s, s.token("act")}
	var d did
	for range 2 {
		if act.call("POST", old+"/w/o/a/issues/1/comment", `{"content":"once","request":"my-own-id-1"}`, &d) != 200 {
			t.Fatalf("%+v", d)
		}
	}
	if d.Stderr != errDone.Error() || !strings.Contains(s.bearerBody(act.token, "/p/o/a/i/1.json"), `"comment_count":1,`) {
		t.Errorf("a request that was sent twice: %+v", d)
	}
	if got := act.call("POST", old+"/w/o/a/issues/1/comment", `{"content":"x","request":"no spaces please"}`, nil); got != 400 {
		t.Errorf("an odd id: %d", got)
	}
	if got := act.call("POST", "/p/o/a/i/1/label", `{"name":"bug"}`, nil); got != 200 {
		t.Errorf("a form of a page, as JSON: %d", got)
	}
	all, err := s.db.Tokens(t.Context())
	s.Check(err)
	s.Check(s.db.RemoveToken(t.Context(), all[0].ID))
	if got := act.call("GET", old+"/projects", "", nil); got != 401 {
		t.Errorf("a token that was removed: %d", got)
	}
}

func (s *served) bearerBody(token, path string) string {
	s.Helper()
	return s.do("GET", path, nil, "Authorization", "Bearer "+token).body
}

// frameDoc is a frame of the WebSocket.
type frameDoc struct {
	Type     string
	Seq      int
	Slug     string
	Opened   int
	Dropped  int
	Resolved int
}

// dial opens a WebSocket; nil if it is refused, with the status.
func (s *served) dial(headers ...string) (*websocket.Conn, int) {
	s.Helper()
	h := http.Header{}
	for k := 0; k < len(headers); k += 2 {
		h.Set(headers[k], headers[k+1])
	}
	c, got, err := websocket.Dial(s.Context(), strings.Replace(s.base, "http:", "ws:", 1)+"/ws", &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{socket.Protocol}})
	if got == nil {
		s.Check(err)
	}
	return c, got.StatusCode
}

// frames reads frames for a while, or until one is of a type.
func frameOf(t *testing.T, c *websocket.Conn, kind string) frameDoc {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			t.Fatalf("no frame %s: %v", kind, err)
		}
		var f frameDoc
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		if f.Type == kind {
			return f
		}
	}
}

// TestSocket: frames have the names and members of crosslink 0.9.
func TestSocket(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	s := serve(t, w, nil, a)
	token := "Bearer " + s.token("read")
	for name, headers := range map[string][]string{
		"nobody": nil, "another site": {"Authorization", token, "Origin", "https://evil.example"}, "another port": {"Authorization", token, "Origin", "http://localhost:1"},
		"a page of another site": {"Authorization", token, "Sec-Fetch-Site", "cross-site"}, "no origin at all": {"Authorization", token, "Origin", "null"},
	} {
		want := 403
		if name == "nobody" {
			want = 401
		}
		if c, got := s.dial(headers...); got != want {
			c.CloseNow()
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	c, got := s.dial("Authorization", token, "Origin", s.base)
	if got != 101 || c.Subprotocol() != socket.Protocol {
		t.Fatalf("%d %q", got, c.Subprotocol())
	}
	defer c.CloseNow()
	other, _ := s.dial("Authorization", token)
	defer other.CloseNow()
	s.Check(other.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","channels":["locks"]}`)))
	s.Check(c.Write(t.Context(), websocket.MessageText, []byte(`not JSON`)))
	s.Check(c.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","channels":["dashboard"]}`)))
	time.Sleep(300 * time.Millisecond) // until the subscriptions were read
	w.Create(a, "late", func(c *event.IssueCreated) { c.DueAt = 1 })
	if f := frameOf(t, c, "dashboard_alerts_changed"); f.Slug != "o/a" || f.Opened != 1 || f.Resolved != 0 || f.Seq < 1 {
		t.Errorf("%+v", f)
	}
	// more at once than is kept for one client is a gap
	for range socket.Batch + 50 {
		s.Check(s.db.Pin(t.Context(), "id-a", true))
	}
	s.server.Changed()
	if f := frameOf(t, c, "gap"); f.Dropped < socket.Batch {
		t.Errorf("%+v", f)
	}
	s.Check(other.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", socket.MaxFrame+1))))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var closed websocket.CloseError
	for {
		_, b, err := other.Read(ctx)
		if err == nil {
			if !strings.Contains(string(b), `"gap"`) {
				t.Errorf("a client that hears of locks was told %s", b)
			}
			continue
		}
		if !errors.As(err, &closed) || closed.Code != websocket.StatusMessageTooBig {
			t.Errorf("a frame that is too large ends with %v", err)
		}
		break
	}
	go s.stop()
	if _, _, err := c.Read(ctx); err == nil {
		_, _, err = c.Read(ctx)
		if !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
			t.Errorf("the end of the server is %v", err)
		}
	}
	s.stop = func() {}
}

// ended reports whether a stream has ended within the time that is given for it.
func ended(body io.Reader) bool {
	done := make(chan struct{})
	go func() { io.Copy(io.Discard, body); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(5 * time.Second):
		return false
	}
}

// TestStreamsEndWithTheirSession: anybody who logged out, or shows a token that was
// removed, is told nothing more.
func TestStreamsEndWithTheirSession(t *testing.T) {
	s := serve(t, dashtest.New(t), nil)
	s.login()
	listen := func(headers ...string) io.Reader {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.base+"/events?topics=all", nil)
		s.Check(err)
		for k := 0; k < len(headers); k += 2 {
			r.Header.Set(headers[k], headers[k+1])
		}
		back, err := s.client.Do(r)
		s.Check(err)
		t.Cleanup(func() { back.Body.Close() })
		if back.StatusCode != 200 {
			t.Fatalf("a stream: %d", back.StatusCode)
		}
		return back.Body
	}
	token := "Bearer " + s.token("read")
	byToken, byCookie := listen("Authorization", token), listen()
	c, _ := s.dial("Authorization", token)
	defer c.CloseNow()
	all, err := s.db.Tokens(t.Context())
	s.Check(err)
	s.Check(s.db.RemoveToken(t.Context(), all[0].ID))
	s.server.Changed() // the command that removes it says so
	if !ended(byToken) {
		t.Error("a stream outlives its token")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("a socket outlives its token: %v", err)
	}
	if a := s.do("POST", "/logout", url.Values{"request": {s.request("/settings/about")}}, s.own()...); a.status != http.StatusSeeOther {
		t.Fatalf("logout: %d %s", a.status, a.body)
	}
	if !ended(byCookie) {
		t.Error("a stream outlives its logout")
	}
}

// TestJoin: what cannot be joined or watched is refused (place.TestJoin joins).
func TestJoin(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(w.Clone("b"), "one", nil)
	s := serve(t, w, func(o *Options) {
		o.Track = func(context.Context, string, string) (db.Project, bool, error) {
			return db.Project{}, false, errors.New("not here")
		}
	}, a)
	act := script{s, s.token("act")}
	var d did
	for body, want := range map[string]int{`{"agent_id":""}`: 400, `{"agent_id":"Not An Id"}`: 400} {
		if got := act.call("POST", old+"/w/o/a/init", body, &d); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	if got := act.call("POST", old+"/w/o/a/init", `{"agent_id":"agent-new"}`, &d); got != 200 || !strings.Contains(d.Stderr, "already writes as 'agent-op'") {
		t.Errorf("%d %+v", got, d)
	}
	for body, want := range map[string]int{`{"url":""}`: 400, `{"url":"https://example.com/o/r","init":true}`: 400, `{"url":"https://example.com/o/r","init":true,"agent_id":"Not An Id"}`: 400, `{"url":"https://example.com/o/r"}`: 500} {
		if got := act.call("POST", old+"/clone", body, nil); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	s.mu.Lock()
	s.failed = nil // the refusal above
	s.mu.Unlock()
}

// TestOldGitHub: what an organization has is listed and watched; a token is neither shown
// nor taken.
func TestOldGitHub(t *testing.T) {
	var tracked []string
	all := []github.Repository{{FullName: "acme/new", HTTPS: "https://github.invalid/acme/new.git", State: github.Tracker}, {FullName: "acme/old", State: github.Older},
		{FullName: "acme/known", HTTPS: "known", State: github.Tracker}, {FullName: "acme/evil", HTTPS: "ext::sh", State: github.Tracker}}
	s := serve(t, dashtest.New(t), func(o *Options) {
		o.GitHub = GitHub{Source: func(context.Context) string { return "gh" }, Repositories: func(_ context.Context, org string) ([]github.Repository, error) {
			if org != "acme" {
				return nil, refuse(http.StatusNotFound, "GitHub knows no organization '%s'", org)
			}
			return all, nil
		}}
		o.Track = func(_ context.Context, at, _ string) (db.Project, bool, error) {
			t.Errorf("'%s' was tracked as if the operator had named it", at)
			return db.Project{}, false, nil
		}
		o.GitHub.Track = func(_ context.Context, at, slug string) (db.Project, bool, error) {
			if at == "ext::sh" {
				return db.Project{}, false, refuse(http.StatusBadRequest, "'%s' would start a program", at)
			}
			tracked = append(tracked, at)
			return db.Project{Slug: slug}, at == "known", nil
		}
	})
	act := script{s, s.token("act")}
	var config map[string]any
	if act.call("GET", old+"/github/config", "", &config); config["token_present"] != true || config["token_source"] != "gh" || config["token_fingerprint"] != nil {
		t.Errorf("%v", config)
	}
	if got := act.call("POST", old+"/github/config", `{"token":"ghp_secret-value"}`, nil); got != 400 {
		t.Errorf("a token is taken: %d", got)
	}
	var list []map[string]any
	if act.call("GET", old+"/github/orgs/acme/repos", "", &list); len(list) != 4 || list[0]["owner"] != "acme" || list[0]["repo"] != "new" || list[0]["has_hub_branch"] != true || list[0]["https_url"] != all[0].HTTPS {
		t.Errorf("%v", list)
	}
	if got := act.call("GET", old+"/github/orgs/nobody/repos", "", nil); got != 404 {
		t.Errorf("no organization: %d", got)
	}
	var outcome struct {
		Tracked []string
		Skipped []struct{ Slug, Reason string }
	}
	if got := act.call("POST", old+"/github/orgs/acme/track-all", `{"init":true}`, nil); got != 400 {
		t.Errorf("init: %d", got)
	}
	act.call("POST", old+"/github/orgs/acme/track-all", `{}`, &outcome)
	if !slices.Equal(outcome.Tracked, []string{"acme/new"}) || len(outcome.Skipped) != 3 || outcome.Skipped[1].Reason != "already tracked" || !strings.Contains(outcome.Skipped[2].Reason, "would start a program") {
		t.Errorf("%+v", outcome)
	}
	acts, err := s.db.Actions(t.Context(), 0, 100)
	s.Check(err)
	for _, one := range acts {
		if strings.Contains(one.Payload, "ghp_secret-value") {
			t.Errorf("the audit log holds a token: %s", one.Payload)
		}
	}
}
