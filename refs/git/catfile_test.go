package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

func testRepo(t testing.TB) *Plumbing {
	t.Helper()
	dir := t.TempDir() + "/r.git"
	if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	p := NewPlumbing(dir, dir, refs.SHA1, os.Environ())
	t.Cleanup(func() { p.Close() })
	return p
}

func blobs(t testing.TB, p *Plumbing, contents ...string) []refs.OID {
	t.Helper()
	var objs []refs.Object
	for _, c := range contents {
		objs = append(objs, refs.Object{Kind: refs.Blob, Data: []byte(c)})
	}
	ids, err := p.Write(context.Background(), objs)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func (p *Plumbing) objectPath(id refs.OID) string {
	return filepath.Join(p.git.dir, "objects", string(id[:2]), string(id[2:]))
}

// TestReaderDies: a reader that was killed is started again; what was asked
// comes, once, in order.
func TestReaderDies(t *testing.T) {
	p := testRepo(t)
	var contents []string
	for i := range 200 {
		contents = append(contents, fmt.Sprint(i, strings.Repeat("x", 3000)))
	}
	ids := blobs(t, p, contents...)
	next := 0
	err := p.Read(context.Background(), ids, 1<<20, func(i int, o refs.Object, err error) error {
		if i != next || err != nil || string(o.Data) != contents[i] {
			return fmt.Errorf("object %d, expected %d: %v", i, next, err)
		}
		if next++; i == 10 || i == 100 {
			p.cat.proc.cmd.Process.Kill()
		}
		return nil
	})
	if err != nil || next != len(ids) {
		t.Fatal(next, err)
	}
}

// TestCorruptObject: an object that git dies of is that object's fault alone.
func TestCorruptObject(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"flipped": func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b },
		"empty":   func([]byte) []byte { return nil },
		"noise":   func([]byte) []byte { return []byte("what is this") },
	} {
		t.Run(name, func(t *testing.T) {
			p := testRepo(t)
			ids := blobs(t, p, "one", strings.Repeat("two ", 5000), "three")
			path := p.objectPath(ids[1])
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			os.Chmod(path, 0o666)
			if err := os.WriteFile(path, spoil(b), 0o666); err != nil {
				t.Fatal(err)
			}
			var got []string
			err = p.Read(context.Background(), ids, 1<<20, func(i int, o refs.Object, err error) error {
				if i == 1 {
					if !errors.Is(err, refs.ErrCorrupt) && !errors.Is(err, refs.ErrMissing) {
						t.Errorf("%v", err)
					}
					return nil
				}
				got = append(got, string(o.Data))
				return err
			})
			if err != nil || strings.Join(got, " ") != "one three" {
				t.Error(got, err)
			}
		})
	}
}

// TestNoRepository: where git cannot work at all, that is the error, not a
// hundred corrupt objects.
func TestNoRepository(t *testing.T) {
	p := testRepo(t)
	os.RemoveAll(p.git.dir + "/objects")
	called := false
	err := p.Read(context.Background(), []refs.OID{oid("1"), oid("2")}, 10, func(int, refs.Object, error) error { called = true; return nil })
	if err == nil || called {
		t.Error(err, called)
	}
}

// TestHugeObject: an object far over the limit is not read to its end.
func TestHugeObject(t *testing.T) {
	p := testRepo(t)
	ids := blobs(t, p, "small", string(bytes.Repeat([]byte{0}, skipLimit+100)), string(bytes.Repeat([]byte{0}, 3<<20)), "last")
	var got []string
	err := p.Read(context.Background(), ids, 100, func(i int, o refs.Object, err error) error {
		if errors.Is(err, refs.ErrTooLarge) {
			got = append(got, "large")
			return nil
		}
		got = append(got, string(o.Data))
		return err
	})
	if err != nil || strings.Join(got, " ") != "small large large last" {
		t.Error(got, err)
	}
}

