package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestMain lets the test binary be the program that fetches.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == fetchVerb {
		os.Exit(Main(os.Args))
	}
	os.Exit(testkit.Main(m))
}

// stream is a buffer that is written and read at the same time.
type stream struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// bench runs commands in a world of their own.
type bench struct {
	*dashtest.World
	state  string
	opened []string // links that a browser was told
}

func newBench(t *testing.T) *bench {
	b := &bench{World: dashtest.New(t), state: t.TempDir()}
	t.Setenv("HOME", b.Dir)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GIT_CROSSLINK_AGENT", "agent-op")
	return b
}

func (b *bench) env(out, errs *stream) *env {
	return &env{out: out, err: errs, now: time.Now, program: os.Args[0],
		getenv: func(name string) string { return map[string]string{"XDG_STATE_HOME": b.state}[name] },
		browse: func(_ context.Context, link string) error { b.opened = append(b.opened, link); return nil }}
}

// run runs a command in a directory.
func (b *bench) run(dir string, args ...string) (code int, out, errs string) {
	b.Helper()
	b.Chdir(dir)
	var o, e stream
	code = b.env(&o, &e).run(b.Context(), args)
	return code, o.String(), e.String()
}

func (b *bench) expect(wantCode int, wantOut, wantErr, dir string, args ...string) {
	b.Helper()
	code, out, errs := b.run(dir, args...)
	if code != wantCode || out != wantOut || errs != wantErr {
		b.Errorf("%s: status %d\n%q\n%q\nwant %d\n%q\n%q", strings.Join(args, " "), code, out, errs, wantCode, wantOut, wantErr)
	}
}

