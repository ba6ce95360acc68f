package reducer_test

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
)

func merge(parts ...*reducer.State) *reducer.State {
	s := reducer.New()
	for _, p := range parts {
		s.Merge(p)
	}
	return s
}

// TestMergeIsAJoin holds the laws of a join over states that overlap, that were
// forked, and that were made on a checkpoint.
func TestMergeIsAJoin(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		es := testkit.History(rng, testkit.HistoryOptions{Agents: 2 + rng.IntN(5), Events: 150, Skew: time.Hour, Invalid: true, Equivocate: true})
		var parts [3][]*event.Envelope
		for _, e := range es {
			for range 1 + rng.IntN(2) {
				i := rng.IntN(3)
				parts[i] = append(parts[i], e)
			}
		}
		a, b, c := apply(parts[0]), apply(parts[1]), apply(parts[2])
		if seed%2 == 0 {
			b.ApplyBase(base())
		}
		was := a.Hash()

		same(t, "commutative", merge(a, b), merge(b, a))
		same(t, "associative", merge(merge(a, b), c), merge(a, merge(b, c)))
		same(t, "idempotent", merge(a, a), a)
		same(t, "nothing is neutral", merge(a, reducer.New()), a)

		self := a.Clone()
		self.Merge(self)
		same(t, "with itself", self, a)

		ab := merge(a, b)
		again := a.Clone()
		again.View() // must not outlive the merge
		again.Merge(b)
		same(t, "looked at before", again, ab)
		again.Merge(a)
		same(t, "absorbs what it holds", again, ab)

		whole := apply(es)
		if seed%2 == 0 {
			whole.ApplyBase(base())
		}
		same(t, "the state of all events", merge(c, a, b), whole)

		if a.Hash() != was {
			t.Error("merging altered the state that was merged")
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestCloneIsApart: what happens to a clone does not reach the original, nor a
// view made before.
func TestCloneIsApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	es := testkit.History(rng, testkit.HistoryOptions{Agents: 4, Events: 400, Invalid: true})
	s := apply(es[:200])
	hash, view, text := s.Hash(), s.View(), string(show(s))
	c := s.Clone()
	if c.View() != view {
		t.Error("a clone has to make the same view again")
	}
	for _, e := range es[200:] {
		c.Apply(e)
	}
	same(t, "the clone goes on", c, apply(es))
	if s.Hash() != hash {
		t.Error("the clone's events reached the original")
	}
	if s.View() != view {
		t.Error("the view was made again without need")
	}
	if string(show(s)) != text {
		t.Error("the clone's events reached a view made before")
	}
}

// TestForkedLinesAreOrderedByBytes: of two lines with one key the same one wins
// on every replica, in a whole and not member by member.
func TestForkedLinesAreOrderedByBytes(t *testing.T) {
	x := line("alice", 1, 100, &event.IssueCreated{UUID: id("A"), Title: "left", Description: "left", Priority: event.Low, CreatedBy: "left"})
	y := line("alice", 1, 100, &event.IssueCreated{UUID: id("A"), Title: "right", Description: "right", Priority: event.High, CreatedBy: "right"})
	a, b := apply([]*event.Envelope{x, y}), apply([]*event.Envelope{y, x})
	same(t, "the other order", a, b)
	i := a.View().Issues[id("A")]
	if i.Title != i.Description {
		t.Errorf("title is %q, description %q: a mixture of two lines", i.Title, i.Description)
	}
	// A register keeps the greatest stamp, whatever program reads the lines.
	u, one, two := id("A"), "one", "two"
	low := line("bob", 1, 200, &event.IssueUpdated{UUID: u, Title: &one})
	high := line("bob", 1, 200, &event.IssueUpdated{UUID: u, Title: &two})
	want := two
	if hl, hh := sha256.Sum256(low.Event), sha256.Sum256(high.Event); bytes.Compare(hl[:], hh[:]) > 0 {
		want = one
	}
	if got := apply([]*event.Envelope{x, low, high}).View().Issues[u].Title; got != want {
		t.Errorf("of two lines with one key %q won: the event with the greater SHA-256 is %q", got, want)
	}

	// The same event at the same key, by another clock.
	z := *x
	z.Wall = 50
	same(t, "another wall", apply([]*event.Envelope{x, &z}), apply([]*event.Envelope{&z, x}))
}
