package frame

import (
	"testing"
)

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"clsoe": "close", "lst": "list", "cloze": "close", "xyzzy": "", "": ""} {
		check(t, word, Nearest(word, []string{"close", "list", "new"}), want)
	}
}
