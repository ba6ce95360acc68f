package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/github"
	"github.com/git-crosslink/git-crosslink/dashboard/notify"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func TestAgentsAndLocks(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	s := serve(t, w, nil, a)
	s.login()
	contains(t, s.get("/agents"), "Working", "agent-a", "agent-b", "fix the parser", "1 waiting")
	contains(t, s.get("/agents.json"), `"agent":"agent-a"`, `"state":"working"`, `"project":"o/a"`)
	contains(t, s.get("/p/o/a/agents/agent-a"), "holds", "fix the parser", "Ask this agent", "claimed the lock")
	if got := s.do("GET", "/p/o/a/agents/nobody", nil); got.status != 404 {
		t.Errorf("an agent that is not: %d", got.status)
	}
	page, path := "/p/o/a/agents/agent-b", "/p/o/a/agents/agent-b/request"
	s.try(`there is no request "dance": use pause, resume, kill or reprioritise`, page, path, url.Values{"kind": {"dance"}})
	s.try("type agent-b to ask it to stop", page, path, url.Values{"kind": {"kill"}})
	s.try("the request to reprioritise names no issue", page, path, url.Values{"kind": {"reprioritise"}})
	s.try("there is no agent 'agent-x', or it has retired", page, "/p/o/a/agents/agent-x/request", url.Values{"kind": {"pause"}})
	s.try("", page, path, url.Values{"kind": {"kill"}, "confirm": {"agent-b"}, "reason": {"we ship"}})
	if got := s.post(page, path, url.Values{"kind": {"reprioritise"}, "issue": {"#4"}}); !got.OK || len(got.Data.Lines) != 1 || got.Data.Lines[0].Type != "RequestSent" {
		t.Errorf("a request: %+v", got)
	}

	contains(t, s.get("/p/o/a/locks"), "held by", "agent-a", "token ", "then agent-b", "Break token", "on fix-parser")
	contains(t, s.get("/p/o/a/locks.json"), `"branch":"fix-parser"`, `"queue":[{"agent":"agent-b"`)
	token := regexp.MustCompile(`Break token \d+`).FindString(s.get("/p/o/a/locks"))
	s.try("", "/p/o/a/locks", "/p/o/a/i/1/break", url.Values{"reason": {"it is gone"}, "back": {"/p/o/a/locks"}})
	if again := s.get("/p/o/a/locks"); strings.Contains(again, token) || !strings.Contains(again, "agent-b") {
		t.Errorf("after %s the lock is not the next one's:\n%s", token, again)
	}
}

func TestMilestones(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	s := serve(t, w, nil, a)
	s.login()
	page := "/p/o/a/milestones"
	contains(t, s.get(page), "1 of 3 issues done, 33 %", "What the first users need.", "<polyline")
	s.try("the name is empty", page, page, nil)
	s.try("there is already a milestone '1.0'", page, page, url.Values{"name": {"1.0 "}})
	s.try("", page, page, url.Values{"name": {"2.0"}, "description": {"more"}})
	s.try("", page, page+"/2.0/add", url.Values{"issue": {"#7"}})
	contains(t, s.get(page), "0 of 1 issues done, 0 %")
	contains(t, s.get("/p/o/a/i/7"), "2.0")
	s.try("", page, page+"/2.0/remove", url.Values{"issue": {"7"}})
	s.try("", page, page+"/2.0/close", nil)
	contains(t, s.get(page), `class="tag">closed<`, "0 of 0 issues done")
	s.try("", page, page+"/2.0/reopen", nil)
	if strings.Contains(s.get(page), `class="tag">closed<`) {
		t.Error("it is still closed")
	}
	s.try(`there is no action "dance"`, page, page+"/2.0/dance", nil)
	if got := s.post(page, page+"/3.0/close", nil); got.OK || got.Error.Kind != "not-found" {
		t.Errorf("a milestone that is not: %+v", got)
	}
}

