package doctest

import (
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/messages"
)

// codes finds every code in the source below the command line.
func codes(t *testing.T, dir string) map[string]token.Position {
	t.Helper()
	source, err := messages.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]token.Position{}
	for _, m := range source.All() {
		if !m.CLI {
			found[m.Code] = m.At
		}
	}
	for _, at := range source.Odd {
		t.Errorf("%s: a code is written as one literal, so that it can be found", at)
	}
	if len(found) < 100 {
		t.Fatalf("found only %d codes", len(found))
	}
	return found
}

// TestEveryCodeHasItsRow: the table of hints has a row for each code that is raised
// below the command line, even if it is an empty one, and none for a code that is gone.
func TestEveryCodeHasItsRow(t *testing.T) {
	raised, rows := codes(t, root(t)), hints.Codes()
	for code, where := range raised {
		if !rows[fail.Code(code)] {
			t.Errorf("%s: '%s' has no row in cli/hints/rows.go: write what helps, or nil for nothing", where, code)
		}
	}
	for code := range rows {
		if _, ok := raised[string(code)]; !ok {
			t.Errorf("cli/hints/rows.go has a row for '%s', which nothing says", code)
		}
	}
}

// named finds the names of what the command line itself says.
var named = regexp.MustCompile(`(?:` + strings.Join([]string{
	`\b(?:Fatal|No|AnswersNo|Warn)\(`,
	`\bLaunch\([\w.]+, `,
	`\bFailure\{Code: [\w.]+, Kind: +`,
	`Diagnosis\{Name: `,
}, "|") + `)"([a-z-]+)"`)

// TestEveryMessageIsExplained: docs/troubleshooting.md has a row for each name
// an error or a notice can have, and none for a name that is gone.
func TestEveryMessageIsExplained(t *testing.T) {
	dir := root(t)
	page, err := os.ReadFile(filepath.Join(dir, "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		explained[m[1]] = true
	}
	made := map[string]bool{"usage": true, "bad-value": true, "bad-id": true}
	says := func(where, name string) {
		made[name] = true
		if !explained[name] && name != "fatal" && name != "interrupted" {
			t.Errorf("%s: '%s' is not in docs/troubleshooting.md", where, name)
		}
	}
	for code, where := range codes(t, dir) {
		name, _, _ := strings.Cut(code, "/")
		says(where.String(), name)
	}
	files, err := filepath.Glob(filepath.Join(dir, "cli", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob(filepath.Join(dir, "cli", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	others, err := filepath.Glob(filepath.Join(dir, "dashboard", "cli", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(files, deeper, others) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(b), -1) {
			says(filepath.Base(f), m[1])
		}
	}
	for name := range explained {
		if !made[name] {
			t.Errorf("docs/troubleshooting.md explains '%s', which nothing says", name)
		}
	}
}
