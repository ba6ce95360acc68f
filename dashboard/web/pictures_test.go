package web

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// pagesOf are the name and path of every page in the table of routes, and of
// its views.
func pagesOf() (all [][2]string) {
	for _, r := range table {
		if method, path := pathOf(r.Pattern); method == "GET" && r.AlsoJSON {
			name := strings.ReplaceAll(strings.Trim(strings.TrimPrefix(path, "/p/o/a"), "/"), "/", "-")
			switch {
			case path == "/":
				name = "start"
			case name == "":
				name = "project"
			}
			all = append(all, [2]string{name, path})
		}
	}
	return append(all, [2]string{"board", "/p/o/a/issues?view=board"}, [2]string{"tree", "/p/o/a/issues?view=tree"}, [2]string{"found", "/search?q=the"}, [2]string{"projects-table", "/projects?view=table"},
		[2]string{"rule", "/settings/rules?edit=silent_agent"}, [2]string{"log-full", "/p/o/a/log?view=full"}, [2]string{"log-json", "/p/o/a/log?view=json"}, [2]string{"line", "/p/o/a/log?line=agent-a/1"})
}

const longWord = "averyveryverylongwordwithoutanyblankaveryveryverylongwordwithoutanyblankaveryveryverylongword"

// busy fills a tracker with what there is to show: work of three agents, locks
// and a queue, a milestone, what blocks what, dates, long words.
func busy(w *dashtest.World, a, b string) {
	day := event.Time(24 * time.Hour)
	now := event.TimeOf(time.Now())
	lexer := w.Create(a, "fix the parser", func(c *event.IssueCreated) {
		c.Priority, c.Description, c.Labels = event.High, "It fails on "+longWord+" and on <b>this</b>.", []string{"bug", "a rather long label that goes on"}
	})
	late := w.Create(a, "answer the letter that came last month, with a title that is long enough to need two lines on a telephone", func(c *event.IssueCreated) { c.DueAt = now - day })
	child := w.Create(a, "write a test for the parser", func(c *event.IssueCreated) { c.Parent, c.DueAt = lexer, now+3*day })
	release := w.Create(b, "release 1.0", func(c *event.IssueCreated) { c.Priority, c.DueAt = event.Critical, now+10*day })
	manual := w.Create(b, "write the manual", func(c *event.IssueCreated) { c.ScheduledAt, c.DueAt, c.Labels = now+day, now+6*day, []string{"docs"} })
	done := w.Create(b, "choose a name", nil)
	w.Create(b, "make the icon smaller", func(c *event.IssueCreated) { c.Priority = event.Low })
	m := event.UUID{0xee, 6: 0x40, 8: 0x80}
	comment := func(n byte, u event.UUID, kind, text string) event.Body {
		return &event.CommentAdded{Issue: u, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: "agent-a", Content: text, CreatedAt: event.TimeOf(time.Now()), Kind: kind}
	}
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: lexer, Branch: "fix-parser"}, comment(2, lexer, "decision", "It is the lexer.\n\n"+longWord), comment(3, lexer, "question", "Shall tabs count as one column?"),
			&event.MilestoneCreated{UUID: m, Name: "1.0", Description: "What the first users need.", CreatedAt: now - 5*day},
			&event.MilestoneAssigned{Issue: lexer, Milestone: m}, &event.MilestoneAssigned{Issue: release, Milestone: m}, &event.MilestoneAssigned{Issue: done, Milestone: m},
			&event.DependencyAdded{Blocked: release, Blocker: lexer}, &event.DependencyAdded{Blocked: release, Blocker: manual}, &event.DependencyAdded{Blocked: child, Blocker: lexer},
			&event.AssigneeAdded{Issue: late, Assignee: "alice"}, &event.AssigneeAdded{Issue: manual, Assignee: "agent-op"}}
	})
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.LockClaimed{Issue: lexer, Wait: true}, &event.StatusChanged{UUID: done, NewStatus: event.Closed, Reason: "it is called crosslink"}, comment(4, late, "note", "I have not found it.")}
	})
}

