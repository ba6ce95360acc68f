package people

import (
	"strings"
	"sync"
	"unicode"
)

// Letters of Latin, each followed by a letter of another script that looks like it.
const (
	cyrillicLetters = "AАBВCСEЕHНIІJЈKКMМOОPРSЅTТXХYУaаcсeеiіjјoоpрsѕwԝxхyу"
	greekLetters    = "AΑBΒEΕHΗIΙKΚMΜNΝOΟPΡTΤXΧYΥZΖiιoοpρuυvν"
)

// lookalikes map letters between Latin and another script, in both directions.
var lookalikes = sync.OnceValue(func() (all []map[rune]rune) {
	for _, s := range []string{cyrillicLetters, greekLetters} {
		to, from := map[rune]rune{}, map[rune]rune{}
		letters := []rune(s)
		for k := 0; k < len(letters); k += 2 {
			to[letters[k+1]], from[letters[k]] = letters[k], letters[k+1]
		}
		all = append(all, to, from)
	}
	return all
})

// alike returns the names in another script's letters that look like a name.
func alike(name string) (all []string) {
	for _, m := range lookalikes() {
		other := strings.Map(func(r rune) rune {
			if o, there := m[r]; there {
				return o
			}
			return r
		}, name)
		if other != name {
			all = append(all, other)
		}
	}
	return all
}

// mixed reports whether a word of a name has letters of two scripts that look alike: a name
// is spelled like this only to look like another.
func mixed(name string) bool {
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		scripts := 0
		for _, s := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(s, r) }) {
				scripts++
			}
		}
		if scripts > 1 {
			return true
		}
	}
	return false
}

// LooksLikeMe reports whether a word looks like @me or @this and is neither.
func LooksLikeMe(word string) bool {
	for _, w := range append(alike(word), strings.ToLower(word)) {
		if w = strings.ToLower(w); word != Me && word != This && (w == Me || w == This) {
			return true
		}
	}
	return false
}
