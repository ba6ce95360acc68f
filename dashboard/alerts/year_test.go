package alerts

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// incident is something that is wrong for a while: facts that are there from
// begin to end.
type incident struct {
	kind       Kind
	n          int
	begin, end event.Time
	ack        event.Time // when somebody acknowledges its alert; 0: nobody
}

func (i incident) name() string { return fmt.Sprintf("%s-%d", i.kind, i.n) }
func (i incident) uuid() event.UUID {
	return numbered(uint32(slices.Index(kinds(), i.kind)), uint32(i.n))
}

func numbered(a, b uint32) (u event.UUID) {
	binary.BigEndian.PutUint32(u[:], a+1)
	binary.BigEndian.PutUint32(u[8:], b)
	return u
}

func kinds() (all []Kind) {
	for _, r := range Rules {
		all = append(all, r.Kind)
	}
	return all
}

// put adds the facts of an incident to those of a moment.
func (i incident) put(f *facts.Facts) {
	free := facts.Lock{Issue: i.uuid(), Name: i.name(), Holder: "nobody", Since: i.begin} // not confirmed: neither stale nor anybody's
	switch i.kind {
	case StaleLock:
		free.Confirmed = true
		f.Locks = append(f.Locks, free)
	case SilentAgent:
		free.Confirmed, free.Holder = true, i.name()
		f.Locks = append(f.Locks, free)
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), LastSign: i.begin})
	case OverdueIssue:
		f.Issues = append(f.Issues, facts.Issue{UUID: i.uuid(), Name: i.name(), Due: i.begin})
	case OrphanSubissue:
		f.Issues = append(f.Issues, facts.Issue{UUID: i.uuid(), Name: i.name(), Parent: "1"})
	case UnreachableProject:
		f.Health.Failures = 3
	case CIFailure:
		f.CI = append(f.CI, facts.CI{Context: i.name(), Branch: "main", Default: true, Commit: i.name(), State: "failing"})
	case SignatureInvalid:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), Bad: []uint64{7}})
	case ForkProven:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), Forked: true})
	case HubLost:
		f.Health.Lost = 1
	case UntrustedSigner:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), LastLine: i.begin, Marks: map[string]int{"unapproved": 1}})
	case LogEnded:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), Ended: "torn", EndedAt: 7})
	case Undecided:
		f.Health.Undecided = facts.Backlog{N: 1, Oldest: i.begin}
	case Unsent:
		f.Health.Unsent = facts.Backlog{N: 1, Oldest: i.begin}
	case PendingRequest:
		f.Requests = append(f.Requests, facts.Request{ID: i.name(), Target: "x", Kind: "pause", SentAt: i.begin})
	case NeedsInput:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), State: "awaiting_input", StateSince: i.begin})
	case Contention:
		free.Queue = []facts.Waiter{{Agent: "q", Since: i.begin}}
		f.Locks = append(f.Locks, free)
	case Cycle:
		f.Issues = append(f.Issues, facts.Issue{UUID: i.uuid(), Name: i.name(), Cyclic: 1})
	case Storm:
		f.Agents = append(f.Agents, facts.Agent{ID: i.name(), Burst: i.begin})
	}
}

// expected says, by plain arithmetic, when an incident fires and is resolved;
// false if it never fires.
func (i incident) expected() (fires, resolved event.Time, ok bool) {
	const second, minute = event.Time(time.Second), event.Time(time.Minute)
	after := map[Kind]event.Time{StaleLock: 60*minute + 1, SilentAgent: 10*minute + 1, OverdueIssue: 1, UntrustedSigner: 5 * minute, Undecided: 15*minute + 1,
		Unsent: 15*minute + 1, PendingRequest: 5*minute + 1, NeedsInput: 2*minute + 1, Contention: 60*minute + 1}[i.kind]
	keep := map[Kind]event.Time{SilentAgent: 60 * second, Undecided: 60 * second, Unsent: 60 * second, Storm: 5 * minute}[i.kind]
	end := i.end
	if i.kind == Storm {
		end = min(end, i.begin+minute+1)
	}
	fires = i.begin + after
	if fires >= end {
		return 0, 0, false
	}
	if i.kind == SignatureInvalid || i.kind == ForkProven {
		return fires, max(end, i.ack), true
	}
	return fires, end + keep, true
}

