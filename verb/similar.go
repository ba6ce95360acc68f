package verb

import (
	"strings"
	"unicode"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// maxSimilar is how many issues Similar returns.
const maxSimilar = 3

// Similar returns the first issues whose title has the same words as another title, or
// nearly the same (both share four fifths of their words). It skips the issue itself.
func Similar(title string, but event.UUID, rows []store.Named) (found []store.Named) {
	words := wordsOf(title)
	for _, i := range rows {
		if i.UUID == but || !alike(words, wordsOf(i.Title)) {
			continue
		}
		if found = append(found, i); len(found) == maxSimilar {
			break
		}
	}
	return found
}

func wordsOf(title string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(store.Fold(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		words[w] = true
	}
	return words
}

func alike(a, b map[string]bool) bool {
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	return both > 0 && 5*both >= 4*(len(a)+len(b)-both)
}
