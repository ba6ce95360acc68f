package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestUndo does what can be undone, in every way, and undoes it by the form that
// the answer holds: the issues are as they were. What one form cannot undo
// offers none.
func TestUndo(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", func(c *event.IssueCreated) { c.Labels = []string{"old"} })
	w.Create(a, "two", nil)
	w.Create(a, "three", nil)
	m := event.UUID{0xee, 6: 0x40, 8: 0x80}
	w.Emit(a, func(p tracker.Projection) []event.Body {
		one, _ := p.Resolve("1")
		three, _ := p.Resolve("3")
		return []event.Body{&event.MilestoneCreated{UUID: m, Name: "1.0", CreatedAt: 1}, &event.MilestoneAssigned{Issue: one, Milestone: m}, &event.AssigneeAdded{Issue: one, Assignee: "alice"},
			&event.StatusChanged{UUID: three, NewStatus: event.Closed}}
	})
	s := serve(t, w, nil, a)
	s.login()
	issues := func() string {
		var all []string
		for _, n := range []string{"1", "2", "3"} {
			i := data[struct{ Issue answer.Detail }](s, "/p/o/a/i/"+n+".json").Issue
			b, err := json.Marshal([]any{i.Status, i.Priority, i.Labels, i.Assignees, i.Milestone, i.Lock})
			s.Check(err)
			all = append(all, string(b))
		}
		return strings.Join(all, "\n")
	}
	before := issues()
	for _, c := range []struct {
		path, verb string
		form       url.Values
		did        string
	}{
		{"/i/1/close", "close", nil, "Closed #1"},
		{"/i/1/archive", "archive", nil, "Archived #1"},
		{"/i/3/reopen", "reopen", nil, "Reopened #3"},
		{"/i/1/label", "label", url.Values{"name": {"bug, later"}}, "Labeled #1"},
		{"/i/1/unlabel", "unlabel", url.Values{"name": {"old"}}, "Removed a label from #1"},
		{"/i/2/assign", "assign", url.Values{"name": {"bob"}}, "Assigned #2"},
		{"/i/1/unassign", "unassign", url.Values{"name": {"alice"}}, "Unassigned #1"},
		{"/i/1/milestone", "milestone", url.Values{"milestone": {""}}, "Changed the milestone of #1"},
		{"/i/2/milestone", "milestone", url.Values{"milestone": {"1.0"}}, "Changed the milestone of #2"},
		{"/i/2/priority", "priority", url.Values{"priority": {"low"}}, "Changed the priority of #2"},
		{"/i/2/claim", "claim", nil, "Claimed #2"},
		{"/bulk", "close", url.Values{"verb": {"close"}, "issue": {"1", "2", "3"}}, "Closed 2 issues"}, // 3 was closed before: it stays so
		{"/bulk", "label", url.Values{"verb": {"label"}, "name": {"x"}, "issue": {"1", "2"}}, "Labeled 2 issues"},
	} {
		got := s.post("/p/o/a/issues", "/p/o/a"+c.path, c.form)
		u := got.Data.Undo
		if !got.OK || u == nil || u.Did != c.did {
			t.Errorf("%s: %+v, undo %+v, want %q", c.path, got, u, c.did)
			continue
		}
		if issues() == before {
			t.Errorf("%s changed nothing", c.path)
		}
		form := url.Values{}
		for name, values := range u.Fields {
			form[name] = values
		}
		s.try("", "/p/o/a/issues", u.Path, form)
		if got := issues(); got != before {
			t.Errorf("after %s was undone:\n%s\nwant\n%s", c.path, got, before)
		}
	}
	for _, c := range []struct {
		path string
		form url.Values
	}{
		{"/i/1/comment", url.Values{"text": {"hello"}}}, {"/i/1/edit", url.Values{"title": {"uno"}, "priority": {"low"}}}, {"/i/3/close", nil},
		{"/bulk", url.Values{"verb": {"label"}, "name": {"old, new"}, "issue": {"1", "2"}}}, // other labels are new for each
	} {
		if got := s.post("/p/o/a/issues", "/p/o/a"+c.path, c.form); !got.OK || got.Data.Undo != nil {
			t.Errorf("%s offers to undo it by one form: %+v", c.path, got.Data.Undo)
		}
	}
}

// TestUndoBar: closing an issue offers to undo it, by the keyboard, too; the bar
// goes by itself.
func TestUndoBar(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.keys("e")
	b.until(`!document.querySelector("#undo").hidden && document.querySelector("#undo").innerText.includes("Closed #1")`)
	b.fits("the undo bar")
	b.picture("undo-light")
	b.until(`document.querySelector("#issue-status").textContent === "closed"`)
	b.keys("Z")
	b.until(`document.querySelector("#issue-status").textContent === "open"`)
	b.until(`document.querySelector("#undo").hidden`)
	b.quiet()
}

