package people

import (
	"regexp"
	"sync"
)

// maxMentions bounds how many words of a text are checked.
const maxMentions = 50

// mention is an @ that begins a word, and what follows. An address of mail holds none.
var mention = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\pL\pN._@/+-])@([\pL\pN](?:[\pL\pN._-]*[\pL\pN])?)`)
})

// Mentions returns the words with which a text addresses somebody: @alice, @alice-box-k3fa.
func Mentions(text string) []string {
	var words []string
	for _, m := range mention().FindAllStringSubmatch(text, maxMentions) {
		words = append(words, m[1])
	}
	return words
}