func TestProjects(t *testing.T) {
	b := newBench(t)
	a, c := b.Clone("a"), b.Clone("c")
	if err := os.Mkdir(filepath.Join(a, "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	b.expect(0, "", "no project is watched yet\nhint: git crosslink dashboard track <path>\n", a, "list")
	b.expect(0, "local/a\n", "watching local/a\n", filepath.Join(a, "deep"), "track")
	b.expect(0, "local/a\n", "already watching local/a\n", b.Dir, "track", "a")
	b.expect(128, "", "error: taken by another project\nhint: choose another name: --slug <owner/repo>\nhint: git crosslink dashboard list\n", c, "track", "--slug", "Local/A")
	b.expect(129, "", "error: 'x' does not have the form owner/repo\nhint: use letters, digits, '.', '_' and '-': --slug me/project\n", c, "track", "--slug", "x")
	b.expect(0, "me/c\n", "watching me/c\n", c, "track", "--slug", "me/c", "--pin")
	code, out, _ := b.run(a, "list")
	if lines := strings.Split(out, "\n"); code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], "* me/c ") || !strings.HasPrefix(lines[1], "  local/a ") {
		t.Errorf("list: %d\n%s", code, out)
	}
	b.expect(0, "", "", a, "pause", "me/c")
	b.expect(0, "", "", a, "unpin", "me/c")
	var doc struct {
		OK   bool
		Data []struct {
			Slug, Status string
			Pinned       bool
		}
	}
	_, out, _ = b.run(a, "list", "--json")
	if err := json.Unmarshal([]byte(out), &doc); err != nil || !doc.OK || len(doc.Data) != 2 || doc.Data[1].Slug != "me/c" || doc.Data[1].Status != "paused" || doc.Data[1].Pinned || !strings.Contains(out, `"polled_at":null`) {
		t.Errorf("list --json: %v\n%s", err, out)
	}
	b.expect(0, "", "", a, "resume", "me/c")
	b.expect(0, "", "no longer watching me/c; '"+c+"' is unchanged\n", a, "untrack", "me/c")
	b.expect(1, "", "error: there is no project 'me/c'\nhint: git crosslink dashboard list\n", a, "untrack", "me/c")
	b.expect(129, "", "error: name one project\nhint: git crosslink dashboard list\n", a, "pin")
	b.expect(1, "", "error: no dashboard is running\nhint: git crosslink dashboard serve\n", a, "login-url")
	b.expect(1, "", "error: no dashboard is running\nhint: git crosslink dashboard serve\n", a, "poll", "local/a")
	b.expect(129, "", "error: there is no command 'dashboard dance'\nhint: git crosslink dashboard --help\n", a, "dance")
	b.expect(128, "", "error: there is no directory '/nonexist'\nhint: watch a repository on this machine: git crosslink dashboard track <path>\n"+
		"hint: watch one by its URL: git crosslink dashboard track https://…\n", a, "track", "/nonexist")
	file := filepath.Join(a, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	b.expect(128, "", "error: cannot read '"+file+"': not a directory\nhint: git crosslink dashboard track <path>\n", a, "track", file)
	b.expect(129, "", "error: 'Not An Id' is not an agent id: "+event.ValidAgentID("Not An Id").Error()+"\n", a, "track", "--init", "--agent-id", "Not An Id")
	b.expect(0, "local/a\n", "", a, "list", "-q")
	b.expect(0, "local/a\n", "", a, "track", "-q")
	b.expect(0, "local/a\n", "", a, "-q", "discover", ".", "--depth", "0")
	code, _, errs := b.run(b.state, "track")
	if code != 128 || !strings.Contains(errs, "not a git repository") {
		t.Errorf("no repository: %d\n%s", code, errs)
	}
}

// TestReceive: a receiver's secret is shown once.
func TestReceive(t *testing.T) {
	b := newBench(t)
	a := b.Clone("a")
	b.expect(0, "", "there are no receivers\nhint: git crosslink dashboard receive add <owner/repo>\n", a, "receive", "list")
	b.expect(1, "", "error: there is no project 'local/a'\nhint: git crosslink dashboard list\n", a, "receive", "add", "local/a")
	b.expect(0, "local/a\n", "watching local/a\n", a, "track")
	code, out, said := b.run(a, "receive", "add", "local/a")
	lines := strings.Split(out, "\n")
	if code != 0 || said != "added receiver 1; its secret is shown only once:\n" || len(lines) != 3 || !strings.HasPrefix(lines[0], "http://localhost:3100/hook/") || len(lines[1]) != 64 {
		t.Fatalf("%d\n%s%s", code, out, said)
	}
	code, list, _ := b.run(a, "receive", "list")
	if code != 0 || list != "1  local/a  "+lines[0]+"  never used\n" {
		t.Errorf("%d\n%s", code, list)
	}
	if _, list, _ := b.run(a, "receive", "list", "--json"); strings.Contains(list, lines[1]) || !strings.Contains(list, `"used_at":null`) {
		t.Errorf("%s", list)
	}
	b.expect(0, "", "removed receiver 1\n", a, "receive", "remove", "1")
	b.expect(1, "", "error: no receiver has the number 1\nhint: git crosslink dashboard receive list\n", a, "receive", "remove", "1")
	b.expect(129, "", "error: name one receiver by its number\nhint: git crosslink dashboard receive list\n", a, "receive", "remove")
}

// TestDiscover: repositories that are found are listed, and watched only on request.
func TestDiscover(t *testing.T) {
	b := newBench(t)
	a := b.Clone("a")
	b.Clone("c") // has used no tracker, but has fetched the branches of one
	b.Create(a, "one", nil)
	b.expect(0, "local/a\n", "watching local/a\n", a, "track")
	b.expect(0, "local/a     "+a+"     watched\nlocal/c     "+filepath.Join(b.Dir, "c")+"     new\nlocal/seed  "+filepath.Join(b.Dir, "seed")+"  new\n",
		"hint: watch the new ones: git crosslink dashboard discover --track .\n", b.Dir, "discover", ".")
	if code, _, said := b.run(b.Dir, "discover", ".", "--track"); code != 0 || said != "" {
		t.Errorf("%d %q", code, said)
	}
	code, out, _ := b.run(b.Dir, "list")
	if code != 0 || strings.Count(out, "\n") != 3 {
		t.Errorf("%d\n%s", code, out)
	}
}

// TestGitHub: what an organization has is listed with the token of the environment, and
// watched through its URL; the token is nowhere afterward.
func TestGitHub(t *testing.T) {
	b := newBench(t)
	const token = "ghp_not-to-be-seen"
	limited := false
	var asked []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		case limited:
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/orgs/acme/repos":
			fmt.Fprint(w, `[{"full_name":"acme/new","clone_url":"https://github.invalid/acme/new.git","ssh_url":"git@github.invalid:acme/new.git"},{"full_name":"acme/old","clone_url":"https://github.invalid/acme/old.git","ssh_url":"x"},{"full_name":"acme/evil","clone_url":"ext::sh -c date","ssh_url":"--upload-pack=date"}]`)
		case strings.Contains(r.URL.Path, "/old/"):
			fmt.Fprint(w, `[{"ref":"refs/heads/crosslink/hub"}]`)
		default:
			fmt.Fprint(w, `[{"ref":"refs/heads/crosslink/meta"}]`)
		}
	}))
	defer api.Close()
	run := func(token string, args ...string) (int, string, string) {
		var o, e stream
		env := b.env(&o, &e)
		state := env.getenv
		env.getenv = func(name string) string {
			if v, ok := map[string]string{"GITHUB_API_URL": api.URL, "GH_TOKEN": token}[name]; ok {
				return v
			}
			return state(name)
		}
		code := env.run(t.Context(), append([]string{"discover", "--github"}, args...))
		return code, o.String(), e.String()
	}
	code, out, said := run(token, "acme")
	if want := "acme/evil  ext::sh -c date                      new\nacme/new   https://github.invalid/acme/new.git  new\nacme/old   https://github.invalid/acme/old.git  older-format\n"; code != 0 || out != want || !strings.HasPrefix(said, "hint: watch the new ones: git crosslink dashboard discover --track --github acme\n") {
		t.Errorf("%d\n%s%s", code, out, said)
	}
	code, out, said = run(token, "acme", "--track", "--json")
	if code != 1 || !strings.Contains(out, `"ok":false`) || !strings.Contains(out, `"kind":"not-tracked"`) || said != "" || !strings.Contains(out, `"slug":"acme/new","state":"watched"`) || !strings.Contains(out, `"slug":"acme/evil","state":"failed","error":"'ext::sh -c date' would start a program"`) {
		t.Errorf("%d\n%s%s", code, out, said)
	}
	if code, out, said = run(token, "acme"); code != 0 || !strings.Contains(out, "acme/new   https://github.invalid/acme/new.git  watched\n") {
		t.Errorf("%d\n%s", code, out)
	}
	if !strings.Contains(said, "hint: bring a tracker in an older format over, in its repository: git crosslink migrate --dry-run\n") {
		t.Errorf("%s", said)
	}
	var o, e stream
	if _, _, err := b.env(&o, &e).trackRemote(t.Context(), nil, "", b.Dir, "acme/here"); err == nil || !strings.Contains(err.Error(), "is not a URL to fetch from") {
		t.Errorf("a path that GitHub names: %v", err)
	}
	limited = true
	if code, _, said = run(token, "acme"); code != 128 || !strings.HasPrefix(said, "error: GitHub's limit of requests is reached until ") {
		t.Errorf("%d\n%s", code, said)
	}
	if code, _, said = run("", "acme"); code != 128 || said != "error: GitHub refuses the token\nhint: log in, if it is private: gh auth login\n" {
		t.Errorf("%d\n%s", code, said)
	}
	if code, _, _ = run(token, "a/b"); code != 129 {
		t.Errorf("no organization: %d", code)
	}
	if code, _, _ = run(token, "acme", "."); code != 129 {
		t.Errorf("a directory beside it: %d", code)
	}
	err := filepath.WalkDir(b.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), token) {
			t.Errorf("the token is in %s", path)
		}
		if st, serr := os.Stat(path); serr == nil && filepath.Dir(path) == filepath.Join(b.state, "git-crosslink", "dashboard") && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can read %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOpen: the command without a subcommand watches, serves and opens; a second one,
