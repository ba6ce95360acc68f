package event

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDisplayName(t *testing.T) {
	for raw, want := range map[string]string{
		"Alice Liddell":                  "Alice Liddell",
		"  Alice \t Liddell\n":           "Alice Liddell",
		"Alice (bob-box-cd3e)":           "Alice bob-box-cd3e",
		"Liddell, Alice":                 "Liddell Alice",
		"Alice <alice@example.com>":      "Alice aliceexample.com",
		"@me":                            "me",
		"--offline":                      "offline",
		"+1 Alice":                       "1 Alice",
		"#12":                            "12",
		"A\u202elice":                    "Alice",
		"A\u200blice\ufeff":              "Alice",
		"A\x1b[31mlice":                  "A[31mlice",
		"علی\u200cرضا":                   "علی\u200cرضا",
		"山田 太郎":                          "山田 太郎",
		"O'Hara \"Bo\"":                  "O'Hara Bo",
		"\u3164\u3164":                   "",
		"\u2800":                         "",
		"…":                              "",
		"":                               "",
		"a\xffb":                         "ab",
		strings.Repeat("x", 200):         strings.Repeat("x", 64),
		strings.Repeat("é", 70):          strings.Repeat("é", 64),
		strings.Repeat("太", 50):          strings.Repeat("太", 42),
		strings.Repeat("ab ", 21) + "cd": strings.TrimSpace(strings.Repeat("ab ", 21)) + " c",
	} {
		got := DisplayName(raw)
		if got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
		if DisplayName(got) != got {
			t.Errorf("%q is made %q of", got, DisplayName(got))
		}
	}
}

// Any text becomes a name that an event may contain, and such a name does not change again.
func FuzzDisplayName(f *testing.F) {
	f.Add("Alice Liddell")
	f.Add("\u200d\u202e太")
	f.Fuzz(func(t *testing.T, s string) {
		n := DisplayName(s)
		if DisplayName(n) != n || len(n) > MaxName || utf8.RuneCountInString(n) > maxShownName {
			t.Fatalf("%q: %q, and of that %q", s, n, DisplayName(n))
		}
		if err := Check(&AgentIntroduced{Kind: Person, Name: n}); err != nil {
			t.Fatalf("%q: %v", n, err)
		}
	})
}
