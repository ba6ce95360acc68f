package web

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestViews: a page is saved under a name, is in the menu, and goes again.
// Nothing but a page of the dashboard can be saved.
func TestViews(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	const page = "/p/o/a/issues?q=label%3Abug&view=board"
	for _, path := range []string{"", "x", "https://evil.example/", "//evil.example/", "/nowhere", "/logout", "/events", "/assets/app.js", "/p/o/a/i/1/close", "javascript:alert(1)", "/\\evil.example", "/p/o/a/../..//x", "/%2f", strings.Repeat("/", 3000)} {
		if got := s.post("/more", "/views", url.Values{"name": {"bad"}, "path": {path}}); got.OK {
			t.Errorf("%q was saved as a view", path)
		}
	}
	s.try(fmt.Sprintf("the name of a view has 1 to %d characters", maxViewName), page, "/views", url.Values{"name": {"  "}, "path": {page}})
	s.try("", page, "/views", url.Values{"name": {"  the   bugs "}, "path": {page}})
	contains(t, s.get("/agents"), "Saved views", `<a href="/p/o/a/issues?q=label%3Abug&amp;view=board">the bugs</a>`)
	contains(t, s.get(page), "Saved as “the bugs”", `aria-current="page">the bugs`)
	contains(t, s.get("/more.json"), `{"id":1,"name":"the bugs","path":"/p/o/a/issues?q=label%3Abug\u0026view=board"}`)
	s.try("", page, "/views", url.Values{"name": {"THE BUGS"}, "path": {"/alerts?severity=critical"}}) // takes its place
	contains(t, s.get("/more"), `<a href="/alerts?severity=critical">`)
	s.try("there is no view 7", "/more", "/views/7/remove", nil)
	s.try("", "/more", "/views/1/remove", nil)
	if strings.Contains(s.get("/more"), "Saved views") {
		t.Error("a view that was removed is there")
	}
	for k := range db.MaxViews {
		s.Check(s.db.SaveView(t.Context(), db.View{Name: fmt.Sprint(k), Path: "/"}))
	}
	s.try(fmt.Sprintf("%d views are saved already: remove one first", db.MaxViews), "/more", "/views", url.Values{"name": {"one more"}, "path": {"/"}})
}