// in another repository, adds that to the server that runs.
func TestOpen(t *testing.T) {
	b := newBench(t)
	a, c := b.Clone("a"), b.Clone("c")
	b.Create(a, "fix the parser", nil)
	b.Chdir(a)
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs stream
	done := make(chan int)
	go func() { done <- b.env(&out, &errs).run(ctx, []string{"--port", "0"}) }()
	for strings.Count(out.String(), "\n") < 1 {
		select {
		case code := <-done:
			t.Fatalf("it ended with %d: %s", code, errs.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	link := strings.TrimSpace(out.String())
	if len(b.opened) != 1 || b.opened[0] != link || errs.String() != "watching local/a\nserving the dashboard; stop it with Ctrl-C\n" {
		t.Errorf("opened %v, said %q", b.opened, errs.String())
	}
	page := func(link string) string {
		t.Helper()
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Jar: jar}
		base := "http://" + u.Host
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/login", strings.NewReader("code="+u.Fragment))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		var b bytes.Buffer
		b.ReadFrom(got.Body)
		return b.String()
	}
	for end := time.Now().Add(10 * time.Second); ; {
		_, second, _ := b.run(a, "login-url")
		if text := page(strings.TrimSpace(second)); strings.Contains(text, "fix the parser") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the issue is not on the page:\n%s", text)
		}
	}
	code, again, said := b.run(c, "--port", "0")
	if code != 0 || said != "watching local/c\n" || !strings.HasPrefix(again, strings.Split(link, "#")[0]+"#") {
		t.Errorf("a second one: %d, %q, %q", code, again, said)
	}
	if text := page(strings.TrimSpace(again)); !strings.Contains(text, "/p/local/c") || !strings.Contains(text, "/p/local/a") {
		t.Errorf("both projects are not on the page:\n%s", text)
	}
	b.expect(0, "", "", a, "poll", "local/c")
	if code, _, said := b.run(a, "serve", "--port", "0"); code != 128 || !strings.HasPrefix(said, "error: the dashboard is already running\n") {
		t.Errorf("a second server: %d, %q", code, said)
	}
	began := time.Now()
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("it ended with %d: %s", code, errs.String())
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s to end", took)
	}
	b.expect(1, "", "error: no dashboard is running\nhint: git crosslink dashboard serve\n", a, "login-url")
}