func TestGraphAndTimeline(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	s := serve(t, w, nil, a)
	s.login()
	graph := func(q string) (nodes, edges int) {
		d := data[struct {
			Nodes []struct{ X float64 }
			Edges []struct{ Critical bool }
		}](s, "/p/o/a/graph.json"+q)
		return len(d.Nodes), len(d.Edges)
	}
	for q, want := range map[string][2]int{"": {4, 3}, "?root=5": {4, 3}, "?root=5&depth=1": {2, 1}, "?root=2": {1, 0}, "?root=77": {0, 0}} {
		if n, e := graph(q); n != want[0] || e != want[1] {
			t.Errorf("graph %q: %d nodes and %d edges, want %v", q, n, e, want)
		}
	}
	contains(t, s.get("/p/o/a/graph?root=77"), "no issue &#39;77&#39;")
	contains(t, s.get("/p/o/a/graph"), "2 open issues without a connection are left out")
	contains(t, s.get("/p/o/a/graph.json?root=4&depth=1"), `"left_out":0,"unconnected":0`)
	for _, by := range timelineBys {
		for _, zoom := range timelineZooms {
			contains(t, s.get("/p/o/a/timeline?by="+by+"&zoom="+url.QueryEscape(zoom)), "release 1.0", "bar-overdue", "bar-closed")
		}
	}
	contains(t, s.get("/p/o/a/health"), "Every event has an effect", "agent-a", w.Hub)
}

// TestGraphIsBounded: of many connected issues the most urgent are drawn, and the page says how
// many are left out. One whose blocker is left out is not ready.
func TestGraphIsBounded(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	const many = draw.MaxNodes + 50
	last := event.UUID{0xff, 6: 0x40, 8: 0x80}
	w.Emit(a, func(tracker.Projection) (all []event.Body) {
		all = append(all, &event.IssueCreated{UUID: last, Title: "last", Priority: event.Low, CreatedBy: "a"})
		for k := range many {
			u := event.UUID{1, byte(k), byte(k >> 8), 6: 0x40, 8: 0x80}
			all = append(all, &event.IssueCreated{UUID: u, Title: fmt.Sprintf("one of many %d", k), Priority: event.High, CreatedBy: "a"}, &event.DependencyAdded{Blocked: u, Blocker: last})
		}
		return append(all, &event.IssueCreated{UUID: event.UUID{2, 6: 0x40, 8: 0x80}, Title: "alone", Priority: event.Critical, CreatedBy: "a"})
	})
	s := serve(t, w, nil, a)
	s.login()
	type graph struct {
		Nodes []struct {
			Ready bool
			Issue struct{ Title string }
		}
		Edges []struct{}
		Left  int `json:"left_out"`
		Apart int `json:"unconnected"`
	}
	d := data[graph](s, "/p/o/a/graph.json")
	if len(d.Nodes) != draw.MaxNodes || d.Left != many+1-draw.MaxNodes || d.Apart != 1 || len(d.Edges) != 0 {
		t.Errorf("%d nodes, %d left out, %d apart, %d edges", len(d.Nodes), d.Left, d.Apart, len(d.Edges))
	}
	for _, n := range d.Nodes {
		if n.Ready || n.Issue.Title == "alone" {
			t.Fatalf("%+v waits for one that is left out", n)
		}
	}
	contains(t, s.get("/p/o/a/graph"), "51 more with a lower priority are left out", "1 open issue without a connection is left out")
	d = data[graph](s, "/p/o/a/graph.json?root="+last.String())
	if len(d.Nodes) != draw.MaxNodes || d.Left != many+1-draw.MaxNodes || len(d.Edges) != draw.MaxNodes-1 {
		t.Errorf("around one: %d nodes, %d left out, %d edges", len(d.Nodes), d.Left, len(d.Edges))
	}
}

