package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

func TestActions(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one <b>bold</b>", nil)
	s := serve(t, w, nil, a)
	s.login()
	page := "/p/o/a/i/1"
	contains(t, s.get(page), "one &lt;b&gt;bold&lt;/b&gt;", "Close this issue", `<span id="issue-status">open</span>`)
	got := s.post(page, page+"/comment", url.Values{"text": {"hello <script>\r\nworld\u202e"}})
	if !got.OK || got.Data.Agent != "agent-op" || got.Data.Sync != "confirmed" || len(got.Data.Lines) == 0 {
		t.Errorf("comment: %+v", got)
	}
	contains(t, s.get(page), "hello &lt;script&gt;<br>\nworld‹U+202E›", "agent-op")
	if got := s.post(page, page+"/comment", url.Values{"text": {"  "}}); got.OK || got.Error.Message != "the text is empty" {
		t.Errorf("an empty comment: %+v", got)
	}
	if got := s.post(page, page+"/close", nil); !got.OK {
		t.Errorf("close: %+v", got)
	}
	contains(t, s.get(page), `<span id="issue-status">closed</span>`, "Reopen this issue")
	contains(t, s.get("/.json"), `"open_issues":0`)
	if got := s.post(page, page+"/reopen", nil); !got.OK {
		t.Errorf("reopen: %+v", got)
	}
	if got := s.post(page, page+"/dance", nil); got.OK || got.Error.Message != `there is no action "dance"` {
		t.Errorf("an action that there is not: %+v", got)
	}
	if got := s.post(page, "/p/o/a/i/77/close", nil); got.OK || got.Error.Kind != "not-found" {
		t.Errorf("an issue that there is not: %+v", got)
	}
	var outcomes []string
	acts, err := s.db.Actions(t.Context(), 0, 100)
	s.Check(err)
	for _, a := range acts {
		outcomes = append([]string{a.Verb + " " + a.Outcome}, outcomes...)
	}
	want := "comment started, comment ok, comment started, comment refused, close started, close ok, reopen started, reopen ok, close started, close refused"
	if got := strings.Join(outcomes, ", "); got != want {
		t.Errorf("audit:\n got %s\nwant %s", got, want)
	}
	contains(t, s.get("/audit"), `<a href="/p/o/a/log?line=agent-op%2f`)
	if n, err := s.db.VerifyActions(t.Context()); err != nil || n != len(acts) {
		t.Errorf("the chain of the audit log: %d rows, %v", n, err)
	}
}

// TestAFormActsOnce: sent twice, by a reload or a double click, it does nothing
// the second time.
func TestAFormActsOnce(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	form := url.Values{"request": {s.request("/p/o/a/i/1")}, "text": {"once"}}
	for range 2 {
		if got := s.do("POST", "/p/o/a/i/1/comment", form, s.own()...); got.status != http.StatusSeeOther || got.header.Get("Location") != "/p/o/a/i/1" {
			t.Errorf("%d to %s", got.status, got.header.Get("Location"))
		}
	}
	if n := strings.Count(s.get("/p/o/a/i/1"), ">once<"); n != 1 {
		t.Errorf("%d comments, want 1", n)
	}
}

func TestPausedProjectIsNotWritten(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	s.Check(s.db.SetStatus(t.Context(), "id-a", db.Paused))
	form := url.Values{"request": {s.requestFor()}}
	got := s.do("POST", "/p/o/a/i/1/close", form, append(s.own(), "Accept", "application/json")...)
	if got.status != http.StatusConflict || !strings.Contains(got.body, "o/a is paused") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestPagesAsJSON: every page answers the same as JSON, in the envelope of every
// document.
func TestPagesAsJSON(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	for path, member := range map[string]string{"/.json": "project", "/p/o/a.json": "agents", "/p/o/a/i/1.json": "issue"} {
		var doc struct {
			V, Code  int
			OK       bool
			Data     map[string]any
			Warnings []any
		}
		s.Check(json.Unmarshal([]byte(s.get(path)), &doc))
		if doc.V != 1 || !doc.OK || doc.Data[member] == nil || doc.Warnings == nil {
			t.Errorf("%s: %+v", path, doc)
		}
	}
	got := s.do("GET", "/p/o/none.json", nil)
	if got.status != 404 || !strings.Contains(got.body, `"ok":false`) || !strings.Contains(got.body, `"kind":"not found"`) {
		t.Errorf("no project: %d %s", got.status, got.body)
	}
}

func TestTroubleIsShown(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	s.Check(s.db.PollFailed(t.Context(), alertProject, 1, "a log is torn"))
	contains(t, s.get("/p/o/a"), "This project cannot be read", "a log is torn", "shows the state of", "╱╱", "one")
}

// alertProject is project o/a.
var alertProject = alerts.Project{ID: "id-a", Slug: "o/a"}