// TestSparks: the curves of a project and of an agent show what there is.
func TestSparks(t *testing.T) {
	if got := sparkOf([]db.Day{{Day: 100, Open: 3}}, 100); got.Points != "" {
		t.Errorf("one day: %+v", got)
	}
	got := sparkOf([]db.Day{{Day: 60, Open: 2}, {Day: 99, Open: 4}, {Day: 100, Open: 1}}, 100)
	if want := (spark{"0.0,24.0 0.0,12.0 231.7,12.0 231.7,0.0 240.0,0.0 240.0,18.0 240.0,18.0", 2, 1, 29}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	s.login()
	contains(t, s.get("/agents"), `aria-label="1 event in the last hour"`, "1 event in an hour")
	contains(t, s.get("/agents.json"), `"recent":[0,`)
}

// TestTrustActions: a key is approved by somebody who has seen its fingerprint and
// typed the agent's id; an agent is revoked likewise. Both are in the audit log.
func TestTrustActions(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "one", nil)
	w.Create(other, "two", nil)
	s := serve(t, w, nil, a)
	s.login()
	trust := func() standingDoc {
		return *data[struct{ Trust *standingDoc }](s, "/p/o/a/agents/agent-other.json").Trust
	}
	const at = "/p/o/a/agents/agent-other"
	if trust().May {
		t.Error("whoever runs the dashboard is no admin, and may approve")
	}
	contains(t, s.get(at), "Only an admin of the hub")
	if got := s.post(at, at+"/trust/approve", url.Values{"key": {trust().Keys[0].Fingerprint}, "confirm": {"agent-other"}}); got.OK {
		t.Error("somebody who is no admin has approved a key")
	}
	s.try("", "/p/o/a/i/1", "/p/o/a/i/1/comment", url.Values{"text": {"here I am"}})
	seed, err := tracker.Open(t.Context(), tracker.Options{Dir: filepath.Join(w.Dir, "seed"), Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-seed")})
	s.Check(err)
	defer seed.Close()
	_, err = seed.Approve(t.Context(), tracker.Approve{Agents: []string{"agent-op"}, Admin: true})
	s.Check(err)
	for !trust().May { // the dashboard reads the hub a moment later
		s.poll()
	}
	was := trust()
	if was.Approved || len(was.Keys) != 1 || was.Keys[0].Listed || !was.May {
		t.Fatalf("before: %+v", was)
	}
	contains(t, html.UnescapeString(s.get(at)), was.Keys[0].Fingerprint, "not approved", "Approve this key", "Type agent-other")
	s.try("type agent-other to approve it", at, at+"/trust/approve", url.Values{"key": {was.Keys[0].Fingerprint}, "confirm": {"agent-oth"}})
	s.try(`agent-other has no key "SHA256:other" now: reload the page`, at, at+"/trust/approve", url.Values{"key": {"SHA256:other"}, "confirm": {"agent-other"}})
	s.try(`there is no action "crown"`, at, at+"/trust/crown", url.Values{"confirm": {"agent-other"}})
	if trust().Approved {
		t.Fatal("approved without what it takes")
	}
	s.try("", at, at+"/trust/approve", url.Values{"key": {was.Keys[0].Fingerprint}, "confirm": {" agent-other "}})
	if now := trust(); !now.Approved || !now.Keys[0].Listed {
		t.Fatalf("approved: %+v", now)
	}
	if page := s.get(at); strings.Contains(page, "Approve this key") {
		t.Error("an approved key can be approved")
	}
	s.try("type agent-other to revoke it", at, at+"/trust/revoke", nil)
	s.try("", at, at+"/trust/revoke", url.Values{"confirm": {"agent-other"}, "reason": {"the box was stolen"}})
	if now := trust(); !now.Revoked || now.Reason != "the box was stolen" || now.Counts != was.Counts {
		t.Fatalf("revoked: %+v", now)
	}
	contains(t, s.get(at), "This agent is revoked", "the box was stolen")
	rows, err := s.db.Actions(t.Context(), 0, 100)
	s.Check(err)
	var audit []string
	for _, r := range rows {
		audit = append(audit, r.Verb+" "+r.Subject+" "+r.Outcome)
	}
	for _, want := range []string{"approve agent-other ok", "revoke agent-other ok", "approve agent-other refused"} {
		if !strings.Contains(strings.Join(audit, "\n"), want) {
			t.Errorf("the audit log lacks %q:\n%s", want, strings.Join(audit, "\n"))
		}
	}
}

// TestViewsJourney: a view is saved by keys; every page that is open shows it.
func TestViewsJourney(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	tab := b.tab()
	tab.open("/agents")
	tab.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.open("/p/o/a/issues?q=is%3Aready")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	do(b, chromedp.Click("#saver summary"))
	do(b, chromedp.SendKeys("#view-name", "what is ready"))
	b.keys("Enter")
	b.until(`document.querySelector("#rail").innerText.includes("what is ready")`)
	tab.until(`document.querySelector("#rail").innerText.includes("what is ready")`)
	b.quiet()
	chromedp.Cancel(tab.ctx)
}

// TestCapabilityIsShown: why a project cannot be written is on its tile, its page and
// its page of health, with what helps; no form is offered that would be refused.
func TestCapabilityIsShown(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	var asked string
	s := serve(t, w, func(o *Options) {
		o.Track = func(_ context.Context, at, slug string) (db.Project, bool, error) {
			asked = at + " " + slug
			return db.Project{ID: "id-a", Slug: "o/a", Place: db.Place{Path: a}}, true, nil
		}
	}, a)
	s.login()
	for capability, words := range capabilityWords {
		s.Check(s.db.Capability(t.Context(), "id-a", db.Place{Capability: capability, Cure: "git crosslink cure <it>"}))
		contains(t, html.UnescapeString(s.get("/projects")), words)
		for _, page := range []string{"/p/o/a", "/p/o/a/health"} {
			contains(t, html.UnescapeString(s.get(page)), words, "git crosslink cure <it>")
		}
		if can := strings.Contains(s.get("/p/o/a/issues"), `id="new-form"`); can != place.MayWrite(capability) {
			t.Errorf("%s: an issue can be created: %v", capability, can)
		}
		if joins := strings.Contains(s.get("/p/o/a/health"), `id="join-form"`); joins != (capability == place.NotJoined) {
			t.Errorf("%s: the clone can be given an agent: %v", capability, joins)
		}
	}
	s.try("", "/projects", "/projects/track", url.Values{"at": {"/somewhere"}, "slug": {"x/y"}})
	if asked != "/somewhere x/y" {
		t.Errorf("asked to watch %q", asked)
	}
}