// TestBoardMoves: cards are moved by the pointer and by keys, where one verb does
// that, and nowhere else.
func TestBoardMoves(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	one := w.Create(a, "one", func(c *event.IssueCreated) { c.Priority = event.High })
	two := w.Create(a, "two", func(c *event.IssueCreated) { c.Labels = []string{"bug"} })
	w.Create(a, "three", func(c *event.IssueCreated) { c.Priority = event.Low })
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.DependencyAdded{Blocked: two, Blocker: one}}
	})
	s := serve(t, w, nil, a)
	b := s.browse()
	in := func(column, title string) string {
		return `document.querySelector('[data-key="col-` + column + `"]')?.innerText.includes("` + title + `")`
	}
	drag := func(title, column string) bool {
		return js[bool](b, `(() => {
			const card = [...document.querySelectorAll("[data-moves]")].find(c => c.innerText.includes("`+title+`")), to = document.querySelector('[data-key="col-`+column+`"]');
			const data = new DataTransfer(), send = (on, type) => on.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
			send(card.querySelector("a"), "dragstart");
			const taken = !send(to, "dragover");
			if (taken) send(to, "drop");
			send(card, "dragend");
			return taken;
		})()`)
	}
	open := func(group string) {
		b.open("/p/o/a/issues?view=board&group=" + group)
		b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	}
	open("status")
	for _, no := range [][2]string{{"two", "ready"}, {"one", "blocked"}, {"two", "blocked"}} {
		if drag(no[0], no[1]) {
			t.Errorf("%s can be dragged to %s", no[0], no[1])
		}
	}
	if !drag("three", "in work") {
		t.Error("three cannot be dragged")
	}
	b.until(in("in work", "three"))
	b.until(`document.activeElement.textContent.includes("three")`)
	b.picture("board-moved-light")
	// the same by keys alone: to the card, m, and the column
	b.until(`document.querySelector("#move-form .answer").textContent === "confirmed"`)
	b.keys("m")
	b.until(`document.querySelector("#move").open`)
	b.picture("board-move-light")
	if got := js[string](b, `document.querySelector("#move ul").innerText.trim().replace(/\n+/g, ", ")`); got != "to ready (releases the lock), to closed (closes the issue)" {
		t.Errorf("the card can be moved %s", got)
	}
	b.focus(`#move li:last-child button`)
	b.keys("Enter")
	b.until(in("closed in 7 days", "three"))
	open("priority")
	if !drag("one", "medium") {
		t.Error("the priority cannot be changed")
	}
	b.until(in("medium", "one"))
	open("label")
	if drag("two", "no label") {
		t.Error("all labels can be taken away at once")
	}
	if !drag("one", "bug") {
		t.Error("a label cannot be added")
	}
	b.until(in("bug", "one"))
	b.quiet()
}

// TestNotifications: a user who has turned notifications on gets one for each new alert, in
// only one of several tabs, but none for alerts that are acknowledged or less severe.
func TestNotifications(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "first", overdue)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/settings/preferences")
	js[bool](b, `(() => { document.querySelector("#notify").value = "warning"; document.querySelector("#tone").value = "critical"; document.querySelector("main form").submit(); return true })()`)
	b.until(`document.body.dataset.notify === "warning" && document.body.dataset.tone === "critical"`)
	const stub = `(() => { window.shown = []; window.Notification = class { static permission = "granted"; constructor(title, o) { shown.push(title + ": " + o.body) } }; return true })()`
	tab := b.tab()
	for _, one := range []*browser{b, tab} {
		one.open("/agents")
		one.until(`document.querySelector("#live")?.dataset.state === "on" && localStorage.getItem("told") === "[1]"`)
		js[bool](one, stub)
	}
	w.Create(other, "second", overdue)
	b.until(`localStorage.getItem("told") === "[1,2]" || localStorage.getItem("told") === "[2,1]"`)
	time.Sleep(300 * time.Millisecond)
	got := js[string](b, `shown.join("|")`) + js[string](tab, `shown.join("|")`)
	if !strings.HasPrefix(got, `warning in o/a: #2 "second" due `) || strings.Count(got, "second") != 1 || strings.Contains(got, "first") {
		t.Errorf("told: %q", got)
	}
	b.quiet()
	chromedp.Cancel(tab.ctx)
}
