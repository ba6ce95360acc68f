package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/store"
)

// seeds calls do with fresh seeds for a while, at least enough times; with
// CROSSLINK_SEED=n with that one, with CROSSLINK_NIGHTLY=1 many times.
func seeds(t *testing.T, enough int, slice time.Duration, do func(t *testing.T, rng *rand.Rand)) {
	first, until := uint64(time.Now().UnixNano()), time.Now().Add(slice)
	if seed, err := strconv.ParseUint(os.Getenv("CROSSLINK_SEED"), 10, 64); err == nil {
		first, enough, until = seed, 1, time.Now()
	} else if os.Getenv("CROSSLINK_NIGHTLY") == "1" {
		enough *= 50
	}
	n := 0
	for ; n < enough || time.Now().Before(until); n++ {
		seed := first + uint64(n)
		rng := rand.New(rand.NewPCG(seed, 8))
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { do(t, rng) }) {
			t.Fatalf("again: CROSSLINK_SEED=%d go test ./store -run '%s'", seed, t.Name())
		}
	}
	t.Logf("%d histories", n)
}

// A store answers what memory answers: made anew, brought up to date from any
// earlier state, and back again.
func TestFileAnswersAsMemory(t *testing.T) {
	seeds(t, 8, 0, func(t *testing.T, rng *rand.Rand) {
		w := newWorld(rng, 20+rng.IntN(200))
		s := files(t)
		for n := 0; n < 4; n++ {
			now := w.until(rng.IntN(len(w.lines) + 1))
			if n == 3 {
				now = w
			}
			m := now.memory()
			if _, err := s.Update(m, store.State{Digest: now.digest()}); err != nil {
				t.Fatal(err)
			}
			f := mustFile(t, s, now)
			sameAnswers(t, m, f)
			f.Close()
			w.decide(rng)
		}
	})
}

// One event more writes the rows of its issue and no other.
func TestRowsWritten(t *testing.T) {
	t.Parallel()
	w, issue := crowd(t, 10_000)
	s := files(t)
	first, err := s.Update(w.memory(), store.State{Digest: w.digest()})
	if err != nil || !first.Anew || first.Rows["issue"] != 10_000 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := s.Update(w.memory(), store.State{Digest: w.digest()})
	if err != nil || again.Anew || len(again.Rows) != 1 || again.Rows["head"] != 1 {
		t.Fatalf("nothing new writes %+v, %v", again, err)
	}
	w.say(t, &event.CommentAdded{Issue: issue, Comment: event.UUID{0xcc, 1}, Author: "alice", Content: "a word in time", CreatedAt: 1, Kind: "note"})
	one, err := s.Update(w.memory(), store.State{Digest: w.digest()})
	want := map[string]int{"issue": 1, "comment": 1, "line": 1, "log": 1, "agent": 1, "head": 1}
	if err != nil || one.Anew || !maps.Equal(one.Rows, want) {
		t.Fatalf("a comment writes %+v, %v", one, err)
	}
	w.say(t, &event.StatusChanged{UUID: issue, NewStatus: event.Closed})
	one, err = s.Update(w.memory(), store.State{Digest: w.digest()})
	delete(want, "comment")
	if err != nil || one.Anew || !maps.Equal(one.Rows, want) {
		t.Fatalf("a close writes %+v, %v", one, err)
	}
	f := mustFile(t, s, w)
	i, err := f.Issue(issue)
	if err != nil || i.Status != event.Closed || len(i.Comments) != 1 {
		t.Fatalf("%+v, %v", i, err)
	}
}

// crowd is a world of many issues by one agent, and one of them.
func crowd(t testing.TB, issues int) (*world, event.UUID) {
	w := &world{numbers: map[event.UUID]uint64{}, oneMark: true}
	var u event.UUID
	for n := range issues {
		u = event.UUID{byte(n), byte(n >> 8), 0xaa, byte(n * 7), byte(n * 31 >> 8)}
		w.say(t, &event.IssueCreated{UUID: u, Title: fmt.Sprintf("flux %d", n), Priority: event.Medium, CreatedBy: "alice"})
		w.numbers[u] = uint64(n + 1)
	}
	return w, u
}

