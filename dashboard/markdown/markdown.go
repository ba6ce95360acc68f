// Package markdown makes HTML of what people and agents write. The text is
// hostile. The rules are:
//
//   - CommonMark with tables, strikethrough and bare links; HTML in it is text;
//   - two libraries stand one behind the other: goldmark renders nothing that was
//     not parsed, and bluemonday lets through a short list of elements, without
//     style, class or id;
//   - links lead to http, https and mailto only and say that they are not ours;
//     a picture is a link to it, so that opening a page asks no other server;
//   - '#12' is a link to that issue of the same project;
//   - headings are below those of the page.
package markdown

import (
	"bytes"
	"html"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MaxText is how long a text may be that is rendered; a longer one is shown as it
// is.
const MaxText = 64 << 10

// HTML renders a text. issues is the path below which issues are.
func HTML(source, issues string) string {
	if len(source) > MaxText || costly(source) {
		return plain(source)
	}
	var b bytes.Buffer
	context := parser.NewContext()
	context.Set(issuesKey, issues)
	if err := machine().Convert([]byte(source), &b, parser.WithContext(context)); err != nil {
		return plain(source)
	}
	return policy().Sanitize(b.String())
}

// Reading takes time that grows with the square of the marks in one paragraph, and
// of the depth of quotes.
const (
	maxMarks = 2000
	maxDepth = 50
)

// costly reports whether a text would take long.
func costly(source string) bool {
	marks := 0
	for line := range strings.Lines(source) {
		if strings.TrimSpace(line) == "" {
			marks = 0
		}
		depth := 0
		for _, c := range []byte(line) {
			switch c {
			case '*', '_', '[', ']', '~', '`', '<', '!', '(':
				marks++
			case '>':
				depth++
			}
		}
		if marks > maxMarks || depth > maxDepth && strings.HasPrefix(strings.TrimLeft(line, " "), ">") {
			return true
		}
	}
	return false
}

// plain returns a text as HTML without any formatting.
func plain(source string) string { return "<pre>" + html.EscapeString(source) + "</pre>" }

var machine = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Strikethrough, extension.Linkify),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tame{}, 500))),
		goldmark.WithRendererOptions(goldhtml.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(escaped{}, 1))),
	)
})

var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true) // those of issues: tame has taken all others away
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

var issuesKey = parser.NewContextKey()

// numbers puts links in the place of '#12' in a text.
func numbers(n *ast.Text, source []byte, issues string) {
	for at := n.Segment.Start; at < n.Segment.Stop; at++ {
		if source[at] != '#' {
			continue
		}
		end := at + 1
		for end < n.Segment.Stop && end < at+11 && source[end] >= '0' && source[end] <= '9' {
			end++
		}
		if end == at+1 || end == at+11 || end < len(source) && isWord(source[end]) || at > 0 && (isWord(source[at-1]) || source[at-1] == '/' || source[at-1] == '&') {
			continue
		}
		link := ast.NewLink()
		link.Destination = []byte(issues + string(source[at+1:end]))
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(at, end)))
		rest := ast.NewTextSegment(text.NewSegment(end, n.Segment.Stop))
		rest.SetSoftLineBreak(n.SoftLineBreak())
		rest.SetHardLineBreak(n.HardLineBreak())
		n.SetSoftLineBreak(false)
		n.SetHardLineBreak(false)
		n.Segment = n.Segment.WithStop(at)
		n.Parent().InsertAfter(n.Parent(), n, link)
		link.Parent().InsertAfter(link.Parent(), link, rest)
		n = rest
		at = end - 1
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c > 0x7f
}

// tame removes what a page must not contain.
type tame struct{}

// Transform implements parser.ASTTransformer.
func (tame) Transform(doc *ast.Document, reader text.Reader, context parser.Context) {
	issues, _ := context.Get(issuesKey).(string)
	var replace []func()
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.AutoLink:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if issues != "" && !within(n) {
				replace = append(replace, func() { numbers(n, reader.Source(), issues) })
			}
		case *ast.Heading:
			n.Level = min(n.Level+2, 6)
		case *ast.Image:
			link := ast.NewLink()
			link.Destination = n.Destination
			if !absolute(n.Destination) {
				link.Destination = nil
			}
			replace = append(replace, func() {
				n.Parent().ReplaceChild(n.Parent(), n, link)
				for c := n.FirstChild(); c != nil; {
					next := c.NextSibling()
					link.AppendChild(link, c)
					c = next
				}
				if link.FirstChild() == nil {
					link.AppendChild(link, ast.NewString([]byte("picture")))
				}
				unlink(link)
			})
		case *ast.Link:
			replace = append(replace, func() {
				if !absolute(n.Destination) {
					n.Destination = nil
				}
				unlink(n)
			})
		}
		return ast.WalkContinue, nil
	})
	for _, do := range replace {
		do()
	}
}

// unlink puts the content of a link in its place if it leads nowhere, or is within
// another one.
func unlink(n *ast.Link) {
	if n.Parent() == nil || len(n.Destination) > 0 && !within(n) {
		return
	}
	parent := n.Parent()
	for c := n.FirstChild(); c != nil; {
		next := c.NextSibling()
		parent.InsertBefore(parent, n, c)
		c = next
	}
	parent.RemoveChild(parent, n)
}

// within reports whether a node is part of a link or a picture.
func within(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		switch p.(type) {
		case *ast.Link, *ast.Image:
			return true
		}
	}
	return false
}

// absolute reports whether a URL is absolute.
func absolute(to []byte) bool {
	s := strings.ToLower(string(to))
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "mailto:")
}

// escaped renders HTML as the text that it is.
type escaped struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (escaped) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			segments := n.(*ast.RawHTML).Segments
			for k := range segments.Len() {
				s := segments.At(k)
				_, _ = w.Write(util.EscapeHTML(s.Value(source)))
			}
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		b := n.(*ast.HTMLBlock)
		if !entering {
			return ast.WalkContinue, nil
		}
		_, _ = w.WriteString("<p>")
		lines := b.Lines()
		for k := range lines.Len() {
			s := lines.At(k)
			_, _ = w.Write(util.EscapeHTML(s.Value(source)))
		}
		if b.HasClosure() {
			_, _ = w.Write(util.EscapeHTML(b.ClosureLine.Value(source)))
		}
		_, _ = w.WriteString("</p>\n")
		return ast.WalkSkipChildren, nil
	})
}
