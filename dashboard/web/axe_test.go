package web

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
)

// axeSum is the SHA-256 of axe.min.js; see testdata/axe/README.md.
const axeSum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// axe is the checker of accessibility.
func axe(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/axe/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || fmt.Sprintf("%x", sha256.Sum256(b)) != axeSum {
		t.Fatalf("axe.min.js is another file: %v", err)
	}
	return string(b)
}

// axeFinds runs axe over the page that is open, by the rules of WCAG 2.2 A and AA and
// the best practices, and returns what it finds.
func (b *browser) axeFinds(script string) string {
	b.Helper()
	js[bool](b, script+"; true")
	return do(b, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.map(v => v.impact + " " + v.id + ": " + v.help + "\n" + v.nodes.slice(0, 4).map(n => "    " + n.html.slice(0, 160) + "\n    " + (n.any.concat(n.all, n.none)[0]?.message || "")).join("\n")).join("\n"))`, chromedp.EvalAwaitPromise))
}

// TestAccessible runs axe over every page, wide and light, narrow and dark, busy, in
// trouble and empty, and with each dialog open: it finds nothing.
func TestAccessible(t *testing.T) {
	script := axe(t)
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	busy(w, a, other)
	s := serve(t, w, nil, a)
	s.login()
	s.try("", "/more", "/views", map[string][]string{"name": {"what is ready"}, "path": {"/p/o/a/issues?q=is%3Aready"}})
	check := func(b *browser, what string) {
		t.Helper()
		if found := b.axeFinds(script); found != "" {
			t.Errorf("%s:\n%s", what, found)
		}
	}
	for _, look := range someLooks {
		b := s.browse()
		b.look(map[string]int64{"1280": 1280, "320": 320}[look[1]], look[0])
		for _, page := range pagesOf() {
			b.open(page[1])
			js[bool](b, `(document.querySelectorAll("#main details").forEach(d => { d.open = true }), true)`)
			check(b, strings.Join([]string{page[0], look[0], look[1]}, " "))
		}
		for _, menu := range []string{"#switch", "#view"} { // with the page below them, which they cover
			b.open("/p/o/a")
			js[bool](b, `(document.querySelector(".frame").style.marginTop = "600px", document.querySelector("`+menu+`").open = true)`)
			check(b, "the menu "+menu+" "+look[1])
		}
		b.open("/p/o/a/nothing")
		check(b, "a page that there is not")
	}
	b := s.browse()
	b.open("/p/o/a/issues?view=board")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	for dialog, key := range map[string]string{"#help": "?", "#palette": ":", "#move": "jm"} {
		b.keys(strings.Split(key, "")...)
		b.until(`document.querySelector("` + dialog + `").open`)
		check(b, "the dialog "+dialog)
		b.keys("Escape")
		b.until(`!document.querySelector("` + dialog + `").open`)
	}
	s.Check(os.Rename(a, a+"-gone"))
	if _, err := s.poller.Poll(t.Context(), "id-a"); err == nil {
		t.Error("a clone that is gone was looked at")
	}
	for _, page := range pagesOf() {
		if !strings.Contains(page[1], "/i/") {
			b.open(page[1])
			check(b, page[0]+" in trouble")
		}
	}
	b = serve(t, dashtest.New(t), nil).browse()
	for _, path := range []string{"/", "/projects", "/alerts", "/agents", "/more", "/login"} {
		b.open(path)
		check(b, path+" of nothing")
	}
}

// TestTabs goes through every page with Tab alone: the focus visits each control once,
// in the order in which they stand, is seen wherever it is, and comes out at the end.
func TestTabs(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	busy(w, a, other)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.look(1280, "light")
	for _, page := range pagesOf() {
		b.open(page[1])
		b.until(`document.readyState === "complete"`)
		want := js[int](b, `(() => {
			window.stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter(e => !e.disabled && e.checkVisibility() && !e.closest('dialog:not([open])'));
			window.visited = [];
			document.addEventListener('focusin', e => { const s = getComputedStyle(e.target); visited.push([stops.indexOf(e.target), s.outlineStyle !== 'none' || e.target.matches('svg a')]); });
			return stops.length;
		})()`)
		for range want {
			b.keys("Tab")
		}
		got := js[string](b, `(() => {
			const wrong = [];
			visited.forEach(([at, seen], k) => { if (at !== k) wrong.push('stop ' + k + ' is control ' + at + ' ' + (stops[k]?.outerHTML.slice(0, 80) || '')); if (!seen) wrong.push('not seen: ' + stops[at]?.outerHTML.slice(0, 80)); });
			if (visited.length !== stops.length) wrong.push(visited.length + ' of ' + stops.length + ' controls visited');
			return wrong.slice(0, 5).join('\n');
		})()`)
		if got != "" {
			t.Errorf("%s:\n%s", page[1], got)
		}
	}
}
