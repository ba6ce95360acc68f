package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestNewRowsWait: a new row does not move a list that somebody has scrolled; a bar says
// how many there are, and shows them.
func TestNewRowsWait(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("other")
	for k := range 60 {
		w.Create(a, fmt.Sprintf("issue %d", k), nil)
	}
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/issues?sort=updated")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	js[bool](b, `(scrollTo(0, 700), true)`)
	before := js[string](b, `document.elementFromPoint(400, 400).closest("tr").dataset.key`)
	w.Create(other, "new one", nil)
	w.Create(other, "new two", nil)
	b.until(`document.querySelector("#held").textContent === "2 new ↑" && !document.querySelector("#held").hidden`)
	if after := js[string](b, `document.elementFromPoint(400, 400).closest("tr").dataset.key`); after != before {
		t.Error("the row that was being read has moved")
	}
	b.whole("a list with new rows")
	b.picture("issues-new-rows")
	do(b, chromedp.Click("#held"))
	b.until(`scrollY === 0 && document.querySelector("#held").hidden && document.querySelector("tr.row").innerText.includes("new two")`)
	w.Create(other, "new three", nil)
	b.until(`document.querySelector("tr.row").innerText.includes("new three") && document.querySelector("#held").hidden`)
	// a log that is not followed stays as it is even at its top
	b.open("/p/o/a/log")
	b.until(`document.querySelector("#live")?.dataset.state === "on" && document.querySelector("#follow").ariaPressed === "true"`)
	do(b, chromedp.Click("#follow"))
	b.until(`document.querySelector("#follow").ariaPressed === "false" && scrollY === 0`)
	w.Create(other, "new four", nil)
	b.until(`document.querySelector("#held").textContent === "1 new ↑" && !document.querySelector("#held").hidden`)
	if js[bool](b, `document.querySelector("#main .rows > li:not(.held)").innerText.includes("new four")`) {
		t.Error("the log was followed")
	}
	do(b, chromedp.Click("#follow"))
	b.until(`document.querySelector("#follow").ariaPressed === "true" && document.querySelector("#main .rows > li:not(.held)").innerText.includes("new four")`)
	js[bool](b, `(scrollTo(0, 700), true)`)
	b.until(`document.querySelector("#follow").ariaPressed === "false"`)
	b.quiet()
}

// TestPeekAndCopy: an issue is shown beside the list that it is in, by a key alone; what is
// typed elsewhere can be copied.
func TestPeekAndCopy(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "first", nil)
	w.Create(a, "second", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a/issues")
	b.keys("j", "o")
	b.until(`document.querySelector("#peek").open && document.querySelector("#peek").innerText.includes("There is no description") && document.activeElement.id === "peek"`)
	if got := js[int](b, `document.querySelectorAll("#peek form, #peek [id]").length`); got != 0 {
		t.Errorf("%d forms or ids are on the page twice", got)
	}
	b.whole("an issue beside its list")
	b.picture("issues-peek")
	b.look(320, "dark")
	b.fits("an issue beside its list")
	b.picture("issues-peek-320")
	b.look(1280, "light")
	b.keys("Escape")
	b.until(`!document.querySelector("#peek").open && document.activeElement.pathname?.includes("/i/")`)
	b.keys("o")
	b.until(`document.querySelector("#peek").open`)
	if empty := js[int](b, `[...document.querySelectorAll("#peek dt")].filter(t => !t.nextElementSibling?.innerText?.trim()).length`); empty != 0 {
		t.Errorf("%d headings without anything below", empty)
	}
	do(b, chromedp.Click("#peek > button"))
	b.until(`!document.querySelector("#peek").open`)
	b.keys("o")
	b.until(`document.querySelector("#peek").open`)
	b.keys("o")
	b.until(`!document.querySelector("#peek").open`)
	b.open("/p/o/a/i/1")
	js[bool](b, `(Object.defineProperty(navigator, "clipboard", { value: { writeText: async text => { window.copied = text; } } }), true)`)
	b.focus("aside .copy")
	b.keys("Enter")
	b.until(`window.copied === "git crosslink show 1"`)
	b.until(`document.querySelector("aside .copy").textContent === "Copied"`)
	// a refusal says what helps, to be copied as well
	js[bool](b, `(document.querySelector("#comment-form").action = "/p/o/a/i/99/comment", true)`)
	do(b, chromedp.SendKeys("#text", "to nobody"))
	do(b, chromedp.Click("#comment-form button"))
	b.until(`document.querySelector("#comment-form .answer .copy")`)
	if text := js[string](b, `document.querySelector("#comment-form .answer").innerText`); !strings.Contains(text, "\nhint: ") {
		t.Errorf("the refusal is %q", text)
	}
	do(b, chromedp.Click("#comment-form .answer .copy"))
	b.until(`window.copied.startsWith("git crosslink ")`)
}

// TestNewSinceTheLastVisit: on an issue that was looked at before, a line marks what came since.
func TestNewSinceTheLastVisit(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	u := w.Create(a, "first", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	comment := func(n byte, text string) {
		w.Emit(a, func(tracker.Projection) []event.Body {
			return []event.Body{&event.CommentAdded{Issue: u, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: "agent-a", Content: text, CreatedAt: event.TimeOf(time.Now()), Kind: "note"}}
		})
	}
	comment(1, "known")
	s.poll()
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	if got := js[int](b, `document.querySelectorAll(".unseen").length`); got != 0 {
		t.Errorf("%d lines at the first visit", got)
	}
	time.Sleep(time.Second) // the page shows times in seconds
	comment(2, "new one")
	comment(3, "new two")
	s.poll()
	b.open("/p/o/a/i/1")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.until(`document.querySelectorAll(".unseen").length === 1 && document.querySelector(".unseen").innerText.includes("new one")`)
	comment(4, "while it is open")
	b.until(`document.querySelector("#stream").innerText.includes("while it is open")`)
	b.until(`document.querySelectorAll(".unseen").length === 1 && document.querySelector(".unseen").innerText.includes("new one")`)
	b.picture("issue-unseen")
	b.quiet()
}
