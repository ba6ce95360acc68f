package canon

import (
	"strconv"
	"strings"
	"unsafe"
)

// Kind is what a Value is.
type Kind uint8

// The kinds of values. The zero Value is None.
const (
	None Kind = iota
	Object
	Array
	String
	Int
	Bool
)

// String returns the kind in words, for messages.
func (k Kind) String() string {
	return [...]string{"nothing", "object", "array", "string", "integer", "boolean"}[k]
}

// Value is one canonical JSON value. It aliases the parsed input: neither may
// be altered afterward.
type Value struct {
	raw     string // its bytes in the input
	inner   *inner // of an object or array
	kind    Kind
	escaped bool // a string that holds a backslash
}

// inner is what an object or an array holds. It stands apart to keep Value
// small: a line is many values and few of these.
type inner struct {
	members []Member
	items   []Value
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value Value
}

// Kind returns what v is.
func (v Value) Kind() Kind { return v.kind }

// Raw returns v's bytes in the input, not a copy.
func (v Value) Raw() []byte { return unsafe.Slice(unsafe.StringData(v.raw), len(v.raw)) }

// Str returns a string's text. Without escapes it aliases the input.
func (v Value) Str() (string, bool) {
	if v.kind != String {
		return "", false
	}
	in := v.raw[1 : len(v.raw)-1]
	if v.escaped {
		return unescape(in), true
	}
	return in, true
}

// Uint returns an integer's value, at most MaxUint.
func (v Value) Uint() (uint64, bool) {
	if v.kind != Int {
		return 0, false
	}
	n, err := strconv.ParseUint(v.raw, 10, 64)
	return n, err == nil
}

// Bool returns a boolean's value.
func (v Value) Bool() (b, ok bool) {
	return v.kind == Bool && v.raw[0] == 't', v.kind == Bool
}

// Items returns an array's values, else nil.
func (v Value) Items() []Value {
	if v.kind != Array {
		return nil
	}
	return v.inner.items
}

// Members returns an object's members in the order of the input, else nil.
func (v Value) Members() []Member {
	if v.kind != Object {
		return nil
	}
	return v.inner.members
}

// Get returns the member of that name.
func (v Value) Get(name string) (Value, bool) {
	ms := v.Members()
	for i := range ms {
		if ms[i].Name == name {
			return ms[i].Value, true
		}
	}
	return Value{}, false
}

// unescape returns the text of a string that the parser has accepted.
func unescape(in string) string {
	out := make([]byte, 0, len(in))
	for {
		i := strings.IndexByte(in, '\\')
		if i < 0 {
			return string(append(out, in...))
		}
		out = append(out, in[:i]...)
		switch c := in[i+1]; c {
		case 'u':
			out = append(out, hexDigit(in[i+4])<<4|hexDigit(in[i+5]))
			in = in[i+6:]
			continue
		case 'b':
			out = append(out, '\b')
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'f':
			out = append(out, '\f')
		case 'r':
			out = append(out, '\r')
		default:
			out = append(out, c)
		}
		in = in[i+2:]
	}
}

// hexDigit returns the value of one lower-case hexadecimal digit.
func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
