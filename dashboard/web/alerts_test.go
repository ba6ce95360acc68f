package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// overdue makes an issue that is past its date.
func overdue(c *event.IssueCreated) { c.DueAt = event.TimeOf(time.Now().Add(-time.Hour)) }

// poll looks at project o/a now.
func (s *served) poll() {
	s.Helper()
	_, err := s.poller.Poll(s.Context(), "id-a")
	s.Check(err)
}

// try posts a form and expects an error, "" for none.
func (s *served) try(want, page, path string, form url.Values) {
	s.Helper()
	if got := s.post(page, path, form); got.Error.Message != want || got.OK != (want == "") {
		s.Errorf("%s: %q, want %q", path, got.Error.Message, want)
	}
}

func TestAlerts(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "fix the parser", overdue)
	s := serve(t, w, nil, a)
	s.login()
	contains(t, s.get("/alerts"), "fix the parser", "overdue issue in", "Acknowledge")
	contains(t, s.get("/alerts.json"), `"project_slug":"o/a"`, `"kind":"overdue_issue"`, `"subject_ref":"issue:1"`, `"state":"firing"`, `"acknowledged_at":null`)
	contains(t, s.get("/alerts?severity=critical"), "matches")
	if csv := s.get("/alerts?format=csv"); !strings.HasPrefix(csv, "id,project_slug,kind,severity,subject_ref,detail,opened_at,resolved_at,acknowledged_at\n1,o/a,overdue_issue,warning,issue:1,") {
		t.Errorf("as CSV: %s", csv)
	}
	contains(t, s.get("/alerts/1"), "an open issue is past its due date", `class="h-firing"`, "Silence alerts like this", "normal → firing")
	contains(t, s.get("/"), `class="count">`)

	s.try(`there is no action "dance"`, "/alerts", "/alerts/1/dance", nil)
	s.try(`there is no alert 7`, "/alerts", "/alerts/7/ack", nil)
	s.try(`"soon" is not a duration: use 1h, 12h, 7d`, "/alerts", "/alerts/1/ack", url.Values{"for": {"soon"}})
	s.try("", "/alerts", "/alerts/1/ack", url.Values{"note": {"the parser can wait"}, "for": {"1d"}})
	contains(t, s.get("/alerts/1"), "acknowledged by", "the parser can wait", "Undo the acknowledgement", "until")
	contains(t, s.get("/alerts?state=acknowledged"), "fix the parser")
	contains(t, s.get("/alerts?state=unacknowledged"), "matches")
	contains(t, s.get("/"), "Nothing needs you")
	s.try("", "/alerts/1", "/alerts/1/unack", nil)
	contains(t, s.get("/"), "fix the parser")

	s.try("a silence needs a comment", "/silences", "/silences", url.Values{"kind": {"overdue_issue"}, "for": {"1h"}})
	s.try("a silence needs a project, kind, subject or severity: without any, it would silence all alerts", "/silences", "/silences", url.Values{"for": {"1h"}, "comment": {"x"}})
	s.try("a silence must end in the future", "/silences", "/silences", url.Values{"kind": {"overdue_issue"}, "comment": {"x"}})
	s.try("a silence may not last longer than 30 days", "/silences", "/silences", url.Values{"kind": {"overdue_issue"}, "comment": {"x"}, "for": {"31d"}})
	s.try(`there is no project "o/x"`, "/silences", "/silences", url.Values{"project": {"o/x"}, "comment": {"x"}, "for": {"1h"}})
	contains(t, s.get("/silences?project=o/a&kind=overdue_issue&subject=issue:1"), "There are no silences", `value="issue:1"`, `value="o/a" selected`)
	s.try("", "/silences", "/silences", url.Values{"project": {"o/a"}, "subject": {"issue:*"}, "comment": {"we know"}, "for": {"1h"}})
	contains(t, s.get("/silences"), "we know", "holds back 1 alert ", "issue:*")
	contains(t, s.get("/alerts?state=silenced"), "fix the parser", ">silenced<")
	s.try("", "/silences", "/silences/1/end", nil)
	s.try("there is no silence 1, or it has ended", "/silences", "/silences/1/end", nil)
	contains(t, s.get("/silences"), "There are no silences")

	// A rule that is switched off resolves its alerts; a preview changes nothing.
	off := url.Values{"rule.overdue_issue.enabled": {"false"}, "edit": {"overdue_issue"}, "request": {s.request("/settings/rules")}, "preview": {"yes"}}
	preview := s.do("POST", "/settings/rules", off, s.own()...).body
	m := regexp.MustCompile(`<b>(\d+)</b> conditions? would be true; with the saved values (\d+) `).FindStringSubmatch(preview)
	if m == nil {
		t.Fatalf("there is no preview in\n%s", preview)
	}
	would, _ := strconv.Atoi(m[1])
	if today, _ := strconv.Atoi(m[2]); would != today-1 {
		t.Errorf("%d conditions would be true, %d are: want one less", would, today)
	}
	s.poll()
	contains(t, s.get("/alerts"), "fix the parser")
	s.try("agent.silent_minutes is a number from 1 to 100000, not 'x'", "/settings/rules", "/settings/rules", url.Values{"agent.silent_minutes": {"x"}})
	s.try("the form changes no setting", "/settings/rules", "/settings/rules", nil)
	off.Del("preview")
	s.try("", "/settings/rules", "/settings/rules", off)
	s.poll()
	if strings.Contains(s.get("/alerts?kind=overdue_issue"), "fix the parser") {
		t.Error("the alert of a rule that is switched off is open")
	}
	contains(t, s.get("/alerts/history"), "fix the parser")
	contains(t, s.get("/alerts/1"), ">resolved<")
	contains(t, s.get("/settings/rules?edit=overdue_issue"), ">changed<", `value="false" selected`)
	s.try("alert 1 is resolved: only an alert that is firing can be acknowledged", "/settings/rules", "/alerts/1/ack", nil)

	contains(t, s.get("/audit"), "the parser can wait", "end silence", "refused", "o/a")
	contains(t, s.get("/audit.json"), `"verb":"ack"`, `"outcome":"ok"`)
	contains(t, s.get("/audit?format=csv"), "id,at,operator,project,verb")
	contains(t, s.get("/settings/about"), "this one")
	if n, err := s.db.VerifyActions(t.Context()); err != nil || n == 0 {
		t.Errorf("the audit log: %d rows, %v", n, err)
	}
}

