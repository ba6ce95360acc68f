package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/forms"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// data reads the data of a page as JSON.
func data[T any](s *served, path string) (d T) {
	s.Helper()
	doc := struct{ Data *T }{&d}
	s.Check(json.Unmarshal([]byte(s.get(path)), &doc))
	return d
}

// TestEveryVerb does each thing that can be done to an issue, and looks at what
// has become of it.
func TestEveryVerb(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	w.Create(a, "two", nil)
	s := serve(t, w, nil, a)
	s.login()
	issue := func() answer.Detail {
		return data[struct {
			Issue answer.Detail `json:"issue"`
		}](s, "/p/o/a/i/1.json").Issue
	}
	act := func(verb string, form url.Values) {
		t.Helper()
		s.try("", "/p/o/a/i/1", "/p/o/a/i/1/"+verb, form)
	}
	f := func(pairs ...string) url.Values {
		v := url.Values{}
		for k := 0; k < len(pairs); k += 2 {
			v.Set(pairs[k], pairs[k+1])
		}
		return v
	}
	did := map[string]bool{}
	for _, c := range []struct {
		verb string
		form url.Values
		want func(answer.Detail) bool
	}{
		{"comment", f("text", "hello", "kind", "question"), func(i answer.Detail) bool {
			return len(i.Comments) == 1 && i.Comments[0].Kind == "question" && i.Comments[0].Content == "hello"
		}},
		{"edit", f("title", "uno", "has-description", "yes", "description", "more", "priority", "high"), func(i answer.Detail) bool {
			return i.Title == "uno" && i.Description == "more" && i.Priority == "high"
		}},
		{"edit", f("title", "uno"), func(i answer.Detail) bool { return i.Description == "more" }},
		{"label", f("name", "bug, later"), func(i answer.Detail) bool { return fmt.Sprint(i.Labels) == "[bug later]" }},
		{"unlabel", f("name", "later"), func(i answer.Detail) bool { return fmt.Sprint(i.Labels) == "[bug]" }},
		{"assign", f("name", "@alice"), func(i answer.Detail) bool { return fmt.Sprint(i.Assignees) == "[alice]" }},
		{"priority", f("priority", "low"), func(i answer.Detail) bool { return i.Priority == "low" && i.Title == "uno" }},
		{"unassign", f("name", "alice"), func(i answer.Detail) bool { return len(i.Assignees) == 0 }},
		{"block", f("issue", "#2"), func(i answer.Detail) bool { return len(i.BlockedBy) == 1 }},
		{"unblock", f("issue", "2"), func(i answer.Detail) bool { return len(i.BlockedBy) == 0 }},
		{"relate", f("issue", "2"), func(i answer.Detail) bool { return len(i.Relations) == 1 }},
		{"unrelate", f("issue", "2"), func(i answer.Detail) bool { return len(i.Relations) == 0 }},
		{"parent", f("issue", "2"), func(i answer.Detail) bool { return i.Parent != nil && i.Parent.Number == 2 }},
		{"parent", nil, func(i answer.Detail) bool { return i.Parent == nil }},
		{"due", f("due", "2036-03-01"), func(i answer.Detail) bool {
			return i.DueAt != nil && strings.HasPrefix(*i.DueAt, "2036-03-0") && i.ScheduledAt == nil
		}},
		{"schedule", f("has-due", "yes", "scheduled", "2035-03-01"), func(i answer.Detail) bool { return i.DueAt == nil && i.ScheduledAt != nil }},
		{"schedule", f("has-scheduled", "yes"), func(i answer.Detail) bool { return i.ScheduledAt == nil }},
		{"claim", nil, func(i answer.Detail) bool { return i.Lock != nil && i.Lock.Holder == "agent-op" && i.Lock.Confirmed }},
		{"claim", nil, func(i answer.Detail) bool { return i.Lock != nil }},
		{"release", nil, func(i answer.Detail) bool { return i.Lock == nil }},
		{"time", f("minutes", "30"), func(i answer.Detail) bool { return len(i.Time) == 1 && *i.Time[0].Seconds == 1800 }},
		{"link", f("ref", "https://example.com/pulls/7"), func(i answer.Detail) bool { return len(i.Links) == 1 && i.Links[0].Kind == "url" }},
		{"unlink", f("ref", "https://example.com/pulls/7"), func(i answer.Detail) bool { return len(i.Links) == 0 }},
		{"close", f("reason", "done"), func(i answer.Detail) bool { return i.Status == "closed" && *i.Reason == "done" }},
		{"reopen", nil, func(i answer.Detail) bool { return i.Status == "open" }},
		{"archive", nil, func(i answer.Detail) bool { return i.Status == "archived" }},
	} {
		did[c.verb] = true
		act(c.verb, c.form)
		if i := issue(); !c.want(i) {
			b, _ := json.Marshal(i)
			t.Errorf("after %s: %s", c.verb, b)
		}
	}
	contains(t, s.get("/p/o/a/i/1"), "uno", "hello", "question", "30 min", "closed", "time")
	if page := s.get("/p/o/a/i/1?show=talk"); !strings.Contains(page, "hello") || strings.Contains(page, `class="change"`) {
		t.Errorf("talk alone shows changes:\n%s", page)
	}
	for _, c := range []struct {
		verb string
		form url.Values
		want string
	}{
		{"comment", nil, "the text is empty"},
		{"block", f("issue", "1"), "issue 1 cannot wait for itself"},
		{"block", f("issue", "77"), "no issue '77'"},
		{"due", f("due", "soonish"), "'soonish' is not a date for 'due'"},
		{"time", f("minutes", "x"), "the minutes must be a number from 1 to 1440"},
		{"break", nil, "the reason is empty"},
		{"delete", f("confirm", "2"), "type 1 to delete this issue permanently"},
		{"milestone", f("milestone", "none"), ""},
	} {
		did[c.verb] = true
		got := s.post("/p/o/a/i/1", "/p/o/a/i/1/"+c.verb, c.form)
		if got.OK || c.want != "" && got.Error.Message != c.want {
			t.Errorf("%s: %+v, want %q", c.verb, got.Error, c.want)
		}
	}
	// a lock of somebody else is broken, with its token
	var two event.UUID
	w.Emit(a, func(p tracker.Projection) []event.Body {
		two, _ = p.Resolve("2")
		return []event.Body{&event.LockClaimed{Issue: two}}
	})
	s.poll()
	contains(t, s.get("/p/o/a/i/2"), "agent-a", "Break the lock")
	s.try("", "/p/o/a/i/2", "/p/o/a/i/2/break", f("reason", "it is gone"))
	contains(t, s.get("/p/o/a/i/2"), "free", "it is gone")
	s.try("", "/p/o/a/i/1", "/p/o/a/i/1/delete", f("confirm", "#1"))
	if a := s.do("GET", "/p/o/a/i/1", nil); a.status != 404 {
		t.Errorf("a deleted issue: %d", a.status)
	}
	if got := s.post("/p/o/a/i/2", "/p/o/a/i/2/priority", f("priority", "extreme")); got.OK {
		t.Error("a priority that there is not")
	}
	for _, verb := range forms.Actions() {
		if !did[verb] {
			t.Errorf("%s was not tried", verb)
		}
	}
}

