package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The rules of text that came from elsewhere (titles, comments, agent ids, ref
// names, the words of git and of the hub) are:
//
//   - no control character reaches a terminal: C0, DEL, C1 and bytes that are
//     not UTF-8 are written as escapes;
//   - nothing invisible does either: what turns the direction of text, joins
//     or separates without width, or tags;
//   - in text of several lines LF and TAB stay, in a field of one line they are
//     escaped too.
//
// A backslash is not escaped, so the escapes are for eyes; exact text is what
// --json is for.

// oneLine makes s fit for one line of a terminal.
func oneLine(s string) string { return sanitize(s, false) }

// manyLines makes s fit for a terminal and keeps its lines.
func manyLines(s string) string { return sanitize(s, true) }

func sanitize(s string, lines bool) string {
	bad := -1
	for i, r := range s {
		if unfit(r, lines) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
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
		case !unfit(r, lines):
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

func unfit(r rune, lines bool) bool {
	if r < 0x20 {
		return !lines || r != '\n' && r != '\t'
	}
	return r >= 0x7F && hidden(r)
}

// hidden reports DEL, C1 and the characters that move or hide text.
func hidden(r rune) bool {
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
