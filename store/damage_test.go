package store_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/store"
)

// settle waits until the system's clock of files has moved on: what is changed
// in the same tick in which it was written looks unchanged to everybody.
func settle() { time.Sleep(25 * time.Millisecond) }

// A file that somebody cut short, changed or replaced is not believed, and the
// next update makes it again.
func TestForeignChange(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 8))
	w := newWorld(rng, 120)
	m := w.memory()
	s := files(t)
	make := func() []byte {
		t.Helper()
		if _, err := w.bring(s); err != nil {
			t.Fatal(err)
		}
		mustFile(t, s, w).Close()
		b, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := make()
	refused := func(what string, at int) {
		t.Helper()
		if f, _, err := s.Open(w.digest(), nil, nil); err == nil {
			f.Close()
			t.Fatalf("%s at %d: the file is believed", what, at)
		}
	}
	places := 40
	for n := range places {
		make()
		settle()
		at := n * len(whole) / places
		if n%2 == 0 {
			if err := os.Truncate(s.Path, int64(at)); err != nil {
				t.Fatal(err)
			}
			refused("cut short", at)
		} else {
			flip(t, s.Path, at)
			refused("a bit flipped", at)
		}
	}
	w2, err := w.bring(s)
	if err != nil || !w2.Anew {
		t.Fatalf("the damaged file was gone on with: %+v, %v", w2, err)
	}
	sameAnswers(t, m, mustFile(t, s, w))
	for _, name := range []string{s.Path, s.Path + "-stamp"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		refused(name+" removed", 0)
		make()
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], int64(at)); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (at % 8)
	if _, err := f.WriteAt(b[:], int64(at)); err != nil {
		t.Fatal(err)
	}
}

// A disk that rots without telling passes the stamp. Then a row is right or
// memory answers in its place, and nothing panics.
func TestRottenDisk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 8))
	w := newWorld(rng, 120)
	m := w.memory()
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	places, fell, refused, stood := 100, 0, 0, 0
	if os.Getenv("CROSSLINK_NIGHTLY") == "1" {
		places = len(whole)
	}
	for n := range places {
		if err := os.WriteFile(s.Path, whole, 0o666); err != nil {
			t.Fatal(err)
		}
		flip(t, s.Path, n*len(whole)/places)
		if err := store.Stamp(s, w.digest()); err != nil {
			t.Fatal(err)
		}
		f, _, err := s.Open(w.digest(), func() (*store.Memory, error) { return m, nil }, nil)
		if err != nil {
			refused++
			continue
		}
		rows, _, err := f.List(store.Filter{Status: "all"})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range rows {
			r, err := m.Row(i.UUID)
			if err != nil {
				t.Fatalf("%s is shown: %v", i.UUID, err)
			}
			all, err := m.Issue(i.UUID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Issue(i.UUID)
			if err != nil {
				t.Fatal(err)
			}
			sameRow(t, all, got)
			if h, err := f.History(i.UUID); err != nil || len(h) > 1000 {
				t.Fatal(err)
			}
			sameRow(t, r, i)
		}
		questions(m, f, func(string, any) {})
		if f.Fallen() {
			fell++
		} else {
			stood++
		}
		f.Close()
	}
	if fell == 0 || refused == 0 || stood == 0 {
		t.Fatalf("%d flips: %d fell back to memory, %d were not opened, %d had no effect on the answers: each has to happen", places, fell, refused, stood)
	}
	t.Logf("%d flips: %d fell back to memory, %d were not opened, %d stood", places, fell, refused, stood)
}

// What goes wrong between two questions is answered by memory from then on.
func TestFileFailsHalfway(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(4, 8)), 150)
	m := w.memory()
	for what, spoil := range map[string]func(path string) error{
		"emptied":          func(path string) error { return os.Truncate(path, 0) },
		"overwritten":      func(path string) error { return os.WriteFile(path, []byte("no database"), 0o666) },
		"cut short":        func(path string) error { return os.Truncate(path, 8192) },
		"of another state": nil,
	} {
		s := files(t)
		if _, err := w.bring(s); err != nil {
			t.Fatal(err)
		}
		asked := 0
		f, _, err := s.Open(w.digest(), func() (*store.Memory, error) { asked++; return m, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.List(store.Filter{Limit: 1}); err != nil || asked > 0 {
			t.Fatal(err, asked)
		}
		if spoil != nil {
			err = spoil(s.Path)
		} else {
			time.Sleep(4 * store.IdleAfter) // a command that waits lets others write
			other := w.until(20)
			_, err = other.bring(s, w)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sameAnswers(t, m, f)
		if asked != 1 {
			t.Errorf("%s: memory was made %d times", what, asked)
		}
		f.Close()
	}
}

// Where neither the file nor the replica can be read, the answer is an error.
func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(5, 8)), 50)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no object")
	f, _, err := s.Open(w.digest(), func() (*store.Memory, error) { return nil, broken }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(s.Path, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.List(store.Filter{}); !errors.Is(err, broken) {
		t.Fatalf("the answer is %v", err)
	}
}
