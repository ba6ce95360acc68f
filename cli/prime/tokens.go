package prime

import (
	"strings"
	"unicode/utf8"
)

// tokens returns how many tokens a text has at most, without the tables of a model: an
// estimate that is about twice too high for English, and that no text exceeds. A
// test compares it with a real tokenizer.
func tokens(s string) int {
	quarters := 0
	run, vowels := 0, false // run is how many letters of one kind follow each other
	spaces, word := 0, false
	for _, r := range s {
		lower := r | 0x20
		letter := r < utf8.RuneSelf && lower >= 'a' && lower <= 'z'
		switch {
		case letter:
			if v := strings.ContainsRune("aeiouy", lower); v != vowels || !word {
				run, vowels = 0, v
			}
			run++
			switch {
			case word:
				quarters += 2
			case spaces != 1: // one space is a part of the word
				quarters += 4
			}
			if run > 2 { // no word has many in a row
				quarters++
			}
			if word && r != lower {
				quarters++
			}
		case r == ' ' && spaces > 0: // many are one token
		case r >= utf8.RuneSelf:
			quarters += 4 * width(r)
		default:
			quarters += 4
		}
		word = letter
		if r == ' ' {
			spaces++
		} else {
			spaces = 0
		}
	}
	return (quarters + 3) / 4
}

// width is the maximum number of tokens of a character: one for each byte, except in alphabets
// whose letters have tokens of their own.
func width(r rune) int {
	switch {
	case r >= 0xc0 && r <= 0xd6, r >= 0xdc && r <= 0xff, r >= 0x3b1 && r <= 0x3c9, r >= 0x410 && r <= 0x44f, r >= 0x5d0 && r <= 0x5ea, r >= 0x621 && r <= 0x63a:
		return 1
	case r >= 0xe00 && r <= 0xe7f, r >= 0x3041 && r <= 0x30fe:
		return 2
	}
	return utf8.RuneLen(r)
}
