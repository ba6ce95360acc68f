// Package messages finds the messages of the programs in their source code: the name and
// the text of every error, notice and finding. docs/messages.md is made from this list.
package messages

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
)

// Message is one message, at the place in the code that makes it.
type Message struct {
	Code string // as in package fail: a name, and for one of several cases the case after a slash
	Text string // with … for each value; "" if the text is made elsewhere
	Hint string // the hint of the surface itself, if it has one
	CLI  bool   // made by the command line, which passes its own hints
	At   token.Position
}

// Source is the parsed source that makes messages.
type Source struct {
	set      *token.FileSet
	packages map[string]*source
	takes    map[string]int // function → index of the parameter that is a code
	// Odd are places where a code is not a single literal, so it cannot be found.
	Odd []token.Position
}

type source struct {
	surface bool
	files   []*ast.File
	consts  map[string]string

	function ast.Node // the current declaration
}

// named are the functions of the command line with the name of a message as a parameter.
var named = map[string]int{"Fatal": 0, "No": 0, "AnswersNo": 0, "Warn": 0, "Launch": 1}

// Read parses the packages of the module in dir that make messages.
func Read(dir string) (*Source, error) {
	s := &Source{set: token.NewFileSet(), packages: map[string]*source{}, takes: map[string]int{}}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || !d.IsDir():
			return err
		case strings.HasPrefix(d.Name(), ".") && rel != ".", d.Name() == "testdata", rel == "internal/messages":
			return filepath.SkipDir
		}
		rel = filepath.ToSlash(rel)
		p := &source{consts: map[string]string{}}
		p.surface = rel == "cli" || strings.HasPrefix(rel, "cli/") || strings.HasPrefix(rel, "dashboard")
		if err := p.parse(s.set, path); err != nil {
			return err
		}
		if p.surface || slices.ContainsFunc(p.files, importsFail) {
			s.packages[rel] = p
		}
		return nil
	})
	for _, p := range s.packages {
		p.note(s.takes)
	}
	return s, err
}

func (p *source) parse(set *token.FileSet, dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	return nil
}

func importsFail(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		return i.Path.Value == `"github.com/git-crosslink/git-crosslink/fail"`
	})
}

// note records the functions with a code as a parameter, and the string constants.
func (p *source) note(takes map[string]int) {
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				noteCode(takes, n.Name.Name, n.Type)
			case *ast.TypeSpec:
				if x, ok := n.Type.(*ast.FuncType); ok { // called by the name of a value: find(…)
					noteCode(takes, strings.TrimSuffix(n.Name.Name, "er"), x)
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) {
						if text := p.text(n.Values[i]); text != "…" {
							p.consts[name.Name] = text
						}
					}
				}
			}
			return true
		})
	}
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

// All lists the messages, by code and text.
func (s *Source) All() []Message {
	var all []Message
	for _, p := range s.packages {
		for _, f := range p.files {
			for _, d := range f.Decls {
				p.function = d
				ast.Inspect(d, func(n ast.Node) bool {
					all = append(all, s.at(p, n)...)
					return true
				})
			}
		}
	}
	slices.SortFunc(all, func(a, b Message) int {
		return strings.Compare(a.Code+"\x00"+a.Text+"\x00"+a.At.String(), b.Code+"\x00"+b.Text+"\x00"+b.At.String())
	})
	return all
}

// at returns the messages that one node of a syntax tree makes.
func (s *Source) at(p *source, n ast.Node) []Message {
	switch n := n.(type) {
	case *ast.CompositeLit:
		code, text := member(n, "Code"), member(n, "Message")
		if text == nil {
			text = member(n, "Text")
		}
		switch kind := member(n, "Kind"); {
		case code != nil && !p.surface:
			return s.message(p, code, text)
		case p.surface && kind != nil && code != nil: // a Failure
			return s.message(p, kind, text)
		case p.surface && member(n, "Name") != nil && member(n, "Severity") != nil:
			return s.message(p, member(n, "Name"), text)
		}
	case *ast.AssignStmt:
		for i, x := range n.Lhs {
			if isMember(x, "Code") && len(n.Rhs) == len(n.Lhs) && !p.surface {
				return s.message(p, n.Rhs[i], beside(n, "Message", "Text"))
			}
		}
	case *ast.ValueSpec:
		if isCode(n.Type) && !p.surface {
			var all []Message
			for _, x := range n.Values {
				all = append(all, s.message(p, x, nil)...)
			}
			return all
		}
	case *ast.CallExpr:
		return s.call(p, n)
	}
	return nil
}

