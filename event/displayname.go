package event

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShownName is the most characters of an agent's name.
const maxShownName = 64

// DisplayName is a name of a person or program as an agent publishes it: on one line,
// without characters that would let it pass for more than a name. "" is no name.
//
// Readers show a name only if it is what DisplayName makes of it. Control characters,
// characters without width and those that turn the direction of a text are dropped,
// except the joiners that some scripts need between letters. So are characters that
// stand beside names where they are shown or typed: an id in parentheses, a list with
// commas, quotes, '@me'.
func DisplayName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d':
			return r
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Cs, unicode.Co, unicode.Variation_Selector), strings.ContainsRune("()<>,\"@", r), invisible(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(strings.TrimLeft(s, "+-#% ")), " ")
	for n := utf8.RuneCountInString(s); n > maxShownName || len(s) > MaxName; n-- {
		_, size := utf8.DecodeLastRuneInString(s)
		s = strings.TrimRight(s[:len(s)-size], " \u200c\u200d")
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return ""
	}
	return s
}

// invisible reports letters and marks that fonts draw as nothing: fillers of Hangul,
// the empty Braille cell, and Khmer vowels without a form.
func invisible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u17b4', '\u17b5', '\u034f':
		return true
	}
	return false
}
