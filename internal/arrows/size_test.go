package arrows

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A reader can hold a package, a file, a type or a function in mind only up to
// a size.

// limits are the maximum sizes of each kind of thing. Test files do not count.
var limits = map[string]int{
	"lines":   6500, // of a package
	"files":   40,   // of a package
	"file":    500,  // lines of a file
	"func":    80,   // lines of a function
	"struct":  15,   // fields of a struct that is not a data shape
	"methods": 8,    // of an interface
}

// smaller are limits of single packages, by kind and package.
var smaller = map[string]int{
	"lines tracker": 3000,
}

// shapes are packages and types that are data: rows, answers, events. The
// number of their fields follows from what they describe, not from what they
// do. A struct of which every field has a tag is one anyway.
var shapes = []string{
	"event", "reducer.Issue", "importer.Issue", "migrate.Report",
	"replay.Cursor", // one row of a store
	"store.Filter",  // what may be asked of an issue
}

// measure returns the size of everything in a package that has a limit, by
// kind and name: "func refs.(*Local).Put" → 31.
func measure(name, dir string, files []string) (map[string]int, error) {
	sizes := map[string]int{"files " + name: len(files)}
	interfaces := map[string]*ast.InterfaceType{}
	set := token.NewFileSet()
	for _, f := range files {
		file, err := parser.ParseFile(set, filepath.Join(dir, f), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		lines := set.File(file.Pos()).LineCount()
		sizes["lines "+name] += lines
		sizes["file "+name+"/"+f] = lines
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				key := "func " + name + "." + funcName(fn)
				sizes[key] = max(sizes[key], set.Position(fn.End()).Line-set.Position(fn.Pos()).Line+1)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			switch t := spec.Type.(type) {
			case *ast.StructType:
				sizes["struct "+name+"."+spec.Name.Name] = behavior(t)
			case *ast.InterfaceType:
				interfaces[spec.Name.Name] = t
			}
			return true
		})
	}
	for n, t := range interfaces {
		sizes["methods "+name+"."+n] = methods(t, interfaces)
	}
	return sizes, nil
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	switch t := fn.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return "(*" + typeName(t.X) + ")." + fn.Name.Name
	default:
		return typeName(t) + "." + fn.Name.Name
	}
}

func typeName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.IndexExpr:
		return typeName(t.X)
	case *ast.IndexListExpr:
		return typeName(t.X)
	}
	return "?"
}

// behavior counts the fields of a struct, and none where all have tags.
func behavior(t *ast.StructType) (n int) {
	tagged := true
	for _, f := range t.Fields.List {
		n += max(1, len(f.Names))
		tagged = tagged && (f.Tag != nil || len(f.Names) == 0)
	}
	if tagged {
		return 0
	}
	return n
}

// methods counts those of an interface, with those of interfaces of the same
// package in it. One of another package counts as one.
func methods(t *ast.InterfaceType, all map[string]*ast.InterfaceType) (n int) {
	for _, m := range t.Methods.List {
		if id, ok := m.Type.(*ast.Ident); ok && all[id.Name] != nil && len(m.Names) == 0 {
			n += methods(all[id.Name], all)
		} else {
			n += max(1, len(m.Names))
		}
	}
	return n
}

// limitOf is what a thing may measure at most.
func limitOf(key string) int {
	if n, ok := smaller[key]; ok {
		return n
	}
	kind, _, _ := strings.Cut(key, " ")
	return limits[kind]
}

// isShape reports a struct that is data.
func isShape(key string) bool {
	name, ok := strings.CutPrefix(key, "struct ")
	return ok && slices.ContainsFunc(shapes, func(s string) bool { return name == s || strings.HasPrefix(name, s+".") })
}

// judge compares sizes with their limits.
func judge(sizes map[string]int) (wrong []string) {
	for key, n := range sizes {
		if limit := limitOf(key); n > limit && !isShape(key) {
			wrong = append(wrong, fmt.Sprintf("%s measures %d, more than %d: split it by noun or by step", key, n, limit))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestSizes(t *testing.T) {
	all := map[string]int{}
	for _, p := range packages(t) {
		if slices.Contains(mayTest, p.short()) || len(p.GoFiles) == 0 {
			continue
		}
		files := slices.DeleteFunc(slices.Concat(p.GoFiles, p.IgnoredGoFiles), func(f string) bool { return strings.HasSuffix(f, "_test.go") })
		sizes, err := measure(p.short(), p.Dir, files)
		if err != nil {
			t.Fatal(err)
		}
		for k, n := range sizes {
			all[k] = n
		}
	}
	for _, w := range judge(all) {
		t.Error(w)
	}
	for _, s := range shapes {
		if !slices.ContainsFunc(packages(t), func(p *pkg) bool { return p.short() == s }) && all["struct "+s] <= limits["struct"] {
			t.Errorf("%s has few fields or is gone: take it out of 'shapes'", s)
		}
	}
}

func TestSizesCanFail(t *testing.T) {
	for _, c := range []struct {
		key  string
		size int
		want string
	}{
		{"func a.f", 80, ""},
		{"func a.f", 81, "more than 80"},
		{"lines tracker", 3001, "more than 3000"},
		{"struct a.b", 16, "more than 15"},
		{"struct event.b", 16, ""},
		{"methods a.b", 9, "more than 8"},
		{"files a", 41, "more than 40"},
	} {
		got := strings.Join(judge(map[string]int{c.key: c.size}), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %d: %q, want %q", c.key, c.size, got, c.want)
		}
	}
}

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.go"), `package x

type i interface {
	j
	a()
	b()
}
type j interface{ c() }
type s struct{ a, b int; c string }
type data struct {
	A int `+"`json:\"a\"`"+`
}

func (x *s) f() {
}

func g[T any]() {
}
`)
	got, err := measure("x", dir, []string{"x.go"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{
		"files x": 1, "lines x": 18, "file x/x.go": 18, "methods x.i": 3, "methods x.j": 1, "struct x.s": 3, "struct x.data": 0,
		"func x.(*s).f": 2, "func x.g": 2,
	} {
		if n, ok := got[key]; !ok || n != want {
			t.Errorf("%s: %d, want %d", key, n, want)
		}
	}
}
