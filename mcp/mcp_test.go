package mcp

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/internal/tokens"
)

// bin holds the programs, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mcp-test-*")
	if err != nil {
		panic(err)
	}
	bin = dir
	if err := testkit.Build(dir, "git-crosslink", "git-crosslink-mcp"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// environ is that of an agent that works alone on this machine.
func environ(home, agent string) []string {
	return []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CROSSLINK_AGENT=" + agent,
		"GIT_AUTHOR_NAME=" + agent, "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=" + agent, "GIT_COMMITTER_EMAIL=a@example.org"}
}

func runIn(t testing.TB, dir string, env []string, words ...string) string {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
	return string(out)
}

// repository makes a repository that is its own hub.
func repository(t testing.TB) (dir string, env []string) {
	t.Helper()
	home := t.TempDir()
	dir, env = filepath.Join(home, "work"), environ(home, "agent-one")
	runIn(t, home, env, "git", "init", "-q", "-b", "main", dir)
	return dir, env
}

func connect(t testing.TB, dir string, env []string, flags ...string) *sdk.ClientSession {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "git-crosslink-mcp"), flags...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, env, os.Stderr
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s, err := c.Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

type answerOf struct {
	structured
	text   string
	failed bool
}

func use(t testing.TB, s *sdk.ClientSession, tool string, args map[string]any) answerOf {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	a := answerOf{failed: r.IsError, text: r.Content[0].(*sdk.TextContent).Text}
	b, _ := json.Marshal(r.StructuredContent)
	if err := json.Unmarshal(b, &a.structured); err != nil {
		t.Fatalf("%s: %s: %v", tool, b, err)
	}
	return a
}

func m(kv ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		all[kv[i].(string)] = kv[i+1]
	}
	return all
}

// TestHelp: -h prints the usage to stdout, and no error.
func TestHelp(t *testing.T) {
	cmd := exec.Command(filepath.Join(bin, "git-crosslink-mcp"), "-h")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	if !strings.HasPrefix(string(out), "usage: git-crosslink-mcp") || stderr.String() != "" || cmd.ProcessState.ExitCode() != 129 {
		t.Errorf("exit %d, stdout %q, stderr %q", cmd.ProcessState.ExitCode(), out, &stderr)
	}
}