func TestLogAndSearch(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	apart := dashtest.New(t)
	elsewhere := apart.Clone("b")
	busy(apart, apart.Clone("a"), elsewhere)
	s := serve(t, w, nil, a, elsewhere)
	s.login()
	type line struct {
		Agent, Type, At string
		Mark            *string
	}
	lines := func(path string) (all []line) {
		return data[struct{ Lines []line }](s, path).Lines
	}
	all := lines("/p/o/a/log.json")
	for k := range all[1:] {
		if all[k].At < all[k+1].At {
			t.Errorf("line %d is older than the next", k)
		}
	}
	for q, want := range map[string]func(line) bool{
		"agent=agent-b":         func(l line) bool { return l.Agent == "agent-b" },
		"type=LockClaimed":      func(l line) bool { return l.Type == "LockClaimed" },
		"mark=any+mark":         func(l line) bool { return l.Mark != nil },
		"mark=unapproved":       func(l line) bool { return l.Mark != nil && *l.Mark == "unapproved" },
		"agent=agent-a&type=XX": func(l line) bool { return false },
	} {
		some, n := lines("/p/o/a/log.json?"+q), 0
		for _, l := range all {
			if want(l) {
				n++
			}
		}
		if len(some) != n {
			t.Errorf("%s: %d lines, want %d", q, len(some), n)
		}
	}
	contains(t, s.get("/p/o/a/log"), "claimed the lock", "/p/o/a/log?line=agent-a%2f", "unapproved key", "introduced itself", "created milestone &#39;1.0&#39;")
	if got := lines("/activity.json"); len(got) != 2*len(all) && len(got) != pageRows {
		t.Errorf("activity has %d lines, the project %d", len(got), len(all))
	}
	if got := lines("/activity.json?project=o/b"); len(got) != len(all) {
		t.Errorf("activity of one project has %d lines, want %d", len(got), len(all))
	}
	contains(t, s.get("/search?q=parser"), "o/a", "o/b", "fix the parser", "write a test for the parser")
	contains(t, s.get("/search?q=%235"), "write the manual")
	contains(t, s.get("/search?q=5"), "write the manual")
	contains(t, s.get("/search?q=%22manual+the%22"), "Nothing matches")
	contains(t, s.get("/search?q=%22write+the%22"), "write the manual")
	contains(t, s.get("/search?q=is:closed+5"), "Nothing matches")
	contains(t, s.get("/search?q=agent-b"), "/p/o/a/agents/agent-b")
	contains(t, s.get("/search?q=nowhere"), "Nothing matches")
	contains(t, s.get("/search?q=is:closed"), "choose a name")
	contains(t, s.get("/search?q=is:odd"), "is:odd", "is not valid")
	contains(t, s.get("/search.json?q=parser"), `{"project":"o/a","total":2,"issues":[{"uuid"`, `"not_searched":[]`)
	// projects that cannot be searched in time are named, and the answer does not wait for them
	for range searchWorkers {
		s.server.searching <- struct{}{}
	}
	began := time.Now()
	contains(t, s.get("/search.json?q=parser"), `"hits":[],"not_searched":["o/b","o/a"]`)
	if took := time.Since(began); took < searchPatience {
		t.Errorf("it gave up after %s", took)
	}
	contains(t, s.get("/search?q=parser"), "Not searched yet", "o/a", "o/b")
	for range searchWorkers {
		<-s.server.searching
	}
	contains(t, s.get("/search?q=parser"), "fix the parser")
}