func TestSlugOf(t *testing.T) {
	for hub, want := range map[string]string{
		"https://example.org/owner/repo.git": "owner/repo", "git@example.org:owner/repo": "owner/repo", "ssh://git@example.org:22/a/b/c.git": "b/c",
		"https://example.org/repo": "local/dir", "/path/to/hub.git": "local/dir", "../hub.git": "local/dir", "": "local/dir",
		"https://example.org/~o w/r e.json": "o-w/r-e",
	} {
		got := slugOf(hub, "/somewhere/dir")
		if got != want {
			t.Errorf("%s: %s, want %s", hub, got, want)
		}
		if !validSlug(got) {
			t.Errorf("%s: %s is no slug", hub, got)
		}
	}
	for _, bad := range []string{"", "a", "a/", "/a", "a/b/c", "../a", "a/..", "a b/c", "a/b.json", "a/b.csv", "-a/b"} {
		if validSlug(bad) {
			t.Errorf("%q is taken for a slug", bad)
		}
	}
}

func TestWebhooks(t *testing.T) {
	b := newBench(t)
	b.expect(0, "", "there are no endpoints\nhint: git crosslink dashboard webhook add <url>\n", b.Dir, "webhook", "list")
	b.expect(129, "", "error: the URL of an endpoint begins with https:// (http:// only on this machine: --local)\n", b.Dir, "webhook", "add", "http://example.com/")
	b.expect(1, "", "error: there is no project 'o/r'\nhint: git crosslink dashboard list\n", b.Dir, "webhook", "add", "--project", "o/r", "https://example.com/")
	code, secret, said := b.run(b.Dir, "webhook", "add", "--name", "pager", "--severity", "critical", "https://hooks.slack.com/services/hidden")
	if code != 0 || !strings.HasPrefix(secret, "whsec_") || said != "added endpoint 1 (https://hooks.slack.com/…, slack); its secret is shown only once:\n" {
		t.Errorf("%d %q %q", code, secret, said)
	}
	b.expect(0, "1  slack  https://hooks.slack.com/…  pager  0 queued  ok\n", "", b.Dir, "webhook", "list")
	b.expect(0, "", "queued a test notification for endpoint 1\n", b.Dir, "webhook", "test", "1")
	code, out, _ := b.run(b.Dir, "webhook", "log")
	if code != 0 || !strings.Contains(out, "test  queued  0 tries") {
		t.Errorf("%d %q", code, out)
	}
	code, out, _ = b.run(b.Dir, "webhook", "list", "--json")
	if code != 0 || !strings.Contains(out, `"queued":1`) || strings.Contains(out, "hidden") {
		t.Errorf("%d %q", code, out)
	}
	code, again, _ := b.run(b.Dir, "webhook", "rotate", "1")
	if code != 0 || again == secret || !strings.HasPrefix(again, "whsec_") {
		t.Errorf("%d %q", code, again)
	}
	b.expect(0, "", "queued delivery 1 again\n", b.Dir, "webhook", "replay", "1")
	b.expect(0, "", "enabled endpoint 1\n", b.Dir, "webhook", "enable", "1")
	b.expect(0, "", "removed endpoint 1\n", b.Dir, "webhook", "remove", "1")
	b.expect(1, "", "error: nothing has the number 1\nhint: git crosslink dashboard webhook list\nhint: git crosslink dashboard webhook log\n", b.Dir, "webhook", "test", "1")
	b.expect(129, "", "error: name one endpoint or delivery by its number\nhint: git crosslink dashboard webhook list\n", b.Dir, "webhook", "test", "x")
}

