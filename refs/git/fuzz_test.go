package git

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// FuzzAnswer reads what a `cat-file --batch` says for one object.
func FuzzAnswer(f *testing.F) {
	id := refs.OID(strings.Repeat("a", 40))
	f.Add([]byte(string(id)+" blob 3\nabc\n"), 10)
	f.Add([]byte(string(id)+" missing\n"), 10)
	f.Add([]byte(string(id)+" tree 99999999999999999999\n"), 10)
	f.Add([]byte(string(id)+" blob 20\n01234567890123456789\n"), 10)
	f.Fuzz(func(t *testing.T, out []byte, limit int) {
		limit = min(max(limit, 0), 1<<16)
		o, err := (&catFile{form: refs.SHA1}).answer(bufio.NewReader(bytes.NewReader(out)), id, int64(limit))
		switch {
		case err == nil && (len(o.Data) > limit || !bytes.Contains(out, o.Data)):
			t.Errorf("%d bytes over a limit of %d", len(o.Data), limit)
		case err != nil && o.Data != nil:
			t.Error("both")
		case err != nil && !errors.Is(err, errDied) && !errors.Is(err, errRestart) && !errors.Is(err, refs.ErrMissing) && !errors.Is(err, refs.ErrTooLarge):
			t.Error(err)
		}
	})
}
