package frame

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDraft: a draft that is left as it is leaves the text as it was, whatever
// it holds; and any page whatever leaves a text that can be an event's.
func FuzzDraft(f *testing.F) {
	f.Add("a text", "# "+Scissors, "about it", "another page")
	f.Add("# "+Scissors+"\n\u202ereversed\\u202e", "# "+Scissors, "\n\n", "# "+Scissors+"\n# "+Scissors)
	f.Add("\u200b\u200c\\u200", ";; "+Scissors, "", "\\u200b\r\n\xff\x00")
	f.Fuzz(func(t *testing.T, text, line, about, other string) {
		if strings.Contains(line, "\n") || line != OneLine(line) || strings.TrimSpace(line) == "" || !strings.HasSuffix(line, Scissors) {
			return // commentMark sees to that
		}
		if edited := leftOn(other, text, line); edited != strings.TrimSpace(edited) || strings.Contains(edited, "\r\n") {
			t.Fatalf("%q left %q", other, edited)
		}
		if !utf8.ValidString(text) || text != strings.TrimSpace(TrimText(text)) {
			return // no event holds it
		}
		for _, r := range text {
			if r != '\n' && r != '\t' && (r < 0x20 || r >= 0x7F && r < 0xA0) || Hidden(r) && strings.Contains(text, OneLine(string(r))) {
				return // nor that; or the escape stands in the text in letters, which is left as it is
			}
		}
		if got := leftOn(draftPage(text, line, OneLine(about)), text, line); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
