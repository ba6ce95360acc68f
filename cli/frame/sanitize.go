package frame

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules for text from elsewhere (titles, comments, agent ids, ref names, messages of
// git and of the hub) are:
//
//   - no control character reaches a terminal: C0, DEL, C1 and bytes that are not UTF-8 are
//     written as escapes;
//   - neither does an invisible character: characters that change the direction of text,
//     that have no width, or that are tags. The exceptions are ZWNJ and ZWJ where spelling
//     needs them: between letters of scripts whose letters change their shape, and between
//     the pictures of one emoji;
//   - LF and TAB stay in text of several lines, and are escaped in a field of one line.
//
// A backslash is not escaped, so the escapes are only for reading; --json gives the exact
// text.

// OneLine sanitizes s for one line of a terminal.
func OneLine(s string) string { return sanitize(s, false) }

// Lines sanitizes s for a terminal and keeps its lines.
func Lines(s string) string { return sanitize(s, true) }

func sanitize(s string, lines bool) string {
	bad := -1
	for i, r := range s {
		if unprintable(r, lines) && !spelled(s, i) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			bad = i
			break
		}
	}
	if bad < 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:bad])
	for i := bad; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unprintable(r, lines) || spelled(s, i):
			b.WriteString(s[i : i+n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

func unprintable(r rune, lines bool) bool {
	if r < 0x20 {
		return !lines || r != '\n' && r != '\t'
	}
	return r >= 0x7F && Hidden(r)
}

const (
	zwnj    = '\u200c'
	zwj     = '\u200d'
	Joiners = string(zwnj) + string(zwj)
)

// spelled reports whether the character at s[i:] is a joiner that spelling needs, so that
// it hides nothing.
func spelled(s string, i int) bool {
	r, n := utf8.DecodeRuneInString(s[i:])
	if r != zwnj && r != zwj {
		return false
	}
	next, _ := utf8.DecodeRuneInString(s[i+n:])
	last, _ := utf8.DecodeLastRuneInString(s[:i])
	switch base := baseBefore(s[:i]); {
	case shaped(base):
		return shaped(next) || unicode.IsMark(next) || r == zwj && unicode.IsMark(last) // after a virama the next character does not matter
	case picture(base):
		return r == zwj && picture(next)
	}
	return false
}

// baseBefore returns the last character of s that is not a mark or modifier of another one.
// It skips at most as many marks as a character of any script has.
func baseBefore(s string) rune {
	const most = 8
	for range most {
		r, n := utf8.DecodeLastRuneInString(s)
		if !unicode.IsMark(r) && !(r >= 0x1F3FB && r <= 0x1F3FF) { // not a skin color
			return r
		}
		s = s[:len(s)-n]
	}
	return utf8.RuneError
}

// shaped reports whether a letter belongs to a script in which a joiner between two letters
// is visible. In other scripts it would only make two different words look alike.
func shaped(r rune) bool {
	return r >= 0x0590 && unicode.IsLetter(r) &&
		!unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// picture reports whether a character can be part of a combined emoji.
func picture(r rune) bool {
	return r >= 0x1F000 && r <= 0x1FAFF || r >= 0x2190 && r <= 0x2BFF && unicode.IsSymbol(r)
}

// Hidden reports whether a character is DEL, C1 or one that moves or hides text.
func Hidden(r rune) bool {
	switch {
	case r >= 0x7F && r <= 0x9F, // DEL, C1
		r == 0x061C,                  // Arabic letter mark
		r >= 0x200B && r <= 0x200F,   // zero width, direction marks
		r >= 0x2028 && r <= 0x202E,   // line and paragraph separator, embeddings, overrides
		r >= 0x2060 && r <= 0x206F,   // word joiner, isolates, invisible operators
		r == 0xFEFF,                  // zero width no-break space
		r >= 0xFFF9 && r <= 0xFFFB,   // interlinear annotation
		r >= 0xE0000 && r <= 0xE007F: // tags
		return true
	}
	return false
}
