package native

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

// TestPacks reads each object of a pack that git made, deltas among them, and of packs
// and indexes with changed bytes: what is returned is right, or nothing is.
func TestPacks(t *testing.T) {
	dir := t.TempDir()
	refstest.Git(t, "-C", dir, "init", "-q", "--bare")
	want := map[refs.OID][]byte{}
	l := loose{dir: filepath.Join(dir, "objects"), cache: new(objectCache)}
	var objs []refs.Object
	var lines []string
	for n := range 80 {
		lines = append(lines, fmt.Sprintf("line %d differs from all others: %x\n", n, rand.New(rand.NewPCG(uint64(n), 1)).Uint64()))
	}
	for n := range 40 { // each has one line of the one before it no more, and one more
		objs = append(objs, refs.Object{Kind: refs.Blob, Data: []byte(strings.Join(lines[n:n+40], ""))})
	}
	ids, err := refs.SHA1.IDs(objs)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.store(ids, objs); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		want[id] = objs[i].Data
		refstest.Git(t, "-C", dir, "update-ref", fmt.Sprint("refs/tags/", i), string(id))
	}
	refstest.Git(t, "-C", dir, "repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50")
	at := filepath.Join(dir, "objects", "pack")
	index, err := filepath.Glob(filepath.Join(at, "*.idx"))
	if err != nil || len(index) != 1 {
		t.Fatal(index, err)
	}
	if out := refstest.Git(t, "-C", dir, "verify-pack", "-v", index[0]); !strings.Contains(out, "chain length = 10") {
		t.Fatalf("no long chain of deltas:\n%s", out)
	}
	all := func() (read int) {
		p := packs{dir: at}
		defer p.close()
		for id, data := range want {
			switch o, ok := p.read(id, 1<<20); {
			case ok && (o.Kind != refs.Blob || !bytes.Equal(o.Data, data)):
				t.Errorf("%s is read as %d bytes", id, len(o.Data))
			case ok:
				read++
			}
		}
		return read
	}
	if n := all(); n != len(want) {
		t.Fatalf("%d of %d objects are read", n, len(want))
	}
	rng, spoilt := rand.New(rand.NewPCG(7, 8)), 0
	for _, path := range []string{index[0], strings.TrimSuffix(index[0], ".idx") + ".pack"} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			b := bytes.Clone(whole)
			for range 1 + rng.IntN(8) {
				b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
			}
			if rng.IntN(4) == 0 {
				b = b[:rng.IntN(len(b))]
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			if all() < len(want) {
				spoilt++
			}
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if spoilt < 20 {
		t.Errorf("only %d changes mattered", spoilt)
	}
	if n := all(); n != len(want) {
		t.Errorf("%d of %d objects are read in the end", n, len(want))
	}
}
