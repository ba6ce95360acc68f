package syncer

import (
	"fmt"
	"testing"
	"time"
)

func atSecond(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

func times(seconds ...int) (all []time.Time) {
	for _, n := range seconds {
		all = append(all, atSecond(n))
	}
	return all
}

// Who may start when, of a minute's pushes.
func TestTurns(t *testing.T) {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "now"
		}
		return fmt.Sprint(int(t.Sub(noon).Seconds()))
	}
	for _, c := range []struct {
		name          string
		n             int
		pushes, locks []int
		want          string // of facts, numbers, somebody, locks
	}{
		{"no limit", 0, []int{0, 0, 0, 0, 0, 0, 0}, []int{0, 0, 0, 0, 0, 0, 0}, "now now now now"},
		{"the first", 6, nil, nil, "now now now now"},
		{"facts of a moment go together", 6, []int{0}, nil, "10 now now now"},
		{"behind a claim, too", 6, nil, []int{5}, "15 now now now"},
		{"facts have half", 6, []int{0, 10, 20}, nil, "60 now now now"},
		{"facts have half, of all", 6, []int{0}, []int{10, 20}, "60 now now now"},
		{"numbers have all but one", 6, []int{0, 1, 2, 3, 4}, nil, "62 60 now now"},
		{"six are a minute's", 6, []int{0, 1, 2, 3, 4, 5}, nil, "63 61 60 now"},
		{"locks have six of their own", 6, []int{0, 1, 2, 3, 4, 5}, []int{10, 11, 12, 13, 14}, "65 65 65 now"},
		{"and no more", 6, []int{40}, []int{0, 11, 12, 13, 14, 15}, "74 72 71 60"},
		{"what locks leave is one a minute", 6, nil, []int{0, 1, 2, 3, 4, 5}, "15 now now 60"},
		{"one a minute is one a minute", 6, []int{3}, []int{0, 1, 2, 4, 5, 6}, "63 62 61 60"},
		{"a limit of one", 1, []int{0}, nil, "60 60 60 now"},
		{"a limit of one, used by a claim", 1, nil, []int{0}, "10 now now 60"},
		{"a limit of sixty", 60, []int{0, 1, 2, 3, 4, 5}, nil, "15 now now now"},
		{"a limit of twenty, less than a quarter used", 20, nil, []int{0, 1, 2, 3}, "13 now now now"},
		{"a limit of twenty, a quarter used by locks", 20, nil, []int{0, 1, 2, 3, 4}, "14 now now 8"},
		{"a limit of twenty, a quarter used", 20, []int{0, 1, 2, 3, 4}, nil, "14 8 8 now"},
	} {
		p := Pace{Pushes: times(c.pushes...), Locks: times(c.locks...)}
		got := fmt.Sprint(at(p.Turn(perMinute(c.n), Facts)), " ", at(p.Turn(perMinute(c.n), Numbers)), " ", at(p.Turn(perMinute(c.n), Somebody)), " ", at(p.Turn(perMinute(c.n), Locks)))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A busy hub is left alone for longer each time, from 30 s or what it asks for,
// and no two clones come back at the same moment.
func TestHolds(t *testing.T) {
	for _, c := range []struct {
		asked time.Duration
		want  string
	}{
		{0, "30s 1m0s 2m0s 4m0s 8m0s 16m0s 32m0s 1h0m0s 1h0m0s"},
		{2 * time.Second, "2s 2s 2s 4s 8s 16s 32s 1m4s 2m8s"},
		{2 * time.Minute, "2m0s 2m0s 2m0s 4m0s 8m0s 16m0s 32m0s 1h0m0s 1h0m0s"},
		{40 * time.Hour, "1h0m0s 1h0m0s 1h0m0s 1h0m0s 1h0m0s 1h0m0s 1h0m0s 1h0m0s 1h0m0s"},
	} {
		p, got := Pace{}, ""
		for range 9 {
			later, _ := p.Busy(noon, "busy", c.asked, 0.999)
			wait := later.Until.Sub(noon)
			p, _ = p.Busy(noon, "busy", c.asked, 0)
			exact := p.Until.Sub(noon)
			got += " " + exact.String()
			if more := wait - exact; more <= 0 || more > min(exact/4, time.Minute) {
				t.Errorf("%v: %v more at random", exact, more)
			}
		}
		if got != " "+c.want {
			t.Errorf("asked for %v:%s", c.asked, got)
		}
		if p = p.Ended(noon, time.Second, 3*time.Second, false); p.Holds != 0 || !p.Until.IsZero() || p.Why != "" {
			t.Errorf("after a push that worked: %+v", p)
		}
	}
}

// Slow is a hub whose last push took longer than a command waits, for ten
// minutes; slowed is one that took much longer or was busy, for an hour.
func TestSlow(t *testing.T) {
	const wait = 3 * time.Second
	for _, c := range []struct {
		name         string
		was          Pace
		took         time.Duration
		cut          bool
		slow, slowed bool
	}{
		{"quick", Pace{}, time.Second, false, false, false},
		{"longer than a command waits, and waited for", Pace{}, 5 * time.Second, false, false, false},
		{"cut off", Pace{}, 3 * time.Second, true, true, false},
		{"still no quicker", Pace{Cut: noon}, 5 * time.Second, false, true, false},
		{"quick again", Pace{Cut: noon}, time.Second, false, false, false},
		{"much too long", Pace{}, 11 * time.Second, false, false, true},
		{"cut off late", Pace{}, 30 * time.Second, true, true, true},
	} {
		p := c.was.Ended(noon, c.took, wait, c.cut)
		if p.Slow(noon) != c.slow || p.Slowed.IsZero() == c.slowed {
			t.Errorf("%s: %+v", c.name, p)
		}
		if p.Slow(noon.Add(10*time.Minute)) != c.slow || p.Slow(noon.Add(11*time.Minute)) {
			t.Errorf("%s: ten minutes later, %+v", c.name, p)
		}
		if p.AsOf(noon.Add(59*time.Minute)).Slowed.IsZero() == c.slowed {
			t.Errorf("%s: 59 min later %+v", c.name, p)
		}
		if !p.AsOf(noon.Add(time.Hour)).Slowed.IsZero() {
			t.Errorf("%s: an hour later %+v", c.name, p)
		}
	}
}

// A note of a clock that was wrong, or by somebody else, holds nothing up for
// longer than a rule does.
func TestOddPaces(t *testing.T) {
	far := noon.AddDate(100, 0, 0)
	p := Pace{Pushes: []time.Time{far, far}, Locks: []time.Time{noon.Add(-time.Hour), far}, Until: far, Slowed: far, Cut: far}.AsOf(noon)
	if len(p.Pushes) != 2 || len(p.Locks) != 1 || !p.Until.IsZero() || !p.Slowed.IsZero() || !p.Cut.IsZero() {
		t.Errorf("%+v", p)
	}
	for u := Facts; u <= Locks; u++ {
		if at := p.Turn(perMinute(1), u); at.After(noon.Add(minute)) {
			t.Errorf("%d: %v", u, at)
		}
	}
	r := Refusal{At: far, Times: 100}
	if !r.Due(noon) {
		t.Errorf("%+v holds for years", r)
	}
}

// Pushes of the last minute are gone, claims and releases with them; never more than there are.
func TestLeft(t *testing.T) {
	at := func(seconds ...int) (all []time.Time) {
		for _, s := range seconds {
			all = append(all, atSecond(s))
		}
		return all
	}
	for _, c := range []struct {
		p         Pace
		r         Rate
		now, want int
	}{
		{Pace{}, perMinute(6), 0, 6}, {Pace{}, Rate{}, 0, 0}, {Pace{Pushes: at(0)}, Rate{}, 0, 0},
		{Pace{Pushes: at(0, 1), Locks: at(2)}, perMinute(6), 59, 3}, {Pace{Pushes: at(0, 3)}, perMinute(6), 60, 5},
		{Pace{Pushes: at(3, 4, 5)}, perMinute(2), 5, 0}, {Pace{Pushes: at(0)}, Rate{1, 4 * minute}, 60, 0},
	} {
		if got := c.p.Left(c.r, atSecond(c.now)); got != c.want {
			t.Errorf("%+v of %s after %d s: %d, want %d", c.p, c.r, c.now, got, c.want)
		}
	}
}

// What was configured holds; else a forge's limit; else none, unless the hub was
// busy or slow within the last hour. A path is not paced by itself.
func TestLimit(t *testing.T) {
	slowed := Pace{Slowed: atSecond(60)}
	for _, c := range []struct {
		l    Limits
		p    Pace
		want int
	}{
		{Limits{}, Pace{}, 0},
		{Limits{}, slowed, 6},
		{Limits{}, Pace{Slowed: noon}, 0},
		{Limits{Set: true}, slowed, 0},
		{Limits{Set: true, PerMinute: 20}, Pace{}, 20},
		{Limits{PerMinute: 60}, slowed, 60},
		{Limits{Never: true}, slowed, 0},
		{Limits{Never: true, Set: true, PerMinute: 2}, slowed, 2},
	} {
		if got, _ := c.p.Limit(c.l, Facts, noon); got != perMinute(c.want) {
			t.Errorf("%+v, %+v: %v, want %d", c.l, c.p, got, c.want)
		}
	}
}

// Half of a small limit is reserved for pushes that are more urgent than facts; of a larger
// one, three pushes or a sixth, whichever is more.
func TestShareOfFacts(t *testing.T) {
	for limit, want := range map[int]int{1: 1, 2: 1, 6: 3, 8: 5, 12: 9, 60: 50} {
		if got := Facts.share(limit); got != want {
			t.Errorf("of %d pushes facts may use %d, want %d", limit, got, want)
		}
	}
}
