package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// errUnknown reports a file whose structure is not understood. Nothing is written
// to such a file.
var errUnknown = errors.New("setup does not know its structure")

// node is a value of a JSON document, with its position. Comments and a comma
// after the last member are accepted, as the programs that read these files do.
type node struct {
	kind       byte // '{', '[', '"' or 'v', a number or a word
	start, end int
	keys       []string
	values     []*node
	commas     []int // position of the comma after each value, -1 for none
}

const maxDepth = 100

// parser reads a document. A mistake sets bad, and nothing is read after that.
type parser struct {
	doc []byte
	at  int
	bad bool
}

var bom = []byte("\xef\xbb\xbf")

// parse returns the value of a document.
func parse(doc []byte) (*node, error) {
	p := &parser{doc: doc}
	if bytes.HasPrefix(doc, bom) {
		p.at = len(bom)
	}
	n := p.value(0)
	p.space()
	if p.bad || p.at != len(doc) {
		return nil, errUnknown
	}
	return n, nil
}

func (p *parser) peek() byte {
	if p.bad || p.at >= len(p.doc) {
		return 0
	}
	return p.doc[p.at]
}

// space skips white space and comments.
func (p *parser) space() {
	for !p.bad {
		rest := p.doc[p.at:]
		switch {
		case len(rest) > 0 && strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			p.at++
		case bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			p.at += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			p.bad = n < 0
			p.at += n + 4
		default:
			return
		}
	}
}

func (p *parser) value(depth int) *node {
	p.space()
	n := &node{start: p.at, kind: p.peek()}
	switch {
	case depth > maxDepth:
		p.bad = true
	case n.kind == '{' || n.kind == '[':
		p.members(n, depth)
	case n.kind == '"':
		p.text()
	default:
		n.kind = 'v'
		for strings.IndexByte(" \t\r\n,]}/\x00", p.peek()) < 0 {
			p.at++
		}
		if !p.bad && !json.Valid(p.doc[n.start:p.at]) {
			p.bad = true
		}
	}
	n.end = p.at
	return n
}

// members reads what is in an object or an array.
func (p *parser) members(n *node, depth int) {
	shut := byte(n.kind + 2) // '}' or ']'
	p.at++
	for {
		p.space()
		switch c := p.peek(); {
		case p.bad || c == 0:
			p.bad = true
			return
		case c == shut:
			p.at++
			return
		case len(n.values) > 0 && n.commas[len(n.commas)-1] < 0:
			p.bad = true
			return
		}
		if n.kind == '{' {
			n.keys = append(n.keys, p.text())
			p.space()
			if p.peek() != ':' {
				p.bad = true
				return
			}
			p.at++
		}
		n.values = append(n.values, p.value(depth+1))
		p.space()
		comma := -1
		if p.peek() == ',' {
			comma = p.at
			p.at++
		}
		n.commas = append(n.commas, comma)
	}
}

// text reads a string.
func (p *parser) text() (s string) {
	from := p.at
	if p.peek() != '"' {
		p.bad = true
		return ""
	}
	for p.at++; p.peek() != '"'; p.at++ {
		if p.peek() == '\\' {
			p.at++
		}
		if p.peek() == 0 {
			p.bad = true
			return ""
		}
	}
	p.at++
	p.bad = json.Unmarshal(p.doc[from:p.at], &s) != nil
	return s
}

// member returns the value of a key, nil if there is none, and false if there
// are two: which of them counts depends on the reader.
func (n *node) member(key string) (found *node, one bool) {
	for k, name := range n.keys {
		if name != key {
			continue
		}
		if found != nil {
			return nil, false
		}
		found = n.values[k]
	}
	return found, true
}

// plain returns a value without comments, spaces and order of members, so that two of
// them can be compared.
func (n *node) plain(doc []byte) any {
	switch n.kind {
	case '{':
		m := map[string]any{}
		for k, key := range n.keys {
			m[key] = n.values[k].plain(doc)
		}
		return m
	case '[':
		var all []any
		for _, v := range n.values {
			all = append(all, v.plain(doc))
		}
		return all
	}
	var v any
	_ = json.Unmarshal(doc[n.start:n.end], &v) // parse has checked it
	return v
}

// holds reports whether a string in a value contains text.
func (n *node) holds(doc []byte, text string) bool {
	if s, ok := n.plain(doc).(string); ok {
		return strings.Contains(s, text)
	}
	for _, v := range n.values {
		if v.holds(doc, text) {
			return true
		}
	}
	return false
}

// insertion returns the text that puts a member, or an element without a key, first
// into an object or an array, formatted as its surroundings are.
func (n *node) insertion(doc []byte, key, value string) string {
	name := ""
	if n.kind == '{' {
		b, _ := json.Marshal(key)
		name = string(b) + ": "
	}
	end := eol(doc)
	if len(n.values) > 0 {
		child := n.childAt(doc)
		margin, own := marginBefore(doc, child)
		if !own || bytes.IndexByte(doc[n.start:child], '\n') < 0 {
			return name + value + ", "
		}
		return end + margin + name + pretty(value, margin, unitOf(doc), end) + ","
	}
	margin := lineMargin(doc, n.start)
	unit := unitOf(doc)
	return end + margin + unit + name + pretty(value, margin+unit, unit, end) + end + margin
}

// childAt is where the first member begins.
func (n *node) childAt(doc []byte) int {
	if n.kind == '[' {
		return n.values[0].start
	}
	p := &parser{doc: doc, at: n.start + 1}
	p.space()
	return p.at
}

// pretty breaks a value into indented lines.
func pretty(value, margin, unit, end string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(value), margin, unit) != nil {
		return value
	}
	return strings.ReplaceAll(b.String(), "\n", end)
}

// eol is the line end that a document uses.
func eol(doc []byte) string {
	if n := bytes.IndexByte(doc, '\n'); n > 0 && doc[n-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// marginBefore is the white space between the begin of a line and a position, and whether
// there is nothing else.
func marginBefore(doc []byte, at int) (string, bool) {
	line := doc[bytes.LastIndexByte(doc[:at], '\n')+1 : at]
	return string(line), len(bytes.TrimLeft(line, " \t")) == 0
}

// lineMargin is the white space that the line of a position begins with.
func lineMargin(doc []byte, at int) string {
	line := bytes.TrimPrefix(doc[bytes.LastIndexByte(doc[:at], '\n')+1:at], bom)
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// unitOf is one step of a document's indentation.
func unitOf(doc []byte) string {
	for line := range bytes.Lines(doc) {
		text := bytes.TrimLeft(line, " \t")
		if margin := line[:len(line)-len(text)]; len(margin) > 0 && len(text) > 0 && text[0] == '"' {
			return string(margin)
		}
	}
	return "  "
}
