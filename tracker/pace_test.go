package tracker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// noon is when these tests begin.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

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
	} {
		p := pace{Pushes: times(c.pushes...), Locks: times(c.locks...)}
		got := fmt.Sprint(at(p.turn(c.n, facts)), " ", at(p.turn(c.n, numbers)), " ", at(p.turn(c.n, somebody)), " ", at(p.turn(c.n, locks)))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A busy hub is left alone for longer each time, or as long as it asks, and no
// two clones come back at the same moment.
func TestHolds(t *testing.T) {
	p := pace{}
	for i, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		p.busy(noon, "busy", 0)
		if d := p.Until.Sub(noon); d < want || d >= want+min(want/4, time.Minute) {
			t.Errorf("%d: %v, want %v and a little", i, d, want)
		}
	}
	if !p.ended(noon, time.Second, 3*time.Second, false) || p.Holds != 0 || !p.Until.IsZero() || p.Why != "" {
		t.Errorf("after a push that worked: %+v", p)
	}
	for _, c := range []struct{ asked, want time.Duration }{
		{time.Second, 30 * time.Second}, {2 * time.Minute, 2 * time.Minute}, {40 * time.Hour, time.Hour}} {
		seen := map[time.Duration]bool{}
		for range 20 {
			p := pace{}
			p.busy(noon, "busy", c.asked)
			d := p.Until.Sub(noon)
			if seen[d] = true; d < c.want || d >= c.want+min(c.want/4, time.Minute) {
				t.Errorf("asked for %v: %v", c.asked, d)
			}
		}
		if len(seen) < 2 {
			t.Errorf("asked for %v: always the same", c.asked)
		}
	}
}

// Slow is a push that takes longer than a command waits; slowed is a hub that
// takes much longer, or is busy, and for an hour.
func TestSlow(t *testing.T) {
	const wait = 3 * time.Second
	for _, c := range []struct {
		name         string
		was          pace
		took         time.Duration
		cut          bool
		slow, slowed bool
	}{
		{"quick", pace{}, time.Second, false, false, false},
		{"longer than a command waits, and waited for", pace{}, 5 * time.Second, false, false, false},
		{"cut off", pace{}, 3 * time.Second, true, true, false},
		{"still no quicker", pace{Slow: true}, 5 * time.Second, false, true, false},
		{"quick again", pace{Slow: true}, time.Second, false, false, false},
		{"much too long", pace{}, 11 * time.Second, false, false, true},
		{"cut off late", pace{}, 30 * time.Second, true, true, true},
	} {
		p := c.was
		changed := p.ended(noon, c.took, wait, c.cut)
		if p.Slow != c.slow || p.Slowed.IsZero() == c.slowed || changed != (c.slow != c.was.Slow || c.slowed) {
			t.Errorf("%s: %+v, changed %v", c.name, p, changed)
		}
		p.asOf(noon.Add(59 * time.Minute))
		if p.Slowed.IsZero() == c.slowed {
			t.Errorf("%s: 59 min later %+v", c.name, p)
		}
		if p.asOf(noon.Add(time.Hour)); !p.Slowed.IsZero() {
			t.Errorf("%s: an hour later %+v", c.name, p)
		}
	}
}

// A note of a clock that was wrong, or by somebody else, holds nothing up for
// longer than a rule does.
func TestOddPaces(t *testing.T) {
	far := noon.AddDate(100, 0, 0)
	p := pace{Pushes: []time.Time{far, far}, Locks: []time.Time{noon.Add(-time.Hour), far}, Until: far, Slowed: far}
	p.asOf(noon)
	if len(p.Pushes) != 2 || len(p.Locks) != 1 || !p.Until.IsZero() || !p.Slowed.IsZero() {
		t.Errorf("%+v", p)
	}
	for u := facts; u <= locks; u++ {
		if at := p.turn(1, u); at.After(noon.Add(minute)) {
			t.Errorf("%d: %v", u, at)
		}
	}
}

