package doctest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
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

	for tool, file := range map[string]string{"honnef.co/go/tools/cmd/staticcheck": "Makefile", "github.com/goreleaser/nfpm/v2/cmd/nfpm": "internal/release/debian.go"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if want := tool + "@" + page[tool]; !strings.Contains(string(b), want+"\n") && !strings.Contains(string(b), want+"\"\n") {
			t.Errorf("%s does not hold '%s'", file, want)
		}
		delete(page, tool)
	}

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
		Require []struct {
			Path, Version string
			Indirect      bool
		}
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		t.Fatal(err)
	}
	direct := directModules(t, dir)
	required := map[string]string{}
	for _, r := range mod.Require {
		required[r.Path] = r.Version
		if r.Indirect == direct[r.Path] {
			t.Errorf("'%s': go.mod has indirect = %v, but our packages import it: %v", r.Path, r.Indirect, direct[r.Path])
		}
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

// directModules are the modules that packages of ours import themselves.
func directModules(t *testing.T, dir string) map[string]bool {
	t.Helper()
	const imports = `{{range .Imports}}{{.}} {{end}}{{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}`
	const module = "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}"
	direct := map[string]bool{}
	for _, system := range []string{"windows", "linux"} { // what differs is in internal/system
		t.Setenv("GOOS", system)
		out, err := goIn(dir, "list", "-f", imports, "./...")
		if err != nil {
			t.Fatal(err)
		}
		paths := strings.Fields(out)
		slices.Sort(paths)
		out, err = goIn(dir, append([]string{"list", "-f", module}, slices.Compact(paths)...)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(out) {
			direct[path] = true
		}
	}
	t.Setenv("GOOS", runtime.GOOS)
	if len(direct) == 0 {
		t.Fatal("no module is imported")
	}
	return direct
}

// TestTidy: 'go mod tidy' would change neither go.mod nor go.sum.
func TestTidy(t *testing.T) {
	cmd := exec.Command("go", "mod", "tidy", "-diff")
	cmd.Dir, cmd.Env = root(t), append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	switch {
	case len(out) > 0:
		t.Errorf("run 'go mod tidy':\n%s", out)
	case err != nil && strings.Contains(errs.String(), "GOPROXY=off"):
		t.Skip("modules that only tests of dependencies need are not in the cache; get them with 'go mod tidy'")
	case err != nil:
		t.Errorf("%v: %s", err, errs.String())
	}
}

func goIn(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	return string(out), err
}
