package refs

import (
	"strings"
	"unicode"
)

// FoldName returns the name under which a file system may find a ref's file
// when that name is written in ASCII: in lower case, without the characters
// that file systems ignore, and with every other character that some of them
// take for an ASCII letter spelled as that letter. It covers APFS and HFS+
// (canonical decomposition, full case folding, ignorable characters), ext4 with
// casefold, and NTFS (letter by letter, no dots at the end of a component).
// Two names of which one is plain lower-case ASCII can be one file only if
// their folded names are equal.
func FoldName(name string) string {
	var b strings.Builder
	for i, part := range strings.Split(name, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(foldComponent(part))
	}
	return b.String()
}

func foldComponent(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch ascii, special := asciiFold[r]; {
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		case r < 0x80:
			b.WriteRune(r)
		case special:
			b.WriteString(ascii)
		case !ignorable(r):
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(b.String(), ". ")
}

// asciiFold lists every character beyond ASCII that decomposes or folds to ASCII letters
// alone (CaseFolding.txt and UnicodeData.txt), and the two Turkish characters that do so by
// simple case mapping.
var asciiFold = map[rune]string{
	0x00df: "ss", 0x1e9e: "ss", // sharp s
	0x0130: "i", 0x0131: "i", // dotted capital, dotless small
	0x017f: "s",                                             // long s
	0x212a: "k",                                             // Kelvin sign
	0xfb00: "ff", 0xfb01: "fi", 0xfb02: "fl", 0xfb03: "ffi", // ligatures
	0xfb04: "ffl", 0xfb05: "st", 0xfb06: "st",
}

// ignorable reports whether some file system ignores a character when it compares names: at
// least all characters that Unicode calls default ignorable.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
