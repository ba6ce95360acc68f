package canon

import (
	"bytes"
	"strconv"
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
// be altered afterwards.
type Value struct {
	raw     []byte
	members []Member
	items   []Value
	kind    Kind
	escaped bool // a string that holds a backslash
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value Value
}

// Kind returns what v is.
func (v Value) Kind() Kind { return v.kind }

// Raw returns v's bytes in the input, not a copy.
func (v Value) Raw() []byte { return v.raw }

// Str returns a string's text. Without escapes it aliases the input.
func (v Value) Str() (string, bool) {
	if v.kind != String {
		return "", false
	}
	in := v.raw[1 : len(v.raw)-1]
	if v.escaped {
		in = unescape(in)
	}
	return alias(in), true
}

// Uint returns an integer's value, at most MaxUint.
func (v Value) Uint() (uint64, bool) {
	if v.kind != Int {
		return 0, false
	}
	n, err := strconv.ParseUint(alias(v.raw), 10, 64)
	return n, err == nil
}

// Bool returns a boolean's value.
func (v Value) Bool() (b, ok bool) {
	return v.kind == Bool && v.raw[0] == 't', v.kind == Bool
}

// Items returns an array's values, else nil.
func (v Value) Items() []Value { return v.items }

// Members returns an object's members in the order of the input, else nil.
func (v Value) Members() []Member { return v.members }

// Get returns the member of that name.
func (v Value) Get(name string) (Value, bool) {
	for i := range v.members {
		if v.members[i].Name == name {
			return v.members[i].Value, true
		}
	}
	return Value{}, false
}

// alias returns b's bytes as a string without a copy; see Value.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unescape returns the text of a string that the parser has accepted.
func unescape(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			return append(out, in...)
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
