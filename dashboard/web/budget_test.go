package web

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/chromedp"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// budgets reports whether budgets are measured with their full sizes (make bench), instead of
// with small ones, which only show that the measurement works.
func budgets() bool { return os.Getenv("CROSSLINK_BUDGETS") != "" }

// figure prints what make bench reads.
func figure(t *testing.T, name string, value float64) {
	t.Helper()
	t.Logf("figure %s %.3f", name, value)
}

// TestFirstPaint: the table of issues is on the screen within a second, on a machine four
// times as slow.
func TestFirstPaint(t *testing.T) {
	issues, slow := 300, 1.0
	if budgets() {
		issues, slow = 10_000, 4
	}
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Emit(a, func(tracker.Projection) (all []event.Body) {
		for k := range issues {
			all = append(all, &event.IssueCreated{UUID: event.UUID{7, byte(k), byte(k >> 8), 6: 0x40, 8: 0x80}, Title: fmt.Sprintf("issue %d of many", k), Priority: event.Medium, CreatedBy: "a"})
		}
		return all
	})
	s := serve(t, w, nil, a)
	b := s.browse()
	if _, err := chromedp.Call(b.ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: slow}); err != nil {
		t.Fatal(err)
	}
	var took []float64
	for range 5 {
		b.open("/p/o/a/issues")
		b.until(`performance.getEntriesByName("first-contentful-paint").length`)
		took = append(took, js[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
	}
	slices.Sort(took)
	figure(t, "dash-paint", took[2])
	if took[2] > 5000 {
		t.Errorf("the first paint of %d issues takes %.0f ms", issues, took[2])
	}
}

// TestManyEvents: a page that hears of a thousand events a second stays as it was: it
// commits few changes, answers to keys, and holds no more memory.
func TestManyEvents(t *testing.T) {
	lasts := 5 * time.Second
	if budgets() {
		lasts = time.Minute
	}
	w := dashtest.New(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	s := serve(t, w, nil, a)
	b := s.browse()
	b.open("/p/o/a")
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	js[bool](b, `(() => {
		window.commits = 0; window.delays = [];
		new MutationObserver(() => window.commits++).observe(document.body, {subtree: true, childList: true, characterData: true});
		let last = performance.now();
		setInterval(() => { const now = performance.now(); window.delays.push(now - last - 50); last = now; }, 50);
		return true;
	})()`)
	heap := func() float64 {
		if _, err := chromedp.Call(b.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
		return js[float64](b, `performance.memory.usedJSHeapSize`)
	}
	server := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	time.Sleep(2 * time.Second)
	page, own := heap(), server()
	began, sent := time.Now(), 0
	for time.Since(began) < lasts {
		for due := int(time.Since(began).Seconds() * 1000); sent < due; sent++ {
			s.Check(s.db.Pin(t.Context(), "id-a", sent%2 == 0))
			s.server.Changed()
		}
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(began).Seconds()
	commits, delay := js[float64](b, `window.commits`)/took, js[float64](b, `window.delays.sort((a, b) => a - b)[Math.floor(window.delays.length * 0.95)]`)
	time.Sleep(2 * time.Second)
	page, own = heap()/page, server()/own
	figure(t, "dash-flood-events", float64(sent)/took)
	figure(t, "dash-flood-commits", commits)
	figure(t, "dash-flood-delay", delay)
	figure(t, "dash-flood-heap", page)
	figure(t, "dash-flood-memory", own)
	if commits > 10 || page > 3 || own > 3 || sent < 1000 {
		t.Errorf("%d events: %.1f commits a second, %.2f times the page's memory, %.2f times the server's", sent, commits, page, own)
	}
}
