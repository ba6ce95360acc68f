package tokens

import (
	"strings"
	"testing"
)

// TestCount: these numbers were computed with another implementation (js-tiktoken 1.0.21).
func TestCount(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "hello world": 2, "git crosslink ready --claim": 6, "  \n\n\tx": 2, "Donaudampfschifffahrtsgesellschaftskapitän": 13,
		strings.Repeat("長い題名", 10): 40, "👩‍👩‍👧‍👦": 11, "สวัสดีชาวโลก": 7, "e\u0301\u0301": 3, strings.Repeat("\u0301", 50): 50,
		strings.Repeat("ཀྵ", 10): 40, strings.Repeat("𒐫", 10): 40, strings.Repeat("xqzj", 30): 91,
	} {
		if got := Count(text); got != want {
			t.Errorf("%q has %d tokens, not %d", text, got, want)
		}
	}
}
