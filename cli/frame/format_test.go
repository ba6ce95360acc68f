package frame

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzFormat: a --format that is accepted has one meaning: encoded again, it is the same. The
// error about any other format is one line.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"%(number) %(due_at:short) %(title)", "%", "%%", "%0a%00%fF", "%(", "%()", "%(:)", "%(title:x)", "%(nonsense)", "100%x"} {
		f.Add(s)
	}
	type shape struct {
		Number int    `json:"number"`
		Title  string `json:"title"`
		DueAt  string `json:"due_at"`
	}
	parse := func(s string) (*Format, error) { return parseShapeFormat(s, reflect.TypeFor[shape]()) }
	written := func(is *Format) (out, literal string) {
		for _, p := range is.parts {
			switch {
			case p.field == "":
				literal += p.literal
				out += strings.ReplaceAll(p.literal, "%", "%%")
				continue
			case p.modifier != "":
				out += "%(" + p.field + ":" + p.modifier + ")"
			default:
				out += "%(" + p.field + ")"
			}
			literal += "\x00" + p.field + "\x00" + p.modifier + "\x00"
		}
		return out, literal
	}
	f.Fuzz(func(t *testing.T, s string) {
		is, err := parse(s)
		if err != nil {
			if is != nil {
				t.Fatal("both")
			}
			if says := OneLine(err.Error()); says == "" || strings.Contains(says, "\n") {
				t.Fatalf("says %q", says)
			}
			return
		}
		out, means := written(is)
		again, err := parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", s, out, err)
		}
		if twice, same := written(again); twice != out || same != means {
			t.Fatalf("%q became %q, then %q", s, out, twice)
		}
	})
}

// TestMembers: what --format prints of the members of a shape.
func TestMembers(t *testing.T) {
	type ref struct {
		Short  string `json:"short"`
		Number *int   `json:"number,omitempty"`
		Title  string `json:"title"`
	}
	type embedded struct {
		Agent string `json:"agent"`
	}
	type shape struct {
		embedded
		Issue  *ref     `json:"issue"`
		None   *ref     `json:"none"`
		Blocks []ref    `json:"blocks"`
		Labels []string `json:"labels"`
		At     string   `json:"at"`
		Own    bool     `json:"own"`
		N      uint64   `json:"n"`
		Raw    any      `json:"raw"`
		Hidden string   `json:"-"`
	}
	number := 7
	x := shape{embedded{"bob\x1b"}, &ref{"3f9a1c2", &number, "one"}, nil, []ref{{"3f9a1c2", &number, "one"}, {"4abcdef", nil, "two"}},
		[]string{"a", "b"}, "2026-03-01T10:00:00.000000000Z", true, 1 << 60, map[string]int{"x": 1}, "secret"}
	for _, c := range []struct{ format, line string }{
		{"%(agent)", `bob\x1b`},
		{"%(issue) %(issue.title) %(issue.short)", "7 one 3f9a1c2"},
		{"[%(none)%(none.title)]", "[]"},
		{"%(blocks) %(labels)", "7,4abcdef a,b"},
		{"%(at:unix) %(at)", "1772359200 2026-03-01T10:00:00.000000000Z"},
		{"%(own) %(n) %(raw)", `true 1152921504606846976 {"x":1}`},
	} {
		f, err := parseShapeFormat(c.format, reflect.TypeFor[shape]())
		if err != nil {
			t.Fatal(err)
		}
		l := List{format: f, system: &System{}}
		r := l.Records()
		if err := l.AddFormatted(r, &x); err != nil {
			t.Fatal(err)
		}
		if got := r.lines[0]; got != c.line {
			t.Errorf("%s: %q, want %q", c.format, got, c.line)
		}
	}
	for _, bad := range []string{"%(Hidden)", "%(-)", "%()", "%(issue.)", "%(issue.titel)", "%(.title)", "%(labels.x)", "%(agent:unix)", "%(embedded)"} {
		if _, err := parseShapeFormat(bad, reflect.TypeFor[shape]()); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestPart: a part of a list in the order of time is its newest rows, and the next part
// is older; of any other list it is the first rows.
func TestPart(t *testing.T) {
	key := func(k int) string { return string(rune('a' + k)) }
	for _, c := range []struct {
		l        List
		from, to int
		next     string
	}{
		{List{}, 0, 5, ""}, {List{limit: 2}, 0, 2, "b"}, {List{limit: 2, after: "b"}, 2, 4, "d"}, {List{limit: 2, after: "d"}, 4, 5, ""},
		{List{limit: 2, after: "e"}, 5, 5, ""}, {List{limit: 5}, 0, 5, ""}, {List{after: "b"}, 2, 5, ""},
		{List{limit: 2, newest: true}, 3, 5, "d"}, {List{limit: 2, newest: true, after: "d"}, 1, 3, "b"},
		{List{limit: 2, newest: true, after: "b"}, 0, 1, ""}, {List{limit: 5, newest: true}, 0, 5, ""}, {List{newest: true, after: "c"}, 0, 2, ""},
	} {
		from, to, cut, err := c.l.Part("row", 5, key)
		next := ""
		if cut != nil && cut.Next != nil {
			next = *cut.Next
		}
		if err != nil || from != c.from || to != c.to || next != c.next {
			t.Errorf("%+v: %d to %d, next %q, %v", c.l, from, to, next, err)
		}
		if cut != nil && (cut.Total != 5 || cut.Shown != to-from) {
			t.Errorf("%+v: %+v", c.l, cut)
		}
	}
	if _, _, _, err := (List{after: "x"}).Part("row", 5, key); err == nil {
		t.Error("a row that is not there is taken")
	}
}
