package refs_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/git-crosslink/git-crosslink/refs"
)

func TestFoldName(t *testing.T) {
	const meta = "refs/heads/crosslink/meta"
	for name, same := range map[string]bool{
		"refs/heads/crosslink/meta":                true,
		"refs/Heads/CROSSLINK/Meta":                true,
		"refs/heads/cro\u00dflink/meta":            true, // full case folding: sharp s
		"refs/heads/cro\u1e9elink/meta":            true,
		"refs/head\u017f/cro\u017fslin\u212a/meta": true, // long s, Kelvin sign
		"refs/heads/crossl\u0131nk/meta":           true,
		"refs/heads/cross\u200clink/meta":          true, // HFS+ ignores it
		"refs/heads/cross\u00adlink/m\ufe0feta":    true, // ext4 does
		"refs/heads./crosslink./meta.":             true, // NTFS
		"refs/heads/cr\u00f6sslink/meta":           false,
		"refs/heads/cro\u0301sslink/meta":          false,
		"refs/heads/\u0441rosslink/meta":           false, // Cyrillic: looks alike, is another name
		"refs/heads/\uff43rosslink/meta":           false, // full width: compatibility, not canonical
		"refs/heads/crosslinks/meta":               false,
		"refs/heads/cross.link/meta":               false,
		"refs/heads/crosslink\xff/meta":            false,
	} {
		if got := refs.FoldName(name); (got == meta) != same {
			t.Errorf("FoldName(%q) = %q", name, got)
		}
	}
}

// Whatever Go's tables say of one letter's case, FoldName follows; the folds to
// several letters are the ones of CaseFolding.txt.
func TestFoldNameKnowsEveryCaseOfALetter(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if f < 0x80 && refs.FoldName(string(r)) != strings.ToLower(string(f)) {
				t.Errorf("%U folds to %q, not %q", r, refs.FoldName(string(r)), string(f))
			}
		}
		for _, u := range []rune{unicode.ToUpper(r), unicode.ToLower(r)} {
			if u < 0x80 && refs.FoldName(string(r)) != strings.ToLower(string(u)) {
				t.Errorf("%U is %q in another case", r, u)
			}
		}
	}
}