// onProject are the kinds of which a project has one at a time.
var onProject = []Kind{UnreachableProject, HubLost, Undecided, Unsent}

// script draws a year of incidents, about perKind of each kind.
func script(r *rand.Rand, start event.Time, perKind int) (all []incident) {
	year := 365 * 24 * time.Hour
	length := func() event.Time { // around the thresholds, and far beyond
		return event.Time(1 + r.Int64N(int64([]time.Duration{4 * time.Minute, 20 * time.Minute, 50 * time.Minute}[r.IntN(3)])))
	}
	for _, k := range kinds() {
		at := start
		for n := range perKind {
			begin := start + event.Time(r.Int64N(int64(year)))
			if slices.Contains(onProject, k) { // one after the other
				slot := event.Time(year) / event.Time(perKind)
				begin = at + event.Time(slices.Index(onProject, k))*slot/8 + event.Time(r.Int64N(int64(slot/16)))
				at += slot
			}
			i := incident{kind: k, n: n, begin: begin, end: begin + length()}
			if k == StaleLock || k == Contention {
				i.end += length() * 2
			}
			if k == SignatureInvalid || k == ForkProven {
				i.ack = begin + length()
			}
			all = append(all, i)
		}
	}
	return all
}

// TestAYear lets a year of incidents pass, of every kind, and expects each to
// fire and to be resolved in the very nanosecond that arithmetic says, told once
// each, and nothing else. The steps are only those that the clock asks for.
func TestAYear(t *testing.T) {
	const perKind = 50
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 15))
		start := now
		all := script(r, start, perKind)
		w := newWorld()
		type at struct {
			t  event.Time
			do func()
		}
		active := map[int]bool{}
		var moments []at
		for k := range all {
			i := &all[k]
			moments = append(moments, at{i.begin, func() { active[k] = true }}, at{i.end, func() { delete(active, k) }})
			if i.ack != 0 {
				moments = append(moments, at{i.ack, func() {
					for n := range w.all {
						if a := &w.all[n]; a.Open() && strings.Contains(a.Subject, i.name()) {
							a.Ack = Ack{At: i.ack, By: "op"}
						}
					}
				}})
			}
		}
		slices.SortStableFunc(moments, func(a, b at) int { return cmp.Compare(a.t, b.t) })
		steps, next := 0, start
		for due := true; due || len(moments) > 0; steps++ {
			if w.now = next; len(moments) > 0 && (!due || moments[0].t <= next) {
				w.now = moments[0].t
			}
			for len(moments) > 0 && moments[0].t <= w.now {
				moments[0].do()
				moments = moments[1:]
			}
			f := facts.Facts{Health: facts.Health{Signing: "warn"}}
			for k := range active {
				all[k].put(&f)
			}
			f.Sort()
			c := facts.NewClock(w.now)
			derived := Derive(project, &f, w.set, c)
			next, due = w.step(derived...)
			if from, soon := c.Next(); soon && (!due || from < next) {
				next, due = from, true
			}
			if steps > 100_000 {
				t.Fatal("it never ends")
			}
		}
		compareYear(t, seed, steps, all, w)
	}
}

