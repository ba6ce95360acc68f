package ledger_test

import (
	"regexp"
	"testing"

	"github.com/git-crosslink/git-crosslink/ledger"
)

// The names of a step's tree, as a pattern says them: matching by hand costs no
// start-up time and has to agree.
func TestNamesOfFiles(t *testing.T) {
	file := regexp.MustCompile(`^(state\.json|base\.json|numbers/(issues|milestones)/[0-9]{6,}|positions/[0-9a-f]/[0-9a-f])$`)
	dir := regexp.MustCompile(`^(numbers(/(issues|milestones))?|positions(/[0-9a-f])?)$`)
	seeds := []string{"state.json", "base.json", "numbers", "numbers/issues", "numbers/milestones", "numbers/issues/000000", "numbers/milestones/1234567",
		"positions", "positions/a", "positions/0/f", "positions/a/b/c", "numbers/issues/000000/1", "", "/", "numbers/", "positions//"}
	files, dirs := 0, 0
	try := func(s string) {
		f, d := file.MatchString(s), dir.MatchString(s)
		if got := ledger.HasFile(s); got != f {
			t.Errorf("HasFile(%q) = %v", s, got)
		}
		if got := ledger.HasDir(s); got != d {
			t.Errorf("HasDir(%q) = %v", s, got)
		}
		if f {
			files++
		}
		if d {
			dirs++
		}
	}
	const other = "/0f.gAé\n\x00"
	for _, s := range seeds {
		try(s)
		for i := range len(s) + 1 {
			for _, c := range []byte(other) {
				try(s[:i] + string(rune(c)) + s[i:])
				if i < len(s) {
					try(s[:i] + string(rune(c)) + s[i+1:])
				}
			}
			if i < len(s) {
				try(s[:i] + s[i+1:])
			}
		}
	}
	if files < 50 || dirs < 10 {
		t.Errorf("%d files and %d directories: the names tried are no test", files, dirs)
	}
}
