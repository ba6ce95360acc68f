package frame

import (
	"bufio"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestSanitize is golden: what stands here is what terminals get.
func TestSanitize(t *testing.T) {
	for _, c := range []struct{ name, in, line, lines string }{
		{"plain", "flux ü 世 👍", "flux ü 世 👍", "flux ü 世 👍"},
		{"empty", "", "", ""},
		{"lines", "a\nb\tc", `a\nb\tc`, "a\nb\tc"},
		{"carriage return", "a\r\nb", `a\r\nb`, "a\\r\nb"},
		{"colour", "\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
		{"title of the window", "\x1b]0;x\x07", `\x1b]0;x\x07`, `\x1b]0;x\x07`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`, `\x00\x7f`},
		{"C1", "\u009b31m\u0085", `\u009b31m\u0085`, `\u009b31m\u0085`},
		{"C1 as bytes", "\x9b31m", `\x9b31m`, `\x9b31m`},
		{"override", "\u202etxt.exe\u202c", `\u202etxt.exe\u202c`, `\u202etxt.exe\u202c`},
		{"isolates", "\u2066x\u2069", `\u2066x\u2069`, `\u2066x\u2069`},
		{"zero width", "a\u200bb\u200d\u2060\ufeff", `a\u200bb\u200d\u2060\ufeff`, `a\u200bb\u200d\u2060\ufeff`},
		{"Persian", "می\u200cخواهم", "می\u200cخواهم", "می\u200cخواهم"},
		{"Hindi", "क्\u200dष", "क्\u200dष", "क्\u200dष"},
		{"Bengali", "র\u200d্যাব", "র\u200d্যাব", "র\u200d্যাব"},
		{"Malayalam", "അവന്\u200d .", "അവന്\u200d .", "അവന്\u200d ."},
		{"emoji", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f", "👩\u200d💻 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d⚧\ufe0f"},
		{"joiners alone", "\u200c\u200d", `\u200c\u200d`, `\u200c\u200d`},
		{"joiners between Latin letters", "pay\u200cpal e\u0301\u200dx", `pay\u200cpal ` + "e\u0301" + `\u200dx`, `pay\u200cpal ` + "e\u0301" + `\u200dx`},
		{"two joiners", "می\u200c\u200cخ", `می\u200c\u200cخ`, `می\u200c\u200cخ`},
		{"joiner at the edge", "\u200cخ می\u200c 👩\u200d", `\u200cخ می\u200c 👩\u200d`, `\u200cخ می\u200c 👩\u200d`},
		{"non-joiner in an emoji", "👩\u200c💻", `👩\u200c💻`, `👩\u200c💻`},
		{"override beside a joiner", "می\u200c\u202eخ", `می\u200c\u202eخ`, `می\u200c\u202eخ`},
		{"many marks before a joiner", "م" + strings.Repeat("\u064b", 99) + "\u200cخ", "م" + strings.Repeat("\u064b", 99) + `\u200cخ`, "م" + strings.Repeat("\u064b", 99) + `\u200cخ`},
		{"separators", "a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
		{"tags", "a\U000e0041", `a\U000e0041`, `a\U000e0041`},
		{"not UTF-8", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"replacement character", "\ufffd", "\ufffd", "\ufffd"},
		{"overlong", "\xc0\x9b", `\xc0\x9b`, `\xc0\x9b`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`, `\xed\xa0\x80`},
	} {
		check(t, c.name, OneLine(c.in), c.line)
		check(t, c.name+", lines", Lines(c.in), c.lines)
		check(t, c.name+", twice", OneLine(OneLine(c.in)), OneLine(c.in))
	}
}

// fit reports whether a terminal may see every byte of s.
func fit(s string) bool {
	for i, r := range s {
		if r < 0x20 && r != '\n' && r != '\t' && r != 0 || r >= 0x7F && Hidden(r) && !spelled(s, i) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func FuzzSanitize(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Add("م\u200cخ👩\u200d💻\u200d\u202eअ्\u200d")
	f.Fuzz(func(t *testing.T, s string) {
		if l := OneLine(s); !fit(l) || strings.ContainsAny(l, "\n\t\x00") || OneLine(l) != l || Lines(l) != l {
			t.Errorf("%q gives %q", s, l)
		}
		if l := Lines(s); !fit(l) || strings.Contains(l, "\x00") || Lines(l) != l || OneLine(l) != OneLine(s) {
			t.Errorf("%q gives %q", s, l)
		}
	})
}

func TestEscapeHiddenKeepsTheMeaning(t *testing.T) {
	for _, s := range []string{"plain", "\u202e", "\u009b\u007f\ufeff", "a\U000e0041b", "\x00\n\"\\", "ü世👍"} {
		doc, err := json.Marshal(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		esc := escapeHidden(doc)
		var back map[string]string
		if err := json.Unmarshal(esc, &back); err != nil {
			t.Fatal(err)
		}
		check(t, "text", back["s"], s)
		if !fit(string(esc)) {
			t.Errorf("%q", esc)
		}
	}
}

// TestPagesNeedNoCare: everything that is written to a page is sanitized.
func TestPagesNeedNoCare(t *testing.T) {
	var b strings.Builder
	p := &Page{W: bufio.NewWriter(&b), palette: palette{on: true}}
	p.Print("%s %s %v %d %s\n", "\x1b[31m", event.Priority("\x9b"), errors.New("\u202e"), 7, p.Paint(ID, "\x1b"))
	p.Block("  ", "a\x07\nb")
	p.W.Flush()
	check(t, "page", b.String(), `\x1b[31m \x9b \u202e 7 `+"\x1b[33m"+`\x1b`+"\x1b[m\n"+`  a\x07`+"\n  b\n")
}

// TestTraceIsFit: the log of diagnostics may be read on a terminal.
func TestTraceIsFit(t *testing.T) {
	var b strings.Builder
	l := traceTo("1", &b)
	l.Debug().Strs("args", []string{"\x1b[31m\u202e\u200b\u009b\x7f\xff"}).Msg("start")
	if !fit(b.String()) || !json.Valid([]byte(b.String())) {
		t.Errorf("%q", b.String())
	}
}
