package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxHops is how many functions a walk may lead through.
const maxHops = 15

// hop is one step of a walk: a numbered item that begins with a link to a function.
var hop = regexp.MustCompile("(?m)^\\d+\\. \\[`([^`]+)`\\]\\(\\.\\./([^)]+)\\)")

// TestWalksExist: the walks of docs/architecture.md lead through functions that
// exist, in the files that they name, and through few enough to be followed.
func TestWalksExist(t *testing.T) {
	dir := root(t)
	page, err := os.ReadFile(filepath.Join(dir, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## Two walks through the code\n")
	if !ok {
		t.Fatal("docs/architecture.md has no section 'Two walks through the code'")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	walks := strings.Split(section, "\n### ")[1:]
	if len(walks) != 2 {
		t.Fatalf("%d walks, want 2", len(walks))
	}
	for _, w := range walks {
		title, _, _ := strings.Cut(w, "\n")
		items := len(regexp.MustCompile(`(?m)^\d+\. `).FindAllString(w, -1))
		hops := hop.FindAllStringSubmatch(w, -1)
		if len(hops) < 8 || len(hops) > maxHops || items != len(hops) {
			t.Errorf("'%s': %d hops with a link of %d, want 8 to %d", title, len(hops), items, maxHops)
		}
		for _, h := range hops {
			if !declares(t, filepath.Join(dir, h[2]), h[1]) {
				t.Errorf("'%s': %s declares no function %s", title, h[2], h[1])
			}
		}
	}
}

// declares reports whether a file declares the function that a text such as
// 'tracker.(*Tracker).Emit' or 'syncer.Next' names.
func declares(t *testing.T, path, text string) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return false
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name + "." + fn.Name.Name
		if fn.Recv != nil {
			switch r := fn.Recv.List[0].Type.(type) {
			case *ast.StarExpr:
				name = f.Name.Name + ".(*" + r.X.(*ast.Ident).Name + ")." + fn.Name.Name
			case *ast.Ident:
				name = f.Name.Name + "." + r.Name + "." + fn.Name.Name
			}
		}
		if name == text {
			return true
		}
	}
	return false
}
