package facts

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

const now = event.Time(1_750_000_000_000_000_000)

func TestClock(t *testing.T) {
	c := NewClock(now)
	if _, ok := c.Next(); ok {
		t.Error("a clock that nobody asked knows a next change")
	}
	if !c.From(now) || c.After(now) || !c.After(now-1) || c.From(now+1) {
		t.Error("a comparison is wrong at its boundary")
	}
	if next, ok := c.Next(); !ok || next != now+1 {
		t.Errorf("the next change is at %d, want %d", next-now, 1)
	}
	c.From(now + 100)
	if next, _ := c.Next(); next != now+1 {
		t.Errorf("a later change took the place of an earlier one: %d", next-now)
	}
}

// TestClockSeen: the clock for agents stands still after the last fetch.
func TestClockSeen(t *testing.T) {
	grace := event.Time(5 * time.Second)
	h := Health{Remote: true, FetchedAt: now - 10*grace}
	c := NewClock(now)
	s := c.Seen(&h)
	if s.Now() != h.FetchedAt+grace {
		t.Errorf("it shows %d, want the fetch and 5 s", s.Now()-h.FetchedAt)
	}
	if s.After(h.FetchedAt+grace) || !s.After(h.FetchedAt+grace-1) {
		t.Error("it does not stand still 5 s after the fetch")
	}
	if next, ok := c.Next(); ok {
		t.Errorf("what it cannot reach is due in %d", next-now)
	}
	h.FetchedAt = now - 1
	c = NewClock(now)
	if s = c.Seen(&h); s.Now() != now {
		t.Error("it is not now right after a fetch")
	}
	s.From(now + 3)
	if next, _ := c.Next(); next != now+3 {
		t.Errorf("the next change is at %d, want 3", next-now)
	}
	if h.Remote = false; c.Seen(&h) != c {
		t.Error("without a network agents are judged by another clock")
	}
}

// TestEqualFactsHaveEqualBytes: the order in which things are found does not
// matter.
func TestEqualFactsHaveEqualBytes(t *testing.T) {
	u := func(b byte) (u event.UUID) { u[0] = b; return u }
	f := Facts{
		Open: 2, Later: []event.Time{3, 1, 2},
		Issues:   []Issue{{UUID: u(3), Name: "3"}, {UUID: u(1), Name: "1"}, {UUID: u(2), Name: "2"}},
		Locks:    []Lock{{Issue: u(2), Holder: "b", Queue: []Waiter{{"x", 1}, {"a", 2}}}, {Issue: u(1), Holder: "a"}},
		Agents:   []Agent{{ID: "b", Marks: map[string]int{"z": 1, "a": 2}}, {ID: "a"}, {ID: "c"}},
		Requests: []Request{{ID: "2"}, {ID: "1"}},
		CI:       []CI{{Context: "x", Branch: "b"}, {Context: "x", Branch: "a"}},
		Health:   Health{BadMeta: []string{"b", "a"}},
	}
	f.Sort()
	first, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		rand.Shuffle(len(f.Later), func(i, j int) { f.Later[i], f.Later[j] = f.Later[j], f.Later[i] })
		rand.Shuffle(len(f.Issues), func(i, j int) { f.Issues[i], f.Issues[j] = f.Issues[j], f.Issues[i] })
		rand.Shuffle(len(f.Locks), func(i, j int) { f.Locks[i], f.Locks[j] = f.Locks[j], f.Locks[i] })
		rand.Shuffle(len(f.Agents), func(i, j int) { f.Agents[i], f.Agents[j] = f.Agents[j], f.Agents[i] })
		rand.Shuffle(len(f.CI), func(i, j int) { f.CI[i], f.CI[j] = f.CI[j], f.CI[i] })
		f.Sort()
		if again, _ := f.Encode(); !bytes.Equal(first, again) {
			t.Fatalf("other bytes:\n%s\n%s", first, again)
		}
	}
	if f.Locks[1].Queue[0].Agent != "x" {
		t.Error("a queue lost its order")
	}
	back, err := Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := back.Encode(); !bytes.Equal(first, again) {
		t.Errorf("read back they are others:\n%s\n%s", first, again)
	}
	if f.Agent("c") == nil || f.Agent("d") != nil {
		t.Error("an agent is not found by its id")
	}
}

func TestContinue(t *testing.T) {
	prev := Facts{Agents: []Agent{
		{ID: "a", State: "awaiting_input", StateSince: 10, LastSign: 20},
		{ID: "b", State: "working", StateSince: 10, LastSign: 20},
	}}
	f := Facts{Agents: []Agent{
		{ID: "a", State: "awaiting_input", LastSign: 30},
		{ID: "b", State: "awaiting_input", LastSign: 30},
		{ID: "c", State: "working", LastSign: 30},
		{ID: "d", LastSign: 30},
	}}
	f.Continue(&prev)
	for id, want := range map[string]event.Time{"a": 10, "b": 30, "c": 30, "d": 0} {
		if got := f.Agent(id).StateSince; got != want {
			t.Errorf("%s has been in its state since %d, want %d", id, got, want)
		}
	}
}

func TestBurstIn(t *testing.T) {
	at := func(n int, gap time.Duration) (times []event.Time) {
		for k := range n {
			times = append(times, now+event.Time(gap)*event.Time(k))
		}
		return times
	}
	step := StormWindow / StormLines
	for _, c := range []struct {
		name  string
		times []event.Time
		want  event.Time
	}{
		{"none", nil, 0},
		{"200 at once", at(200, 0), 0},
		{"201 at once", at(201, 0), now},
		{"201 in exactly 60 s", at(201, step), 0},
		{"201 in a nanosecond less each", at(201, step-1), now + event.Time(step-1)*200},
	} {
		if got := BurstIn(c.times); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got-now, c.want-now)
		}
	}
}

func TestRef(t *testing.T) {
	for name, want := range map[string]string{"4": "#4", "3f9a1c2": "3f9a1c2", "120": "#120"} {
		if got := Ref(name); got != want {
			t.Errorf("Ref(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestRecent(t *testing.T) {
	at := event.TimeOf(time.Date(2026, 3, 1, 10, 2, 0, 0, time.UTC))
	min := event.Time(time.Minute)
	counts, end := RecentOf([]event.Time{at - 57*min, at - 54*min, at - 2*min, at, at + 1, at - 61*min})
	if want := "[2 0 0 0 0 0 0 0 0 0 0 3]"; fmt.Sprint(counts) != want || end != at+3*min {
		t.Errorf("%v until %s, want %s", counts, end, want)
	}
	a := Agent{Recent: counts, RecentAt: end}
	for late, want := range map[event.Time]string{0: "[2 0 0 0 0 0 0 0 0 0 0 3]", 2 * min: "[2 0 0 0 0 0 0 0 0 0 0 3]", 3 * min: "[0 0 0 0 0 0 0 0 0 0 3 0]", 58 * min: "[0 0 0 0 0 0 0 0 0 0 0 0]", -20 * min: "[0 0 0 0 2 0 0 0 0 0 0 0]"} {
		if got := fmt.Sprint(a.RecentUntil(at + late)); got != want {
			t.Errorf("%d min later: %s, want %s", late/min, got, want)
		}
	}
}
