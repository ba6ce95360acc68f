package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named finds the names of errors and notices where they are made.
var named = regexp.MustCompile(`(?:` + strings.Join([]string{
	`(?:Error|Notice|Diagnosis)\{(?:Kind: [\w.]+, )?Name:\s*`,
	`\b(?:fatal|no|answersNo|warn)\(`,
	`\bkind: +`,
	`\bName = `,
	`\.Kind, \w+\.Name = \w+, `,
	`Diagnosis\{`,
	`diagnosed\(\w+, .+, `,
	`\bfind\([\w.]+, `,
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
	for _, pattern := range []string{"tracker/*.go", "cli/*.go", "gate/*.go"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(b), -1) {
				name := m[1]
				made[name] = true
				if !explained[name] && name != "fatal" && name != "interrupted" {
					t.Errorf("%s: '%s' is not in docs/troubleshooting.md", filepath.Base(f), name)
				}
			}
		}
	}
	if len(made) < 20 {
		t.Errorf("found only %d names", len(made))
	}
	for name := range explained {
		if !made[name] {
			t.Errorf("docs/troubleshooting.md explains '%s', which nothing says", name)
		}
	}
}