func TestIssues(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	first := w.Create(a, "fix the parser", func(c *event.IssueCreated) { c.Priority, c.Labels = event.High, []string{"bug"} })
	w.Create(a, "write the manual", func(c *event.IssueCreated) { c.Parent = first })
	w.Create(a, "release", func(c *event.IssueCreated) { c.DueAt = event.TimeOf(time.Now().Add(48 * time.Hour)) })
	w.Emit(a, func(p tracker.Projection) []event.Body {
		third, _ := p.Resolve("3")
		return []event.Body{&event.DependencyAdded{Blocked: third, Blocker: first}, &event.LockClaimed{Issue: first}}
	})
	s := serve(t, w, nil, a)
	s.login()
	for q, want := range map[string]string{
		"": "3 2 1", "sort=number": "1 2 3", "q=is:ready": "2", "q=is:blocked": "3", "q=label:bug": "1", "q=-label:bug&sort=number": "2 3", "q=prio:>=high": "1", "q=is:locked": "1",
		"q=due:<7d": "3", "q=due:<1d": "", "q=manual": "2", "q=is:closed": "", "q=lock:agent-a": "1", "q=is:all&sort=title": "1 3 2", "page=2": "", "page=92233720368547762": "",
	} {
		got := data[struct {
			Issues []answer.Issue `json:"issues"`
		}](s, "/p/o/a/issues.json?"+q).Issues
		var names []string
		for _, i := range got {
			names = append(names, fmt.Sprint(i.Number))
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%q: %v, want %s", q, names, want)
		}
	}
	contains(t, s.get("/p/o/a/issues"), "fix the parser", "waits for 1", "1 to 3 of 3", "agent-a")
	contains(t, s.get("/p/o/a/issues?q=is:odd"), "is not valid: use open, closed")
	contains(t, s.get("/p/o/a/issues?q=milestone:x"), "error: ")
	// columns: the URL says which, in one order; a saved view keeps them
	heads := func(query string) string {
		all := regexp.MustCompile(`<th>(\w+)</th>`).FindAllStringSubmatch(s.get("/p/o/a/issues?"+query), -1)
		var names []string
		for _, m := range all[1:] {
			names = append(names, m[1])
		}
		return strings.Join(names, " ")
	}
	for query, want := range map[string]string{"": "priority assignees lock due changed", "col=issue": "", "col=comments&col=due&col=odd": "due comments",
		"col=" + strings.Join(issueColumns, "&col="): strings.Join(issueColumns, " ")} {
		if got := heads(query); got != want {
			t.Errorf("%q: columns %q, want %q", query, got, want)
		}
	}
	contains(t, s.get("/p/o/a/issues?col=author&col=due"), `<input type="hidden" name="col" value="author">`, `<input type="checkbox" name="col" value="due" checked>`, `<input type="checkbox" name="col" value="lock">`)
	contains(t, s.get("/p/o/a/issues.json?col=due"), `"columns":["due"]`)
	board := s.get("/p/o/a/issues?view=board")
	contains(t, board, ">ready ", ">in work ", ">blocked ", "closed in 7 days")
	for _, group := range issueGroups[1:] {
		contains(t, s.get("/p/o/a/issues?view=board&group="+group), "fix the parser")
	}
	contains(t, s.get("/p/o/a/issues?view=tree"), "<details open><summary>1 child</summary>", "write the manual")

	s.try("the title is empty", "/p/o/a/issues", "/p/o/a/issues", url.Values{"title": {" "}})
	s.try("", "/p/o/a/issues", "/p/o/a/issues", url.Values{"title": {"a new one"}, "labels": {"x, y"}, "priority": {"low"}, "parent": {"#1"}})
	contains(t, s.get("/p/o/a/i/4"), "a new one", ">x<", ">y<", "low", "fix the parser")
	s.try("no issue is selected", "/p/o/a/issues", "/p/o/a/bulk", url.Values{"verb": {"close"}})
	s.try(`"delete" does not work on several issues: use close, reopen, archive, label, unlabel, assign, unassign, milestone, priority, claim, release`, "/p/o/a/issues", "/p/o/a/bulk", url.Values{"verb": {"delete"}, "issue": {"1"}})
	s.try("", "/p/o/a/issues", "/p/o/a/bulk", url.Values{"verb": {"label"}, "issue": {"2", "3"}, "name": {"later"}})
	s.try("", "/p/o/a/issues", "/p/o/a/bulk", url.Values{"verb": {"close"}, "issue": {"2", "4"}})
	if got := data[struct{ Total int }](s, "/p/o/a/issues.json?q=label:later").Total; got != 1 {
		t.Errorf("%d open issues have the label, want 1", got)
	}
	if got := s.post("/p/o/a/issues", "/p/o/a/bulk", url.Values{"verb": {"close"}, "issue": {"2"}}); !got.OK || len(got.Data.Lines) != 0 || fmt.Sprint(got.Data.Notes) != "[nothing to change]" {
		t.Errorf("closed twice: %+v", got)
	}
}

