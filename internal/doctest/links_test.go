package doctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func root(t *testing.T) string {
	t.Helper()
	p, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// documents are the Markdown files of the project.
func documents(t *testing.T) []string {
	t.Helper()
	dir := root(t)
	out, err := exec.Command("git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md").Output()
	var names []string
	if err == nil {
		names = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	} else {
		err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(p, ".md") {
				rel, _ := filepath.Rel(dir, p)
				names = append(names, rel)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < 5 {
		t.Fatalf("found %q only", names)
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// broken returns the links of a document that lead nowhere.
func broken(dir, name, text string) (bad []string) {
	for i, line := range strings.Split(prose(text), "\n") {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := filepath.Join(dir, name)
			if target != "" {
				file = filepath.Join(dir, filepath.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				bad = append(bad, fmt.Sprintf("%s:%d: '%s' does not exist", name, i+1, m[1]))
				continue
			}
			if anchor != "" && !anchors(file)[anchor] {
				bad = append(bad, fmt.Sprintf("%s:%d: '%s' has no such heading", name, i+1, m[1]))
			}
		}
	}
	return bad
}

// prose spaces out fenced blocks and keeps the lines' numbers.
func prose(text string) string {
	fenced := false
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(strings.TrimSpace(l), "```") {
			fenced, lines[i] = !fenced, ""
		} else if fenced {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// anchors are the headings of a file, as forges name them.
func anchors(file string) map[string]bool {
	b, _ := os.ReadFile(file)
	all := map[string]bool{}
	for _, l := range strings.Split(prose(string(b)), "\n") {
		head, ok := strings.CutPrefix(strings.TrimLeft(l, "#"), " ")
		if !ok || !strings.HasPrefix(l, "#") {
			continue
		}
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, head)] = true
	}
	return all
}

func TestLinksResolve(t *testing.T) {
	dir := root(t)
	for _, name := range documents(t) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range broken(dir, name, string(b)) {
			t.Error(bad)
		}
	}
}

func TestBrokenLinksAreSeen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("b.md", "# One, two `three`\n")
	text := "[a](b.md) [b](b.md#one-two-three) [c](https://example.com/x)\n```\n[d](none.md)\n```\n"
	write("a.md", text)
	if bad := broken(dir, "a.md", text); len(bad) != 0 {
		t.Errorf("these are right: %q", bad)
	}
	if bad := broken(dir, "a.md", "[a](none.md)\n[b](b.md#four) [c](#five)\n"); len(bad) != 3 {
		t.Errorf("found %q", bad)
	}
}
