package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testName is a test, fuzz target or script that a document names.
var testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*|[a-z0-9_]+\\.txtar)`")

// allTests are the names of all tests, fuzz targets, benchmarks and scripts.
func allTests(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)\(`)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.HasSuffix(path, ".txtar"):
			names[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllSubmatch(text, -1) {
				names[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// untested returns the rows of tables with a column 'test' that name no test.
// A row may refer to the row above it.
func untested(text string) (rows []string) {
	column := -1
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			column = -1
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if column < 0 {
			for i, c := range cells {
				if strings.TrimSpace(c) == "test" {
					column = i
				}
			}
			continue
		}
		c := strings.TrimSpace(cells[min(column, len(cells)-1)])
		if !testName.MatchString(c) && c != "the same" && (c == "" || strings.Trim(c, "-") != "") {
			rows = append(rows, line)
		}
	}
	return rows
}

// TestNamedTestsExist holds that each test that a document names is there. The
// threat model names one for each attack on a hub, a log or a clone's files.
func TestNamedTestsExist(t *testing.T) {
	dir := root(t)
	all, count := allTests(t, dir), 0
	for _, name := range documents(t) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
			if count++; !all[m[1]] {
				t.Errorf("%s names '%s': no such test exists", name, m[1])
			}
		}
		if name == filepath.Join("docs", "threat-model.md") {
			for _, row := range untested(string(text)) {
				t.Errorf("%s: an attack without a test: %s", name, row)
			}
		}
	}
	if count < 40 {
		t.Errorf("only %d tests are named", count)
	}
}

func TestUntested(t *testing.T) {
	table := "| attack | test |\n|---|---|\n| a | `TestA` |\n| b | the same |\n| c |  |\n| d | none |\n\n| attack | defense |\n|---|---|\n| e | f |\n"
	if rows := untested(table); len(rows) != 2 || !strings.Contains(rows[0], "| c |") || !strings.Contains(rows[1], "| d |") {
		t.Errorf("%q", rows)
	}
}
