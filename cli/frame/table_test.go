package frame

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

func render(width int, on bool, t *Table) string {
	var b bytes.Buffer
	p := &Page{W: bufio.NewWriter(&b), palette: palette{on: on}, Width: width, unicode: true}
	t.Write(p)
	p.W.Flush()
	return b.String()
}

func sample() *Table {
	t := &Table{Header: []string{"id", "title", "who"}, Flex: 1}
	t.Add(Cell{"1", ID}, Cell{"short", Plain}, Cell{"", Plain})
	t.Add(Cell{"12", ID}, Cell{"a title that is much too long for the terminal", Plain}, Cell{"", Plain})
	t.Add(Cell{"3", ID}, Cell{"日本語の題名がとても長いとき切る必要がある", Plain}, Cell{"", Plain})
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
	tb := &Table{Header: []string{"id", "title"}, Flex: 1}
	tb.Add(Cell{"1\x1b[0m", ID}, Cell{"x", Plain})
	check(t, "escapes are ours alone", render(80, true, tb), "\x1b[1mID\x1b[m        \x1b[1mTITLE\x1b[m\n\x1b[33m1\\x1b[0m\x1b[m  x\n")
	check(t, "empty", render(80, true, &Table{Header: []string{"id"}}), "")
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"abc": 3, "ü": 1, "e\u0301": 1, "世界": 4, "": 0,
		"👍": 2, "👍🏽": 2, "⭐⬛⭕✅": 8, "☺": 1, "⚠\ufe0f": 2, "🇩🇪": 2,
		"🫠": 2, "🫡": 2, "🪛": 2, "🩹": 2, "🫨": 2, "\U0001fae9": 2, // Unicode 12 to 16
		"👩\u200d💻": 2, "می\u200cخواهم": 7,
	} {
		check(t, s, Width(s), want)
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
		got := truncate(c.s, c.w, "…")
		check(t, c.s, got, c.want)
		check(t, c.s+", fit", OneLine(got), got)
		if Width(got) > c.w {
			t.Errorf("%q is wider than %d", got, c.w)
		}
	}
}

// issues is a table like that of a list of issues.
func issues() *Table {
	t := &Table{Header: []string{"id", "priority", "title", "labels", "who", "due", "changed"}, Flex: 2, Shrink: []int{3, 4}, Drop: []int{6, 3, 4, 5, 1}}
	for _, r := range [][]string{
		{"1204", "high", "the flux capacitor loses its charge when the hub answers late", "bug,core,needs-review", "alice,bob", "2026-12-01", "3 months ago"},
		{"7", "low", "日本語の題名がとても長いとき切る必要がある", "i18n", "", "", "just now"},
		{"8", "low", "👩‍👩‍👧‍👦 and ëé with marks 👩‍💻👩‍💻👩‍💻👩‍💻", "a-single-label-that-is-long", "carol-laptop-9f3a", "", ""},
	} {
		cells := make([]Cell, len(r))
		for k, text := range r {
			cells[k] = Plain.Cell(text)
		}
		t.Add(cells...)
	}
	return t
}

func TestTableFits(t *testing.T) {
	check(t, "40", render(40, false, issues()), strings.Join([]string{
		"ID    PRIORITY  TITLE",
		"1204  high      the flux capacitor lose…",
		"7     low       日本語の題名がとても長…",
		"8     low       👩‍👩‍👧‍👦 and ëé with marks 👩‍💻…",
		"",
	}, "\n"))
	check(t, "80", render(80, false, issues()), strings.Join([]string{
		"ID    PRIORITY  TITLE                             LABELS    WHO       DUE",
		"1204  high      the flux capacitor loses its ch…  bug,+2    alice,+1  2026-12-01",
		"7     low       日本語の題名がとても長いとき切…   i18n",
		"8     low       👩‍👩‍👧‍👦 and ëé with marks 👩‍💻👩‍💻👩‍💻👩‍💻     a-singl…  carol-l…",
		"",
	}, "\n"))
	check(t, "120", render(120, false, issues()), strings.Join([]string{
		"ID    PRIORITY  TITLE                                             LABELS     WHO                DUE         CHANGED",
		"1204  high      the flux capacitor loses its charge when the hu…  bug,+2     alice,bob          2026-12-01  3 months ago",
		"7     low       日本語の題名がとても長いとき切る必要がある        i18n                                      just now",
		"8     low       👩‍👩‍👧‍👦 and ëé with marks 👩‍💻👩‍💻👩‍💻👩‍💻                     a-single…  carol-laptop-9f3a",
		"",
	}, "\n"))
	for width := 8; width < 200; width++ {
		for line := range strings.Lines(render(width, false, issues())) {
			if w := Width(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("at %d columns a line has %d: %s", width, w, line)
			}
		}
	}
}

func TestShrink(t *testing.T) {
	for _, c := range []struct {
		list string
		w    int
		want string
	}{
		{"core,ui", 8, "core,ui"},
		{"core,ui,bug", 8, "core,+2"},
		{"core,ui,bug", 10, "core,ui,+1"},
		{"needs-review,ui", 8, "need…,+1"},
		{"alice-laptop-9f3a", 8, "alice-l…"},
	} {
		check(t, c.list, shrink(c.list, c.w, "…"), c.want)
	}
}
