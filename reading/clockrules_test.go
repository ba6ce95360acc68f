package reading

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/replay"
)

// In random histories some writers have clocks that are wrong, some lie about
// their times, and strangers whose lines do not count stamp them as they like.
// A change by an honest writer then either wins on every replica that holds
// what its writer had seen, or is refused, and the refusal names a line that is
// beyond what the writer follows. No honest stamp is beyond that either.
func TestHonestChangesWinOrAreRefused(t *testing.T) {
	t.Parallel()
	rounds := 300
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rounds = 10_000
	}
	won, refused, own := 0, 0, 0
	for seed := range rounds {
		h := newClockHistory(t, uint64(seed))
		for range 40 {
			h.step()
		}
		won, refused, own = won+h.won, refused+h.refused, own+h.own
	}
	if won < rounds || refused < rounds/10 || own < rounds/50 {
		t.Errorf("the histories are too tame: %d changes won, %d were refused, %d own logs were ahead", won, refused, own)
	}
}

type clockHistory struct {
	t       *testing.T
	r       *rand.Rand
	now     event.Time
	issues  []event.UUID
	writers []*clockWriter
	hub     map[string]*Log // what everybody can fetch

	won, refused, own int
}

// clockWriter is a replica and who writes in it.
type clockWriter struct {
	id     string
	skew   event.Time
	honest bool
	counts bool
	seen   map[string]int // lines of each log
}

const year = event.Time(365 * 24 * time.Hour)

func newClockHistory(t *testing.T, seed uint64) *clockHistory {
	h := &clockHistory{t: t, r: rand.New(rand.NewPCG(seed, 20)), now: event.TimeOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		issues: []event.UUID{{1}, {2}}, hub: map[string]*Log{}}
	skews := []event.Time{0, 1e9, -3600e9, -55 * year, 30 * year, 80 * year}
	for n := range 5 {
		w := &clockWriter{id: fmt.Sprintf("writer-%d", n), honest: n < 3, counts: n < 4, seen: map[string]int{}}
		if w.honest {
			w.skew = skews[h.r.IntN(len(skews))]
		}
		h.writers = append(h.writers, w)
		h.hub[w.id] = &Log{Agent: w.id, Cursor: &replay.Cursor{}, hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"}
	}
	return h
}

func (h *clockHistory) step() {
	h.now += event.Time(h.r.Int64N(int64(time.Hour)))
	w := h.writers[h.r.IntN(len(h.writers))]
	if h.r.IntN(2) == 0 { // a sync
		for id, l := range h.hub {
			w.seen[id] = len(l.lines)
		}
	}
	title := fmt.Sprintf("%s at %d", w.id, h.now)
	e := &event.Envelope{Body: &event.IssueUpdated{UUID: h.issues[h.r.IntN(2)], Title: &title}}
	if !w.honest {
		h.lie(w, e)
		return
	}
	if h.r.IntN(60) == 0 {
		w.skew = 150 * year // and right again at the next sync
		defer func() { w.skew = 0 }()
	}
	h.honest(w, e, title)
}

// lie stamps a line anywhere after the last, with a wall or without.
func (h *clockHistory) lie(w *clockWriter, e *event.Envelope) {
	l := h.hub[w.id]
	at := h.now + event.Time(h.r.Int64N(int64(event.MaxTime-h.now)))
	switch h.r.IntN(3) {
	case 0:
		at = event.MaxTime
	case 1:
		at = h.now + event.Time(h.r.Int64N(int64(2*year)))
	}
	now, seen := at, event.Time(0)
	if h.r.IntN(2) == 0 {
		now, seen = h.now, at-1
	}
	h.append(l, w, e, now, seen)
}

func (h *clockHistory) append(l *Log, w *clockWriter, e *event.Envelope, now, seen event.Time) {
	chain := l.Chain()
	if _, err := chain.Stamp(e, now, seen); err != nil {
		h.t.Fatal(err)
	}
	l.Seq, l.Hash, l.Time = chain.Seq, chain.Hash, chain.Time
	l.lines = append(l.lines, e)
	w.seen[w.id] = len(l.lines)
}

// honest makes a change as the tracker does.
func (h *clockHistory) honest(w *clockWriter, e *event.Envelope, title string) {
	s, stamped := h.replica(w)
	now := max(h.now+w.skew, 1)
	l := h.hub[w.id]
	c, err := (&Reader{}).Clock(context.Background(), s, l, now, stamped)
	if err != nil {
		if h.own++; l.Time <= event.Follows(now) {
			h.t.Fatalf("%s: %v", w.id, err)
		}
		return
	}
	chain := l.Chain()
	if _, err := chain.Stamp(e, now, c.Seen); err != nil {
		h.t.Fatal(err)
	}
	later, lost := stamped.Contend(e)
	if lost {
		h.refused++
		if later.Time <= event.Follows(now) || later.Agent == w.id || !h.counts(later.Agent) {
			h.t.Fatalf("%s is refused because of event %d of %s, stamped %s: its clock is %s", w.id, later.Seq, later.Agent, later.Time, now)
		}
		return
	}
	if e.Time > event.Follows(now)+1e9 {
		h.t.Fatalf("%s stamps %s: its clock is %s", w.id, e.Time, now)
	}
	h.append(l, w, e, now, c.Seen)
	u := e.Body.(*event.IssueUpdated).UUID
	_, after := h.replica(w)
	if got := after.View().Issues[u].Title; got != title {
		h.t.Fatalf("%s wrote '%s', and sees '%s'", w.id, title, got)
	}
	h.won++
}

func (h *clockHistory) counts(id string) bool {
	for _, w := range h.writers {
		if w.id == id {
			return w.counts
		}
	}
	return false
}

// replica is what a writer has, read whole.
func (h *clockHistory) replica(w *clockWriter) (*Snapshot, *reducer.State) {
	s, state := Of(&replay.State{}), reducer.New()
	for _, u := range h.issues {
		state.Apply(&event.Envelope{V: 4, Agent: "founder", Seq: 1, Time: 1, Body: &event.IssueCreated{UUID: u, Title: "one", Priority: event.Low, CreatedBy: "founder"}})
	}
	for id, all := range h.hub {
		l := &Log{Agent: id, Cursor: &replay.Cursor{}, lines: all.lines[:w.seen[id]:w.seen[id]]}
		if n := len(l.lines); n > 0 {
			l.Seq, l.Time = uint64(n), l.lines[n-1].Time
		}
		if h.counts(id) {
			l.Counted = uint64(w.seen[id])
		}
		for _, e := range l.lines[:l.Counted] {
			state.Apply(e)
			s.Newest, l.Newest = max(s.Newest, e.Time), e.Time
		}
		s.logs[id] = l
	}
	return s, state
}
