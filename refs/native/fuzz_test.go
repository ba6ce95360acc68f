package native

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// FuzzRefFile: a ref's file holds an id, or it is odd or broken.
func FuzzRefFile(f *testing.F) {
	f.Add([]byte(strings.Repeat("aB", 20) + "\n"))
	f.Add([]byte("ref: refs/heads/main\n"))
	f.Add([]byte(strings.Repeat("0", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []refs.Format{refs.SHA1, refs.SHA256} {
			id, there, err := refFiles{form: form}.parse(b)
			if there != (err == nil) || there != (id != "") {
				t.Fatal(id, there, err)
			}
			if there && (!form.Valid(id) || id == form.Zero() || !strings.EqualFold(strings.TrimSpace(string(b)), string(id))) {
				t.Fatalf("%q is read as %s", b, id)
			}
		}
	})
}
