package git_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/native"
	"github.com/git-crosslink/git-crosslink/refs/refstest"
)

var errAsked = errors.New("git was asked")

// asked stands for git: it counts the objects that it is asked for, and has none.
type asked struct {
	refs.Local
	objects int
}

func (a *asked) Close() error { return nil }

func (a *asked) Read(_ context.Context, ids []refs.OID, _ int64, each func(int, refs.Object, error) error) error {
	a.objects += len(ids)
	for i := range ids {
		if err := each(i, refs.Object{}, errAsked); err != nil {
			return err
		}
	}
	return nil
}

// packed is a repository of which all objects are in one pack, many as deltas on top
// of each other, and what they are.
func packed(t *testing.T) (dir string, ids []refs.OID, objects map[refs.OID]refs.Object) {
	t.Helper()
	dir = bare(t, refs.SHA1)
	l := openNative(dir)
	files := map[string][]byte{}
	var tip []refs.OID
	for n := range 20 {
		for k := range 8 {
			files[fmt.Sprintf("dir/%d", k)] = []byte(strings.Repeat(fmt.Sprintln("line", k, "of a text that is long enough for a delta"), 20) + strings.Repeat(fmt.Sprintln("and", n), n))
		}
		id, err := refs.WriteCommit(ctx, l, files, tip, refs.CommitInfo{Author: agent, When: time.Unix(1_800_000_000, 0), Message: fmt.Sprint(n)})
		if err != nil {
			t.Fatal(err)
		}
		tip = []refs.OID{id}
	}
	if err := l.Swap(ctx, []refs.Update{{Ref: refs.HubPrefix + "x", New: tip[0]}}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	refstest.Git(t, "--git-dir="+dir, "repack", "-adfq", "--depth=50")
	objects = map[refs.OID]refs.Object{}
	for _, line := range strings.Split(refstest.Git(t, "--git-dir="+dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"), "\n") {
		ids = append(ids, refs.OID(strings.TrimSpace(line)))
	}
	p := plumbing(dir, refs.SHA1)
	defer p.Close()
	if err := p.Read(ctx, ids, 1<<20, func(i int, o refs.Object, err error) error {
		objects[ids[i]] = o
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return dir, ids, objects
}

// readOne reads an object through a Local of its own, and says whether git was asked.
func readOne(t *testing.T, dir string, id refs.OID) (o refs.Object, git bool) {
	t.Helper()
	rest := &asked{}
	l := native.New(dir, rest)
	defer l.Close()
	if err := l.Read(ctx, []refs.OID{id}, 1<<20, func(_ int, got refs.Object, err error) error {
		if o = got; err != nil && !errors.Is(err, errAsked) {
			t.Errorf("'%s': %v", id, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return o, rest.objects > 0
}

// A few packed objects are read without git, as git would, and no more than a few.
func TestFewPackedObjectsWithoutGit(t *testing.T) {
	t.Parallel()
	dir, ids, objects := packed(t)
	depths := refstest.Git(t, "--git-dir="+dir, "cat-file", "--batch-all-objects", "--batch-check=%(deltabase)")
	if deltas := len(ids) - strings.Count(depths, strings.Repeat("0", 40)); deltas < 100 {
		t.Fatalf("%d deltas", deltas)
	}
	for _, id := range ids {
		o, git := readOne(t, dir, id)
		if want := objects[id]; git || o.Kind != want.Kind || string(o.Data) != string(want.Data) {
			t.Errorf("'%s': %v, %d bytes of %d, git was asked: %t", id, o.Kind, len(o.Data), len(want.Data), git)
		}
	}
	if _, git := readOne(t, dir, refs.OID(strings.Repeat("1", 40))); !git {
		t.Error("git is not asked for what is not there")
	}
	rest := &asked{}
	l := native.New(dir, rest)
	defer l.Close()
	all := 0
	for _, id := range append(ids[:100:100], ids[0]) { // the last was read before
		if err := l.Read(ctx, []refs.OID{id}, 1<<20, func(int, refs.Object, error) error { all++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if rest.objects != 36 || all != 101 {
		t.Errorf("git is asked for %d of %d objects", rest.objects, all)
	}
	if err := l.Read(ctx, ids[:17], 1<<20, func(int, refs.Object, error) error { return nil }); err != nil || rest.objects != 53 {
		t.Errorf("git is asked for %d objects, %v", rest.objects, err)
	}
}

// Whatever happened to a pack or its index, an object is right or left to git.
func TestDamagedPacks(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	dir, ids, objects := packed(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	files, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	left := 0
	for n := range rounds {
		file := files[rng.IntN(len(files))]
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte{}, whole...)
		for range 1 + rng.IntN(40) {
			bad[rng.IntN(len(bad))] = byte(rng.Uint32())
		}
		if n%5 == 0 {
			bad = bad[:rng.IntN(len(bad))]
		}
		if err := errors.Join(os.Chmod(file, 0o644), os.WriteFile(file, bad, 0o644)); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			id := ids[rng.IntN(len(ids))]
			o, git := readOne(t, dir, id)
			if want := objects[id]; !git && (o.Kind != want.Kind || string(o.Data) != string(want.Data)) {
				t.Fatalf("'%s' is %q", id, o.Data)
			}
			if git {
				left++
			}
		}
		if err := os.WriteFile(file, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if left == 0 || left == 20*rounds {
		t.Errorf("%d of %d objects are left to git", left, 20*rounds)
	}
}
