package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) repo() *tracker.Repo {
	c.w.t.Helper()
	r, err := tracker.OpenRepo(context.Background(), tracker.Options{Survey: c.survey(), Dir: c.dir,
		Environ: append([]string{"GIT_CROSSLINK_AGENT=" + c.name}, c.w.env...), Now: c.now, Unwatched: true})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return r
}

// open counts the open issues by a read of its own.
func open(ctx context.Context, r *tracker.Repo) (n int, err error) {
	err = r.Do(ctx, func(t *tracker.Tracker) error {
		p, err := t.Read(ctx, tracker.Offline)
		if err == nil {
			_, n, err = p.List(store.Filter{Status: "open"})
		}
		return err
	})
	return n, err
}

// Many goroutines read, write and fetch with one Repo while another clone writes:
// nothing is lost, and in the end it answers as a fresh one does.
func TestOneRepoForMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	ctx, r := context.Background(), alice.repo()
	const writers, each = 3, 4
	var wg sync.WaitGroup
	do := func(f func(i int) error) {
		wg.Go(func() {
			for i := range each {
				if err := f(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range writers {
		do(func(i int) error {
			return r.Do(ctx, func(s *tracker.Tracker) error {
				_, err := s.Emit(ctx, tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
					return []event.Body{&event.IssueCreated{UUID: s.MintUUID(), Title: fmt.Sprint(n, " ", i), Priority: event.Medium, CreatedBy: "alice"}}, nil
				})
				return err
			})
		})
		do(func(int) error { _, err := open(ctx, r); return err })
	}
	do(func(int) error {
		err := r.Refresh(ctx)
		if e, ok := errors.AsType[*fail.Error](err); ok && e.Kind == fail.Unconfirmed {
			return nil
		}
		return err
	})
	do(func(int) error { _, err := r.Summary(ctx); return err })
	do(func(int) error { _, _, err := r.Lines(ctx, nil); return err })
	do(func(int) error { _, err := r.Moved(ctx); return err })
	for i := range each {
		bob.create(fmt.Sprint("bob ", i))
	}
	wg.Wait()
	if err := r.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := open(ctx, r)
	fresh, ferr := open(ctx, alice.repo())
	if want := (writers + 1) * each; got != want || fresh != want || err != nil || ferr != nil {
		t.Errorf("%d and %d open issues, want %d: %v, %v", got, fresh, want, err, ferr)
	}
	s, err := r.Summary(ctx)
	if err != nil || s.Open != got || s.Unsent < writers*each || s.Undecided < writers*each || s.LastContact.IsZero() || s.Problems != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := r.Lines(ctx, nil); err != nil {
		t.Error(err)
	}
}

// Moved says no only where nothing moved, and sees what other processes, fetches
// and git itself do.
func TestMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	ctx, r := context.Background(), alice.repo()
	old := time.Now().Add(-time.Hour)
	rest := func() { // as it is seconds later
		t.Helper()
		age(t, alice.dir+"/.git", old)
		old = old.Add(time.Minute)
	}
	moved := func(when string, want bool) {
		t.Helper()
		if got, err := r.Moved(ctx); err != nil || got != want {
			t.Errorf("%s: moved is %v, %v", when, got, err)
		}
	}
	read := func() {
		t.Helper()
		if _, err := open(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	moved("before the first read", true)
	rest()
	read()
	read() // the first has made the store
	moved("after a read", false)
	alice.create("one")
	moved("after a write", true)
	rest()
	moved("a while after a write", true)
	read()
	moved("read again", false)
	bob.create("two")
	moved("before it was fetched", false)
	if err := r.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	moved("after a fetch", true)
	rest()
	read()
	moved("read again", false)
	w.git(alice.dir, "fetch", "-q", "origin")
	moved("after the user's own fetch", true)
}

// Lines is a feed: each event comes once, whatever is between two questions.
func TestLines(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	bob.sync()
	ctx, r := context.Background(), alice.repo()
	seen, at := map[string]bool{}, tracker.Cursor(nil)
	more := func(want ...string) {
		t.Helper()
		lines, next, err := r.Lines(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, e := range lines {
			id := fmt.Sprint(e.Agent, " ", e.Seq)
			if seen[id] {
				t.Errorf("%s comes twice", id)
			}
			seen[id] = true
			if c, ok := e.Body.(*event.IssueCreated); ok {
				titles = append(titles, c.Title)
			}
		}
		at = next
		if fmt.Sprint(titles) != fmt.Sprint(want) {
			t.Errorf("%q, want %q", titles, want)
		}
	}
	more()
	alice.create("one")
	alice.create("two")
	more("one", "two")
	more()
	bob.create("three")
	more()
	if err := r.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	alice.create("four")
	more("three", "four")
	more()
	for since, want := range map[event.Time][]string{0: {"two", "three", "four"}, 1<<63 - 1: nil} {
		err := r.Do(ctx, func(t *tracker.Tracker) (err error) {
			at, err = t.Tail(ctx, 2, since)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		clear(seen)
		more(want...)
	}
}

// A hundred repositories at rest hold at most 200 KB each.
func TestRepoAtRest(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	ctx, all := context.Background(), make([]*tracker.Repo, 100)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	if _, err := open(ctx, alice.repo()); err != nil { // what is made once for all
		t.Fatal(err)
	}
	before := heap()
	for i := range all {
		all[i] = alice.repo()
		if n, err := open(ctx, all[i]); err != nil || n != 1 {
			t.Fatal(n, err)
		}
	}
	if each := (int64(heap()) - int64(before)) / int64(len(all)); each > 200<<10 {
		t.Errorf("%d KB each", each>>10)
	} else {
		t.Logf("%d bytes each", each)
	}
	runtime.KeepAlive(all)
}

// age makes all that is below a directory as old as at.
func age(t *testing.T, dir string, at time.Time) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chtimes(path, at, at)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
