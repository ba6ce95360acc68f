package doctest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// counted are the things that docs/testing.md says there are at least so many of:
// which files they are in, and what each looks like; "" counts the files.
var counted = map[string]struct{ files, one string }{
	"tests":                  {`_test\.go$`, `(?m)^func Test[A-Z]\w*\(t \*testing\.T`},
	"fuzz targets":           {`_test\.go$`, `(?m)^func Fuzz[A-Z]`},
	"scripts":                {`/testdata/script/[^/]*\.txtar$`, ""},
	"commands in scripts":    {`^cmd/.*/testdata/script/[^/]*\.txtar$`, `(?m)^!? ?(as|refused|kill-at) `},
	"points to be killed at": {`([^t]|[^s]t|[^e]st|[^t]est|[^_]test)\.go$`, `fault\.[A-Z]\w*\("[a-z0-9:.-]+"`},
	"faults put into rules":  {`^internal/mutants/faults\.txt$`, `(?m)^\+( |$)`},
}

// TestCounts: no less is proved than docs/testing.md says. Who makes the suite
// faster, or takes something away, lowers no number without saying so there.
func TestCounts(t *testing.T) {
	found := map[string]int{}
	seen := map[string]bool{} // points: one name, several places
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		name = filepath.ToSlash(name)
		for what, c := range counted {
			if !regexp.MustCompile(c.files).MatchString(name) {
				continue
			}
			if c.one == "" {
				found[what]++
				continue
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, one := range regexp.MustCompile(c.one).FindAllString(string(b), -1) {
				if !strings.Contains(one, `"`) || !seen[one] {
					found[what]++
				}
				seen[one] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "docs", "testing.md"))
	if err != nil {
		t.Fatal(err)
	}
	for what := range counted {
		m := regexp.MustCompile(`(?m)^\| ` + what + ` \| ([0-9,]+) \|`).FindStringSubmatch(string(b))
		if m == nil {
			t.Errorf("docs/testing.md does not say how many %s there are: %d", what, found[what])
			continue
		}
		if least, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", "")); found[what] < least {
			t.Errorf("%d %s, docs/testing.md says at least %d", found[what], what, least)
		}
	}
}