// TestAlertDeliveries: the page of an alert shows what was sent about it, and when the next try is.
func TestAlertDeliveries(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	s := serve(t, w, nil, a)
	s.login()
	s.try("", "/settings/webhooks", "/settings/webhooks", url.Values{"url": {"https://example.com/hook?token=s3cr3t"}, "request": {s.request("/settings/webhooks")}})
	w.Create(a, "fix the parser", overdue)
	w.Create(a, "write the manual", overdue)
	s.poll()
	type page struct {
		Deliveries []struct {
			Endpoint int64
			State    string
			Event    string
			Tries    int
			Status   int
			Error    string
			Tried    *time.Time `json:"tried_at"`
			Due      *time.Time `json:"due_at"`
		}
	}
	queued, err := s.db.Deliveries(t.Context(), 1, 10)
	if err != nil || len(queued) != 2 {
		t.Fatalf("%d deliveries, %v", len(queued), err)
	}
	for _, alert := range []string{"1", "2"} {
		if got := data[page](s, "/alerts/"+alert+".json").Deliveries; len(got) != 1 || got[0].State != "queued" || got[0].Event != "alert.firing" || got[0].Tries != 0 || got[0].Due == nil {
			t.Errorf("alert %s: %+v", alert, got)
		}
	}
	contains(t, s.get("/alerts/1"), "alert.firing to", "queued · 0 tries · next try")
	next := event.TimeOf(time.Now().Add(5 * time.Minute))
	about, err := s.db.DeliveriesOf(t.Context(), 1, 10)
	s.Check(err)
	s.Check(s.db.Tried(t.Context(), about[0], db.Tried{Status: 503, Error: "it answered 503", Next: next}))
	contains(t, s.get("/alerts/1"), "it answered 503", "queued · 503 · 1 try, last", "next try", "in 4 min")
	contains(t, s.get("/alerts/2"), "queued · 0 tries")
	about, err = s.db.DeliveriesOf(t.Context(), 1, 10)
	s.Check(err)
	s.Check(s.db.Tried(t.Context(), about[0], db.Tried{OK: true, Status: 204}))
	if got := data[page](s, "/alerts/1.json").Deliveries; len(got) != 1 || got[0].State != "done" || got[0].Tries != 2 || got[0].Due != nil || got[0].Tried == nil {
		t.Errorf("after the answer: %+v", got)
	}
	if page := s.get("/alerts/1"); strings.Contains(page, "next try") || strings.Contains(page, "s3cr3t") {
		t.Errorf("the page says\n%s", page)
	}
}

