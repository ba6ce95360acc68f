package cli

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func render(width int, on bool, t *table) string {
	var b bytes.Buffer
	p := &page{env: &env{}, w: bufio.NewWriter(&b), paint: palette{on: on}, width: width, unicode: true}
	t.write(p)
	p.w.Flush()
	return b.String()
}

func sample() *table {
	t := &table{header: []string{"id", "title", "who"}, flex: 1}
	t.add(cell{"1", slotID}, cell{"short", plain}, cell{"", plain})
	t.add(cell{"12", slotID}, cell{"a title that is much too long for the terminal", plain}, cell{"", plain})
	t.add(cell{"3", slotID}, cell{"日本語の題名がとても長いとき切る必要がある", plain}, cell{"", plain})
	return t
}

func TestTableOnATerminal(t *testing.T) {
	check(t, "columns", render(30, false, sample()), strings.Join([]string{
		"ID  TITLE",
		"1   short",
		"12  a title that is much too…",
		"3   日本語の題名がとても長い…",
		"",
	}, "\n"))
}

func TestTableInAPipe(t *testing.T) {
	check(t, "fields", render(0, false, sample()), "1\tshort\t\n12\ta title that is much too long for the terminal\t\n3\t日本語の題名がとても長いとき切る必要がある\t\n")
}

func TestTableColour(t *testing.T) {
	tb := &table{header: []string{"id", "title"}, flex: 1}
	tb.add(cell{"1\x1b[0m", slotID}, cell{"x", plain})
	check(t, "escapes are ours alone", render(80, true, tb), "\x1b[1mID\x1b[m        \x1b[1mTITLE\x1b[m\n\x1b[33m1\\x1b[0m\x1b[m  x\n")
	check(t, "empty", render(80, true, &table{header: []string{"id"}}), "")
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"abc": 3, "ü": 1, "e\u0301": 1, "世界": 4, "": 0,
		"👍": 2, "👍🏽": 2, "⭐⬛⭕✅": 8, "☺": 1, "⚠\ufe0f": 2, "🇩🇪": 2,
		"🫠": 2, "🫡": 2, "🪛": 2, "🩹": 2, "🫨": 2, "\U0001fae9": 2, // Unicode 12 to 16
		"👩\u200d💻": 2, "می\u200cخواهم": 7,
	} {
		check(t, s, width(s), want)
	}
	for _, c := range []struct {
		s    string
		w    int
		want string
	}{
		{"abcdef", 4, "abc…"},
		{"ab cdef", 4, "ab…"},
		{"abcd", 4, "abcd"},
		{"🫡🫠🪛", 5, "🫡🫠…"},
		{"🫡🫠🪛", 4, "🫡…"},
		{"👩\u200d💻👩\u200d💻x", 4, "👩\u200d💻…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"می\u200cخواهم", 3, "می…"},
	} {
		got := cut(c.s, c.w, "…")
		check(t, c.s, got, c.want)
		check(t, c.s+", fit", frame.OneLine(got), got)
		if width(got) > c.w {
			t.Errorf("%q is wider than %d", got, c.w)
		}
	}
}

// TestColourOnlyWhereAsked: without a terminal there is none, unless always.
func TestColourOnlyWhereAsked(t *testing.T) {
	w := newWorld(t)
	w.id("a")
	check(t, "auto", strings.Contains(w.ok("list").out, "\x1b"), false)
	check(t, "always", strings.Contains(w.ok("list", "--color").out, "\x1b[33m1\x1b[m"), true)
	w.vars["GIT_PAGER_IN_USE"] = "true" // git has started a pager on a terminal
	w.vars["NO_COLOR"] = "1"
	r := w.ok("list")
	check(t, "NO_COLOR", strings.Contains(r.out, "\x1b"), false)
	contains(t, "the layout of a terminal", r.out, "ID  PRIORITY  TITLE")
	check(t, "unknown", w.run("list", "--color=pink").code, frame.ExitUsage)
}
