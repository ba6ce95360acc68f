package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

var tileName = regexp.MustCompile(`<a href="/p/([^"]*)">[^<]*</a> <span class="word[^>]*>[^<]*</span>(?: <span class="tag">pinned</span>)?</h2>`)

func tiles(page string) string {
	var names []string
	for _, m := range tileName.FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

func TestProjects(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), dashtest.New(t).Clone("b")
	s := serve(t, w, nil, a, b)
	s.login()
	order := func(path, want string) {
		t.Helper()
		if got := tiles(s.get(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	act := func(verb, project string) {
		t.Helper()
		if got := s.post("/projects", "/projects/"+verb, url.Values{"project": {project}}); !got.OK {
			t.Errorf("%s %s: %+v", verb, project, got.Error)
		}
	}
	order("/projects", "o/a o/b")
	act("pin", "o/b")
	order("/projects", "o/b o/a")
	act("unpin", "o/b")
	s.Check(s.db.PollFailed(t.Context(), alertProject, 1, "it is torn"))
	act("pause", "o/b")
	order("/projects?sort=severity", "o/a o/b")
	act("pause", "o/a")
	act("resume", "o/b")
	order("/projects?sort=severity", "o/b o/a")
	order("/projects?sort=slug", "o/a o/b")
	order("/projects?q=B", "o/b")
	contains(t, s.get("/projects?q=none"), "No project has a name like this")
	act("refresh", "o/b")
	act("refresh", "o/b") // the fetch is put off
	if got := s.post("/projects", "/projects/refresh", url.Values{"project": {"o/x"}}); got.OK || got.Error.Message != `there is no project "o/x"` {
		t.Errorf("no such project: %+v", got)
	}
	contains(t, s.get("/projects.json"), `"view":"tiles"`)
	contains(t, s.get("/projects?view=table&sort=slug"), `<table>`, `<td data-label="open">`, `href="/projects?view=tiles&sort=slug&q="`)
	for k := range manyProjects {
		s.Check(s.db.Track(t.Context(), db.Project{ID: fmt.Sprint("many-", k), Slug: fmt.Sprint("many/", k), Place: db.Place{Kind: db.PlacePath, Path: fmt.Sprint("/nowhere/", k)}}))
		s.Check(s.db.SetStatus(t.Context(), fmt.Sprint("many-", k), db.Paused))
	}
	contains(t, s.get("/projects.json"), `"view":"table"`) // there are many
	for k := range manyProjects {
		s.Check(s.db.Untrack(t.Context(), fmt.Sprint("many-", k)))
	}
	act("untrack", "o/a")
	order("/projects", "o/b")
	contains(t, s.get("/projects.json"), `"slug":"o/b"`, `"sort":"severity"`)
	if n, err := s.db.VerifyActions(t.Context()); err != nil || n == 0 {
		t.Errorf("the audit log: %d rows, %v", n, err)
	}
}
