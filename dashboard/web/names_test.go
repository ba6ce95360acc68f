package web

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestNames: every page shows what an agent calls itself. The id stands beside a name that two
// agents have, and wherever somebody acts on an agent; in JSON the id stays what it is.
func TestNames(t *testing.T) {
	w := dashtest.New(t)
	a, b, c, d := w.Clone("a"), w.Clone("b"), w.Clone("c"), w.Clone("d")
	for dir, name := range map[string]string{a: "Alice O'Neil", b: "Bob", c: "bob", d: "\u0391lice O'Neil"} { // d's has a Greek letter
		w.Git("-C", dir, "config", "crosslink.name", name)
	}
	u := w.Create(a, "one", func(i *event.IssueCreated) { i.CreatedBy = "agent-a" })
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: u}, &event.AssigneeAdded{Issue: u, Assignee: "agent-a"}, &event.AssigneeAdded{Issue: u, Assignee: "carol"},
			&event.ScheduleChanged{Issue: u, DueAt: event.TimeOf(time.Now().Add(time.Hour))},
			&event.CommentAdded{Issue: u, Comment: event.UUID{1, 6: 0x40, 8: 0x80}, Author: "agent-a", Content: "?", CreatedAt: event.TimeOf(time.Now()), Kind: "question"}}
	})
	for n, dir := range []string{b, c, d} {
		w.Emit(dir, func(tracker.Projection) []event.Body {
			return []event.Body{&event.LockClaimed{Issue: u, Wait: true}, &event.CommentAdded{Issue: u, Comment: event.UUID{2, byte(n), 6: 0x40, 8: 0x80}, Author: "agent-a", Content: "said", CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
		})
	}
	w.Sync(a)
	s := serve(t, w, nil, a)
	s.login()
	const alice, whole = "Alice O&#39;Neil", `Alice O&#39;Neil <span class="dim">agent-a</span>`
	for path, want := range map[string][]string{
		"/p/o/a":                                  {whole, `Bob <span class="dim">agent-b</span>`, `bob <span class="dim">agent-c</span>`, "<b><span class=\"who\" title=\"agent-a\">" + alice + "</span></b> claimed the lock"},
		"/search?q=one":                           {"locked by <span class=\"who\" title=\"agent-a\">" + alice},
		"/agents":                                 {whole, `Bob <span class="dim">agent-b</span>`},
		"/p/o/a/agents/agent-a":                   {whole, ">" + alice + "</span></b> claimed the lock", "Type agent-a to ask"},
		"/p/o/a/i/1":                              {whole, alice + "</span></b> created", "written by <span class=\"who\" title=\"agent-b\">Bob (agent-b)", "written by <span class=\"who\" title=\"agent-d\">\u0391lice", "carol"},
		"/p/o/a/issues":                           {alice, "carol"},
		"/p/o/a/issues?view=board":                {"locked by <span class=\"who\" title=\"agent-a\">" + alice},
		"/p/o/a/issues?q=Alice":                   {"one"},
		"/p/o/a/locks":                            {whole, `then Bob <span class="dim">agent-b</span>`},
		"/p/o/a/log":                              {alice, "Bob (agent-b)", "bob (agent-c)"},
		"/activity":                               {alice, "Bob (agent-b)"},
		"/p/o/a/health":                           {whole},
		"/search?q=alice":                         {whole},
		"/p/o/a/timeline?by=agent":                {">" + alice + "</text>", "<h3>" + alice + "</h3>"},
		"/p/o/a/timeline?by=assignee":             {alice + ", carol"},
		"/p/o/a/issues?view=board&group=agent":    {alice, `data-key="col-` + alice},
		"/p/o/a/issues?view=board&group=assignee": {alice, "carol", `data-value="agent-a"`},
		"/alerts":                                 {"3 agents wait"},
		"/agents.json":                            {`"agent":"agent-a","name":"Alice O'Neil"`},
		"/p/o/a/locks.json":                       {`"assignees":["agent-a","carol"],"holder":"agent-a"`, `"queue":[{"agent":"agent-b"`},
	} {
		contains(t, s.get(path), want...)
	}
}

// TestHeader: every page has a switch to the same page of another project, a field to search, and
// buttons for what the browser keeps. All work without a script.
func TestHeader(t *testing.T) {
	zone := time.Local
	time.Local = time.FixedZone("XST", 3*3600)
	t.Cleanup(func() { time.Local = zone }) // once the server has ended
	w, other := dashtest.New(t), dashtest.New(t)
	a, b := w.Clone("a"), other.Clone("b")
	w.Create(a, "one", nil)
	other.Create(b, "two", nil)
	s := serve(t, w, nil, a, b)
	s.login()
	for _, page := range []string{"/", "/agents", "/p/o/a/locks", "/settings/about", "/p/o/none"} {
		body := s.do("GET", page, nil).body
		contains(t, body, `id="switch"`, `action="/search"`, `name="zone" value="utc"`)
	}
	contains(t, s.get("/p/o/a/locks?x=1"), `<span class="sr">Project:</span><span>o/a</span></summary>`, `href="/p/o/b/locks"`, `href="/p/o/a/locks" aria-current="true"`, `name="back" value="/p/o/a/locks?x=1"`)
	contains(t, s.get("/p/o/a/i/1"), `href="/p/o/b"`)
	contains(t, s.get("/agents"), `<span class="sr">Project:</span><span>all projects</span></summary>`)
	exact := regexp.MustCompile(`<time datetime="([^"]*)" title="([^"]*)">`)
	for _, c := range []struct{ zone, in string }{{"", " XST"}, {"utc", " UTC"}, {"local", " XST"}} {
		if c.zone != "" {
			form := url.Values{"request": {s.requestFor()}, "zone": {c.zone}, "back": {"/p/o/a?y=2"}}
			if got := s.do("POST", "/settings/preferences", form, s.own()...); got.status != 303 || got.header.Get("Location") != "/p/o/a?y=2" {
				t.Errorf("%s: %d to %s", c.zone, got.status, got.header.Get("Location"))
			}
		}
		page := s.get("/p/o/a")
		all := exact.FindAllStringSubmatch(page, -1)
		if len(all) == 0 || strings.Contains(page, `data-zone="utc"`) != (c.zone == "utc") {
			t.Errorf("%q: %d times, or the script is not told", c.zone, len(all))
		}
		for _, m := range all {
			at, err := time.Parse("2006-01-02T15:04:05Z07:00", m[1])
			if c.in == " XST" {
				at = at.Local()
			}
			if err != nil || m[2] != at.Format("2006-01-02 15:04:05")+c.in {
				t.Errorf("%q: %s is shown as %s: %v", c.zone, m[1], m[2], err)
			}
		}
	}
	if got := s.do("POST", "/settings/preferences", url.Values{"request": {s.requestFor()}, "zone": {"mars"}}, s.own()...); got.status != 400 || !strings.Contains(got.body, "use local, utc") {
		t.Errorf("an odd zone: %d", got.status)
	}
	// of the only project, the rail shows the pages; of very many, those that need somebody
	s.Check(s.db.Untrack(t.Context(), "id-b"))
	contains(t, s.get("/agents"), `<h2>o/a</h2>`, `<li><a href="/p/o/a/graph">Graph</a></li>`)
	for k := range manyProjects + 1 {
		name := fmt.Sprintf("x/p%d", k)
		s.Check(s.db.Track(t.Context(), db.Project{ID: name, Slug: name, Place: db.Place{Kind: db.PlacePath, Path: "/nowhere/" + name}}))
		s.Check(s.db.SetStatus(t.Context(), name, db.Paused))
	}
	s.Check(s.db.Pin(t.Context(), "x/p7", true))
	page := s.get("/p/x/p3")
	rail := page[strings.Index(page, `id="rail"`):strings.Index(page, "</nav>")]
	contains(t, rail, "/p/x/p7", "/p/x/p3", "all 26 projects")
	if strings.Contains(rail, "/p/x/p9") || !strings.Contains(page, "/p/x/p9") {
		t.Error("the rail lists all projects, or the switch does not")
	}
}

// TestHeaderJourney: a menu closes on a click beside it and on Escape, which gives the focus back;
// the field to search is reached by a key; exact times stay in UTC if that was chosen.
func TestHeaderJourney(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/locks")
	b.focus("#switch summary")
	b.keys("Enter", "Tab")
	b.until(`document.querySelector("#switch").open && document.activeElement.textContent.includes("o/a")`)
	b.keys("Escape")
	b.until(`!document.querySelector("#switch").open && document.activeElement.matches("#switch summary")`)
	do(b, chromedp.Click("#view summary"))
	b.until(`document.querySelector("#view").open`)
	do(b, chromedp.Click("#switch summary"))
	b.until(`!document.querySelector("#view").open && document.querySelector("#switch").open`)
	do(b, chromedp.Click("#view summary"))
	do(b, chromedp.Click(`#view button[value=utc]`))
	b.until(`document.body.dataset.zone === "utc" && location.pathname === "/p/o/a/locks" && document.querySelector("#view button[value=utc]").ariaPressed === "true"`)
	b.open("/p/o/a")
	b.until(`document.querySelector("#live")?.dataset.state === "on" && document.querySelector("#main time").title.endsWith(" UTC")`)
	b.keys("/")
	b.until(`document.activeElement.id === "find"`)
	js[bool](b, `(document.activeElement.value = "one", true)`)
	b.keys("Enter")
	b.until(`location.pathname === "/search" && document.querySelector("#q").value === "one" && document.querySelector("#main").innerText.includes("#1 one")`)
	b.quiet()
}

// TestHealthOfFetches: the page shows how long the last fetches took, the slowest of them, and what is
// left of the limit on pushes, where there is one.
func TestHealthOfFetches(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	if page := s.get("/p/o/a/health"); strings.Contains(page, "Pushes left") {
		t.Error("pushes to a hub on a local path have a limit")
	}
	w.Git("-C", a, "config", "crosslink.pushesPerMinute", "6")
	now := event.TimeOf(time.Now())
	for k, f := range []db.Fetch{{Took: 250 * time.Millisecond}, {Took: 12 * time.Second, Error: "the hub has <b>no</b> time"}, {Took: 800 * time.Millisecond}} {
		f.At = now - event.Time(time.Hour)*event.Time(9-k)
		s.Check(s.db.Fetched(t.Context(), "id-a", f, 0, ""))
	}
	contains(t, s.get("/p/o/a/health"), "slowest <span class=\"nowrap\">12.0 s", "1 failed", `<rect class="failed"`, "12.0 s, failed: the hub has &lt;b&gt;no", ">6 of 6 in 60 s<")
	s.try("", "/p/o/a/i/1", "/p/o/a/i/1/due", url.Values{"due": {"2036-03-01"}})
	for _, page := range []string{"/p/o/a/i/1", "/p/o/a/log"} { // a time in a text is shown as any other
		contains(t, s.get(page), `due <time datetime="2036-0`)
	}
	type fetch struct {
		Took int64 `json:"took_ms"`
	}
	d := data[struct {
		Fetches []fetch
		Pushes  *struct{ Limit, Seconds, Left int }
	}](s, "/p/o/a/health.json")
	if n := len(d.Fetches); n < 3 || !slices.Contains(d.Fetches, fetch{12_000}) {
		t.Errorf("fetches: %+v", d.Fetches)
	}
	strip := stripOf([]fetchDoc{{Took: 100}, {Took: 400, Error: "no"}, {Took: 0}, {Took: 200}})
	if strip.Median.Took != 100 || strip.Slowest.Took != 400 || strip.Failed != 1 || len(strip.Bars) != 4 || strip.Bars[1].H != 32 || strip.Bars[1].Error != "no" {
		t.Errorf("%+v", strip)
	}
	if d.Pushes == nil || d.Pushes.Limit != 6 || d.Pushes.Left != 5 || d.Pushes.Seconds != 60 {
		t.Errorf("pushes: %+v", d.Pushes)
	}
}
