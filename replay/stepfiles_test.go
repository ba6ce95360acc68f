package replay

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Files of a step that an earlier process read are what they were, or are read
// again: whatever somebody does to the file they lie in.
func TestStepFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.files")
	files := map[refs.OID][]byte{}
	for n := range 2 * FewFiles {
		b := bytes.Repeat([]byte(fmt.Sprintf("%d some lines\n", n)), n)
		files[refs.SHA1.ID(refs.Object{Kind: refs.Blob, Data: b})] = b
	}
	want := slices.Sorted(maps.Keys(files))
	fresh := func() *StepFiles {
		return &StepFiles{Format: refs.SHA1,
			Load: func() []byte { b, _ := os.ReadFile(path); return b },
			Save: func(b []byte) {
				if err := os.WriteFile(path, b, 0o666); err != nil {
					t.Error(err)
				}
			}}
	}

	have := map[refs.OID][]byte{}
	if others := fresh().get(want, have); len(have) > 0 || !slices.Equal(others, want) {
		t.Fatalf("of nothing %d are known", len(have))
	}
	fresh().keep(files, FewFiles)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("a few new ones are kept: %v", err)
	}
	fresh().keep(files, FewFiles+1)
	if others := fresh().get(want, have); len(others) > 0 || !maps.EqualFunc(have, files, bytes.Equal) {
		t.Fatalf("%d are unknown", len(others))
	}
	clear(have)
	if others := fresh().get(want[:FewFiles], have); len(have) > 0 || len(others) != FewFiles {
		t.Error("a few are looked for in the file")
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := 0
	for at := 0; at < len(whole); at += 11 {
		for _, b := range [][]byte{whole[:at], append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...), append(bytes.Clone(whole[:at]), whole[min(at+3, len(whole)):]...)} {
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			clear(have)
			others := fresh().get(want, have)
			if len(others) > 0 {
				spoilt++
			}
			for id, b := range have {
				if !bytes.Equal(b, files[id]) {
					t.Fatalf("byte %d: another content of %s", at, id)
				}
			}
			if len(have)+len(others) != len(want) {
				t.Fatalf("byte %d: %d known, %d not", at, len(have), len(others))
			}
		}
	}
	if spoilt < len(whole)/11 {
		t.Errorf("%d changes of %d bytes, each 11th tried in three ways, were noticed", spoilt, len(whole))
	}
}