// shoot opens every page in windows of some widths and colors: each is quiet,
// fits, has one heading, names its fields, and is kept as a picture.
func (b *browser) shoot(state string, looks ...[2]string) {
	b.Helper()
	for _, page := range pagesOf() {
		if state == "trouble" && strings.Contains(page[1], "/i/") {
			continue // nothing is known of one issue
		}
		for _, look := range looks {
			b.look(map[string]int64{"1280": 1280, "320": 320}[look[1]], look[0])
			b.open(page[1])
			b.until(`document.readyState === "complete" && document.querySelector("h1")`)
			what := strings.ReplaceAll(fmt.Sprintf("%s-%s-%s-%s", page[0], state, look[0], look[1]), "--", "-")
			b.fits(what)
			b.whole(what)
			b.accessible(what)
			b.picture(what)
		}
		b.quiet()
	}
}

// accessible expects what a reader that cannot see needs: one heading of the
// first level, a name for everything that can be used, no id twice, and targets
// that a finger hits.
func (b *browser) accessible(what string) {
	b.Helper()
	for _, wrong := range js[[]string](b, `(() => {
		const wrong = [], seen = new Set();
		const heads = document.querySelectorAll('h1').length;
		if (heads !== 1) wrong.push(heads + ' headings of the first level');
		const name = e => (e.getAttribute('aria-label') || e.title || e.textContent || (e.labels && [...e.labels].map(l => l.textContent).join('')) || '').trim();
		for (const e of document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')) {
			if (!e.checkVisibility()) continue;
			if (!name(e) && !(e.labels && e.labels.length)) wrong.push('no name: ' + e.outerHTML.slice(0, 80));
			const r = e.getBoundingClientRect();
			if (e.matches('button, input, select, summary') && r.height < 20) wrong.push('too small: ' + e.outerHTML.slice(0, 80));
		}
		for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
			if (!e.labels?.length && !e.getAttribute('aria-label')) wrong.push('no label: ' + e.outerHTML.slice(0, 80));
		}
		for (const e of document.querySelectorAll('[id]')) {
			if (seen.has(e.id)) wrong.push('twice the id ' + e.id);
			seen.add(e.id);
		}
		const filled = [...document.querySelectorAll('#main button.main')].filter(e => e.checkVisibility()).length;
		if (filled > 2) wrong.push(filled + ' filled buttons');
		if (/\bloading\b/i.test(document.body.innerText)) wrong.push('it says that it is loading');
		for (const e of document.querySelectorAll('time')) if (!e.title) wrong.push('a time without its exact value');
		return wrong;
	})()`) {
		b.Errorf("%s: %s", what, wrong)
	}
}

var (
	allLooks  = [][2]string{{"light", "1280"}, {"light", "320"}, {"dark", "1280"}, {"dark", "320"}}
	someLooks = [][2]string{{"light", "1280"}, {"dark", "320"}}
)

// TestPictures shows every page: busy, in trouble, and empty.
func TestPictures(t *testing.T) {
	w := dashtest.New(t)
	a, other := w.Clone("a"), w.Clone("b")
	busy(w, a, other)
	s := serve(t, w, nil, a)
	b := s.browse()
	looks := allLooks
	if os.Getenv("CROSSLINK_SCREENSHOTS") == "" {
		looks = someLooks
	}
	b.shoot("", looks...)
	b.withoutScript()
	s.Check(os.Rename(a, a+"-gone"))
	if _, err := s.poller.Poll(t.Context(), "id-a"); err == nil {
		t.Error("a clone that is gone was looked at")
	}
	b.shoot("trouble", someLooks[0])
	s.Check(os.Rename(a+"-gone", a))
	s.poll()
	b.look(320, "light")
	b.open("/p/o/none")
	b.fits("nowhere")
	b.picture("nowhere-light-320")
	b.messages = nil                                                         // the browser says that it got a 404
	for _, window := range [][2]int64{{640, 400}, {800, 600}, {1024, 700}} { // the first as one of 1280 shows it at 200 %
		do(b, chromedp.EmulateViewport(window[0], window[1]))
		for _, page := range pagesOf() {
			b.open(page[1])
			what := fmt.Sprintf("%s, %d pixels wide", page[0], window[0])
			b.fits(what)
			b.whole(what)
		}
	}
	b.quiet()
}