// TestLogLines: the log shows every line, page by page, as compactly as is asked for, and
// what proves each.
func TestLogLines(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	w.Emit(a, func(p tracker.Projection) (all []event.Body) {
		one, _ := p.Resolve("1")
		for k := range pageRows {
			all = append(all, &event.LabelAdded{Issue: one, Label: fmt.Sprintf("label-%d", k)})
		}
		return all
	})
	w.Sync(b)
	w.Sync(a) // a slow machine may not have brought all of it
	s := serve(t, w, nil, a)
	s.login()
	type line struct {
		Agent, Type, Issue string
		Seq                uint64
	}
	type page struct {
		Lines []line
		Older string
		Proof *struct {
			Hash, Prev, Signature, Line string
			Step                        *uint64
			Commit                      string `json:"step_commit"`
		}
	}
	seen := map[line]int{}
	for older, pages := "", 0; ; pages++ {
		got := data[page](s, "/p/o/a/log.json?before="+url.QueryEscape(older))
		for _, l := range got.Lines {
			seen[l]++
		}
		if older = got.Older; older == "" {
			if pages != 1 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if want := 16 + pageRows + 8 + 1; len(seen) != want { // of a, of b, and of who made the hub
		t.Errorf("%d lines, want %d", len(seen), want)
	}
	for l, n := range seen {
		if n != 1 {
			t.Errorf("%v is shown %d times", l, n)
		}
	}
	proof := func(seq int) page { return data[page](s, fmt.Sprintf("/p/o/a/log.json?line=agent-a/%d", seq)) }
	hash := ""
	var claimed, labeled uint64
	for seq := 1; seq <= 20; seq++ {
		got := proof(seq)
		if len(got.Lines) != 1 || got.Proof == nil || got.Proof.Prev != hash || got.Proof.Signature != "valid" || got.Proof.Hash != event.Hash([]byte(got.Proof.Line+"\n")) && got.Proof.Hash != event.Hash([]byte(got.Proof.Line)) {
			t.Fatalf("agent-a/%d: %+v", seq, got)
		}
		hash = got.Proof.Hash
		if step := got.Proof.Step; step != nil && got.Lines[0].Type == "LockClaimed" {
			claimed = *step
			w.Git("--git-dir", w.Hub, "merge-base", "--is-ancestor", got.Proof.Commit, "crosslink/checkpoint")
		}
		if got.Lines[0].Type == "IssueCreated" && (got.Proof.Step == nil || claimed != 0 && *got.Proof.Step >= claimed) {
			t.Errorf("agent-a/%d: the number was decided by step %v, the lock by %d", seq, got.Proof.Step, claimed)
		}
	}
	if got := proof(100).Proof; got.Step != nil {
		labeled = *got.Step
	}
	if claimed == 0 || labeled != 0 {
		t.Errorf("the claim is covered by step %d, a label by %d", claimed, labeled)
	}
	contains(t, s.get("/p/o/a/log?line=agent-a/5"), "valid, checked now", "covered by step", "of <a href=", "agent-a/4", "LockClaimed")
	contains(t, s.get("/p/o/a/i/1"), `<a class="mark" href="/p/o/a/log?line=agent-a%2f5"><span class="tag s-warning">unapproved key</span></a>`)
	contains(t, s.get("/p/o/a/log?view=json&type=LockClaimed"), "&#34;issue_uuid&#34;: ")
	contains(t, s.get("/p/o/a/log?view=full&type=LockClaimed"), "LockClaimed · signed by SHA256:")
	if compact := s.get("/p/o/a/log?type=LockClaimed"); strings.Contains(compact, "signed by SHA256:") {
		t.Error("the compact log names the key of each event")
	}
	for _, none := range []string{"line=agent-a/1000", "line=nobody/1", "line=x", "before=agent-a/0"} {
		if got := s.do("GET", "/p/o/a/log?"+none, nil); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", none, got.status)
		}
	}
	// what a filter keeps is reached in the end, however many lines are between
	linesRead = 4
	t.Cleanup(func() { linesRead = 20_000 })
	err := s.server.Library.Read(t.Context(), a, func(v place.View) error {
		f, found, empty := store.LineFilter{}, 0, 0
		for older := "more"; older != ""; {
			var rows []lineRow
			var err error
			rows, older, err = newestLines(v, f, 1, func(l *event.Envelope) bool { return l.Body.Type() == "LockClaimed" })
			if found += len(rows); err != nil {
				return err
			}
			if older != "" && len(rows) == 0 {
				empty++
			}
			if older != "" {
				l, err := lineOf(v, older)
				if err != nil {
					return err
				}
				f.Before = l.Key()
			}
		}
		if found == 0 || empty == 0 {
			t.Errorf("%d claims are found, with %d empty pages", found, empty)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAgentStates(t *testing.T) {
	now := event.Time(1_750_000_000_000_000_000)
	u := event.UUID{1}
	f := facts.Facts{Locks: []facts.Lock{{Issue: u, Name: "1", Holder: "silent", Confirmed: true}},
		Agents: []facts.Agent{{ID: "asks", LastSign: now - minute, State: "awaiting_input"}, {ID: "gone", LastSign: now - 60*24*minute}, {ID: "idle", LastSign: now - 5*minute},
			{ID: "never"}, {ID: "retired", LastSign: now, Retired: true}, {ID: "silent", LastSign: now - 10*minute - 1}, {ID: "working", LastSign: now - 5*minute + 1}}}
	var got []string
	for _, a := range agentsOf(&f, facts.Defaults(), now) {
		got = append(got, a.ID+" "+a.State)
	}
	if want := "[asks waiting silent silent working working idle idle gone gone]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// journey is a page, what is typed there, and when it shows the change k.
type journey struct {
	path, field string
	shows       func(k int) string
}

// journeys are the journeys of every page that shows what others do.
func journeys() []journey {
	text := func(what string) string {
		return fmt.Sprintf("document.querySelector('#main').innerText.includes(%q)", what)
	}
	shown := func(k int) string { return text(fmt.Sprintf("from afar %d", k)) }
	more := func(int) string { return `document.querySelectorAll("#main .rows > li").length > before` }
	number := func(words string) func(int) string {
		return func(int) string {
			return fmt.Sprintf(`+document.querySelector("#main").innerText.match(/%s/)?.[1] > +text.match(/%[1]s/)?.[1]`, words)
		}
	}
	return []journey{
		{"/", "", shown}, {"/agents", "", number(`agent-b[^]*?(\d+) events in an hour`)}, {"/projects", "#q", func(k int) string { return text(fmt.Sprintf("%d open", 6+k)) }},
		{"/projects?view=table", "#q", func(k int) string {
			return fmt.Sprintf(`document.querySelector('#main td[data-label="open"]').textContent === "%d"`, 6+k)
		}},
		{"/p/o/a", "", shown}, {"/p/o/a/issues", "#q", shown}, {"/p/o/a/issues?view=board", "#q", shown},
		{"/p/o/a/issues?view=tree", "#q", shown}, {"/p/o/a/i/1", "#text", shown}, {"/p/o/a/graph", "#root", shown},
		{"/p/o/a/timeline", "", shown}, {"/p/o/a/log", "", shown}, {"/p/o/a/locks", "", shown},
		{"/p/o/a/milestones", "#name", func(k int) string { return text(fmt.Sprintf("of %d issues done", 3+k)) }},
		{"/p/o/a/agents/agent-b", "#reason", shown}, {"/p/o/a/health", "", number(`Steps of the ledger\s+(\d+)`)},
		{"/alerts", "", shown}, {"/alerts/1", "", func(k int) string {
			return fmt.Sprintf("document.querySelector(%q)", []string{"#ack-form", "#unack-form"}[k%2])
		}}, {"/alerts/history", "", more}, {"/silences", "#comment", more},
		{"/activity", "", shown}, {"/search?q=afar", "#q", shown}, {"/audit", "", more}, {"/more", "", func(k int) string { return text(fmt.Sprintf("view %d", k)) }},
		{"/settings/rules", "", func(k int) string { return text(fmt.Sprintf("after %d s", k)) }},
		{"/settings/webhooks", "#name", more},
		{"/settings/sources?org=acme", "#org", func(k int) string {
			return fmt.Sprintf(`document.querySelector('#main [data-key="acme/r%d"] .side')?.textContent === "watched"`, k)
		}},
	}
}

// still are the pages that others do not change.
var still = map[string]string{"/settings/preferences": "the browser alone", "/settings/about": "is read again when it is opened", "/search": "without words", "/search?q=the": "see /search?q=afar", "/settings/sources": "see that of an organization",
	"/settings/rules?edit=silent_agent": "see /settings/rules", "/p/o/a/log?view=full": "see /p/o/a/log", "/p/o/a/log?view=json": "see /p/o/a/log", "/p/o/a/log?line=agent-a/1": "a line never changes", "/p/o/a/agents/agent-a": "see agent-b"}

// TestEveryJourney: on every page, what another clone or another browser does is
// shown within six seconds; what is typed there, the selection in it, the focus and
// the place to which the page was scrolled stay. More pages are open at once than a
// browser opens connections.
func TestEveryJourney(t *testing.T) {
	all, known := journeys(), map[string]bool{}
	for _, p := range all {
		known[p.path] = true
	}
	for _, p := range pagesOf() {
		if !known[p[1]] && still[p[1]] == "" {
			t.Errorf("%s has no journey", p[1])
		}
	}
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	var acme []github.Repository
	for k := range 10 {
		name := fmt.Sprintf("acme/r%d", k)
		acme = append(acme, github.Repository{FullName: name, HTTPS: "https://github.invalid/" + name + ".git", State: github.Tracker})
	}
	var s *served
	s = serve(t, w, func(o *Options) {
		o.GitHub.Repositories = func(context.Context, string) ([]github.Repository, error) { return acme, nil }
		o.GitHub.Track = func(ctx context.Context, at, slug string) (db.Project, bool, error) {
			p := db.Project{ID: "id-" + slug, Slug: slug, Place: db.Place{Kind: db.PlacePath, Path: "/nowhere/" + slug, URL: at}}
			if err := s.db.Track(ctx, p); err != nil {
				return p, false, err
			}
			return p, false, s.db.SetStatus(ctx, p.ID, db.Paused) // there is nothing to read
		}
	}, a)
	s.login()
	_, _, err := s.db.AddEndpoint(t.Context(), notify.Endpoint{Kind: notify.Standard, URL: "http://127.0.0.1:1/hook", Local: true})
	s.Check(err)
	br := s.browse()
	var late event.UUID
	change := func(k int) {
		s.try("", "/alerts", []string{"/alerts/1/unack", "/alerts/1/ack"}[k%2], nil)
		s.try("", "/more", "/views", url.Values{"name": {fmt.Sprintf("view %d", k)}, "path": {fmt.Sprintf("/search?q=%d", k)}})
		s.try("", "/silences", "/silences", url.Values{"kind": {"cycle"}, "for": {"1h"}, "comment": {"known"}})
		s.try("", "/settings/sources?org=acme", "/settings/sources", url.Values{"org": {"acme"}, "repository": {fmt.Sprintf("acme/r%d", k)}})
		s.try("", "/settings/rules", "/settings/rules", url.Values{"rule.stale_lock.for_seconds": {fmt.Sprint(k)}})
		first := w.Create(b, fmt.Sprintf("from afar %d", k), func(c *event.IssueCreated) {
			c.DueAt, c.Priority = event.TimeOf(time.Now().Add(-48*time.Hour)), event.Critical
		})
		w.Emit(b, func(p tracker.Projection) []event.Body {
			one, _ := p.Resolve("1")
			bodies := []event.Body{&event.DependencyAdded{Blocked: first, Blocker: one}, &event.LockClaimed{Issue: first}, &event.MilestoneAssigned{Issue: first, Milestone: event.UUID{0xee, 6: 0x40, 8: 0x80}},
				&event.CommentAdded{Issue: one, Comment: event.UUID{byte(k), 1, 6: 0x40, 8: 0x80}, Author: "agent-b", Content: fmt.Sprintf("said from afar %d", k), CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
			if late != (event.UUID{}) { // its alert is resolved
				bodies = append(bodies, &event.ScheduleChanged{Issue: late})
			}
			return bodies
		})
		late = first
	}
	change(1)
	const together = 8
	for k := 2; len(all) > 0; k++ {
		some := all[:min(together, len(all))]
		all = all[len(some):]
		var tabs []*browser
		for _, p := range some {
			tab := br.tab()
			tab.open(p.path)
			tab.until(`document.querySelector("#live")?.dataset.state === "on"`)
			if p.field != "" {
				do(tab, chromedp.SendKeys(p.field, "half a sentence"))
				js[bool](tab, fmt.Sprintf(`(() => { const f = document.querySelector(%q); f.setSelectionRange(2, 6); window.same = f; window.typed = f.value; return true })()`, p.field))
			}
			js[bool](tab, `(scrollTo(0, 40), window.at = scrollY, window.before = document.querySelectorAll("#main .rows > li").length, window.text = document.querySelector("#main").innerText, true)`)
			tabs = append(tabs, tab)
		}
		change(k)
		began := time.Now()
		for n, p := range some {
			tabs[n].until(p.shows(k))
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("%s: it took %s to show", p.path, took)
			}
		}
		t.Logf("%d pages in %s", len(some), time.Since(began).Round(10*time.Millisecond))
		for n, p := range some {
			if p.field != "" {
				if got := js[string](tabs[n], `[same.value === typed, same.isConnected, same === document.activeElement, same.selectionStart, same.selectionEnd].join()`); got != "true,true,true,2,6" {
					t.Errorf("%s: what was being typed: %s", p.path, got)
				}
			}
			if !js[bool](tabs[n], `Math.abs(scrollY - Math.min(at, document.documentElement.scrollHeight - innerHeight)) < 2`) {
				t.Errorf("%s: the page has scrolled from %v to %v", p.path, js[float64](tabs[n], "at"), js[float64](tabs[n], "scrollY"))
			}
			tabs[n].quiet()
			chromedp.Cancel(tabs[n].ctx)
		}
	}
}

// TestOneStream: of many tabs of a browser one follows the stream and tells the
// others; when it goes, another does.
func TestOneStream(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	first := s.browse()
	first.open("/p/o/a/issues")
	first.until(`document.querySelector("#live")?.dataset.state === "on"`)
	var tabs []*browser
	for range 9 {
		tab := first.tab()
		tab.open("/p/o/a/issues")
		tab.until(`document.querySelector("#live")?.dataset.state === "on"`)
		tabs = append(tabs, tab)
	}
	streams := s.server.streams.Len
	if n := streams(); n != 1 {
		t.Errorf("ten tabs keep %d streams", n)
	}
	w.Create(other, "two", nil)
	for _, tab := range tabs {
		tab.until(`document.querySelector("#main").innerText.includes("two")`)
	}
	first.open("/settings/about") // it no longer follows anything
	w.Create(other, "three", nil)
	for _, tab := range tabs {
		tab.until(`document.querySelector("#main").innerText.includes("three")`)
	}
	if n := streams(); n != 1 {
		t.Errorf("nine tabs keep %d streams", n)
	}
}

// TestUntracked: what names no project is not found, and a project whose clone
// is gone shows what was known.
func TestUntracked(t *testing.T) {
	w := dashtest.New(t)
	a, b := w.Clone("a"), w.Clone("b")
	busy(w, a, b)
	s := serve(t, w, nil, a)
	s.login()
	for _, path := range []string{"/i/1/close", "/i/1/block", "/i/1/release", "/agents/agent-a/request", "/issues", "/bulk", "/milestones", "/milestones/1.0/close"} {
		form := url.Values{"request": {s.requestFor()}, "kind": {"pause"}, "issue": {"2"}}
		if got := s.do("POST", "/p/nobody/noop"+path, form, append(s.own(), "Accept", "application/json")...); got.status != 404 {
			t.Errorf("%s of a project that is not tracked: %d", path, got.status)
		}
	}
	s.try("the name is empty", "/p/o/a/i/1", "/p/o/a/i/1/label", url.Values{"name": {"   "}})
	s.try("", "/p/o/a/i/1", "/p/o/a/agents/agent-b/request", url.Values{"kind": {"pause"}, "reason": {"stuck"}})
	contains(t, s.get("/p/o/a/agents/agent-b"), "Requests to this agent", "pause", "not acknowledged")
	s.Check(os.Rename(a, a+"-gone"))
	if _, err := s.poller.Poll(t.Context(), "id-a"); err == nil {
		t.Error("a clone that is gone was looked at")
	}
	for _, page := range pagesOf() {
		if !strings.HasPrefix(page[1], "/p/o/a") || strings.Contains(page[1], "/i/") {
			continue
		}
		contains(t, s.get(page[1]), "o/a", "Last read", "cannot be read")
	}
	contains(t, s.get("/p/o/a"), "<b>6</b> open", "agent-a", "git crosslink dashboard untrack o/a")
}
