package web

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestSnooze: a snoozed item leaves the inbox and its count for a time, and comes back at once
// if its reason occurs again.
func TestSnooze(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "late", func(c *event.IssueCreated) { c.DueAt = event.TimeOf(time.Now().Add(-time.Hour)) })
	s := serve(t, w, nil, a)
	s.login()
	type doc struct {
		Data struct {
			Inbox, Snoozed []struct {
				Key     string
				Snoozed *string `json:"snoozed_until"`
			}
		}
	}
	look := func() (d doc) {
		t.Helper()
		s.Check(json.Unmarshal([]byte(s.get("/.json")), &d))
		return d
	}
	d := look()
	if len(d.Data.Inbox) != 1 || len(d.Data.Snoozed) != 0 || d.Data.Inbox[0].Snoozed != nil {
		t.Fatalf("%+v", d)
	}
	page := s.get("/")
	since := strings.Split(strings.Split(page, `name="since" value="`)[1], `"`)[0]
	form := url.Values{"key": {d.Data.Inbox[0].Key}, "since": {since}, "for": {"1d"}}
	for name, bad := range map[string]url.Values{"no key": {"since": {since}, "for": {"1d"}}, "no time": {"key": {"x"}, "for": {"1d"}}, "no end": {"key": {"x"}, "since": {since}}, "an odd end": {"key": {"x"}, "since": {since}, "for": {"ever"}}} {
		if got := s.post("/", "/inbox/snooze", bad); got.OK {
			t.Errorf("%s: taken", name)
		}
	}
	if got := s.post("/", "/inbox/dance", form); got.OK {
		t.Error("an action that there is not")
	}
	if got := s.post("/", "/inbox/snooze", form); !got.OK {
		t.Fatalf("%+v", got.Error)
	}
	if d = look(); len(d.Data.Inbox) != 0 || len(d.Data.Snoozed) != 1 || d.Data.Snoozed[0].Snoozed == nil {
		t.Errorf("snoozed: %+v", d)
	}
	contains(t, s.get("/"), "1 snoozed", "Bring back", `aria-current="page">Inbox</a>`) // and no count
	contains(t, s.get("/alerts"), "overdue issue")                                      // it is still there
	if got := s.post("/", "/inbox/wake", form); !got.OK {
		t.Fatalf("%+v", got.Error)
	}
	if d = look(); len(d.Data.Inbox) != 1 || len(d.Data.Snoozed) != 0 {
		t.Errorf("back: %+v", d)
	}
	form.Set("since", event.TimeOf(time.Now().Add(-time.Minute)).String()) // of an alert before this one
	if got := s.post("/", "/inbox/snooze", form); !got.OK {
		t.Fatalf("%+v", got.Error)
	}
	if d = look(); len(d.Data.Inbox) != 1 {
		t.Errorf("it has happened anew, and is not shown: %+v", d)
	}
}

// TestQuestionInTheInbox: a question of an agent is in the inbox and its count, a key snoozes
// it, and an answer ends it.
func TestQuestionInTheInbox(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	u := w.Create(a, "one", nil)
	s := serve(t, w, nil, other)
	s.login()
	comment := func(dir string, n byte, kind, text string) *event.CommentAdded {
		return &event.CommentAdded{Issue: u, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: "agent-" + filepath.Base(dir), Content: text, CreatedAt: event.TimeOf(time.Now()), Kind: kind}
	}
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: u}, comment(a, 1, "question", "Shall tabs count?")}
	})
	w.Sync(a)
	look := func() {
		t.Helper()
		if _, err := s.poller.Poll(t.Context(), "id-b"); err != nil {
			t.Fatal(err)
		}
	}
	look()
	page := s.get("/")
	contains(t, page, "agent-a asks on #1 &#34;one&#34;: Shall tabs count?", `href="/p/o/b/i/1"`, `>Inbox<span class="count">1</span>`)
	b := s.browse()
	b.open("/")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.keys("j", "z")
	b.until(`document.querySelector("#away")?.innerText.includes("1 snoozed")`)
	w.Emit(a, func(tracker.Projection) []event.Body { return []event.Body{comment(a, 2, "question", "And blanks?")} })
	w.Sync(a)
	b.until(`document.querySelector("#main").innerText.includes("And blanks?")`) // a new one
	js[bool](b, `(document.activeElement.blur(), true)`)                         // a row that has the focus stays
	if got := s.post("/p/o/b/i/1", "/p/o/b/i/1/comment", url.Values{"text": {"yes"}, "kind": {"answer"}}); !got.OK {
		t.Errorf("an answer: %+v", got.Error)
	}
	b.until(`!document.querySelector("#main").innerText.includes("agent-a asks")`)
	b.quiet()
}

// TestMentionInTheInbox: a comment that addresses who runs the dashboard is in the inbox. A key says that
// it is done; another mention brings it back, and a comment ends it.
func TestMentionInTheInbox(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Git("-C", other, "config", "crosslink.name", "Carl")
	u := w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	s.try("", "/p/o/a/i/1", "/p/o/a/i/1/comment", url.Values{"text": {"here I am"}})
	mention := func(n byte, text string) {
		w.Emit(other, func(tracker.Projection) []event.Body {
			return []event.Body{&event.CommentAdded{Issue: u, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: "agent-other", Content: text, CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
		})
	}
	b := s.browse()
	b.open("/")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	mention(1, "@agent-op, is this <b>done</b>?")
	b.until(`document.querySelector('[data-key="group soon"]')?.innerText.includes('Carl mentions you on #1 "one": @agent-op, is this <b>done</b>?')`)
	b.until(`document.querySelector("#rail .count")?.innerText === "1"`)
	b.keys("j", "e")
	b.until(`document.querySelector("#main").innerText.includes("Nothing needs you") && !document.querySelector("#away") && !document.querySelector("#rail .count")`)
	mention(2, "@agent-op: once more")
	b.until(`document.querySelector("#main").innerText.includes("once more")`)
	if got := s.post("/p/o/a/i/1", "/p/o/a/i/1/comment", url.Values{"text": {"yes"}}); !got.OK {
		t.Errorf("a comment: %+v", got.Error)
	}
	b.until(`document.querySelector("#main").innerText.includes("Nothing needs you")`)
	b.quiet()
}
