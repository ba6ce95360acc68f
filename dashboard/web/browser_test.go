package web

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// chromium returns a browser, or skips the test and says why.
func chromium(t *testing.T) string {
	t.Helper()
	if at := os.Getenv("CROSSLINK_CHROMIUM"); at != "" {
		return at
	}
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if at, err := exec.LookPath(name); err == nil {
			return at
		}
	}
	t.Skip("no browser: install chromium, or name one with CROSSLINK_CHROMIUM")
	return ""
}

// browser is one tab.
type browser struct {
	*testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	messages []string // of the console, and exceptions
}

// browse starts a browser that is logged in.
func (s *served) browse() *browser {
	s.Helper()
	at := chromium(s.T)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(at), chromedp.Flag("no-sandbox", true), chromedp.UserDataDir(s.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	s.Cleanup(cancel)
	if ctx, cancel = chromedp.NewContext(ctx); true {
		s.Cleanup(cancel)
	}
	life := 5 * time.Minute
	if budgets() {
		life = 10 * time.Minute
	}
	ctx, cancel = context.WithTimeout(ctx, life)
	s.Cleanup(cancel)
	b := &browser{T: s.T, ctx: ctx, base: s.base}
	b.listen()
	b.open("/login#" + s.server.LoginCode())
	b.until(`location.pathname === "` + s.server.Path + `/" && document.querySelector("#live")?.dataset.state === "on"`)
	return b
}

// listen keeps what the console says.
func (b *browser) listen() {
	b.Helper()
	err := chromedp.Listen(b.ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			b.messages = append(b.messages, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		case *runtime.EventExceptionThrown:
			b.messages = append(b.messages, "exception: "+e.ExceptionDetails.Text)
		}
	})
	if err == nil {
		_, err = chromedp.Call(b.ctx, log.Enable, cdp.Empty{})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// tab opens another tab of the same browser.
func (b *browser) tab() *browser {
	b.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.Cleanup(cancel)
	t := &browser{T: b.T, ctx: ctx, base: b.base}
	t.listen()
	return t
}

func do[T any](b *browser, a chromedp.Action[T]) T {
	b.Helper()
	got, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *browser) open(path string) {
	b.Helper()
	do(b, chromedp.Navigate(b.base+path))
}

// js evaluates an expression.
func js[T any](b *browser, expression string) T {
	b.Helper()
	return do(b, chromedp.Evaluate[T](expression))
}

// until waits until an expression is true.
func (b *browser) until(expression string) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err == nil && is {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: it is never true that %s; the page is\n%s", js[string](b, "location.pathname"), expression, js[string](b, "document.body.innerText"))
		}
	}
}

// quiet expects that the console has said nothing: no exception, and nothing
// that the content security policy stopped.
func (b *browser) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		b.Errorf("the console says %s", m)
	}
	b.messages = nil
}

// fits expects that nothing is wider than the window.
func (b *browser) fits(what string) {
	b.Helper()
	if wide := js[string](b, `(() => {
		const max = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= max) return '';
		return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > max + 1).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)).join('; ');
	})()`); wide != "" {
		b.Errorf("%s is wider than the window: %s", what, wide)
	}
}

// whole expects that the words of headings and buttons are not broken into pieces.
func (b *browser) whole(what string) {
	b.Helper()
	if broken := js[string](b, `[...document.querySelectorAll("th, button, summary, .tabs a, #rail a, .tag")].filter(e => {
		const text = e.innerText?.trim();
		if (!text || /\s/.test(text) || !e.checkVisibility() || e.childElementCount) return false;
		const r = document.createRange();
		r.selectNodeContents(e);
		return new Set([...r.getClientRects()].map(c => Math.round(c.top))).size > 1;
	}).map(e => e.tagName + " " + e.innerText).join("; ")`); broken != "" {
		b.Errorf("%s: broken words: %s", what, broken)
	}
}

// picture keeps a screenshot where CROSSLINK_SCREENSHOTS says.
func (b *browser) picture(name string) {
	b.Helper()
	dir := os.Getenv("CROSSLINK_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), do(b, chromedp.FullScreenshot(100)), 0o666); err != nil {
		b.Fatal(err)
	}
}

// look sets the width of the window and the colors that the user prefers.
func (b *browser) look(width int64, colors string) {
	b.Helper()
	do(b, chromedp.EmulateViewport(width, 800))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colors}}})
	if err != nil {
		b.Fatal(err)
	}
}

