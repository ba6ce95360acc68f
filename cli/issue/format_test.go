package issue

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// FuzzFormat: a --format that is taken means one thing: written out again, it
// is the same. What is not taken is said in one line.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"%(number) %(due_at:short) %(title)", "%", "%%", "%0a%00%fF", "%(", "%()", "%(:)", "%(title:x)", "%(nonsense)", "100%x"} {
		f.Add(s)
	}
	written := func(is *format) (out, literal string) {
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
		is, err := parseFormat(s)
		if err != nil {
			if is != nil {
				t.Fatal("both")
			}
			if says := frame.OneLine(err.Error()); says == "" || strings.Contains(says, "\n") {
				t.Fatalf("says %q", says)
			}
			return
		}
		out, means := written(is)
		again, err := parseFormat(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", s, out, err)
		}
		if twice, same := written(again); twice != out || same != means {
			t.Fatalf("%q became %q, then %q", s, out, twice)
		}
	})
}