// TestAlerts goes through the life of an alert on the command line.
func TestAlerts(t *testing.T) {
	b := newBench(t)
	a := b.Clone("a")
	b.Create(a, "late", func(c *event.IssueCreated) { c.DueAt = event.Time(1_700_000_000_000_000_000) })
	b.expect(0, "", "no alerts\n", a, "alerts")
	b.expect(0, "", "no silences\n", a, "silence")
	b.expect(0, "local/a\n", "watching local/a\n", a, "track")
	p, err := look(t, b)
	if err != nil || p.Opened != 1 {
		t.Fatalf("a look: %+v, %v", p, err)
	}
	text := `#1 "late" due 2023-11-14T22:13:20Z`
	b.expect(0, "1  warning  firing  local/a  "+text+"\n", "", a, "alerts", "--kind", "overdue_issue")
	b.expect(0, "", "no alerts\n", a, "alerts", "--severity", "critical")
	b.expect(0, "", "no alerts\n", a, "alerts", "--resolved")
	b.expect(129, "", "error: there is no severity 'x'\nhint: use critical, warning or info\n", a, "alerts", "--severity", "x")
	b.expect(1, "", "error: there is no project 'x/y'\nhint: git crosslink dashboard list\n", a, "alerts", "--project", "x/y")
	if code, _, errs := b.run(a, "alerts", "--kind", "x"); code != 129 || !strings.HasPrefix(errs, "error: there is no kind of alert 'x'\nhint: valid kinds: stale_lock, ") {
		t.Errorf("%d %s", code, errs)
	}
	b.expect(129, "", "error: unexpected argument 'x'\nhint: git crosslink dashboard alerts --help\n", a, "alerts", "x")
	b.expect(129, "", "error: name one alert\nhint: git crosslink dashboard alerts\n", a, "ack")
	b.expect(129, "", "error: 'x' is not the number of an alert\nhint: git crosslink dashboard alerts\n", a, "ack", "x")
	b.expect(1, "", "error: no alert has the number 9\nhint: git crosslink dashboard alerts\n", a, "ack", "9")
	b.expect(129, "", "error: 'soon' is not a length of time\nhint: hours or days: --for 4h, --for 7d\n", a, "ack", "--for", "soon", "1")
	b.expect(0, "", "acknowledged: "+text+"\n", a, "ack", "--note", "it can wait", "--for", "1d", "1")
	b.expect(0, "1  warning  acknowledged  local/a  "+text+"\n", "", a, "alerts", "--kind", "overdue_issue")
	var doc struct {
		OK   bool
		Data []struct {
			ID       int64
			State    string
			AckNote  string  `json:"ack_note"`
			AckUntil *string `json:"ack_until"`
			Resolved *string `json:"resolved_at"`
		}
	}
	_, out, _ := b.run(a, "alerts", "--kind", "overdue_issue", "--json")
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Data) != 1 || doc.Data[0].AckNote != "it can wait" || doc.Data[0].AckUntil == nil || doc.Data[0].Resolved != nil {
		t.Errorf("alerts --json: %v %s", err, out)
	}
	if _, out, _ := b.run(a, "ack", "--undo", "--json", "1"); !strings.Contains(out, `"acknowledged_at":null`) {
		t.Errorf("ack --undo --json: %s", out)
	}

	b.expect(129, "", "error: a silence needs a comment\nhint: git crosslink dashboard silence --kind stale_lock --for 4h --comment 'we move the hub'\n", a, "silence", "--kind", "overdue_issue", "--for", "1h")
	if code, _, errs := b.run(a, "silence", "--for", "1h", "--comment", "x"); code != 129 || !strings.Contains(errs, "would silence all alerts") {
		t.Errorf("a silence of everything: %d %s", code, errs)
	}
	code, out, _ := b.run(a, "silence", "--project", "local/a", "--subject", "issue:*", "--for", "1h", "--comment", "we know")
	if f := strings.Fields(out); code != 0 || f[0] != "1" || !strings.Contains(out, "local/a") || !strings.HasSuffix(out, "issue:*  we know\n") {
		t.Errorf("silence: %d %q", code, out)
	}
	if _, out, _ := b.run(a, "silence", "--json"); !strings.Contains(out, `"project":"local/a","kind":"","subject":"issue:*"`) {
		t.Errorf("silence --json: %s", out)
	}
	b.expect(129, "", "error: 'x' is not the number of a silence\nhint: git crosslink dashboard silence\n", a, "silence", "--end", "x")
	b.expect(0, "", "no silences\n", a, "silence", "--end", "1")
	b.expect(1, "", "error: no silence has the number 1, or it has ended\nhint: git crosslink dashboard silence\n", a, "silence", "--end", "1")

	header := "id,project_slug,kind,severity,subject_ref,detail,opened_at,resolved_at,acknowledged_at\n"
	if code, out, _ := b.run(a, "export", "alerts"); code != 0 || !strings.HasPrefix(out, header+"1,local/a,overdue_issue,warning,issue:1,") {
		t.Errorf("export alerts: %d %s", code, out)
	}
	if code, out, _ := b.run(a, "export", "--format", "json", "projects"); code != 0 || !strings.Contains(out, `"slug":"local/a"`) || !strings.Contains(out, `"open_issues":"1"`) {
		t.Errorf("export projects: %d %s", code, out)
	}
	file := filepath.Join(b.state, "audit.csv")
	b.expect(0, "", "", a, "export", "-o", file, "audit")
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), ",ack,alert 1 (overdue_issue issue:1),ok,") || !strings.Contains(string(text), ",silence,") {
		t.Errorf("the audit log: %v %s", err, text)
	}
	b.expect(129, "", "error: there is no table 'x'\nhint: valid tables: projects, alerts, audit\n", a, "export", "x")
	b.expect(129, "", "error: 'xml' is not a format\nhint: use csv or json\n", a, "export", "--format", "xml", "alerts")
	b.expect(129, "", "error: name one table\nhint: git crosslink dashboard export alerts\n", a, "export")

	code, out, _ = b.run(a, "backup")
	if st, err := os.Stat(strings.TrimSpace(out)); code != 0 || err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("backup: %d %q %v", code, out, err)
	}
	b.expect(0, "", "no problems found: 4 checks\n", a, "doctor")
	if err := os.Rename(a, a+"-gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := look(t, b); err == nil {
		t.Error("a repository that is gone was looked at")
	}
	if code, out, errs := b.run(b.Dir, "doctor"); code != 1 || !strings.HasPrefix(out, "problem: local/a ") || errs != "error: found 1 problem\n" {
		t.Errorf("doctor: %d %q %q", code, out, errs)
	}
	if _, out, _ := b.run(b.Dir, "doctor", "--json"); !strings.Contains(out, `"problems":1`) || !strings.Contains(out, `"name":"audit","ok":true`) {
		t.Errorf("doctor --json: %s", out)
	}
}