// withoutScript reads every page in a browser without scripts, and checks that nothing is
// missing. Only a script can copy, and follow a log, so the buttons that do are left out.
func (b *browser) withoutScript() {
	b.Helper()
	texts := map[string]string{}
	const text = `document.querySelector("#main").innerText.replace(/\d+ (s|min|h|d)( ago)?|just now|in \d+ \w+/g, "").replace(/\s+/g, " ")`
	for _, script := range []bool{true, false} {
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
		if err != nil {
			b.Fatal(err)
		}
		for _, page := range pagesOf() {
			b.open(page[1])
			if script {
				js[bool](b, `(document.querySelectorAll("#main button.copy, #follow").forEach(e => ["Copy", "Follow"].includes(e.textContent) && e.remove()), true)`)
			}
			got := js[string](b, text)
			if script {
				texts[page[0]] = got
			} else if got != texts[page[0]] || len(got) < 20 {
				b.Errorf("%s without a script:\n%s\nwith one:\n%s", page[0], got, texts[page[0]])
			}
		}
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{}); err != nil {
		b.Fatal(err)
	}
}

func TestPicturesEmpty(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.AgentIntroduced{Kind: event.Machine}}
	})
	s := serve(t, w, nil, a)
	b := s.browse()
	for _, page := range pagesOf() {
		if strings.Contains(page[1], "/i/1") || page[1] == "/alerts/1" {
			continue // there is none
		}
		for _, look := range someLooks {
			b.look(map[string]int64{"1280": 1280, "320": 320}[look[1]], look[0])
			b.open(page[1])
			what := fmt.Sprintf("%s-empty-%s-%s", page[0], look[0], look[1])
			b.fits(what)
			b.whole(what)
			b.accessible(what)
			b.picture(what)
		}
	}
	b.quiet()
	none := serve(t, dashtest.New(t), nil)
	e := none.browse()
	e.picture("none-light-1280")
	e.open("/login")
	e.fits("login")
	e.picture("login-light-1280")
	e.quiet()
}

// TestPicturesOfMany: 10,000 issues. Pages stay small and quick.
func TestPicturesOfMany(t *testing.T) {
	w := dashtest.New(t)
	a := w.Clone("a")
	const many = 10_000
	w.Emit(a, func(tracker.Projection) (all []event.Body) {
		for k := range many {
			c := &event.IssueCreated{UUID: event.UUID{1, byte(k), byte(k >> 8), 4: byte(k >> 16), 6: 0x40, 8: 0x80, 15: 7}, Title: fmt.Sprintf("issue %d of many", k), Priority: event.Medium, CreatedBy: "a"}
			if k%100 == 0 {
				c.DueAt = event.TimeOf(time.Now().Add(-time.Hour))
			}
			all = append(all, c)
			if k%10 == 1 {
				all = append(all, &event.DependencyAdded{Blocked: c.UUID, Blocker: all[len(all)-2].(*event.IssueCreated).UUID})
			}
		}
		return all
	})
	w.Sync(a) // a slow machine may not have sent everything yet, and issues get their numbers then
	w.Emit(a, func(p tracker.Projection) []event.Body {
		one, err := p.Resolve("1")
		if err != nil {
			t.Fatal(err)
		}
		return []event.Body{&event.LabelAdded{Issue: one, Label: "first"}}
	})
	s := serve(t, w, nil, a)
	s.login()
	for _, page := range pagesOf() {
		began := time.Now()
		size := len(s.get(page[1]))
		took := time.Since(began)
		t.Logf("%s: %d kB in %s", page[0], size>>10, took.Round(time.Millisecond))
		if size > 400<<10 || page[0] == "start" && size > 100<<10 {
			t.Errorf("%s is %d kB", page[0], size>>10)
		}
	}
	s.browse().shoot("many", someLooks[1])
}
