package enrol

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzEscape: a remote's name is a file's and comes back; no name leads out of
// the directory.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"origin", "../../etc", "a%2", "%41", ".", "", "ä b\n", "%%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		file := escape(s)
		if unescape(file) != s {
			t.Fatalf("%q is %q is %q", s, file, unescape(file))
		}
		if file != filepath.Base(file) && s != "" || strings.HasPrefix(file, ".") {
			t.Fatalf("%q is the file %q", s, file)
		}
		unescape(s)
	})
}
