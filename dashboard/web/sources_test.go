package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
	"github.com/git-crosslink/git-crosslink/event"
)

// TestSources: the repositories of an organization are listed, and those that somebody has
// chosen are watched, and no other.
func TestSources(t *testing.T) {
	w := dashtest.New(t)
	var tracked []string
	all := []github.Repository{{FullName: "acme/one", HTTPS: "https://github.invalid/acme/one.git", State: github.Tracker}, {FullName: "acme/two", HTTPS: "https://github.invalid/acme/two.git", State: github.Tracker},
		{FullName: "acme/old", HTTPS: "https://github.invalid/acme/old.git", State: github.Older}}
	s := serve(t, w, func(o *Options) {
		o.GitHub = GitHub{Source: func(context.Context) string { return "gh" }, Repositories: func(_ context.Context, org string) ([]github.Repository, error) {
			if org != "acme" {
				return nil, refuse(http.StatusNotFound, "GitHub knows no organization '%s'", org)
			}
			return all, nil
		}, Track: func(_ context.Context, at, slug string) (db.Project, bool, error) {
			tracked = append(tracked, at)
			return db.Project{Slug: slug}, false, nil
		}}
	}, w.Clone("a"))
	s.login()
	contains(t, s.get("/settings/sources"), "The token comes from gh")
	contains(t, s.get("/settings/sources?org=acme"), "acme/one", "acme/two", "older format", `value="acme/one" checked`)
	contains(t, s.get("/settings/sources?org=nobody"), "error: GitHub knows no organization &#39;nobody&#39;")
	contains(t, s.get("/settings/sources.json?org=acme"), `"new":2`, `"slug":"acme/old","url":"https://github.invalid/acme/old.git","state":"older-format"`)
	form := url.Values{"request": {s.request("/settings/sources?org=acme")}, "org": {"acme"}, "repository": {"acme/two", "acme/old", "acme/none"}}
	a := s.do("POST", "/settings/sources", form, s.own()...)
	if a.status != 200 || !slices.Equal(tracked, []string{"https://github.invalid/acme/two.git"}) {
		t.Errorf("%d, watching %v", a.status, tracked)
	}
	contains(t, a.body, "Now watching", "/p/acme/two", "<b>acme/old</b> is not watched: its tracker has an older format")
	form = url.Values{"request": {s.request("/settings/sources?org=acme")}, "org": {"acme"}}
	if a := s.do("POST", "/settings/sources", form, s.own()...); a.status != 400 {
		t.Errorf("nothing was selected: %d", a.status)
	}
}

// TestTimed: times of an alert are shown as everywhere, and what an issue's title holds
// stays text.
func TestTimed(t *testing.T) {
	now := event.TimeOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	for in, want := range map[string]string{
		"#4 due 2026-03-01T10:00:00Z":     `#4 due <time datetime="2026-03-01T10:00:00Z" title="2026-03-01 10:00:00 UTC">2 h ago</time>`,
		"2026-13-41T10:00:00Z <b>":        "2026-13-41T10:00:00Z &lt;b&gt;",
		`"><script>2026-03-01T10:00:00Z2`: "&#34;&gt;&lt;script&gt;2026-03-01T10:00:00Z2",
	} {
		if got := string(timed(now, in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	if got := string(timed(now, "at 2026-03-01T12:00:01.5Z.")); !strings.Contains(got, ">in 1 s</time>.") {
		t.Error(got)
	}
}
