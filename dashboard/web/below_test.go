package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
)

var pageLinks = regexp.MustCompile(` (href|src|action|formaction)="([^"]*)"`)

// TestBelowAPath: if the dashboard is served below a path, every page is below it, and so is
// everything that a page links to. Other paths are not served. Scripts find their way, too.
func TestBelowAPath(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	busy(w, a, other)
	w.Create(a, `text with <a href="/p/o/a"> and " src="/x"`, nil)
	s := serve(t, w, func(o *Options) { o.Path = "/dash" }, a)
	if got := s.do("GET", "/login", nil); got.status != 404 {
		t.Errorf("a page beside the path: %d", got.status)
	}
	for _, path := range []string{"/dashboard/login", "/dash%2flogin", "/dash%2Flogin"} {
		if got := s.do("GET", path, nil); got.status != 404 && got.status != 400 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	s.base += "/dash"
	s.login()
	if got := s.do("GET", "", nil); got.status != 303 || got.header.Get("Location") != "/dash/login" {
		t.Errorf("without the cookie of the path: %d %s", got.status, got.header.Get("Location"))
	}
	seen := map[string]bool{}
	for _, page := range pagesOf() {
		body := s.get(page[1])
		for _, m := range pageLinks.FindAllStringSubmatch(body, -1) {
			to := strings.ReplaceAll(m[2], "&amp;", "&")
			switch {
			case to == "" || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "?"):
			case !strings.HasPrefix(to, "/dash/"):
				t.Errorf("%s leads to %q", page[1], m[0])
			case (m[1] == "href" || m[1] == "src") && !seen[to]:
				seen[to] = true
				at, err := url.PathUnescape(strings.TrimPrefix(to, "/dash"))
				s.Check(err)
				if got := s.do("GET", strings.ReplaceAll(at, " ", "+"), nil); got.status != 200 {
					t.Errorf("%s leads to %s: %d", page[1], to, got.status)
				}
			}
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d links were followed", len(seen))
	}
	if got := s.post("/p/o/a/i/1", "/p/o/a/i/1/comment", url.Values{"text": {"from below"}}); !got.OK {
		t.Errorf("a comment: %+v", got)
	}
	back := s.do("POST", "/p/o/a/i/1/close", url.Values{"request": {s.request("/p/o/a/i/1")}}, s.own()...)
	if back.status != 303 || back.header.Get("Location") != "/dash/p/o/a/i/1" {
		t.Errorf("a form leads to %s", back.header.Get("Location"))
	}
	b := s.browse()
	b.open("/p/o/a/i/5")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.keys("e")
	b.until(`document.querySelector("#undo:not([hidden])")?.action.includes("/dash/p/o/a/bulk")`)
	b.keys("Z")
	b.until(`document.querySelector("#undo .answer").textContent !== ""`)
	b.keys("g", "a")
	b.until(`location.pathname === "/dash/alerts"`)
	b.open("/p/o/a/issues")
	b.keys("u")
	b.until(`location.pathname === "/dash/p/o/a"`)
	b.quiet()
}
