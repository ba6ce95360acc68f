package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
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

// A milestone, session, request or time event writes as many rows as a comment
// does, and none of them depends on how much there is.
func TestRowsWritten(t *testing.T) {
	t.Parallel()
	w, issue := crowd(t, 10_000)
	s := files(t)
	first, err := w.bring(s)
	if err != nil || !first.Anew || first.Rows["issue"] != 10_000 || first.Rows["edge"] != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	say := func(b event.Body, want map[string]int) {
		t.Helper()
		was := w.until(len(w.lines))
		w.say(t, b)
		maps.Copy(want, map[string]int{"line": 1, "log": 1, "head": 1})
		got, err := w.bring(s, was)
		if err != nil || !got.Followed || !maps.Equal(got.Rows, want) {
			t.Fatalf("%s writes %+v, not %v, %v", b.Type(), got, want, err)
		}
	}
	if again, err := w.bring(s, w); err != nil || again.Anew || !maps.Equal(again.Rows, map[string]int{"head": 1}) {
		t.Fatalf("nothing new writes %+v, %v", again, err)
	}
	other := w.lines[7].Body.(*event.IssueCreated).UUID
	c, m, x := event.UUID{0xcc, 1}, event.UUID{0xdd, 1}, event.UUID{0xee, 1}
	say(&event.CommentAdded{Issue: issue, Comment: c, Author: "alice", Content: "x", CreatedAt: 1, Kind: "note"}, map[string]int{"issue": 1, "comment": 1})
	say(&event.CommentEdited{Comment: c, Content: "y"}, map[string]int{"issue": 1, "comment": 1})
	say(&event.CommentDeleted{Comment: c}, map[string]int{"issue": 1, "comment": 1})
	say(&event.StatusChanged{UUID: issue, NewStatus: event.Closed}, map[string]int{"issue": 1})
	say(&event.LabelAdded{Issue: issue, Label: "bug"}, map[string]int{"issue": 1})
	say(&event.TimeEntryAdded{Issue: issue, Entry: x, StartedAt: 1}, map[string]int{"issue": 1, "entry": 1})
	say(&event.TimeEntryDeleted{Entry: x}, map[string]int{"issue": 1, "entry": 1})
	say(&event.LinkAdded{Issue: issue, Kind: "url", Ref: "x"}, map[string]int{"issue": 1})
	say(&event.MilestoneCreated{UUID: m, Name: "one", CreatedAt: 1}, map[string]int{"milestone": 1})
	say(&event.MilestoneAssigned{Issue: issue, Milestone: m}, map[string]int{"issue": 1})
	say(&event.MilestoneAssigned{Issue: other, Milestone: m}, map[string]int{"issue": 1})
	say(&event.MilestoneClosed{UUID: m, ClosedAt: 2}, map[string]int{"milestone": 1})
	say(&event.MilestoneDeleted{UUID: m}, map[string]int{"milestone": 1})
	say(&event.SessionStarted{Session: x, Issue: issue}, map[string]int{"session": 1})
	say(&event.SessionEnded{Session: x}, map[string]int{"session": 1})
	say(&event.RequestSent{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Target: "bob", Kind: "pause", RequestedBy: "alice"}, map[string]int{"request": 1})
	say(&event.StatusReported{Context: "build", Branch: "main", Commit: "eae53c3b9acd54b3c05f3a5f1dd2e9d599fd3883", State: "failing"}, map[string]int{"report": 1})
	say(&event.RequestAcked{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, map[string]int{"rejection": 1}) // not by bob
	say(&event.AgentIntroduced{Kind: event.Machine}, map[string]int{"agent": 1})
	say(&event.AgentRetired{Reason: "done"}, map[string]int{"agent": 1})
	say(&event.LockClaimed{Issue: issue}, map[string]int{})
	say(&event.DependencyAdded{Blocked: issue, Blocker: other}, map[string]int{"issue": 2, "edge": 1})
	say(&event.ParentChanged{Issue: issue, Parent: other}, map[string]int{"issue": 2, "edge": 1})
	say(&event.DependencyAdded{Blocked: other, Blocker: issue}, map[string]int{"issue": 2, "edge": 3}) // a cycle: both are marked
	fresh := event.UUID{0xee, 0xff, 0xee}
	was := w.until(len(w.lines))
	was.numbers = maps.Clone(w.numbers)
	w.numbers[fresh] = 10_001
	w.say(t, &event.IssueCreated{UUID: fresh, Title: "new", Priority: event.Low, CreatedBy: "alice"})
	if got, err := w.bring(s, was); err != nil || !maps.Equal(got.Rows, map[string]int{"issue": 1, "number": 1, "line": 1, "log": 1, "head": 1}) {
		t.Fatalf("a new issue with its number writes %+v, %v", got, err)
	}
	sameDump(t, s, w)
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
	var was *world
	update := func() *store.File {
		t.Helper()
		if _, err := w.bring(s, was); err != nil {
			t.Fatal(err)
		}
		was = w.until(len(w.lines))
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
	s.WordsFrom = 1000
	count(f, "FLUX 1", 14)
	if store.HasWords(s) {
		t.Fatal("a search made an index of a few texts")
	}
	s.WordsFrom = 10
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
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	s.Lock = func(bool) (func(), bool) { return nil, false }
	f := mustFile(t, s, w)
	if _, total, err := f.Search("flux", store.Filter{}); err != nil || total != 20 || store.HasWords(s) {
		t.Fatalf("%d, %v", total, err)
	}
	if _, err := w.bring(s); !errors.Is(err, store.ErrBusy) {
		t.Fatalf("an update beside another: %v", err)
	}
}

// What another program wrote, or another schema, is made again.
func TestAnotherProgram(t *testing.T) {
	w, _ := crowd(t, 3)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	back := store.ByAnotherProgram()
	defer back()
	if _, _, err := s.Open(w.digest(), nil, nil); err == nil {
		t.Fatal("another program believes the store")
	}
	if got, err := w.bring(s, w); err != nil || !got.Anew {
		t.Fatalf("%+v, %v", got, err)
	}
	f, header, err := s.Open(w.digest(), nil, nil)
	if err != nil || string(header) != "header" {
		t.Fatalf("%q, %v", header, err)
	}
	f.Close()
	if _, _, err := s.Open([]byte("another digest"), nil, nil); err == nil {
		t.Fatal("the store is believed to be of another state")
	}
}

// What is taken from a file is in no transaction, even during a query. The file that has
// nothing left can still be released and closed.
func TestTakenBesideQuestions(t *testing.T) {
	w, _ := crowd(t, 3)
	s := files(t)
	if _, err := w.bring(s); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		f := mustFile(t, s, w)
		var asking, asked sync.WaitGroup
		for range 4 {
			asking.Add(1)
			asked.Go(func() {
				for n := 0; ; n++ {
					if _, err := f.Header(); err != nil {
						return // it was taken
					}
					if n == 0 {
						asking.Done()
					}
				}
			})
		}
		asking.Wait()
		if err := store.Take(f); err != nil {
			t.Fatal(err)
		}
		asked.Wait()
		f.Release()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
