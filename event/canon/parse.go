package canon

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// Parse checks that b is one canonical JSON value and returns it. The error is
// an *Error. The Value aliases b.
func Parse(b []byte) (Value, error) {
	p := parsers.Get().(*parser)
	defer p.free()
	p.in = unsafe.String(unsafe.SliceData(b), len(b))
	v := p.value(0)
	if p.reason == "" && p.pos != len(b) {
		p.fail(Trailing)
	}
	if p.reason != "" {
		return Value{}, &Error{p.reason, p.pos}
	}
	return v, nil
}

// parsers keeps the buffers of parsers: most lines need no new one.
var parsers = sync.Pool{New: func() any { return &parser{members: make([]Member, 0, 32)} }}

// free gives p back without a trace of its input.
func (p *parser) free() {
	if cap(p.members) > 1024 || cap(p.items) > 1024 {
		return // of a monster; not worth keeping
	}
	clear(p.members[:max(p.high, len(p.members))])
	clear(p.items[:cap(p.items)])
	*p = parser{members: p.members[:0], items: p.items[:0]}
	parsers.Put(p)
}

// parser walks the input once. The first fault stops it: reason is set, pos
// stays there, and everything above returns.
type parser struct {
	in      string
	pos     int
	reason  string
	members []Member // of the objects that are open, innermost last
	high    int      // how many members there were at most
	items   []Value  // of the arrays that are open, innermost last
}

func (p *parser) fail(reason string) Value {
	if p.reason == "" {
		p.reason = reason
	}
	return Value{}
}

// peek returns the next byte, or 0 (which no value begins with) at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

// end fails for a byte that may not stand here, or for the end of the input.
func (p *parser) end() Value {
	if p.pos >= len(p.in) {
		return p.fail(Unfinished)
	}
	return p.fail(Syntax)
}

func (p *parser) value(depth int) Value {
	switch c := p.peek(); {
	case c == '"':
		return p.str()
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return p.fail(TooDeep)
		}
		if c == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case c >= '0' && c <= '9':
		return p.number()
	case c == '-':
		return p.fail(Number)
	case c == 't':
		return p.word("true", Bool)
	case c == 'f':
		return p.word("false", Bool)
	case c == 'n':
		if p.word("null", None); p.reason == "" {
			p.pos -= len("null")
			p.fail(Null)
		}
		return Value{}
	}
	return p.end()
}

func (p *parser) word(w string, k Kind) Value {
	rest := p.in[p.pos:]
	if strings.HasPrefix(rest, w) {
		p.pos += len(w)
		return Value{kind: k, raw: rest[:len(w)]}
	}
	if strings.HasPrefix(w, rest) {
		return p.fail(Unfinished)
	}
	return p.fail(Syntax)
}

func (p *parser) number() Value {
	start := p.pos
	var n uint64
	for ; p.pos < len(p.in); p.pos++ {
		c := p.in[p.pos]
		if c < '0' || c > '9' {
			if c == '.' || c == 'e' || c == 'E' {
				return p.fail(Number)
			}
			break
		}
		// n is at most MaxUint here, so this cannot overflow.
		if n = n*10 + uint64(c-'0'); n > MaxUint || p.pos > start && p.in[start] == '0' {
			return p.fail(Number)
		}
	}
	return Value{kind: Int, raw: p.in[start:p.pos]}
}

func (p *parser) array(depth int) Value {
	start, base := p.pos, len(p.items)
	p.pos++
	if p.peek() != ']' {
		for {
			v := p.value(depth)
			if p.reason != "" {
				return Value{}
			}
			p.items = append(p.items, v)
			if p.peek() != ',' {
				break
			}
			p.pos++
		}
	}
	if p.peek() != ']' {
		return p.end()
	}
	p.pos++
	items := make([]Value, len(p.items)-base)
	copy(items, p.items[base:])
	p.items = p.items[:base]
	return Value{kind: Array, raw: p.in[start:p.pos], inner: &inner{items: items}}
}

func (p *parser) object(depth int) Value {
	start, base := p.pos, len(p.members)
	p.pos++
	if p.peek() != '}' {
		for {
			at := p.pos
			if p.peek() != '"' {
				return p.end()
			}
			name, _ := p.str().Str()
			if p.reason != "" {
				return Value{}
			}
			if p.peek() != ':' {
				return p.end()
			}
			p.pos++
			// Few names are compared with each other here; many are sorted
			// at the end, so that no input costs quadratic time.
			if open := p.members[base:]; len(open) < few {
				for i := range open {
					if open[i].Name == name {
						p.pos = at
						return p.fail(Duplicate)
					}
				}
			}
			v := p.value(depth)
			if p.reason != "" {
				return Value{}
			}
			p.members = append(p.members, Member{name, v})
			if p.peek() != ',' {
				break
			}
			p.pos++
		}
	}
	if p.peek() != '}' {
		return p.end()
	}
	p.high = max(p.high, len(p.members))
	open := p.members[base:]
	if len(open) > few && twice(open) {
		p.pos = start
		return p.fail(Duplicate)
	}
	p.pos++
	members := make([]Member, len(open))
	copy(members, open)
	p.members = p.members[:base]
	return Value{kind: Object, raw: p.in[start:p.pos], inner: &inner{members: members}}
}

// few is up to how many members' names are compared pair by pair.
const few = 24

// twice reports whether a name stands twice in ms.
func twice(ms []Member) bool {
	names := make([]string, len(ms))
	for i := range ms {
		names[i] = ms[i].Name
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return true
		}
	}
	return false
}

// str reads a string; the next byte is its opening quote.
func (p *parser) str() Value {
	in, start := p.in, p.pos
	ascii, escaped := true, false
	i := start + 1
	for ; i < len(in); i++ {
		switch c := in[i]; {
		case plain[c]:
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '"':
			if !ascii && !utf8.ValidString(in[start:i]) {
				return p.fail(UTF8)
			}
			p.pos = i + 1
			return Value{kind: String, raw: in[start:p.pos], escaped: escaped}
		case c == '\\':
			n := escapeLen(in[i:])
			if n == 0 {
				p.pos = i
				return p.fail(Escape)
			}
			escaped = true
			i += n - 1
		default: // a raw control
			p.pos = i
			return p.fail(Escape)
		}
	}
	p.pos = len(in)
	return p.fail(Unfinished)
}

// plain holds the bytes that stand for themselves in a string and are ASCII.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// escapeLen returns how long the canonical escape at the start of in is, 0 if
// there is none.
func escapeLen(in string) int {
	if len(in) < 2 {
		return 0
	}
	switch in[1] {
	case '"', '\\', 'b', 't', 'n', 'f', 'r':
		return 2
	case 'u':
		// \u00xx, only below U+0020 and only where no short form exists.
		if len(in) < 6 || in[2] != '0' || in[3] != '0' || in[4] > '1' || in[4] < '0' {
			return 0
		}
		d := in[5]
		if !(d >= '0' && d <= '9' || d >= 'a' && d <= 'f') {
			return 0
		}
		if shortEscape(hexDigit(in[4])<<4|hexDigit(d)) != 0 {
			return 0
		}
		return 6
	}
	return 0
}

// shortEscape returns the letter of c's two-byte escape, or 0.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}
