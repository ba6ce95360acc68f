package alerts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// world keeps the alerts of one project as the poller's database does.
type world struct {
	now      event.Time
	set      Settings
	silences []Silence
	all      []Alert
	told     []string
}

func (w *world) prev() (prev []Alert) {
	for _, a := range w.all {
		if a.Open() || a.Opened > w.now-event.Time(Remember) {
			prev = append(prev, a)
		}
	}
	return prev
}

// step lets the conditions be true, and returns when the next step is due.
func (w *world) step(derived ...Derived) (next event.Time, due bool) {
	c := facts.NewClock(w.now)
	for _, t := range Next("p1", w.prev(), derived, w.silences, w.set, c) {
		w.keep(t)
		if t.Notice != NoNotice {
			w.told = append(w.told, fmt.Sprintf("%s %s", t.Notice, t.Alert.Subject))
		}
	}
	return c.Next()
}

func (w *world) keep(t Transition) {
	a := t.Alert
	k := slices.IndexFunc(w.all, func(o Alert) bool { return o.ID == a.ID && a.ID != 0 })
	switch {
	case k < 0:
		a.ID = int64(len(w.all) + 1)
		w.all = append(w.all, a)
	default:
		w.all[k] = a
	}
}

func (w *world) states() string {
	var s []string
	for _, a := range w.all {
		s = append(s, string(a.State))
	}
	return strings.Join(s, " ")
}

func cond(k Kind) Derived {
	set := Defaults()
	r, _ := set.RuleOf(k)
	return Derived{Identity: Identity{k, "s"}, Ref: "ref", Severity: r.Severity, Text: "text"}
}

func newWorld() *world { return &world{now: now, set: Defaults()} }

func (w *world) want(t *testing.T, states, told string) {
	t.Helper()
	if got := w.states(); got != states {
		t.Errorf("states: %s, want %s", got, states)
	}
	if got := strings.Join(w.told, ", "); got != told {
		t.Errorf("told: %s, want %s", got, told)
	}
}

func TestForAndKeepAreZero(t *testing.T) {
	w := newWorld()
	w.step(cond(StaleLock))
	w.want(t, "firing", "firing s")
	w.now++
	w.step()
	w.want(t, "resolved", "firing s, resolved s")
	w.now++
	w.step(cond(StaleLock))
	w.want(t, "resolved firing", "firing s, resolved s, firing s")
}

func TestFor(t *testing.T) {
	w := newWorld()
	next, ok := w.step(cond(UntrustedSigner))
	if !ok || next != now+event.Time(5*time.Minute) {
		t.Errorf("due in %d, %v", next-now, ok)
	}
	w.now = next - 1
	w.step(cond(UntrustedSigner))
	w.want(t, "pending", "")
	w.now = next
	w.step(cond(UntrustedSigner))
	w.want(t, "firing", "firing s")

	w = newWorld()
	w.step(cond(UntrustedSigner))
	w.now++
	w.step()
	w.want(t, "normal", "")
}

func TestKeep(t *testing.T) {
	w := newWorld()
	w.step(cond(SilentAgent))
	w.now++
	next, ok := w.step()
	if !ok || next != w.now+event.Time(time.Minute) {
		t.Errorf("due in %d, %v", next-w.now, ok)
	}
	w.want(t, "recovering", "firing s")
	w.now = next - 1
	w.step(cond(SilentAgent))
	w.want(t, "firing", "firing s") // the same row, told once
	next, _ = w.step()
	w.now = next
	w.step()
	w.want(t, "resolved", "firing s, resolved s")
}

func TestKeepUntilSeen(t *testing.T) {
	w := newWorld()
	w.step(cond(ForkProven))
	w.now += event.Time(1000 * time.Hour)
	w.step()
	w.want(t, "firing", "firing s")
	w.all[0].Ack = Ack{At: w.now, By: "op"}
	w.step()
	w.want(t, "resolved", "firing s, resolved s")
}

func TestAck(t *testing.T) {
	w := newWorld()
	w.step(cond(StaleLock))
	until := w.now + 10
	w.all[0].Ack = Ack{At: w.now, By: "op", Note: "on it", Until: until}
	w.now = until - 1
	if next, ok := w.step(cond(StaleLock)); !ok || next != until {
		t.Errorf("due at %d, %v", next-now, ok)
	}
	if w.all[0].Ack.At == 0 {
		t.Error("an acknowledgement ended early")
	}
	w.now = until
	w.step(cond(StaleLock))
	if w.all[0].Ack != (Ack{}) {
		t.Error("an acknowledgement did not end")
	}
	w.all[0].Ack.At = w.now
	w.step()
	w.step(cond(StaleLock))
	if w.all[1].Ack != (Ack{}) {
		t.Error("an acknowledgement survived a new firing")
	}
}

