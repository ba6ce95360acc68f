package doctest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var row = regexp.MustCompile(`(?m)^\| ([a-z0-9.]+\.[a-z]+/\S+) \| (v\S+) \| (.+) \|$`)

// TestDependencies: the page names every module that is imported, at its
// version, and no other; and go.mod requires each of them at that version.
func TestDependencies(t *testing.T) {
	dir := root(t)
	b, err := os.ReadFile(filepath.Join(dir, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(b), -1) {
		page[m[1]] = m[2]
		if len(m[3]) < 10 {
			t.Errorf("'%s': no reason", m[1])
		}
	}

	const staticcheck = "honnef.co/go/tools/cmd/staticcheck"
	makefile, err := os.ReadFile(filepath.Join(dir, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if want := staticcheck + "@" + page[staticcheck] + "\n"; !strings.Contains(string(makefile), want) {
		t.Errorf("the Makefile does not hold '%s'", want)
	}
	delete(page, staticcheck)

	out, err := goIn(dir, "list", "-deps", "-test", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./...")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for l := range strings.Lines(out) {
		path, version, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok {
			continue
		}
		used[path] = true
		switch {
		case page[path] == "":
			t.Errorf("'%s' is imported and not on the page", path)
		case page[path] != version:
			t.Errorf("'%s' is %s, the page says %s", path, version, page[path])
		}
		page[path] = version
	}

	out, err = goIn(dir, "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		t.Fatal(err)
	}
	required := map[string]string{}
	for _, r := range mod.Require {
		required[r.Path] = r.Version
	}
	for path, version := range page {
		if !used[path] {
			t.Errorf("'%s' is on the page and not imported", path)
		}
		if required[path] != version {
			t.Errorf("'%s': go.mod says '%s', the page %s", path, required[path], version)
		}
	}
}

func goIn(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	return string(out), err
}