func TestPublicHosts(t *testing.T) {
	for url, want := range map[string]int{
		"https://github.com/a/b.git":             6,
		"https://someone:secret@GitHub.com/a/b":  6,
		"https://some@one:p@ss@github.com:443/a": 6,
		"http://github.com.:80/a":                6,
		"git@github.com:a/b.git":                 6,
		"github.com:a/b":                         6,
		"ssh://git@ssh.github.com:443/a/b":       6,
		"crosslink::https://github.com/a/b":      6,
		"crosslink::git@github.com:a/b":          6,
		"https://team.ghe.com/a/b":               6,
		"git@gitlab.com:a/b.git":                 60,
		"ssh://git@altssh.gitlab.com:443/a/b":    60,
		"https://bitbucket.org/a/b":              60,
		"https://codeberg.org/a/b":               6,
		"git@ssh.dev.azure.com:v3/a/b/c":         6,
		"https://notgithub.com/a/b":              0,
		"https://github.com.example.org/a/b":     0,
		"https://github.example.org/a/b":         0,
		"https://example.org/github.com/b":       0,
		"https://example.org?github.com":         0,
		"https://gitlab.example.org/a/b":         0,
		"http://127.0.0.1:8080/github.com":       0,
		"ssh://[::1]:22/a":                       0,
		"[git@example.org:22]:github.com/a":      0,
		"[git@github.com:22]:a/b":                6,
		"/srv/github.com/hub.git":                0,
		"./github.com:a/b":                       0,
		"file://github.com/a/b":                  0,
		"github.com/a/b":                         0, // a path
		"ext::sh -c 'connect github.com'":        0,
		"":                                       0,
		"::":                                     0,
		"://":                                    0,
		"https://":                               0,
	} {
		if p, _ := publicHostOf(url); p.pushes != want {
			t.Errorf("%s: %d, want %d", url, p.pushes, want)
		}
	}
	for _, p := range publicHosts {
		if got, ok := publicHostOf("https://" + p.host + "/a"); !ok || got != p || p.pushes < 1 {
			t.Errorf("%+v is found as %+v", p, got)
		}
	}
}

// What counts is where pushes go, and the setting before all.
func TestPerMinute(t *testing.T) {
	slowed := pace{Slowed: atSecond(60)}
	for _, c := range []struct {
		url  string
		conf string // key=value, key=value
		p    pace
		want int
	}{
		{"https://git.example.org/a", "", pace{}, 0},
		{"https://git.example.org/a", "", slowed, 6},
		{"https://git.example.org/a", "", pace{Slowed: noon}, 0},
		{"https://git.example.org/a", "crosslink.pushesperminute=0", slowed, 0},
		{"https://git.example.org/a", "crosslink.pushesperminute=20", pace{}, 20},
		{"https://git.example.org/a", "crosslink.pushesperminute=many", pace{}, 0},
		{"https://github.com/a", "", pace{}, 6},
		{"https://github.com/a", "", slowed, 6},
		{"https://github.com/a", "crosslink.pushesperminute=0", pace{}, 0},
		{"https://gitlab.com/a", "", slowed, 60},
		{"/srv/a.git", "", slowed, 0},
		{"gh:a", "url.git@github.com:.insteadof=gh:", pace{}, 6},
		{"gh:a", "url.https://example.org/.insteadof=g url.git@github.com:.insteadof=gh:", pace{}, 6},
		{"https://github.com/a", "url.https://mirror.example.org/.insteadof=https://github.com/", pace{}, 0},
		{"https://mirror.example.org/a", "remote.origin.pushurl=git@github.com:a", pace{}, 6},
		{"https://github.com/a", "remote.origin.pushurl=https://mirror.example.org/a", pace{}, 0},
		{"/srv/a.git", "remote.origin.pushurl=https://mirror.example.org/a", slowed, 6},
		{"/srv/a.git", "remote.origin.pushurl=git@github.com:a", pace{}, 6},
		{"https://gitlab.com/a", "remote.origin.pushurl=git@github.com:a", pace{}, 6},
		{"https://example.org/a", "url.https://github.com/.pushinsteadof=https://example.org/", pace{}, 6},
	} {
		tr := &Tracker{o: Options{Now: func() time.Time { return noon }}, conf: refs.Config{{Key: "remote.origin.url", Value: c.url}}}
		for _, kv := range strings.Fields(c.conf) {
			k, v, _ := strings.Cut(kv, "=")
			tr.conf = append(tr.conf, refs.Setting{Key: k, Value: v})
		}
		tr.hub = &hub{Name: "origin", URL: tr.conf.FetchURL("origin")}
		if got := tr.perMinute(c.p); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.url, c.conf, got, c.want)
		}
	}
	if n := (&Tracker{}).perMinute(slowed); n != 0 {
		t.Errorf("no hub: %d", n)
	}
	if n := (&Tracker{hub: &hub{Name: selfName, self: true, URL: "https://github.com/a"}}).perMinute(slowed); n != 0 {
		t.Errorf("its own hub: %d", n)
	}
}