// say adds a line.
func (w *world) say(t testing.TB, b event.Body) {
	t.Helper()
	if err := w.try(b); err != nil {
		t.Fatal(err)
	}
}

func (w *world) try(b event.Body) error {
	c := event.Chain{Hub: testkit.HistoryHub, Agent: "alice"}
	if n := len(w.lines); n > 0 {
		last := w.lines[n-1]
		c.Seq, c.Hash, c.Time = last.Seq, event.Hash(last.Raw), last.Time
	}
	raw, err := c.Stamp(&event.Envelope{Body: b}, event.Time(1772359200000000000)+event.Time(len(w.lines)), 0)
	if err != nil {
		return err
	}
	e, err := event.Decode(raw)
	if err != nil {
		return err
	}
	w.lines = append(w.lines, e)
	return nil
}

// The index of words is made by the first search, and kept up with what comes.
func TestWordsOnFirstUse(t *testing.T) {
	w, issue := crowd(t, 50)
	s := files(t)
	update := func() *store.File {
		t.Helper()
		if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); err != nil {
			t.Fatal(err)
		}
		return mustFile(t, s, w)
	}
	count := func(f *store.File, text string, want int) {
		t.Helper()
		if _, total, err := f.Search(text, store.Filter{Status: "all"}); err != nil || total != want {
			t.Fatalf("search %q finds %d, %v, not %d", text, total, err, want)
		}
	}
	f := update()
	if _, _, err := f.List(store.Filter{}); err != nil || store.HasWords(s) {
		t.Fatalf("there is an index of words before the first search: %v", err)
	}
	count(f, "fl", 50) // too short for the index
	if store.HasWords(s) {
		t.Fatal("a search that cannot use it made the index of words")
	}
	count(f, "FLUX 1", 14)
	if !store.HasWords(s) {
		t.Fatal("a search made no index of words")
	}
	f.Close()
	w.say(t, &event.CommentAdded{Issue: issue, Comment: event.UUID{0xcc, 2}, Author: "alice", Content: "Gigawatt", CreatedAt: 1, Kind: "note"})
	f = update()
	count(f, "gigawatt flux", 1)
	f.Close()
	w.say(t, &event.CommentEdited{Comment: event.UUID{0xcc, 2}, Content: "nothing"})
	f = update()
	count(f, "gigawatt", 0)
	f.Close()
	w.say(t, &event.IssueDeleted{UUID: issue})
	count(update(), "nothing", 0)
}

// While nobody may write, a search answers without its index.
func TestSearchWithoutWriting(t *testing.T) {
	w, _ := crowd(t, 20)
	s := files(t)
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); err != nil {
		t.Fatal(err)
	}
	s.Lock = func() (func(), bool) { return nil, false }
	f := mustFile(t, s, w)
	if _, total, err := f.Search("flux", store.Filter{}); err != nil || total != 20 || store.HasWords(s) {
		t.Fatalf("%d, %v", total, err)
	}
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest()}); !errors.Is(err, store.ErrBusy) {
		t.Fatalf("an update beside another: %v", err)
	}
}

// What another program wrote, or another schema, is made anew.
func TestAnotherProgram(t *testing.T) {
	w, _ := crowd(t, 3)
	s := files(t)
	if _, err := s.Update(w.memory(), store.State{Digest: w.digest(), Note: []byte("a note")}); err != nil {
		t.Fatal(err)
	}
	back := store.ByAnotherProgram()
	defer back()
	if _, _, err := s.Open(w.digest(), nil, nil); err == nil {
		t.Fatal("another program believes the store")
	}
	if got, err := s.Update(w.memory(), store.State{Digest: w.digest(), Note: []byte("its note")}); err != nil || !got.Anew {
		t.Fatalf("%+v, %v", got, err)
	}
	f, note, err := s.Open(w.digest(), nil, nil)
	if err != nil || string(note) != "its note" {
		t.Fatalf("%q, %v", note, err)
	}
	f.Close()
	if _, _, err := s.Open([]byte("another digest"), nil, nil); err == nil {
		t.Fatal("the store is believed to be of another state")
	}
}