// compareYear compares what a year came to with what was put into it.
func compareYear(t *testing.T, seed uint64, steps int, all []incident, w *world) {
	t.Helper()
	var got, want []string
	for _, a := range w.all {
		if a.Opened != 0 {
			got = append(got, fmt.Sprintf("%s fired %d resolved %d", a.Kind, a.Opened, a.Resolved))
		}
	}
	count := map[Kind][2]int{}
	for _, i := range all {
		c := count[i.kind]
		c[0]++
		if fires, resolved, ok := i.expected(); ok {
			c[1]++
			want = append(want, fmt.Sprintf("%s fired %d resolved %d", i.kind, fires, resolved))
		}
		count[i.kind] = c
	}
	slices.Sort(got)
	slices.Sort(want)
	for k := 0; k < max(len(got), len(want)); k++ {
		if k >= len(got) || k >= len(want) || got[k] != want[k] {
			t.Fatalf("seed %d: %d alerts fired, want %d; the first that differs is number %d:\n%v\nwant\n%v", seed, len(got), len(want), k, got[min(k, len(got)):min(k+2, len(got))], want[min(k, len(want)):min(k+2, len(want))])
		}
	}
	told := map[string]int{}
	for _, line := range w.told {
		word, _, _ := strings.Cut(line, " ")
		told[word]++
	}
	if told["firing"] != len(want) || told["resolved"] != len(want) || len(told) != 2 {
		t.Errorf("seed %d: told %v, want %d firings and resolutions", seed, told, len(want))
	}
	var words []string
	for _, k := range kinds() {
		if count[k][1] == 0 {
			t.Errorf("seed %d: of %d incidents none fires: %s", seed, count[k][0], k)
		}
		words = append(words, fmt.Sprintf("%s %d/%d", k, count[k][1], count[k][0]))
	}
	t.Logf("seed %d: %d steps; fired of injected: %s", seed, steps, strings.Join(words, ", "))
}

// TestAYearOfFlapping: something that comes and goes is reported four times,
// then once more when it has been quiet.
func TestAYearOfFlapping(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 15))
	w := newWorld()
	const episodes = 100
	toggles := 0
	for range episodes {
		n := 5 + r.IntN(8)
		d := cond(OrphanSubissue)
		for range n {
			w.step(d)
			w.now += event.Time(1 + r.Int64N(int64(2*time.Minute)))
			w.step()
			w.now += event.Time(1 + r.Int64N(int64(2*time.Minute)))
			toggles++
		}
		for next, due := w.step(); due; next, due = w.step() {
			w.now = next
		}
		w.now += event.Time(2 * time.Hour)
	}
	told := map[string]int{}
	for _, line := range w.told {
		word, _, _ := strings.Cut(line, " ")
		told[word]++
	}
	if want := map[string]int{"firing": 4 * episodes, "resolved": 4 * episodes, "flapped": episodes}; fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("%d episodes, %d firings: told %v, want %v", episodes, toggles, told, want)
	}
}

// TestAYearOfSilences: an alert that fires and is resolved within a silence is never reported.
// One that outlasts the silence is reported when the silence ends. Nothing else changes.
func TestAYearOfSilences(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 15))
	inside, outlives := 0, 0
	for range 300 {
		w := newWorld()
		ends := w.now + event.Time(time.Hour)
		w.silences = []Silence{{Kind: OrphanSubissue, Starts: w.now, Ends: ends, Comment: "known", By: "op"}}
		gone := w.now + 1 + event.Time(r.Int64N(int64(2*time.Hour)))
		next, due := w.step(cond(OrphanSubissue))
		for due && next < gone {
			w.now = next
			next, due = w.step(cond(OrphanSubissue))
		}
		w.now = gone
		w.step()
		if gone <= ends {
			inside++
			if len(w.told) != 0 {
				t.Fatalf("resolved %d before the silence ended, and told: %v", ends-gone, w.told)
			}
		} else if outlives++; strings.Join(w.told, ", ") != "firing s, resolved s" {
			t.Fatalf("outlived the silence by %d: told %v", gone-ends, w.told)
		}
		if len(w.all) != 1 || w.all[0].State != Resolved || w.all[0].Resolved != gone {
			t.Fatalf("the alert is %+v", w.all)
		}
	}
	t.Logf("%d were over within their silence, %d outlived it", inside, outlives)
	if inside == 0 || outlives == 0 {
		t.Error("one of the two was never tried")
	}
}
