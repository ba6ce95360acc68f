package main

import (
	"regexp"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// document is a page of docs/ that is also a page of the manual.
type document struct{ file, name, section, about string }

// documents lists them.
var documents = []document{
	{"format.md", "gitcrosslink-format", "5", "what lies on a hub of git crosslink"},
	{"json.md", "gitcrosslink-json", "7", "JSON, and the other forms for scripts"},
	{"remote-helper.md", "git-remote-crosslink", "1", "let plain git carry the tracker"},
}

// roff converts a document's Markdown to roff. It supports what those pages use: headings,
// paragraphs, lists, tables, fenced blocks, and within a line code, links and emphasis.
func (d document) roff(markdown string) string {
	p := &page{}
	p.line(`.\" Made by 'go run ./internal/manpage' from docs/` + d.file + `.`)
	p.line(`.TH ` + strings.ToUpper(d.name) + ` ` + d.section + ` "" "git crosslink" "Git Crosslink Manual"`)
	p.line(".nh\n.ad l\n.SH NAME")
	p.line(strings.ReplaceAll(d.name, "-", `\-`) + ` \- ` + d.about)
	lines := strings.Split(markdown, "\n")
	for i := 0; i < len(lines); i++ {
		switch l := lines[i]; {
		case strings.HasPrefix(l, "```"):
			p.line(".PP\n.RS 4\n.nf")
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
				p.line("%s", frame.Roff(lines[i]))
			}
			p.line(".fi\n.RE")
		case strings.HasPrefix(l, "### "):
			p.line(".SS %s", inline(l[4:]))
		case strings.HasPrefix(l, "## "):
			p.line(".SH %s", strings.ToUpper(inline(l[3:])))
		case strings.HasPrefix(l, "# "):
			p.line(".SH DESCRIPTION\n\\fB%s\\fR", inline(l[2:]))
		case strings.HasPrefix(l, "|"):
			if i++; i < len(lines) && strings.HasPrefix(lines[i], "|--") { // the line was the header
				continue
			}
			i--
			p.row(l)
		case item.MatchString(l):
			m := item.FindStringSubmatch(l)
			p.line(".IP %s 4\n%s", map[bool]string{true: `\(bu`, false: m[1]}[m[1] == "-"], inline(m[2]))
		case strings.TrimSpace(l) == "":
			p.line(".PP")
		default:
			p.line("%s", inline(strings.TrimSpace(l)))
		}
	}
	return p.b.String()
}

type page struct{ b strings.Builder }

func (p *page) line(format string, args ...any) {
	if len(args) == 0 {
		p.b.WriteString(format + "\n")
		return
	}
	for _, a := range args {
		format = strings.Replace(format, "%s", a.(string), 1)
	}
	p.b.WriteString(format + "\n")
}

// row writes a row of a table: its first cell, and the others below.
func (p *page) row(l string) {
	cells := strings.Split(strings.Trim(strings.ReplaceAll(l, `\|`, "\x00"), "| "), "|")
	for k := range cells {
		cells[k] = strings.ReplaceAll(cells[k], "\x00", "|")
	}
	var rest []string
	for _, c := range cells[1:] {
		if c = strings.TrimSpace(c); c != "" {
			rest = append(rest, inline(c))
		}
	}
	p.line(".TP\n%s", inline(strings.TrimSpace(cells[0])))
	p.line("%s", strings.Join(append(rest, `\&`)[:max(1, len(rest))], ", "))
}

var (
	item   = regexp.MustCompile(`^\s*(-|\d+\.) (.*)`)
	link   = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	marked = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*([^* ][^*]*)\\*")
)

// inline escapes a line and converts its Markdown.
func inline(s string) string {
	s = link.ReplaceAllString(s, "$1")
	var b strings.Builder
	last := 0
	for _, m := range marked.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(plain(s[last:m[0]], last == 0))
		for g, font := range map[int]string{1: "B", 2: "B", 3: "I"} {
			if m[2*g] >= 0 {
				b.WriteString(`\f` + font + plain(s[m[2*g]:m[2*g+1]], false) + `\fR`)
			}
		}
		last = m[1]
	}
	b.WriteString(plain(s[last:], last == 0))
	return b.String()
}

// plain escapes text, so that roff takes no line for a request.
func plain(s string, begins bool) string {
	if !begins && strings.HasPrefix(s, ".") {
		return "." + frame.Roff(s[1:])
	}
	return frame.Roff(s)
}