// TestJourney: an agent in another clone closes an issue; the page shows it
// within six seconds, and the comment that somebody is typing stays.
func TestJourney(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	one := w.Create(a, "fix the parser", nil)
	w.Create(a, "write the manual", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.until(`document.body.innerText.includes("fix the parser")`)
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	do(b, chromedp.SendKeys("#text", "half a sent"))
	js[bool](b, `(() => { document.querySelector("#text").setSelectionRange(2, 6); window.same = document.querySelector("#text"); return true })()`)
	w.Emit(other, func(p tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed, Reason: "done elsewhere"},
			&event.CommentAdded{Issue: one, Comment: event.UUID{1, 6: 0x40, 8: 0x80}, Author: "agent-other", Content: "closed from afar", CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
	})
	began := time.Now()
	b.until(`document.querySelector("#issue-status").textContent === "closed"`)
	took := time.Since(began)
	t.Logf("shown after %s", took.Round(10*time.Millisecond))
	if took > 6*time.Second {
		t.Errorf("it took %s to show", took)
	}
	b.until(`document.body.innerText.includes("closed from afar")`)
	if got := js[string](b, `(() => { const t = document.querySelector("#text"); return [t.value, t === window.same, t === document.activeElement, t.selectionStart, t.selectionEnd].join() })()`); got != "half a sent,true,true,2,6" {
		t.Errorf("what was being typed: %s", got)
	}
	// what is typed outlives a reload, and is sent without leaving the page
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#text").value === "half a sent"`)
	do(b, chromedp.SendKeys("#text", "ence"))
	do(b, chromedp.Click("#comment-form button"))
	b.until(`document.querySelector("#comment-form .answer").textContent === "confirmed"`)
	b.until(`document.querySelector("#stream").innerText.includes("half a sentence") && document.querySelector("#text").value === ""`)
	do(b, chromedp.Click("#reopen-form button"))
	b.until(`document.querySelector("#issue-status").textContent === "open" && document.querySelector("#close-form")`)
	do(b, chromedp.Click("#close-form button"))
	b.until(`document.querySelector("#issue-status").textContent === "closed"`)
	b.quiet()
}

// TestRestart: a server that is stopped and started again continues where it was:
// the page says that it is offline, keeps what is typed, and shows what
// happened meanwhile without being loaded again.
func TestRestart(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	w.Create(a, "first", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	do(b, chromedp.SendKeys("#text", "half a sentence"))
	js[bool](b, `(window.same = document.querySelector("#text"), true)`)
	s.stop()
	b.until(`document.querySelector("#live").textContent === "offline, retrying"`)
	do(b, chromedp.Click("#comment-form button"))
	b.until(`document.querySelector("#comment-form .answer").textContent.includes("what you typed is kept")`)
	w.Emit(other, func(p tracker.Projection) []event.Body {
		one, _ := p.Resolve("1")
		return []event.Body{&event.CommentAdded{Issue: one, Comment: event.UUID{1, 6: 0x40, 8: 0x80}, Author: "agent-other", Content: "said meanwhile", CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
	})
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", s.port))
	s.Check(err)
	s.run(nil, l)
	b.until(`document.querySelector("#live").textContent === "live" && document.querySelector("#stream").innerText.includes("said meanwhile")`)
	if got := js[string](b, `[same.isConnected, same.value].join()`); got != "true,half a sentence" {
		t.Errorf("what was being typed: %s", got)
	}
	do(b, chromedp.Click("#comment-form button"))
	b.until(`document.querySelector("#stream").innerText.includes("half a sentence") && same.value === ""`)
	if n := js[int](b, `document.querySelector("#stream").innerText.split("half a sentence").length - 1`); n != 1 {
		t.Errorf("the comment is there %d times", n)
	}
	b.messages = slices.DeleteFunc(b.messages, func(m string) bool {
		return strings.Contains(m, "ERR_") || strings.Contains(m, "Failed to load resource")
	})
	b.quiet()
}

// named are the keys that are pressed by their name.
var named = map[string]string{"Enter": kb.Enter, "Tab": kb.Tab, "End": kb.End, "Down": kb.ArrowDown, "Escape": kb.Escape}

// keys presses keys by name, or types text.
func (b *browser) keys(all ...string) {
	b.Helper()
	for _, k := range all {
		if key, ok := named[k]; ok {
			k = key
		}
		do(b, chromedp.KeyEvent(k))
	}
}

// focus presses Tab until the focus is on what a selector names.
func (b *browser) focus(selector string) {
	b.Helper()
	for range 200 {
		if js[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		b.keys("Tab")
	}
	b.Fatalf("Tab never reaches %s", selector)
}
