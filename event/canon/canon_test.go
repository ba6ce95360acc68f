package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// rewrite encodes v again from what its accessors say, never from Raw.
func rewrite(w *Writer, v Value) {
	switch v.Kind() {
	case Object:
		w.Obj()
		for _, m := range v.Members() {
			w.Name(m.Name)
			rewrite(w, m.Value)
		}
		w.EndObj()
	case Array:
		w.Arr()
		for _, x := range v.Items() {
			rewrite(w, x)
		}
		w.EndArr()
	case String:
		s, _ := v.Str()
		w.Str(s)
	case Int:
		n, _ := v.Uint()
		w.Uint(n)
	case Bool:
		b, _ := v.Bool()
		w.Bool(b)
	}
}

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func manyMembers(n int, last string) string {
	var w Writer
	w.Obj()
	for i := range n {
		w.Name("m" + strconv.Itoa(i))
		w.Uint(1)
	}
	w.Name(last)
	w.Bool(true)
	w.EndObj()
	return string(w.Bytes())
}

func TestParse_AcceptsTheOneEncoding(t *testing.T) {
	for _, in := range []string{
		`{}`, `[]`, `""`, `0`, `7`, `9007199254740991`, `true`, `false`,
		`{"a":{"b":[1,"x",true,{}]},"":[]}`,
		`"\b\t\n\f\r\"\\\u0000\u001f\u000b"`,
		"\"/<>&\u2028\u2029\x7f\u0085ä𝄞\"",
		"\"\uFFFD\"", // the replacement character itself is a character
		nested(MaxDepth),
		manyMembers(100, "x"),
	} {
		v, err := Parse([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		var w Writer
		if rewrite(&w, v); string(w.Bytes()) != in || string(v.Raw()) != in {
			t.Errorf("%s: written again as %s, raw %s", in, w.Bytes(), v.Raw())
		}
	}
}

func TestParse_RefusesEveryOther(t *testing.T) {
	for _, c := range []struct{ rule, in, reason string }{
		{"empty input", ``, Unfinished},
		{"white space in front", ` 1`, Syntax},
		{"white space behind", "1\n", Trailing},
		{"white space inside an array", `[1, 2]`, Syntax},
		{"white space behind a colon", `{"a": 1}`, Syntax},
		{"white space behind a name", `{"a" :1}`, Syntax},
		{"white space in an object", `{ "a":1}`, Syntax},
		{"byte order mark", "\ufeff1", Syntax},
		{"two values", `{}{}`, Trailing},
		{"null", `null`, Null},
		{"null member", `{"a":null}`, Null},
		{"almost null", `nul`, Unfinished},
		{"a word", `nope`, Syntax},
		{"another word", `trueish`, Trailing},
		{"half a word", `{"a":tru`, Unfinished},
		{"capitals", `True`, Syntax},
		{"negative", `-1`, Number},
		{"minus zero", `-0`, Number},
		{"plus", `+1`, Syntax},
		{"fraction", `1.5`, Number},
		{"exponent", `1e3`, Number},
		{"capital exponent", `1E3`, Number},
		{"leading zero", `01`, Number},
		{"NaN", `NaN`, Syntax},
		{"2^53", `9007199254740992`, Number},
		{"2^64", `18446744073709551616`, Number},
		{"very long", strings.Repeat("9", 1000), Number},
		{"trailing comma", `[1,]`, Syntax},
		{"leading comma", `[,1]`, Syntax},
		{"trailing comma in an object", `{"a":1,}`, Syntax},
		{"no colon", `{"a"1}`, Syntax},
		{"name is no string", `{1:1}`, Syntax},
		{"wrong closing", `[1}`, Syntax},
		{"wrong closing of an object", `{"a":1]`, Syntax},
		{"duplicate", `{"a":1,"a":1}`, Duplicate},
		{"duplicate spelled with an escape", `{"\n":1,"b":2,"\n":1}`, Duplicate},
		{"duplicate inside", `{"x":[{"a":1,"a":2}]}`, Duplicate},
		{"duplicate among many", manyMembers(100, "m3"), Duplicate},
		{"duplicate late among many", manyMembers(100, "m99"), Duplicate},
		{"too deep", nested(MaxDepth + 1), TooDeep},
		{"too deep and unfinished", strings.Repeat("[", 100000), TooDeep},
		{"objects too deep", strings.Repeat(`{"a":`, MaxDepth+1), TooDeep},
		{"unfinished string", `"abc`, Unfinished},
		{"unfinished object", `{"a":1`, Unfinished},
		{"unfinished name", `{"a`, Unfinished},
		{"unfinished array", `[1`, Unfinished},
		{"only a bracket", `[`, Unfinished},
		{"only a brace", `{`, Unfinished},
		{"escaped slash", `"\/"`, Escape},
		{"escaped letter", `"\u0041"`, Escape},
		{"upper-case digits", `"\u001F"`, Escape},
		{"long form of LF", `"\u000a"`, Escape},
		{"escaped DEL", `"\u007f"`, Escape},
		{"lone surrogate", `"\ud800"`, Escape},
		{"escaped pair", `"\ud834\udd1e"`, Escape},
		{"bad digit", `"\u000g"`, Escape},
		{"short escape", `"\u00"`, Escape},
		{"escape at the end", `"\`, Escape},
		{"unknown escape", `"\x"`, Escape},
		{"raw LF", "\"\n\"", Escape},
		{"raw NUL", "\"\x00\"", Escape},
		{"invalid UTF-8", "\"\xff\"", UTF8},
		{"overlong UTF-8", "\"\xc0\x80\"", UTF8},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", UTF8},
		{"half a character", "\"\xc3\"", UTF8},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v, err := Parse([]byte(c.in))
			var e *Error
			if !errors.As(err, &e) || e.Reason != c.reason {
				t.Fatalf("got %v, want %s", err, c.reason)
			}
			if v.Kind() != None || e.Error() == "" || e.Offset > len(c.in) {
				t.Fatalf("a refused input gave %v at %d", v.Kind(), e.Offset)
			}
		})
	}
}

func TestValue_AccessorsOfTheWrongKind(t *testing.T) {
	v, err := Parse([]byte(`{"s":"a\nb","n":5,"b":true,"f":false,"l":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	if v.Kind().String() != "object" || v.Items() != nil || len(v.Members()) != 5 {
		t.Error("object")
	}
	s, _ := v.Get("s")
	if text, ok := s.Str(); !ok || text != "a\nb" || s.Members() != nil {
		t.Error("string")
	}
	if _, ok := s.Uint(); ok {
		t.Error("a string as an integer")
	}
	if _, ok := s.Bool(); ok {
		t.Error("a string as a boolean")
	}
	if _, ok := s.Get("x"); ok {
		t.Error("a member of a string")
	}
	n, _ := v.Get("n")
	if x, ok := n.Uint(); !ok || x != 5 {
		t.Error("integer")
	}
	if _, ok := n.Str(); ok {
		t.Error("an integer as a string")
	}
	b, _ := v.Get("b")
	f, _ := v.Get("f")
	if x, ok := b.Bool(); !x || !ok {
		t.Error("true")
	}
	if x, ok := f.Bool(); x || !ok {
		t.Error("false")
	}
	if _, ok := v.Get("none"); ok {
		t.Error("a member that is not there")
	}
}

func TestAppendString_InvalidUTF8BecomesTheReplacementCharacter(t *testing.T) {
	got := AppendString([]byte("x"), "a\xff\xfeä\n\x01\x7f")
	if want := "x\"a\uFFFD\uFFFDä\\n\\u0001\x7f\""; string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if _, err := Parse(got[1:]); err != nil {
		t.Fatal(err)
	}
}

func TestWriter_Raw(t *testing.T) {
	var w Writer
	w.Obj()
	w.Raw([]byte(`"a":1`))
	w.Raw([]byte(`"b":[]`))
	w.EndObj()
	if string(w.Bytes()) != `{"a":1,"b":[]}` {
		t.Fatalf("%s", w.Bytes())
	}
	if w.Reset(w.Bytes()); len(w.Bytes()) != 0 {
		t.Fatal("not empty")
	}
}

// A parser gives its buffers back; a big input's are dropped, and what was
// parsed earlier stays whole.
func TestParse_ReusesBuffersSafely(t *testing.T) {
	first, _ := Parse([]byte(`{"a":{"b":["c"]}}`))
	big := "[" + strings.Repeat("0,", 5000) + "0]"
	if v, err := Parse([]byte(big)); err != nil || len(v.Items()) != 5001 {
		t.Fatal(err)
	}
	_, _ = Parse([]byte(`{"x":{"y":["z"]}}`))
	var w Writer
	if rewrite(&w, first); string(w.Bytes()) != `{"a":{"b":["c"]}}` {
		t.Fatalf("%s", w.Bytes())
	}
}

func anyValue(t *rapid.T, w *Writer, depth int) {
	kinds := 5
	if depth == MaxDepth {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		w.Str(rapid.String().Draw(t, "s"))
	case 1:
		w.Uint(rapid.Uint64Range(0, MaxUint).Draw(t, "n"))
	case 2:
		w.Bool(rapid.Bool().Draw(t, "b"))
	case 3:
		w.Arr()
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			anyValue(t, w, depth+1)
		}
		w.EndArr()
	case 4:
		w.Obj()
		for _, n := range rapid.SliceOfNDistinct(rapid.String(), 0, 3, rapid.ID[string]).Draw(t, "names") {
			w.Name(n)
			anyValue(t, w, depth+1)
		}
		w.EndObj()
	}
}

func TestProperty_WhatIsWrittenIsParsedToTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w, again Writer
		anyValue(t, &w, 0)
		v, err := Parse(w.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", w.Bytes(), err)
		}
		if rewrite(&again, v); !bytes.Equal(w.Bytes(), again.Bytes()) {
			t.Fatalf("%s became %s", w.Bytes(), again.Bytes())
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"ä\n",true],"b":{}}`, `"\u0000\\"`, `[[[[]]]]`, `{"a":1,"a":2}`, `-0`, "\"\xff\"", `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := Parse(in)
		if err != nil {
			if v.Kind() != None {
				t.Fatal("an error and a value")
			}
			return
		}
		if !utf8.Valid(in) || !json.Valid(in) {
			t.Fatalf("accepted what is not JSON: %q", in)
		}
		var w Writer
		if rewrite(&w, v); !bytes.Equal(w.Bytes(), in) {
			t.Fatalf("%q written again as %q", in, w.Bytes())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	line := []byte(`{"v":4,"hub":"5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","agent_id":"alice-box-ab2c","agent_seq":7,"timestamp":"2026-03-01T10:00:00.123456789Z","event":{"type":"LabelAdded","issue_uuid":"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e","label":"bug"}}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}