// look looks at local/a once, as the server does.
func look(t *testing.T, b *bench) (poll.Outcome, error) {
	t.Helper()
	var o, e stream
	env := b.env(&o, &e)
	d, _, err := env.database(t.Context())
	if err != nil {
		return poll.Outcome{}, err
	}
	defer d.Close()
	p, err := d.Project(t.Context(), "local/a")
	if err != nil {
		return poll.Outcome{}, err
	}
	poller := poll.New(poll.Options{DB: d, Open: func(ctx context.Context, p db.Project) (poll.Place, error) {
		return place.Open(ctx, p.Place.Path, place.Options{})
	}})
	return poller.Poll(t.Context(), p.ID)
}

// TestTrackURL: a URL is watched through a repository that holds the tracker and
// nothing else.
func TestTrackURL(t *testing.T) {
	b := newBench(t)
	ssh := filepath.Join(b.Dir, "ssh")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nshift\nexec sh -c \"$*\"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSH_COMMAND", ssh)
	t.Setenv("GIT_SSH_VARIANT", "simple")
	issue := b.Create(b.Clone("a"), "one", nil)
	at := "ssh://host" + b.Hub
	for _, bad := range []string{"ext::sh -c true", "file:///tmp/x", "http://example.com/r", "ssh://-oProxyCommand=x/r", "https://me:secret@example.com/r", "https://", "-x:y::z"} {
		if code, _, errs := b.run(b.Dir, "track", "--", bad); code != 129 {
			t.Errorf("%s: %d %s", bad, code, errs)
		}
	}
	b.expect(0, "me/far\n", "watching me/far\n", b.Dir, "track", "--slug", "me/far", at)
	b.expect(0, "me/far\n", "already watching me/far\n", b.Dir, "track", at)
	var o, e stream
	env := b.env(&o, &e)
	d, dir, err := env.database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	row, err := d.Project(t.Context(), "me/far")
	if err != nil || row.Place.Kind != db.PlaceManaged || filepath.Dir(row.Place.Path) != filepath.Join(dir, places) {
		t.Fatalf("%+v, %v", row, err)
	}
	options := place.Options{Fetch: []string{os.Args[0], fetchVerb}}
	p, err := place.Open(t.Context(), row.Place.Path, options)
	if err != nil {
		t.Fatal(err)
	}
	if host, fetch := p.Hub(); host != "host" || !fetch {
		t.Errorf("hub: %s, %v", host, fetch)
	}
	if f, _, err := p.Facts(t.Context()); err != nil || f.Open != 0 {
		t.Errorf("before the first fetch: %+v, %v", f, err)
	}
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if moved, err := p.Moved(t.Context()); err != nil || !moved {
		t.Errorf("moved: %v, %v", moved, err)
	}
	if f, _, err := p.Facts(t.Context()); err != nil || f.Open != 1 {
		t.Errorf("after it: %+v, %v", f, err)
	}
	for _, name := range []string{"hooks", "refs/heads/main", "refs/remotes/origin/main"} {
		if _, err := os.Stat(filepath.Join(row.Place.Path, name)); err == nil {
			t.Errorf("there is %s", name)
		}
	}
	l := place.NewLibrary(options)
	defer l.Close()
	write := func(to event.Status) {
		t.Helper()
		r, err := l.Write(t.Context(), row.Place.Path, func(place.View, *tracker.Tracker) ([]event.Body, error) {
			return []event.Body{&event.StatusChanged{UUID: issue, NewStatus: to}}, nil
		})
		if err != nil || r.Agent != "agent-op" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	write(event.Closed)
	if err := os.Rename(b.Hub, b.Hub+".away"); err != nil {
		t.Fatal(err)
	}
	write(event.Archived)
	if code, _, errs := b.run(b.Dir, "untrack", "me/far"); code != 1 || !strings.Contains(errs, "of me/far were not sent yet") {
		t.Errorf("what was not sent is thrown away: %d %s", code, errs)
	}
	b.expect(0, "", "no longer watching me/far\n", b.Dir, "untrack", "--discard-unsent", "me/far")
	if _, err := os.Stat(row.Place.Path); !os.IsNotExist(err) {
		t.Errorf("the repository is still there: %v", err)
	}
}