func TestSilence(t *testing.T) {
	silence := Silence{Kind: StaleLock, Subject: "s*", Starts: now, Ends: now + 100}
	w := newWorld()
	w.silences = []Silence{silence}
	next, ok := w.step(cond(StaleLock))
	if !ok || next != silence.Ends {
		t.Errorf("due in %d, %v", next-now, ok)
	}
	w.want(t, "firing", "")
	w.now = silence.Ends - 1
	w.step(cond(StaleLock))
	w.want(t, "firing", "")
	w.now = silence.Ends
	w.step(cond(StaleLock))
	w.want(t, "firing", "firing s") // it outlived its silence

	w = newWorld() // fired and resolved inside: no notice, not even of the resolution
	w.silences = []Silence{silence}
	w.step(cond(StaleLock))
	w.now += 50
	w.step()
	w.now += 100
	w.step()
	w.want(t, "resolved", "")
}

func TestSilenceMatches(t *testing.T) {
	a := Alert{Identity: Identity{StaleLock, "lock:0400"}, Ref: "lock:4", Severity: Warning}
	for _, c := range []struct {
		s    Silence
		want bool
	}{
		{Silence{}, true},
		{Silence{Project: "p1"}, true}, {Silence{Project: "p2"}, false},
		{Silence{Kind: StaleLock}, true}, {Silence{Kind: Storm}, false},
		{Silence{Severity: Warning}, true}, {Silence{Severity: Info}, false},
		{Silence{Subject: "lock:4"}, true}, {Silence{Subject: "lock:*"}, true}, {Silence{Subject: "lock:0400"}, true},
		{Silence{Subject: "lock:5"}, false}, {Silence{Subject: "["}, false},
		{Silence{Kind: StaleLock, Subject: "agent:*"}, false},
	} {
		if got := c.s.Matches("p1", &a); got != c.want {
			t.Errorf("%+v: %v", c.s, got)
		}
	}
}

// TestFlapping: the fifth firing in an hour is not told; when it has been quiet
// for 15 minutes one summary is.
func TestFlapping(t *testing.T) {
	w := newWorld()
	for range 6 {
		w.step(cond(StaleLock))
		w.now += event.Time(time.Minute)
		w.step()
		w.now += event.Time(time.Minute)
	}
	told := strings.TrimSuffix(strings.Repeat("firing s, resolved s, ", 4), ", ")
	w.want(t, "resolved resolved resolved resolved resolved resolved", told)
	last := w.all[5].Opened
	next, ok := w.step()
	if want := last + event.Time(15*time.Minute); !ok || next != want {
		t.Errorf("due in %d, want %d", next-w.now, want-w.now)
	}
	w.now = next
	w.step()
	w.step()
	w.want(t, "resolved resolved resolved resolved resolved resolved", told+", flapped s")

	w = newWorld() // still firing after 15 minutes: it is reported as a firing
	for range 5 {
		w.step(cond(StaleLock))
		w.now++
		w.step()
		w.now++
	}
	next, _ = w.step(cond(StaleLock))
	if !w.all[5].Flapping {
		t.Error("it is not marked")
	}
	w.now = next
	w.step(cond(StaleLock))
	if got := w.told[len(w.told)-1]; got != "firing s" || w.all[5].Flapping {
		t.Errorf("after 15 minutes: %s", got)
	}
}

func TestRuleSwitchedOffResolves(t *testing.T) {
	w := newWorld()
	w.step(cond(ForkProven))
	w.set.Rules = map[Kind]RuleSetting{ForkProven: {Off: true}}
	w.step()
	w.want(t, "resolved", "firing s, resolved s")
}

