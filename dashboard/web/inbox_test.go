package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
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