// TestManyAlerts: alerts of one kind in one project are folded.
func TestManyAlerts(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	for k := range foldAbove + 1 {
		w.Create(a, fmt.Sprintf("issue %d", k), overdue)
	}
	s := serve(t, w, nil, a)
	s.login()
	contains(t, s.get("/alerts"), fmt.Sprintf("%d × overdue issue in o/a", foldAbove+1), "<details")
}

func TestBack(t *testing.T) {
	for to, want := range map[string]string{"/alerts/1": "/alerts/1", "": "/x", "//evil.example": "/x", "https://evil.example": "/x", "/\\evil.example": "/x"} {
		r := &request{checked: &checked{Request: mustForm(url.Values{"back": {to}})}}
		if got := back(r, "/x"); got != want {
			t.Errorf("%q: %s, want %s", to, got, want)
		}
	}
}

func TestTheme(t *testing.T) {
	s := serve(t, dashtest.New(t), nil)
	s.login()
	if page := s.get("/settings/preferences"); strings.Contains(page, "data-theme") {
		t.Error("a browser that was told nothing has its own colors")
	}
	for _, theme := range []string{"dark", "blue", "system"} {
		s.do("POST", "/settings/preferences", url.Values{"request": {s.requestFor()}, "theme": {theme}}, s.own()...)
		if has := strings.Contains(s.get("/"), `data-theme="dark"`); has != (theme != "system") {
			t.Errorf("after %s the page is dark: %v", theme, has)
		}
	}
}

// TestKeysOff: anybody who speaks to the browser, or types blindly, can switch single
// keys off.
func TestKeysOff(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/settings/preferences")
	do(b, chromedp.Evaluate[bool](`(document.querySelector("#keys").value = "off", document.querySelector("#main form").requestSubmit(), true)`))
	b.until(`document.body.dataset.keys === "off" && document.querySelector("#keys").value === "off"`)
	b.open("/p/o/a/i/1")
	b.keys("e", "c", "?")
	time.Sleep(300 * time.Millisecond)
	if got := js[string](b, `[document.querySelector("#issue-status").textContent, document.activeElement.tagName, document.querySelector("#help").open].join()`); got != "open,BODY,false" {
		t.Errorf("single keys still do something: %s", got)
	}
	b.quiet()
}

// TestAlertsJourney: an alert that another clone causes and ends comes and continues
// the page by itself; a note that is being typed stays; everything is reached by keys
// alone.
func TestAlertsJourney(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "first", overdue)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/alerts/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	do(b, chromedp.SendKeys("#note", "half a no"))
	js[bool](b, `(() => { const n = document.querySelector("#note"); n.setSelectionRange(1, 4); window.same = n; return true })()`)
	began := time.Now()
	two := w.Create(other, "second", overdue)
	b.until(`document.querySelector("#rail").innerText.match(/Alerts\s*2/)`)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s to show", took)
	}
	if got := js[string](b, `(() => { const n = document.querySelector("#note"); return [n.value, n === window.same, n === document.activeElement, n.selectionStart, n.selectionEnd].join() })()`); got != "half a no,true,true,1,4" {
		t.Errorf("what was being typed: %s", got)
	}
	b.keys("End", "te", "Enter")
	b.until(`document.querySelector("#main").innerText.includes("half a note") && document.querySelector("#unack-form")`)
	b.open("/alerts")
	b.until(`document.querySelector("#live")?.dataset.state === "on" && document.body.innerText.includes("second")`)
	key := js[string](b, `[...document.querySelectorAll("#alerts li")].find(l => l.innerText.includes("second")).dataset.key`)
	b.focus(fmt.Sprintf(`[data-key="%s"] button`, key))
	b.keys("Enter")
	b.until(fmt.Sprintf(`document.querySelector('[data-key="%s"]').innerText.includes("acknowledged by")`, key))
	w.Emit(other, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: two, NewStatus: event.Closed}}
	})
	b.until(`!document.body.innerText.includes("second")`)
	b.quiet()
}