func TestWatch(t *testing.T) {
	b := newBench(t)
	a, c := b.Clone("a"), b.Clone("c")
	b.Create(c, "fix the parser", func(i *event.IssueCreated) { i.DueAt = 1 })
	code, out, errs := b.run(a, "watch", "--once")
	for _, want := range []string{a + ": 1 open, 1 ready, 0 locked\n", "\nNeeds you\n  ▲ 2 event(s) of agent-c", "  ▲ #1 \"fix the parser\" is overdue\n", "\n  agent-c  seen ", "\nDone last\n", "  agent-c  #1 fix the parser: created 'fix the parser'"} {
		if code != 0 || !strings.Contains(out, want) || errs != "" {
			t.Errorf("status %d, %q is not in\n%s%s", code, want, out, errs)
		}
	}
	s := screen{Project: "x", Width: 10, Height: 3, Now: 1, Facts: facts.Facts{Agents: []facts.Agent{{ID: "agent-with-a-long-name", LastSign: 1}}}}
	if got := s.text(); got != "x: 0 open,\n\nNeeds you\n" {
		t.Errorf("%q", got)
	}
	if code, out, errs := b.run(a, "watch", "--json"); code != 129 || !strings.Contains(out+errs, "has no '--json'") {
		t.Errorf("--json: %d %s%s", code, out, errs)
	}
	if code, _, _ := b.run(b.state, "watch"); code != 128 {
		t.Errorf("no repository: %d", code)
	}
}
