package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
)

// below are the packages under the surfaces that say what went wrong by codes of
// package fail: those that import it.
func below(t *testing.T, set *token.FileSet, dir string) (packages map[string][]*ast.File) {
	t.Helper()
	packages = map[string][]*ast.File{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || !d.IsDir():
			return err
		case strings.HasPrefix(d.Name(), ".") && rel != ".", d.Name() == "testdata", rel == "cli", rel == "dashboard":
			return filepath.SkipDir
		}
		files := sources(t, set, path)
		if slices.ContainsFunc(files, importsFail) {
			packages[rel] = files
		}
		return nil
	})
	if err != nil || len(packages) < 6 {
		t.Fatalf("only %d packages have codes: %v", len(packages), err)
	}
	return packages
}

func importsFail(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		return i.Path.Value == `"github.com/git-crosslink/git-crosslink/fail"`
	})
}

// codes finds every code in the sources: as the value of a member Code, as an
// argument for a parameter of type fail.Code, or as a constant of that type.
// What is not one literal there has to be another's code.
func codes(t *testing.T, dir string) map[string]token.Position {
	t.Helper()
	found, set := map[string]token.Position{}, token.NewFileSet()
	packages, takes := below(t, set, dir), map[string]int{} // function → which of its parameters is a code
	for _, files := range packages {
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					noteCode(takes, n.Name.Name, n.Type)
				case *ast.TypeSpec:
					if x, ok := n.Type.(*ast.FuncType); ok { // called by the name of a value: find(…)
						noteCode(takes, strings.TrimSuffix(n.Name.Name, "er"), x)
					}
				}
				return true
			})
		}
	}
	take := func(x ast.Expr) {
		switch x := x.(type) {
		case *ast.BasicLit:
			if code, err := strconv.Unquote(x.Value); err == nil && code != "" {
				found[code] = set.Position(x.Pos())
			}
		case *ast.Ident, *ast.SelectorExpr:
		default:
			t.Errorf("%s: a code is written as one literal, so that it can be found", set.Position(x.Pos()))
		}
	}
	for _, files := range packages {
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					if id, ok := n.Key.(*ast.Ident); ok && id.Name == "Code" {
						take(n.Value)
					}
				case *ast.AssignStmt:
					for i, x := range n.Lhs {
						if s, ok := x.(*ast.SelectorExpr); ok && s.Sel.Name == "Code" && len(n.Rhs) == len(n.Lhs) {
							take(n.Rhs[i])
						}
					}
				case *ast.ValueSpec:
					if isCode(n.Type) {
						for _, x := range n.Values {
							take(x)
						}
					}
				case *ast.CallExpr:
					name := ""
					switch x := n.Fun.(type) {
					case *ast.Ident:
						name = x.Name
					case *ast.SelectorExpr:
						name = x.Sel.Name
					}
					if i, ok := takes[name]; ok && i < len(n.Args) {
						take(n.Args[i])
					} else if isCode(n.Fun) && len(n.Args) == 1 {
						take(n.Args[0])
					}
				}
				return true
			})
		}
	}
	if len(found) < 100 {
		t.Fatalf("found only %d codes", len(found))
	}
	return found
}

func sources(t *testing.T, set *token.FileSet, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func noteCode(takes map[string]int, name string, f *ast.FuncType) {
	i := 0
	for _, p := range f.Params.List {
		if isCode(p.Type) {
			takes[name] = i
		}
		i += max(len(p.Names), 1)
	}
}

func isCode(x ast.Expr) bool {
	s, ok := x.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Code" {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == "fail"
}

// TestEveryCodeHasItsRow: the table of hints has a row for each code that is raised
// below the command line, be it an empty one, and none for a code that is gone.
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