// TestObjectsAppear: the running reader sees what was written, packed and
// repacked after it started.
func TestObjectsAppear(t *testing.T) {
	p := testRepo(t)
	read := func(id refs.OID, want string) {
		t.Helper()
		err := p.Read(context.Background(), []refs.OID{id}, 100, func(_ int, o refs.Object, err error) error {
			if err == nil && string(o.Data) != want {
				err = errors.New("another object")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	a := blobs(t, p, "a")[0]
	read(a, "a")
	started := p.cat.proc
	b := blobs(t, p, "b")[0]
	read(b, "b")
	tree, _ := refs.EncodeTree(refs.SHA1, []refs.TreeEntry{{Mode: refs.ModeBlob, Name: "a", OID: a}, {Mode: refs.ModeBlob, Name: "b", OID: b}})
	ids, _ := p.Write(context.Background(), []refs.Object{{Kind: refs.Tree, Data: tree}})
	commit, _ := refs.EncodeCommit(refs.SHA1, ids[0], nil, refs.CommitInfo{Author: "a"})
	tip, _ := p.Write(context.Background(), []refs.Object{{Kind: refs.Commit, Data: commit}})
	if err := p.Swap(context.Background(), []refs.Update{{Ref: "refs/heads/x", New: tip[0]}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, err := exec.Command("git", "--git-dir="+p.git.dir, "repack", "-adfq").CombinedOutput(); err != nil {
			t.Fatal(string(out))
		}
		read(a, "a")
		read(b, "b")
	}
	if p.cat.proc != started {
		t.Error("the reader was started again")
	}
	// And what is packed is not written again, but known to be there.
	if got := blobs(t, p, "a"); got[0] != a {
		t.Error(got)
	}
}

// TestCancelWhileReading: a read that is canceled ends at once and the next
// one works.
func TestCancelWhileReading(t *testing.T) {
	p := testRepo(t)
	var contents []string
	for i := range 300 {
		contents = append(contents, fmt.Sprint(i, strings.Repeat("y", 5000)))
	}
	ids := blobs(t, p, contents...)
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := p.Read(ctx, ids, 1<<20, func(i int, _ refs.Object, err error) error {
		if n++; n == 5 {
			cancel()
			time.Sleep(20 * time.Millisecond)
		}
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(n, err)
	}
	n = 0
	if err := p.Read(context.Background(), ids, 1<<20, func(_ int, _ refs.Object, err error) error { n++; return err }); err != nil || n != 300 {
		t.Error(n, err)
	}
}

func TestReadersAtOnce(t *testing.T) {
	p := testRepo(t)
	ids := blobs(t, p, "a", "b", "c")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var s string
			p.Read(context.Background(), ids, 10, func(_ int, o refs.Object, _ error) error { s += string(o.Data); return nil })
			if s != "abc" {
				t.Error(s)
			}
		})
	}
	wg.Wait()
}

func BenchmarkAppend(b *testing.B) {
	for _, before := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(before), func(b *testing.B) {
			p := testRepo(b)
			line := bytes.Repeat([]byte("e"), 450)
			var lines [][]byte
			for range before {
				lines = append(lines, line)
			}
			info := refs.CommitInfo{Author: "a", When: time.Now(), Message: "x"}
			ctx := context.Background()
			tip, err := refs.AppendLog(ctx, p, "a", "", lines, info)
			if err != nil {
				b.Fatal(err)
			}
			const ref = refs.HubPrefix + "agents/a"
			if err := p.Swap(ctx, []refs.Update{{Ref: ref, New: tip}}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				next, err := refs.AppendLog(ctx, p, "a", tip, [][]byte{line}, info)
				if err == nil {
					err = p.Swap(ctx, []refs.Update{{Ref: ref, Old: tip, New: next}})
				}
				if err != nil {
					b.Fatal(err)
				}
				tip = next
			}
		})
	}
}

func oid(c string) refs.OID { return refs.OID(strings.Repeat(c, 40)) }