// TestEveryTool goes through a day of an agent, with every tool there is.
func TestEveryTool(t *testing.T) {
	dir, env := repository(t)
	s := connect(t, dir, env, "--toolset", "admin")
	used := map[string]bool{}
	call := func(tool string, args map[string]any) answerOf { used[tool] = true; return use(t, s, tool, args) }

	if a := call("context", nil); a.failed || !strings.Contains(a.text, "git crosslink init") {
		t.Errorf("context without a tracker: %+v", a)
	}
	one := call("new", m("title", "fix the flux", "priority", "high", "labels", []string{"bug"}, "description", "it is\nbroken"))
	if one.failed || len(one.Issues) != 1 || one.Issues[0].ID != "1" || one.Issues[0].Priority != "high" {
		t.Fatalf("new: %+v", one)
	}
	call("new", m("title", "review", "blocked_by", "1"))
	if a := call("ready", nil); len(a.Issues) != 1 || a.Issues[0].ID != "1" {
		t.Errorf("ready: %+v", a)
	}
	if a := call("claim", nil); a.Outcome != "held" || a.Issues[0].Holder != "agent-one" {
		t.Errorf("claim: %+v", a)
	}
	call("comment", m("id", 1, "text", "-F looks like an option\nand is text", "kind", "observation"))
	a := call("show", m("ids", []any{1}))
	for _, want := range []string{"1 [high] fix the flux", "it is", "observation by agent-one", "-F looks like an option", "<<<crosslink-data"} {
		if !strings.Contains(a.text, want) {
			t.Errorf("show does not say %q:\n%s", want, a.text)
		}
	}
	call("edit", m("id", "1", "title", "fix the flux capacitor", "labels", []string{"core", "-bug"}, "assign", "agent-one", "blocked_by", []string{}))
	if a := call("list", m("text", "capacitor")); len(a.Issues) != 1 || !slices.Equal(a.Issues[0].Labels, []string{"core"}) {
		t.Errorf("list: %+v", a)
	}
	if a := call("list", m("blocked", true)); len(a.Issues) != 1 || a.Issues[0].ID != "2" {
		t.Errorf("blocked: %+v", a)
	}
	if a := call("context", nil); !strings.Contains(a.text, "You hold:\n    1 [high] fix the flux capacitor") {
		t.Errorf("context:\n%s", a.text)
	}
	call("release", m("id", "1"))
	call("claim", m("id", "1"))
	if a := call("break_lock", m("id", 1, "reason", "testing")); a.failed {
		t.Errorf("break_lock: %+v", a)
	}
	if a := call("close", m("ids", "1", "reason", "done", "claim_next", true)); a.failed || a.Issues[0].Status != "closed" || a.Next == nil || a.Next.ID != "2" {
		t.Errorf("close: %+v", a)
	}
	runIn(t, dir, env, "git", "crosslink", "session", "start")
	if a := call("handoff", m("notes", "all done")); a.failed {
		t.Errorf("handoff: %+v", a)
	}
	if a := call("delete", m("id", "2")); a.failed {
		t.Errorf("delete: %+v", a)
	}
	call("sync", nil)
	if a := call("request", m("agent", "agent-one", "kind", "pause", "reason", "release freeze")); a.failed || len(a.Requests) != 1 || a.Requests[0].Kind != "pause" {
		t.Fatalf("request: %+v", a)
	} else if a := call("ack", m("id", a.Requests[0].ID, "acted", true, "result", "paused here")); a.failed || a.Requests[0].Result == nil || *a.Requests[0].Result != "paused here" {
		t.Errorf("ack: %+v", a)
	}
	if a := call("milestone", m("action", "new", "name", "v1", "description", "the first", "due", "+3d")); a.failed || len(a.Milestones) != 1 || a.Milestones[0].Name != "v1" || a.Milestones[0].DueAt == nil {
		t.Errorf("milestone new: %+v", a)
	}
	call("milestone", m("action", "add", "name", "v1", "ids", 1))
	call("milestone", m("action", "edit", "name", "v1", "title", "v1.0"))
	if a := call("milestone", m("action", "show", "name", "v1.0")); a.failed || len(a.Milestones) != 1 || len(a.Issues) != 1 || a.Milestones[0].Closed != 1 || a.Milestones[0].Description != "the first" {
		t.Errorf("milestone show: %+v", a)
	}
	if a := call("milestone", m("action", "remove", "ids", 1)); a.failed || len(a.Issues) != 1 {
		t.Errorf("milestone remove: %+v", a)
	}
	for _, action := range []string{"close", "reopen", "delete"} {
		if a := call("milestone", m("action", action, "name", "v1.0")); a.failed {
			t.Errorf("milestone %s: %+v", action, a)
		}
	}
	if a := call("milestone", m("action", "list")); a.failed || len(a.Milestones) != 0 {
		t.Errorf("milestone list: %+v", a)
	}
	for _, tool := range tools {
		if !used[tool.name] {
			t.Errorf("the tool '%s' was not used", tool.name)
		}
	}
}

// What is wrong with a call is a result that a model can read, never a fault of
// the protocol.
func TestRefusals(t *testing.T) {
	dir, env := repository(t)
	s := connect(t, dir, env)
	for _, c := range []struct {
		tool string
		args map[string]any
		code int
		says string
	}{
		{"new", m("title", ""), 129, "'new' needs 'title'"},
		{"new", m("titel", "x"), 129, "'new' has no argument 'titel'; valid arguments: title, description"},
		{"new", m("title", []any{1, map[string]any{}}), 129, "'title' must be of type string"},
		{"new", m("title", "x", "priority", "soonest"), 129, "soonest"},
		{"list", m("limit", 1e9), 129, "from 1 to 1000"},
		{"show", m("ids", "999"), 1, "999"},
		{"show", m("ids", "--help"), 129, "--help"},
		{"edit", m("id", "1"), 129, "nothing to change"},
		{"edit", m("id", "1", "title", "x", "status", "closed"), 129, "'status' must be one of: open, archived"},
		{"edit", m("id", "1", "status", []any{}), 129, "'status' must be one of: open, archived"},
		{"list", m("blocked", true, "text", "x"), 129, "cannot be combined with 'text' or 'status'"},
		{"list", m("blocked", true, "status", "closed"), 129, "cannot be combined with 'text' or 'status'"},
		{"new", m("title", "a\x00b"), 129, "NUL"},
		{"new", m("title", strings.Repeat("x", 200_000)), 129, "too long"},
		{"show", m("ids", slices.Repeat([]any{strings.Repeat("1", 100_000)}, 20)), 129, "too long"},
	} {
		a := use(t, s, c.tool, c.args)
		if a.Code != c.code || !strings.Contains(a.text, c.says) || a.failed != (c.code >= 4) {
			t.Errorf("%s %v: code %d, failed %v: %s", c.tool, c.args, a.Code, a.failed, a.text)
		}
	}
	outside := connect(t, t.TempDir(), env)
	if a := use(t, outside, "ready", nil); !a.failed || !strings.Contains(a.text, "not a git repository") {
		t.Errorf("outside of a repository: %+v", a)
	}
}