// TestPalette: a page and an issue are reached by Ctrl-K and a few letters.
func TestPalette(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "fix the parser", nil)
	w.Create(a, "<b>write</b> the manual", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/agents")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	control := func() {
		b.until(`document.querySelector("#live")?.dataset.state === "on"`)
		do(b, chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		b.until(`document.querySelector("#palette").open && document.activeElement.id === "palette-words"`)
	}
	control()
	b.keys("silen", "Enter")
	b.until(`location.pathname === "/silences"`)
	control()
	b.keys("the manual")
	b.until(`document.querySelector("#palette").innerText.includes("#2 <b>write</b> the manual · o/a")`)
	b.keys("Down", "Enter")
	b.until(`location.pathname === "/p/o/a/i/2"`)
	control()
	b.keys("Escape")
	b.until(`!document.querySelector("#palette").open`)
	b.quiet()
}

// TestIssuesJourney: another clone creates an issue; it comes into the table
// while one is selected and a query half typed, which stay. Everything is done
// by keys.
func TestIssuesJourney(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "first", nil)
	w.Create(a, "second", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/issues")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.focus("tr.row input[type=checkbox]")
	b.keys(" ")
	selected := js[string](b, `document.querySelector("tr.row input:checked").value`)
	b.keys("/")
	b.until(`document.activeElement.id === "q"`)
	js[bool](b, `(document.activeElement.value = "", true)`) // the driver types what the page took for a command
	b.keys("half")
	began := time.Now()
	w.Create(other, "third, from afar", nil)
	b.until(`document.body.innerText.includes("third, from afar")`)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s to show", took)
	}
	if got := js[string](b, `[document.querySelector("tr.row input:checked")?.value, document.activeElement.id, document.activeElement.value].join()`); got != selected+",q,half" {
		t.Errorf("after the change: %s", got)
	}
	b.keys("Escape")
	do(b, chromedp.Evaluate[bool](`(document.activeElement.blur(), true)`))
	b.keys("j", "j", "j", "x")
	if n := js[int](b, `document.querySelectorAll("tr.row input:checked").length`); n != 2 {
		t.Errorf("%d are selected after j j j x, want 2", n)
	}
	b.focus(`button[value=close]`)
	b.keys("Enter")
	b.until(`document.querySelectorAll("tr.row").length === 1`)
	b.keys("Escape")
	do(b, chromedp.Evaluate[bool](`(document.activeElement.blur(), true)`))
	b.keys("j", "Enter")
	b.until(`location.pathname.startsWith("/p/o/a/i/")`)
	b.quiet()
}

