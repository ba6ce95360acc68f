package mcp

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// TestFence: what strangers write never leaves the fence in a result, whichever
// tool answers: titles, labels, descriptions, comments, milestones, notes, reasons,
// and errors that quote them. What is structured hides nothing.
func TestFence(t *testing.T) {
	dir, env := repository(t)
	injections := testkit.Injections("EVIL")
	if len(injections) < 100 {
		t.Fatalf("only %d injections", len(injections))
	}
	var lines strings.Builder
	for n, evil := range injections {
		b, err := json.Marshal(map[string]any{"title": oneLine(evil), "description": manyLines(evil + "\n" + injections[(n+1)%len(injections)]), "labels": []string{label(evil)}})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(b, '\n'))
	}
	cmd := exec.Command("git", "crosslink", "new", "-q", "--stdin-jsonl")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(lines.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := connect(t, dir, env, "--toolset", "admin")
	shown := map[string]int{}
	call := func(tool string, args map[string]any) answerOf {
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil {
			t.Fatalf("%s %v: %v", tool, args, err)
		}
		text := r.Content[0].(*sdk.TextContent).Text
		if bad := testkit.Unfenced(text, "EVIL"); bad != "" {
			t.Errorf("%s %v: %s:\n%s", tool, args, bad, text)
		}
		shown[tool] += strings.Count(text, "EVIL")
		everyString(r.StructuredContent, func(s string) {
			if bad := testkit.Hidden(s); bad != "" || strings.Contains(s, "crosslink-data") {
				t.Errorf("%s %v: the structured result holds %q", tool, args, s)
			}
		})
		b, _ := json.Marshal(r.StructuredContent)
		a := answerOf{text: text, failed: r.IsError}
		if err := json.Unmarshal(b, &a.structured); err != nil {
			t.Fatal(err)
		}
		return a
	}
	seen := 0
	for after := ""; ; {
		a := call("list", m("limit", 100, "after", after))
		seen += len(a.Issues)
		if a.Page == nil || a.Page.Next == nil {
			break
		}
		after = *a.Page.Next
	}
	if seen != len(injections) {
		t.Errorf("%d issues were listed", seen)
	}
	for n, evil := range injections {
		id := n + 1
		call("show", m("ids", id))
		if n%4 > 0 { // each of these starts some programs
			continue
		}
		call("comment", m("id", id, "text", evil)) // refused, or shown
		call("comment", m("id", id, "text", manyLines(evil)))
		call("show", m("ids", id))
		call("edit", m("id", id, "labels", []string{"-no such label " + oneLine(evil)}))
		call("ready", m("label", label(evil)))
		call("list", m("text", evil))
		call("show", m("ids", evil))
	}
	whole := manyLines(strings.Join(injections, "\n"))
	call("ready", nil)
	call("context", nil)
	call("claim", m("id", 3))
	runIn(t, dir, env, "git", "crosslink", "session", "start")
	call("handoff", m("notes", whole))
	call("claim", m("id", 3))
	call("context", nil)
	for _, n := range []int{0, 9, 17, 25, 33, 41} {
		evil := oneLine(injections[n])
		call("milestone", m("action", "new", "name", evil, "description", whole))
		call("milestone", m("action", "show", "name", evil))
		call("milestone", m("action", "add", "name", evil, "ids", []any{1, 2}))
		call("close", m("ids", n+1, "reason", evil, "claim_next", true))
		call("show", m("ids", n+1))
		call("request", m("agent", "agent-one", "kind", "pause", "reason", evil))
		call("claim", nil)
		call("context", nil)
	}
	call("milestone", m("action", "list"))
	for _, tool := range []string{"list", "show", "ready", "context", "comment", "claim", "milestone", "close", "request", "edit"} {
		if shown[tool] == 0 {
			t.Errorf("no answer of '%s' held an injection: nothing is shown", tool)
		}
	}
	t.Logf("injections shown by each tool: %v", shown)
}

// oneLine is what a title may hold of a text.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 }), " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return strings.TrimSpace(s)
}

// label is what a label may hold of a text.
func label(s string) string {
	return strings.TrimSpace(cutText(strings.ReplaceAll(oneLine(s), ",", ";"), 100))
}

// manyLines is what a longer text may hold of a text.
func manyLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// TestFenceOfAnswers: nor does it leave the fence if an answer holds what this
// program would not write: lines of other programs and older formats.
func TestFenceOfAnswers(t *testing.T) {
	for _, evil := range testkit.Injections("EVIL") {
		ref := m("uuid", evil, "short", evil, "title", evil)
		one := m("uuid", evil, "short", evil, "number", 0, "title", evil, "status", evil, "priority", evil, "labels", []any{evil, evil}, "reason", evil, "description", evil,
			"lock", m("holder", evil, "confirmed", true), "blocked_by", []any{ref}, "parent", ref, "comments", []any{m("author", evil, "created_at", evil, "kind", evil, "content", evil)})
		stone := m("short", evil, "name", evil, "description", evil, "status", evil, "due_at", evil)
		ask := m("id", evil, "by", evil, "target", evil, "kind", evil, "reason", evil, "result", evil)
		for _, data := range []any{[]any{one}, []any{stone}, m("issue", one, "next", one), m("claims", []any{m("outcome", evil, "issue", one)}), m("milestone", stone), m("requests", []any{ask}), stone} {
			raw, err := json.Marshal(data)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tools {
				if !slices.Contains([]string{"context", "show", "close", milestoneTool}, tools[i].name) {
					continue // answered as 'close' is
				}
				for _, e := range []*envelope{{Data: raw}, {Code: 1, Data: raw, Error: &failure{Kind: evil, Message: evil, Hints: []string{evil}}}} {
					text, s, _ := compose(&tools[i], args{}, []*envelope{e})
					if bad := testkit.Unfenced(text, "EVIL"); bad != "" {
						t.Fatalf("%s, %s: %s:\n%s", tools[i].name, raw, bad, text)
					}
					everyString(clean(s), func(s string) {
						if bad := testkit.Hidden(s); bad != "" || strings.Contains(s, "crosslink-data") {
							t.Fatalf("%s, %s: the structured result holds %q", tools[i].name, raw, s)
						}
					})
				}
			}
		}
	}
}

func everyString(v any, do func(string)) {
	switch v := v.(type) {
	case string:
		do(v)
	case []any:
		for _, x := range v {
			everyString(x, do)
		}
	case map[string]any:
		for k, x := range v {
			do(k)
			everyString(x, do)
		}
	}
}