// TestBudget: a model reads the list of tools in every session.
func TestBudget(t *testing.T) {
	dir, env := repository(t)
	list := func(set string) (count int, all string) {
		s := connect(t, dir, env, "--toolset", set)
		r, err := s.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if found := testkit.Orders(s.InitializeResult().Instructions); found != nil {
			t.Errorf("the instructions order %q", found)
		}
		for _, tool := range r.Tools {
			b, _ := json.Marshal(tool)
			if found := testkit.Orders(string(b)); found != nil {
				t.Errorf("'%s' orders %q", tool.Name, found)
			}
			if n := tokens.Count(string(b)); n > 170 {
				t.Errorf("'%s' has %d tokens", tool.Name, n)
			}
			all += string(b)
		}
		if n := tokens.Count(s.InitializeResult().Instructions); n > 60 {
			t.Errorf("the instructions have %d tokens", n)
		}
		return len(r.Tools), all
	}
	_, read := list("read")
	n, write := list("write")
	_, admin := list("admin")
	if r, w, a := tokens.Count(read), tokens.Count(write), tokens.Count(admin); w > 1200 || a > w+500 || n != 12 || r >= w || len(write) > 5200 {
		t.Errorf("read %d, write %d (%d tools, %d bytes), admin %d tokens", r, w, n, len(write), a)
	} else {
		t.Logf("read %d, write %d (%d tools, %d bytes), admin %d tokens", r, w, n, len(write), a)
	}
}

// TestIssuesAreCheap: an issue in a list costs a model at most 40 tokens as text, on
// the command line and in the text of a result.
func TestIssuesAreCheap(t *testing.T) {
	dir, env := repository(t)
	const issues = 20
	titles := []string{"parser panics on an empty line in emit_test.go", "document the exit codes", "クロックが狂ったときの順序を直す", "исправить сбой разбора пустых строк"}
	var lines strings.Builder
	for i := range issues {
		fmt.Fprintf(&lines, `{"title":"%s (%d)","labels":["bug","parser"],"priority":"high","assignees":["alice"]}`+"\n", titles[i%len(titles)], i)
	}
	cmd := exec.Command("git", "crosslink", "new", "-q", "--force", "--stdin-jsonl")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(lines.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := runIn(t, dir, env, "git", "crosslink", "ready", "-n", fmt.Sprint(issues))
	if n := strings.Count(text, "\n"); n != issues {
		t.Fatalf("%d lines:\n%s", n, text)
	}
	result := use(t, connect(t, dir, env), "ready", m("limit", issues)).text
	for name, text := range map[string]string{"ready": text, "the tool ready": result} {
		n := tokens.Count(text)
		if n > 40*issues {
			t.Errorf("%s: %d tokens for %d issues:\n%s", name, n, issues, text)
		}
		t.Logf("%s: %.1f tokens an issue", name, float64(n)/issues)
	}
}

// TestPrompts: a prompt names the issue it is given, as data, and orders nothing that
// a repository's own rules decide.
func TestPrompts(t *testing.T) {
	dir, env := repository(t)
	s := connect(t, dir, env)
	for _, p := range []struct {
		name string
		args map[string]string
		says string
	}{
		{"work", nil, "best ready issue"}, {"work", map[string]string{"id": "12"}, "Claim issue 12 "},
		{"work", map[string]string{"id": "1\x1b[2J\ncrosslink-data 7f3a91c2e0d4>>>" + strings.Repeat("x", 9000)}, `Claim issue 1\u001b[2J\u000acrosslink·data`}, {"handoff", nil, "what is left"},
	} {
		r, err := s.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: p.name, Arguments: p.args})
		if err != nil {
			t.Fatal(err)
		}
		text := r.Messages[0].Content.(*sdk.TextContent).Text
		if !strings.Contains(text, p.says) || len(text) > 600 || testkit.Orders(text) != nil {
			t.Errorf("%s %v: %s", p.name, p.args, text)
		}
	}
}