// TestNextHoldsItsPromises, for random conditions, acknowledgements and
// silences over time.
func TestNextHoldsItsPromises(t *testing.T) {
	kinds := []Kind{StaleLock, SilentAgent, UntrustedSigner, ForkProven, Storm}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		opened, resolved := 0, 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now += event.Time(rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, 5 * time.Minute, time.Hour}).Draw(t, "later"))
			var derived []Derived
			for _, k := range kinds {
				if rapid.Bool().Draw(t, string(k)) {
					derived = append(derived, cond(k))
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "silence") == 0 {
				w.silences = append(w.silences, Silence{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Starts: w.now, Ends: w.now + event.Time(10*time.Minute)})
			}
			if n := len(w.all); n > 0 && rapid.IntRange(0, 5).Draw(t, "ack") == 0 {
				if a := &w.all[rapid.IntRange(0, n-1).Draw(t, "which")]; a.Active() {
					a.Ack = Ack{At: w.now}
				}
			}
			first := Next("p1", w.prev(), derived, w.silences, w.set, facts.NewClock(w.now))
			again := Next("p1", w.prev(), derived, w.silences, w.set, facts.NewClock(w.now))
			if fmt.Sprint(first) != fmt.Sprint(again) {
				t.Fatalf("not deterministic:\n%v\n%v", first, again)
			}
			for _, tr := range first {
				if tr.To == Firing && tr.From != Firing && tr.From != Recovering {
					opened++
				}
				if tr.To == Resolved && tr.From != Resolved {
					resolved++
				}
				if tr.Notice == NoticeResolved && !tr.Alert.Notified {
					t.Fatalf("a resolution is told whose firing was not: %+v", tr)
				}
				w.keep(tr)
			}
			if more := Next("p1", w.prev(), derived, w.silences, w.set, facts.NewClock(w.now)); slices.ContainsFunc(more, func(t Transition) bool { return t.From != t.To || t.Notice != NoNotice }) {
				t.Fatalf("a second step at the same time does something: %+v", more)
			}
			active, seen := 0, map[Identity]bool{}
			for _, a := range w.all {
				if a.Open() && seen[a.Identity] {
					t.Fatalf("two open alerts of %v", a.Identity)
				}
				seen[a.Identity] = seen[a.Identity] || a.Open()
				if a.Active() {
					active++
				}
			}
			if active != opened-resolved {
				t.Fatalf("%d active, but %d opened and %d resolved", active, opened, resolved)
			}
		}
	})
}

// TestNothingChangesBeforeItIsDue is the law by which the poller skips work:
// until the clock's Next, conditions and counters are the same.
func TestNothingChangesBeforeItIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := randomFacts(t)
		set := Defaults()
		set.LockIfSilent = rapid.Bool().Draw(t, "only if silent")
		at := now
		for range 10 {
			c := facts.NewClock(at)
			was, numbers := identities(Derive(project, f, set, c)), counters.Of(f, set.Thresholds, c)
			next, due := c.Next()
			if !due {
				next = at + event.Time(1000*24*time.Hour)
			}
			if next <= at {
				t.Fatalf("the next change is not later")
			}
			for _, between := range []event.Time{at + 1, at + (next-at)/2, next - 1} {
				if between <= at || between >= next {
					continue
				}
				c := facts.NewClock(between)
				if is := identities(Derive(project, f, set, c)); is != was {
					t.Fatalf("%d before it is due:\n%s\n%s", next-between, was, is)
				}
				if is := counters.Of(f, set.Thresholds, c); is != numbers {
					t.Fatalf("%d before it is due:\n%+v\n%+v", next-between, numbers, is)
				}
			}
			if at = next; !due {
				return
			}
		}
	})
}

func identities(d []Derived) string {
	var s []string
	for _, one := range d {
		s = append(s, fmt.Sprintf("%s %s %s", one.Kind, one.Subject, one.Severity))
	}
	return strings.Join(s, "\n")
}

func randomFacts(t *rapid.T) *facts.Facts {
	when := func(name string) event.Time {
		return now + event.Time(rapid.Int64Range(-int64(3*time.Hour), int64(26*time.Hour)).Draw(t, name))
	}
	f := &facts.Facts{Health: facts.Health{
		Signing: "warn", Remote: rapid.Bool().Draw(t, "remote"), FetchedAt: when("fetched"),
		Undecided: facts.Backlog{N: 1, Oldest: when("undecided")}, Unsent: facts.Backlog{N: 1, Oldest: when("unsent")},
	}}
	for k := range rapid.IntRange(0, 3).Draw(t, "n") {
		id := string(rune('a' + k))
		f.Issues = append(f.Issues, facts.Issue{UUID: uuid(byte(k)), Name: id, Due: when("due")})
		f.Later = append(f.Later, when("later"))
		f.Locks = append(f.Locks, facts.Lock{Issue: uuid(byte(k)), Name: id, Holder: id, Confirmed: true, Since: when("since"), Queue: []facts.Waiter{{Agent: "q", Since: when("queued")}}})
		f.Agents = append(f.Agents, facts.Agent{ID: id, LastSign: when("sign"), LastLine: when("line"), State: "awaiting_input", StateSince: when("state"), Burst: when("burst"), Marks: map[string]int{"unapproved": 1}})
		f.Requests = append(f.Requests, facts.Request{ID: id, Target: id, Kind: "pause", SentAt: when("sent"), ExpiresAt: when("expires")})
	}
	f.Sort()
	return f
}