// TestBoardInWork: the column of locked issues obeys the query as the others do.
func TestBoardInWork(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	one, two := w.Create(a, "held by a", nil), w.Create(a, "held by b", nil)
	w.Create(a, "held by nobody", nil)
	for dir, issue := range map[string]event.UUID{a: one, b: two} {
		w.Emit(dir, func(tracker.Projection) []event.Body { return []event.Body{&event.LockClaimed{Issue: issue}} })
	}
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LabelAdded{Issue: two, Label: "bug"}}
	})
	s := serve(t, w, nil, a)
	s.login()
	s.poll()
	for query, want := range map[string][]string{"": {"held by b", "held by a"}, "lock:agent-a": {"held by a"}, "label:bug": {"held by b"}, "label:none": nil, "is:locked": {"held by b", "held by a"}} {
		page := s.get("/p/o/a/issues?view=board&q=" + url.QueryEscape(query))
		_, column, _ := strings.Cut(page, `aria-label="in work"`)
		column, _, _ = strings.Cut(column, "</section>")
		at := -1
		for _, title := range want {
			k := strings.Index(column, title)
			if k < at || k < 0 {
				t.Errorf("%q: '%s' is missing, or not in its place:\n%s", query, title, column)
			}
			at = k
		}
		if n := strings.Count(column, "<li "); n != len(want) {
			t.Errorf("%q: %d are in work, want %d", query, n, len(want))
		}
	}
}
