package exporter

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// oneIssue is a tracker of one issue with one comment.
func oneIssue(t *testing.T, title, text, comment, by string) *store.Memory {
	t.Helper()
	s := reducer.New()
	issue, note := event.UUID{15: 1}, event.UUID{15: 2}
	for n, b := range []event.Body{
		&event.IssueCreated{UUID: issue, Title: title, Description: text, Priority: event.Medium, CreatedBy: by},
		&event.CommentAdded{Issue: issue, Comment: note, Author: by, Content: comment, Kind: "note", CreatedAt: 5},
	} {
		s.Apply(&event.Envelope{V: 4, Hub: testkit.HistoryHub, Agent: "a", Seq: uint64(n + 1), Time: event.Time(n + 1), Body: b})
	}
	return store.NewMemory(s, nil, nil)
}

// The structure of a document does not depend on texts: a line of a text is
// never a heading or a member of an issue.
func TestMarkdownCannotBeForged(t *testing.T) {
	plainDocument := write(t, "markdown", oneIssue(t, "title", "text", "comment", "ann"))
	want := structure(plainDocument)
	for _, hostile := range []string{
		"## 7 forged\n\n- status: closed\n- priority: critical", "\n\n# Issues\n", "x\r## 7 forged", "x\r\n## 7 forged",
		"</blockquote><h2>7 forged</h2>", "```\n## 7 forged\n", "- status: closed", "### note by `bob`, 2026-01-01T00:00:00Z\n\nforged",
		"forged\n===", "forged\n---",
	} {
		got := write(t, "markdown", oneIssue(t, "title", hostile, hostile, "ann"))
		if structure(got) != want {
			t.Errorf("with the text %q the document has the lines\n%s\nwant\n%s", hostile, structure(got), want)
		}
		if strings.Contains(strings.ReplaceAll(got, `\<`, ""), "<") {
			t.Errorf("with the text %q the document holds HTML:\n%s", hostile, got)
		}
	}
}

// structure are the lines that are not of a text.
func structure(document string) string {
	var b strings.Builder
	for line := range strings.Lines(document) {
		if !strings.HasPrefix(line, ">") && strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}

// What GitHub's importer does not take is said in the text.
func TestGitHubSaysEverything(t *testing.T) {
	p, _ := reread(t, importer.CSV, importer.Names{System: "csv", Scope: "s"},
		"id,title,status,priority,labels,assignees,milestone,due,parent,blocked_by,reason,comment\n1,one,,,,,,,,,,\n2,two,closed,high,l,ann;bo,v1,2026-01-01,1,1,because #1,said\n")
	got := write(t, "github", p)
	for _, want := range []string{
		`\n\nReason for closing: because #<!-- -->1\n\nAssigned to: ` + "`ann`, `bo`" + `\n\nMilestone: ` + "`v1`" + `\n\nDue: 2026-01-01T23:59:59.999999999Z\n\nChild of: `,
		`\n\nBlocked by: `, `"labels":["l","priority:high"]`, `"labels":[]`, `"body":"*Written by ` + "`unknown`" + `.*\n\nsaid"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// Nobody is notified when an export is posted on GitHub.
func TestGitHubMentionsNobody(t *testing.T) {
	for text, want := range map[string]string{
		"@bob":                      "@<!-- -->bob",
		"thanks @bob-x, (@ann)":     "thanks @<!-- -->bob-x, (@<!-- -->ann)",
		"ann@example.org":           "ann@example.org",
		"fixes #12, o/r#7 and GH-3": "fixes #<!-- -->12, o/r#<!-- -->7 and GH-<!-- -->3",
		"# 1 heading":               "# 1 heading",
		"`@bob #1` @bob":            "`@bob #1` @<!-- -->bob",
		"`` ` @bob `` @bob":         "`` ` @bob `` @<!-- -->bob",
		"a ` @bob":                  "a ` @<!-- -->bob",
		"\\`@bob` x":                "\\`@<!-- -->bob` x",
		"```go\n@bob\n```\n@bob":    "```go\n@bob\n```\n@<!-- -->bob",
		"~~~\n@bob\n```\n@bob\n~~~": "~~~\n@bob\n```\n@bob\n~~~",
		"``` x`\n@bob":              "``` x`\n@<!-- -->bob",
		"    ```\n@bob":             "    ```\n@<!-- -->bob",
		"see https://github.com/o/r/issues/12#issuecomment-3":  "see https://redirect.github.com/o/r/issues/12#issuecomment-3",
		"https://example.org/@bob#1 https://github.com/o/r":    "https://example.org/@bob#1 https://github.com/o/r",
		"[x](https://github.com/o/r/pull/1), @org/team @a @b.": "[x](https://redirect.github.com/o/r/pull/1), @<!-- -->org/team @<!-- -->a @<!-- -->b.",
	} {
		if got := unmentioned(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	got := write(t, "github", oneIssue(t, "title", "@bob #1", "@bob #1", "@eve\n@bob"))
	if !strings.Contains(got, "*Written by `@eve @bob` as issue") || strings.Contains(got, "\\n@bob") || strings.Count(got, "@<!-- -->bob #<!-- -->1") != 2 {
		t.Errorf("%s", got)
	}
}

// What an import has kept in a comment, or somebody who writes such a comment, adds no rows
// and replaces no member.
func TestBeadsLeftoverCannotForge(t *testing.T) {
	s := reducer.New()
	issue := event.UUID{15: 1}
	for n, b := range []event.Body{
		&event.IssueCreated{UUID: issue, Title: "one", Priority: event.Medium, CreatedBy: "a"},
		&event.LinkAdded{Issue: issue, Kind: event.LinkOrigin, Ref: "beads:s#x-1"},
		&event.CommentAdded{Issue: issue, Comment: event.UUID{15: 2}, Author: "import", Kind: "system", CreatedAt: 5,
			Content: "{\"crosslink-import\":1,\"Title\":\"forged\",\"more\":[\n{\"id\":\"x-2\",\"title\":\"forged\"}\n]}"},
	} {
		s.Apply(&event.Envelope{V: 4, Hub: testkit.HistoryHub, Agent: "a", Seq: uint64(n + 1), Time: event.Time(n + 1), Body: b})
	}
	got := write(t, "beads", store.NewMemory(s, nil, nil))
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, `,"more":[{"id":"x-2","title":"forged"}]}`) || strings.Contains(got, "Title") {
		t.Error(got)
	}
}
