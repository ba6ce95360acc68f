package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestIssueURL: an issue has one URL once its number is decided; other names of it lead there.
func TestIssueURL(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	u := w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	for _, name := range []string{u.String(), u.String()[:8]} {
		if got := s.do("GET", "/p/o/a/i/"+name+"?show=talk", nil); got.status != http.StatusSeeOther || got.header.Get("Location") != "/p/o/a/i/1?show=talk" {
			t.Errorf("%s: %d to %s", name, got.status, got.header.Get("Location"))
		}
		if got := s.do("GET", "/p/o/a/i/"+name, nil, "Accept", "text/vnd.crosslink.fragment"); got.status != http.StatusOK {
			t.Errorf("a page that is open: %d", got.status)
		}
		contains(t, s.get("/p/o/a/i/"+name+".json"), `"number":1`)
	}
	s.get("/p/o/a/i/1")
}

// TestCommandsOfAnIssue: the page has the command for each thing that it offers, and for no other.
func TestCommandsOfAnIssue(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	has := func(form, command string) {
		t.Helper()
		page := s.get("/p/o/a/i/1")
		if can := strings.Contains(page, `/i/1/`+form+`"`); can != strings.Contains(page, "<code>git crosslink "+command) || !can {
			t.Errorf("%s is offered: %v, and so is %q: %v", form, can, command, !can)
		}
	}
	has("claim", "lock 1")
	has("comment", "comment 1 &lt;text&gt;")
	has("close", "close 1")
	if strings.Contains(s.get("/p/o/a/i/1"), "git crosslink reopen") {
		t.Error("an open issue can be reopened")
	}
	s.try("", "/p/o/a/i/1", "/p/o/a/i/1/claim", nil)
	has("release", "unlock 1")
	known := map[string]bool{}
	for _, c := range commands {
		known[c[0]] = true
	}
	offered := data[struct{ Actions []string }](s, "/p/o/a/i/1.json").Actions
	if len(offered) < 20 {
		t.Errorf("only %q can be done", offered)
	}
	for _, verb := range offered {
		if !known[verb] {
			t.Errorf("%s has no command", verb)
		}
	}
}

// TestTables: lists are also tables for a spreadsheet, which runs no cell of them.
func TestTables(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "=1+1", func(c *event.IssueCreated) { c.Labels = []string{"bug"} })
	w.Create(a, "two", nil)
	s := serve(t, w, nil, a)
	s.login()
	got := s.do("GET", "/p/o/a/issues?format=csv&q=label:bug", nil)
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") || strings.Count(got.body, "\n") != 2 {
		t.Errorf("%s:\n%s", got.header.Get("Content-Type"), got.body)
	}
	contains(t, got.body, "number,uuid,title,status", ",'=1+1,open,medium,bug,")
	contains(t, s.get("/projects?format=csv"), "slug,status,pinned", "\no/a,active,")
	contains(t, s.get("/p/o/a/issues?format=csv&q=is:odd"), "is not valid")
}

// TestSmallThings of the specification that need no page of their own.
func TestSmallThings(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	one := w.Create(a, "one", func(c *event.IssueCreated) { c.DueAt = event.TimeOf(time.Now().Add(72 * time.Hour)) })
	two := w.Create(other, "two", nil)
	w.Emit(other, func(tracker.Projection) []event.Body {
		return []event.Body{&event.DependencyAdded{Blocked: one, Blocker: two}, &event.LockClaimed{Issue: two}}
	})
	w.Sync(a)
	s := serve(t, w, nil, a)
	s.login()
	// an empty inbox names what is due next
	contains(t, s.get("/"), `Nothing needs you. Next due: <a href="/p/o/a/i/1">#1 one</a> <time`)
	contains(t, s.get("/.json"), `"next_due":{"project":"o/a","issue":"1","title":"one","due_at":"20`)
	// a list of agents has what is to be known of each
	contains(t, s.get("/agents"), ", token ", "unapproved key", "wrote <time")
	contains(t, s.get("/agents.json"), `"mark":"unapproved key"`, `"unsent":0`, `"token":`, `"last_line":"20`)
	// rows may have more room
	if strings.Contains(s.get("/agents"), `class="comfortable"`) {
		t.Error("rows are not dense by default")
	}
	s.do("POST", "/settings/preferences", url.Values{"request": {s.requestFor()}, "rows": {"comfortable"}}, s.own()...)
	contains(t, s.get("/agents"), ` class="comfortable">`)
	// a query names a project
	contains(t, s.get("/search?q=one+project:o/a"), "#1</span> one")
	contains(t, s.get("/search?q=one+project:o/c"), "Nothing matches")
	contains(t, s.get("/p/o/a/issues?q=project:o/c"), "search for project:o/c instead")
	// the graph ends what blocks; the timeline leads to dates
	contains(t, s.get("/p/o/a/graph"), `aria-label="Unblock: #1 no longer waits for #2"`, `name="depth" value="10"`)
	contains(t, s.get("/p/o/a/timeline"), `href="/p/o/a/i/1#f-due"`)
	s.try("", "/p/o/a/graph", "/p/o/a/i/1/unblock", url.Values{"issue": {"2"}, "back": {"/p/o/a/graph"}})
	contains(t, s.get("/p/o/a/graph"), "No open issue waits for another")
}