func (s *Source) call(p *source, n *ast.CallExpr) []Message {
	name := ""
	switch x := n.Fun.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	takes := s.takes
	if p.surface {
		takes = named
	}
	i, ok := takes[name]
	switch {
	case ok && p.surface && i+1 < len(n.Args):
		all := s.message(p, n.Args[i], n.Args[i+1])
		for j := range all {
			if i+2 < len(n.Args) && !n.Ellipsis.IsValid() {
				all[j].Hint = p.text(n.Args[i+2])
			}
		}
		return all
	case ok && i < len(n.Args):
		return s.message(p, n.Args[i], p.sentence(n.Args[i+1:]))
	case isCode(n.Fun) && len(n.Args) == 1 && !p.surface:
		return s.message(p, n.Args[0], nil)
	}
	return nil
}

// sentence returns the first argument that is a text of more than one word.
func (p *source) sentence(args []ast.Expr) ast.Expr {
	for _, x := range args {
		if strings.Contains(p.text(x), " ") {
			return x
		}
	}
	return nil
}

// message returns the message with a code and a text. A code in a variable belongs to
// another message, which is found elsewhere.
func (s *Source) message(p *source, code, text ast.Expr) []Message {
	m := Message{CLI: p.surface, At: s.set.Position(code.Pos())}
	switch x := code.(type) {
	case *ast.BasicLit:
		m.Code, _ = strconv.Unquote(x.Value)
	case *ast.Ident:
		m.Code = p.consts[x.Name]
	case *ast.SelectorExpr:
	default:
		if !p.surface {
			s.Odd = append(s.Odd, m.At)
		}
	}
	if m.Code == "" {
		return nil
	}
	if text == nil {
		return []Message{m}
	}
	var all []Message
	for _, m.Text = range p.texts(text) {
		all = append(all, m)
	}
	return all
}

func isMember(x ast.Expr, names ...string) bool {
	s, ok := x.(*ast.SelectorExpr)
	return ok && slices.Contains(names, s.Sel.Name)
}

// beside returns the value that the same statement assigns to a member with one of these
// names.
func beside(n *ast.AssignStmt, names ...string) ast.Expr {
	for i, x := range n.Lhs {
		if isMember(x, names...) {
			return n.Rhs[i]
		}
	}
	return nil
}

// texts returns the possible texts of an expression. For a variable these are all texts
// that its function assigns to it.
func (p *source) texts(x ast.Expr) []string {
	id, ok := x.(*ast.Ident)
	if !ok || p.consts[id.Name] != "" {
		return []string{p.text(x)}
	}
	var all []string
	ast.Inspect(p.function, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) || a.Tok == token.ADD_ASSIGN {
			return true // += appends to a text
		}
		for i, l := range a.Lhs {
			if l, ok := l.(*ast.Ident); ok && l.Name == id.Name {
				all = append(all, p.text(a.Rhs[i]))
			}
		}
		return true
	})
	if len(all) == 0 {
		return []string{"…"}
	}
	return all
}

func member(n *ast.CompositeLit, name string) ast.Expr {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
				return kv.Value
			}
		}
	}
	return nil
}

var (
	verb = regexp.MustCompile(`%[-+# 0]*[\d*]*(?:\.[\d*]+)?(?:\[\d+\])?[a-zA-Z]`)
	gaps = regexp.MustCompile(`…(?:\s*…)+`)
)

// text returns the text of an expression, with … for unknown parts.
func (p *source) text(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return gaps.ReplaceAllString(strings.ReplaceAll(verb.ReplaceAllString(s, "…"), "%%", "%"), "…")
		}
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			return gaps.ReplaceAllString(p.text(x.X)+p.text(x.Y), "…")
		}
	case *ast.ParenExpr:
		return p.text(x.X)
	case *ast.Ident:
		if text, ok := p.consts[x.Name]; ok {
			return text
		}
	case *ast.CallExpr:
		if s, ok := x.Fun.(*ast.SelectorExpr); ok && len(x.Args) > 0 && (s.Sel.Name == "Sprintf" || s.Sel.Name == "Errorf") {
			return p.text(x.Args[0])
		}
	}
	return "…"
}
