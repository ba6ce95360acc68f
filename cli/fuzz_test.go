package cli

import (
	"fmt"
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

// FuzzIndex: what is no line of an index is passed over, the others are read.
func FuzzIndex(f *testing.F) {
	f.Add("1\tabcd123\topen\tfix the flux\n2\tabce123\tclosed\twrite\n")
	f.Add("\t\t\t\n1\t2\n\x00\xff\t\t\t\t\t")
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		all := parseIndex(s)
		for _, i := range all {
			state := map[bool]string{true: "closed", false: "open"}[i.closed]
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", i.name, i.short, state, i.title)
		}
		if again := parseIndex(b.String()); fmt.Sprint(again) != fmt.Sprint(all) {
			t.Fatalf("%v became %v", all, again)
		}
		if more := parseIndex(strings.TrimSuffix(s, "\n") + "\n7\tabcd123\topen\tlast\n"); len(more) == 0 || more[len(more)-1].name != "7" {
			t.Fatalf("the last line is lost: %v", more)
		}
	})
}
