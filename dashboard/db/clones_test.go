package db

import (
	"fmt"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/event"
)

// TestOneHubIsToldOnce: a problem of a hub is reported once, however many clones watch the
// hub.
func TestOneHubIsToldOnce(t *testing.T) {
	const hub = "11111111-1111-4111-8111-111111111111"
	type world struct {
		*DB
		c        *clock
		a, b     Project
		all, one int64 // endpoints: of every project, of b alone
	}
	of := func(f facts.Facts) facts.Facts { f.Health.Hub = hub; return f }
	wrong, right := of(overdue(1)), of(facts.Facts{})
	for name, steps := range map[string]struct {
		do   func(w *world, at func(Project, facts.Facts))
		want string
	}{
		"both see it": {func(w *world, at func(Project, facts.Facts)) {
			at(w.a, wrong)
			at(w.b, wrong)
			at(w.b, right)
			at(w.a, right)
		}, "[firing resolved] [firing resolved]"},
		"twice": {func(w *world, at func(Project, facts.Facts)) {
			for range 2 {
				at(w.a, wrong)
				at(w.b, wrong)
				at(w.a, right)
				at(w.b, right)
			}
		}, "[firing resolved firing resolved] [firing resolved firing resolved]"},
		"one is paused while it is wrong": {func(w *world, at func(Project, facts.Facts)) {
			at(w.a, wrong)
			at(w.b, wrong)
			check(t, w.SetStatus(t.Context(), w.a.ID, Paused))
			at(w.b, right)
			check(t, w.SetStatus(t.Context(), w.a.ID, Active))
			at(w.a, right)
		}, "[firing resolved] [firing resolved]"},
		"one cannot be read": {func(w *world, at func(Project, facts.Facts)) {
			at(w.a, wrong)
			at(w.b, wrong)
			check(t, w.PollFailed(t.Context(), alerts.Project{ID: w.a.ID, Slug: w.a.Slug}, w.c.at, "gone"))
			at(w.b, right)
		}, "[firing resolved] [firing resolved]"},
		"one is no longer watched": {func(w *world, at func(Project, facts.Facts)) {
			at(w.a, wrong)
			at(w.b, wrong)
			check(t, w.Untrack(t.Context(), w.a.ID))
			at(w.b, right)
		}, "[firing resolved] [firing resolved]"},
		"one is silenced": {func(w *world, at func(Project, facts.Facts)) {
			_, err := w.AddSilence(t.Context(), alerts.Silence{Project: w.a.ID, Starts: w.c.at, Ends: w.c.at + event.Time(time.Hour), Comment: "x", By: "me"})
			check(t, err)
			at(w.a, wrong)
			at(w.b, wrong)
			at(w.b, right)
			at(w.a, right)
		}, "[] []"},
		"another hub": {func(w *world, at func(Project, facts.Facts)) {
			elsewhere, other := facts.Facts{}, overdue(1)
			elsewhere.Health.Hub = "22222222-2222-4222-8222-222222222222"
			other.Health.Hub = "22222222-2222-4222-8222-222222222222"
			at(w.b, elsewhere)
			at(w.a, wrong)
			at(w.b, other)
		}, "[firing firing] [firing]"},
		"a copy on another server": {func(w *world, at func(Project, facts.Facts)) {
			check(t, w.Capability(t.Context(), w.a.ID, Place{URL: "https://evil.example/o/r"}))
			_, err := w.AddSilence(t.Context(), alerts.Silence{Project: w.a.ID, Starts: w.c.at, Ends: w.c.at + event.Time(time.Hour), Comment: "x", By: "me"})
			check(t, err)
			at(w.a, wrong)
			at(w.b, wrong)
			at(w.b, right)
		}, "[firing resolved] [firing resolved]"},
		"two copies": {func(w *world, at func(Project, facts.Facts)) {
			check(t, w.Capability(t.Context(), w.a.ID, Place{URL: "https://evil.example/o/r"}))
			at(w.a, wrong)
			at(w.b, wrong)
		}, "[firing firing] [firing]"},
		"no URL": {func(w *world, at func(Project, facts.Facts)) {
			check(t, w.Capability(t.Context(), w.a.ID, Place{}))
			check(t, w.Capability(t.Context(), w.b.ID, Place{}))
			at(w.a, wrong)
			at(w.b, wrong)
		}, "[firing firing] [firing]"},
		"no hub": {func(w *world, at func(Project, facts.Facts)) {
			at(w.a, overdue(1))
			at(w.b, overdue(1))
		}, "[firing firing] [firing]"},
		"each clone is gone": {func(w *world, at func(Project, facts.Facts)) {
			gone := of(facts.Facts{})
			gone.Health.Gone = true
			at(w.a, gone)
			at(w.b, gone)
		}, "[firing firing] [firing]"},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := open(t)
			w := &world{DB: d, c: c, a: track(t, d, "o/a"), b: track(t, d, "o/b")}
			var err error
			w.all, _, err = d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/all"})
			check(t, err)
			w.one, _, err = d.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "https://example.com/one", Filter: notify.Filter{Projects: []string{"o/b"}}})
			check(t, err)
			check(t, d.Capability(t.Context(), w.a.ID, Place{URL: "https://example.com/o/r.git"}))
			check(t, d.Capability(t.Context(), w.b.ID, Place{URL: "git@Example.com:o/r"}))
			for _, p := range []Project{w.a, w.b} { // a clone is known to be of a hub once it was read
				poll(t, d, p, c.at, right)
			}
			steps.do(w, func(p Project, f facts.Facts) {
				c.at += event.Time(5 * time.Second)
				poll(t, d, p, c.at, f)
			})
			told := func(endpoint int64) (all []notify.Event) {
				rows, err := d.Deliveries(t.Context(), endpoint, 100)
				check(t, err)
				for k := len(rows) - 1; k >= 0; k-- {
					all = append(all, notify.Event(string(rows[k].Event)[len("alert."):]))
				}
				return all
			}
			if got := fmt.Sprint(told(w.all), told(w.one)); got != steps.want {
				t.Errorf("told %s, want %s", got, steps.want)
			}
		})
	}
}

// TestHubKey: a hub is the same however its URL is written, and only then.
func TestHubKey(t *testing.T) {
	all := map[string]bool{}
	for _, same := range [][]string{
		{"https://example.com/o/r", "https://example.com/o/r.git", "https://me@EXAMPLE.com:443/o/r/", "ssh://git@example.com:22/o/r.git", "git@example.com:o/r.git", "example.com:/o/r"},
		{"https://example.com/o/R"}, {"https://example.com:8443/o/r"}, {"https://example.org/o/r"}, {"https://example.com/fork/r"}, {"https://example.com.evil.example/o/r"},
		{"/srv/r", "/srv/r/", "file:///srv/r", "../r", "/srv/x/../r/.git"},
		{"/srv/r.git"}, {"/o/r"}, {"./a:b"},
	} {
		want := HubKey("id", Place{URL: same[0], Path: "/srv/clone"})
		for _, at := range same {
			if got := HubKey("id", Place{URL: at, Path: "/srv/clone"}); got != want || got == "" {
				t.Errorf("%s: %s, want %s", at, got, want)
			}
		}
		if HubKey("other", Place{URL: same[0], Path: "/srv/clone"}) == want {
			t.Errorf("%s of another hub is the same", same[0])
		}
		if all[want] {
			t.Errorf("%s is the same as another one: %s", same[0], want)
		}
		all[want] = true
	}
	if HubKey("", Place{URL: "https://example.com/o/r"}) != "" || HubKey("id", Place{}) != "" {
		t.Error("what is unknown is the same")
	}
}