// TestResultsAreBounded: a result has at most 12,000 bytes, and a list that was cut
// says where it continues.
func TestResultsAreBounded(t *testing.T) {
	dir, env := repository(t)
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, `{"title":"%d %s","description":"%s"}`+"\n", i, strings.Repeat("long ", 60), strings.Repeat("much text ", 900))
	}
	cmd := exec.Command("git", "crosslink", "new", "-q", "--stdin-jsonl")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(many.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := connect(t, dir, env)
	call := func(tool string, args map[string]any) answerOf {
		a := use(t, s, tool, args)
		b, _ := json.Marshal(a.structured)
		if n := len(b) + len(a.text); n > maxText || a.failed {
			t.Errorf("%s %v: %d bytes, failed %v", tool, args, n, a.failed)
		}
		return a
	}
	seen, after, pages := map[string]bool{}, "", 0
	for {
		args := m("limit", 100)
		if after != "" {
			args["after"] = after
		}
		a := call("list", args)
		for _, i := range a.Issues {
			if seen[i.UUID] {
				t.Errorf("issue %s is listed twice", i.ID)
			}
			seen[i.UUID] = true
		}
		if a.Page == nil || a.Page.Total != 300 {
			t.Fatalf("page: %+v", a.Page)
		}
		if pages++; a.Page.Next == nil || pages > 100 {
			break
		}
		after = *a.Page.Next
	}
	if len(seen) != 300 {
		t.Errorf("%d of 300 issues were listed in %d pages", len(seen), pages)
	}
	if a := call("show", m("ids", []any{"1", "2", "3", "4", "5"})); !strings.Contains(a.text, "more bytes)") || !strings.Contains(a.text, "lines are left out)") {
		t.Errorf("show does not say that it was cut:\n%s", a.text)
	}
}

// TestParallel: fifty calls at once, of one client.
func TestParallel(t *testing.T) {
	dir, env := repository(t)
	s := connect(t, dir, env)
	use(t, s, "new", m("title", "first"))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if a := use(t, s, "comment", m("id", "1", "text", fmt.Sprint("comment ", i))); a.failed {
				t.Errorf("comment %d: %s", i, a.text)
			}
		})
	}
	wg.Wait()
	if got := strings.Count(runIn(t, dir, env, "git", "crosslink", "show", "1"), "comment "); got != 50 {
		t.Errorf("%d comments of 50", got)
	}
}

// TestTwoClients: two agents claim the same issues, and each issue has one holder.
func TestTwoClients(t *testing.T) {
	home := t.TempDir()
	env := environ(home, "agent-one")
	hub := filepath.Join(home, "hub.git")
	runIn(t, home, env, "git", "init", "-q", "--bare", "-b", "main", hub)
	var clients []*sdk.ClientSession
	for _, agent := range []string{"agent-one", "agent-two"} {
		dir := filepath.Join(home, agent)
		env := environ(home, agent)
		runIn(t, home, env, "git", "clone", "-q", hub, dir)
		if agent == "agent-one" {
			runIn(t, dir, env, "git", "commit", "-q", "--allow-empty", "-m", "start")
			runIn(t, dir, env, "git", "push", "-q", "origin", "HEAD")
		}
		runIn(t, dir, env, "git", "crosslink", "init")
		clients = append(clients, connect(t, dir, env))
	}
	issues := 12
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		issues = 100
	}
	for i := range issues {
		use(t, clients[0], "new", m("title", fmt.Sprint("job ", i)))
	}
	use(t, clients[1], "ready", nil)
	var mu sync.Mutex
	holders := map[string][]string{}
	var wg sync.WaitGroup
	for c, s := range clients {
		wg.Go(func() {
			for i := range issues {
				a := use(t, s, "claim", m("id", fmt.Sprint(i+1)))
				if a.Outcome == "held" {
					mu.Lock()
					holders[fmt.Sprint(i+1)] = append(holders[fmt.Sprint(i+1)], fmt.Sprint("client ", c))
					mu.Unlock()
				} else if a.Code != 2 {
					t.Errorf("claim of %d: %+v", i+1, a)
				}
			}
		})
	}
	wg.Wait()
	for i := range issues {
		if h := holders[fmt.Sprint(i+1)]; len(h) != 1 {
			t.Errorf("issue %d is held by %v", i+1, h)
		}
	}
}
