package mcp

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// clients is where internal/testkit/mcp-clients.sh puts clients that nobody here
// wrote.
func clients() string {
	if dir := os.Getenv("CROSSLINK_MCP_CLIENTS"); dir != "" {
		return dir
	}
	cache, _ := os.UserCacheDir()
	return filepath.Join(cache, "git-crosslink", "mcp-clients")
}

// sighting is what a client prints of what it saw.
type sighting struct {
	Protocol, Server, Resource, Prompt, Unknown string
	Tools, Resources, Prompts                   []string
	Many                                        int
	New, Refused, Show                          struct {
		Text       string
		Failed     bool
		Structured structured
	}
}

// TestClients: clients in other languages, by other people, speak to the server.
// (The tests beside this one speak with the Go SDK's.)
func TestClients(t *testing.T) {
	dir := clients()
	for _, c := range []struct {
		name, needs string
		words, env  []string
	}{
		{"python", "python/lib/mcp", []string{"python3", "testdata/client.py"}, []string{"PYTHONPATH=" + filepath.Join(dir, "python", "lib")}},
		{"node", "node/node_modules/@modelcontextprotocol/sdk", []string{"node", "testdata/client.mjs", filepath.Join(dir, "node")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, c.needs)); err != nil {
				t.Skip("NOT RUN: there is no MCP client for " + c.name + ": make mcp-clients gets one")
			}
			if _, err := exec.LookPath(c.words[0]); err != nil {
				t.Skip("NOT RUN: there is no " + c.words[0])
			}
			script, err := filepath.Abs(c.words[1])
			if err != nil {
				t.Fatal(err)
			}
			work, env := repository(t)
			words := append([]string{script}, c.words[2:]...)
			cmd := exec.Command(c.words[0], append(words, filepath.Join(bin, "git-crosslink-mcp"))...)
			var out, errs bytes.Buffer
			cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = work, append(append(env, c.env...), testkit.Mark(work)), &out, &errs
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
			}
			var saw sighting
			if err := json.Unmarshal(out.Bytes(), &saw); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			check(t, &saw)
			if !testkit.Settle(work) {
				t.Error("a process is left when the client has closed the connection")
			}
			t.Logf("%s spoke protocol %s: %d tools", c.name, saw.Protocol, len(saw.Tools))
		})
	}
}

func check(t *testing.T, saw *sighting) {
	t.Helper()
	var want []string
	for _, tool := range tools {
		if tool.set != "admin" {
			want = append(want, tool.name)
		}
	}
	slices.Sort(saw.Tools)
	slices.Sort(want)
	slices.Sort(saw.Prompts)
	if saw.Server != "git-crosslink" || saw.Protocol < "2025-06-18" || !slices.Equal(saw.Tools, want) ||
		!slices.Equal(saw.Resources, []string{primeURI}) || !slices.Equal(saw.Prompts, []string{"handoff", "work"}) {
		t.Errorf("it saw %+v", saw)
	}
	if n := saw.New; n.Failed || len(n.Structured.Issues) != 1 || n.Structured.Issues[0].Title != "from a client" || n.Structured.Issues[0].Priority != "high" {
		t.Errorf("new: %+v", n)
	}
	if r := saw.Refused; !r.Failed || r.Structured.Code != 129 || !strings.Contains(r.Text, "'new' has no argument 'titel'") {
		t.Errorf("a call that is refused: %+v", r)
	}
	if s := saw.Show; s.Failed || !strings.Contains(s.Text, "<<<crosslink-data") || !strings.Contains(s.Text, "1 [high] from a client") {
		t.Errorf("show: %+v", s)
	}
	if saw.Many != 10 {
		t.Errorf("%d of 10 parallel calls were answered", saw.Many)
	}
	if !strings.Contains(saw.Resource, "comment ") || !strings.Contains(saw.Prompt, "Claim issue 1") || !strings.Contains(saw.Unknown, "no_such_tool") {
		t.Errorf("resource %q, prompt %q, unknown tool %q", saw.Resource, saw.Prompt, saw.Unknown)
	}
}
