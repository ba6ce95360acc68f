package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time          { return start.Add(time.Duration(c.Load())) }
func (c *clock) forward(d time.Duration) { c.Add(int64(d)) }

// fake is a place whose answers tests choose.
type fake struct {
	mu        sync.Mutex
	moved     bool
	hubMoved  bool
	host      string
	fetch     bool
	facts     facts.Facts
	err       error
	openErr   error
	refresh   error
	hang      chan struct{} // Moved waits for it, whatever the context says
	panics    bool
	looks     int
	computed  int
	refreshes int
	fetching  func() // called by Refresh
	closed    int
}

func (f *fake) Moved(context.Context) (bool, error) {
	f.mu.Lock()
	hang, panics := f.hang, f.panics
	f.looks++
	moved, err := f.moved || f.computed == 0, f.err
	f.moved = false
	f.mu.Unlock()
	if panics {
		panic("a place is broken")
	}
	if hang != nil {
		<-hang
	}
	return moved, err
}

func (f *fake) HubMoved() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hubMoved
}

func (f *fake) HubSeen() string { return "" }

func (f *fake) Facts(context.Context) (facts.Facts, db.Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.computed++
	return f.facts, db.Place{Agent: "me", Capability: "ready"}, nil
}

func (f *fake) Refresh(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refreshes++
	if f.fetching != nil {
		f.fetching()
	}
	f.hubMoved = false
	if f.refresh == nil {
		f.moved = true
	}
	return f.refresh
}

func (f *fake) Hub() (string, bool) { return f.host, f.fetch }

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

func (f *fake) count(n *int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *n
}

type bench struct {
	*testing.T
	db     *db.DB
	clock  *clock
	places map[string]*fake
	poller *Poller
	failed atomic.Int64
}

func setUp(t *testing.T, places map[string]*fake) *bench {
	t.Helper()
	b := &bench{T: t, clock: &clock{}, places: places}
	var err error
	if b.db, err = db.Open(t.Context(), t.TempDir(), b.clock.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	for slug := range places {
		if err := b.db.Track(t.Context(), db.Project{ID: slug, Slug: slug, Place: db.Place{Kind: db.PlacePath, Path: "/" + slug}}); err != nil {
			t.Fatal(err)
		}
	}
	b.poller = New(Options{DB: b.db, Now: b.clock.now, Failed: func(string, string, any) { b.failed.Add(1) },
		Open: func(_ context.Context, p db.Project) (Place, error) {
			f := places[p.Slug]
			if f.openErr != nil {
				return nil, f.openErr
			}
			return f, nil
		}})
	return b
}

func (b *bench) pass() {
	b.Helper()
	if err := b.poller.Pass(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) project(slug string) db.Project {
	b.Helper()
	p, err := b.db.Project(context.Background(), slug)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// settle waits until no fetch runs.
func (b *bench) settle() {
	b.Helper()
	b.poller.running.Wait()
}

func TestPollToleratesOneBroken(t *testing.T) {
	for name, broken := range map[string]*fake{
		"cannot be opened": {openErr: errors.New("not a repository")},
		"cannot be read":   {err: errors.New("a log is torn")},
		"panics":           {panics: true},
		"is gone":          {openErr: ErrGone},
	} {
		t.Run(name, func(t *testing.T) {
			b := setUp(t, map[string]*fake{"a": broken, "b": {facts: facts.Facts{Open: 1}}})
			b.pass()
			if p := b.project("b"); p.State.Counters.Open != 1 || p.PollError != "" || p.Place.Capability != "ready" {
				t.Errorf("the other project: %+v", p)
			}
			a := b.project("a")
			if a.PollError == "" || a.PolledAt != 0 && broken.openErr != ErrGone {
				t.Errorf("the broken project: error %q, polled at %d", a.PollError, a.PolledAt)
			}
			if rows := a.State.Rev; rows != 0 && broken.openErr != ErrGone {
				t.Errorf("the broken project has a state")
			}
		})
	}
}

func TestRunCancelsCleanly(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	b := setUp(t, map[string]*fake{"a": {}, "b": {hang: hang}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.poller.Run(ctx) }()
	for b.places["b"].count(&b.places["b"].looks) == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s to end", took)
	}
}

// TestTicksThatComeDuringAPassAreDropped: they do not queue up.
func TestTicksThatComeDuringAPassAreDropped(t *testing.T) {
	hang := make(chan struct{})
	b := setUp(t, map[string]*fake{"a": {hang: hang}})
	ticks := make(chan time.Time, 10)
	b.poller.o.Ticks = ticks
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.poller.Run(ctx) }()
	a := b.places["a"]
	for a.count(&a.looks) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 7 {
		ticks <- time.Time{}
	}
	close(hang)
	for b.poller.Skipped() < 7 {
		time.Sleep(time.Millisecond)
	}
	if n := a.count(&a.looks); n != 1 {
		t.Errorf("%d looks after one pass", n)
	}
	ticks <- time.Time{}
	for a.count(&a.looks) < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	if a.count(&a.closed) != 1 {
		t.Error("the place was not closed")
	}
}

func TestNothingIsComputedWhereNothingMoved(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {}})
	a := b.places["a"]
	for range 3 {
		b.pass()
	}
	if a.looks != 3 || a.computed != 1 {
		t.Errorf("%d looks, %d computed; want 3 and 1", a.looks, a.computed)
	}
	a.moved = true
	b.pass()
	if a.computed != 2 {
		t.Errorf("it moved and was not computed")
	}
}

// TestTimeAlone: an alert fires when its time comes, from the facts that were
// kept.
func TestTimeAlone(t *testing.T) {
	due := event.TimeOf(start.Add(time.Minute))
	b := setUp(t, map[string]*fake{"a": {facts: facts.Facts{Issues: []facts.Issue{{UUID: event.UUID{1}, Name: "1", Due: due}}}}})
	b.pass()
	b.clock.forward(time.Minute)
	b.pass()
	if open, _ := b.db.Alerts(t.Context(), ""); len(open) != 0 {
		t.Errorf("it is overdue at the moment it is due: %+v", open)
	}
	b.clock.forward(1)
	b.pass()
	open, _ := b.db.Alerts(t.Context(), "")
	if len(open) != 1 || open[0].Kind != alerts.OverdueIssue {
		t.Errorf("alerts: %+v", open)
	}
	if n := b.places["a"].computed; n != 1 {
		t.Errorf("the place was read %d times", n)
	}
}

func TestRefresh(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {host: "example.org", fetch: true}})
	a := b.places["a"]
	b.pass()
	b.settle()
	if a.refreshes != 1 {
		t.Fatalf("%d fetches at first, want 1", a.refreshes)
	}
	if p := b.project("a"); p.FetchedAt != event.TimeOf(start) || p.Failures != 0 {
		t.Errorf("stored: %+v", p)
	}
	b.clock.forward(RefreshEvery - 1)
	b.pass()
	b.settle()
	if a.refreshes != 1 || a.computed != 2 {
		t.Errorf("%d fetches within a minute, computed %d times", a.refreshes, a.computed)
	}
	b.clock.forward(RefreshEvery / 10)
	b.pass()
	b.settle()
	if a.refreshes != 2 {
		t.Errorf("%d fetches after a minute and a tenth", a.refreshes)
	}
	// a requested fetch begins ten seconds after the last one began, once
	if wait := b.poller.Kick("a"); wait != kickApart {
		t.Errorf("at the time of a fetch, the next one is due in %s", wait)
	}
	b.clock.forward(4 * time.Second)
	if wait := b.poller.Kick("a"); wait != 6*time.Second {
		t.Errorf("4 s later, the next fetch is due in %s", wait)
	}
	b.pass()
	b.settle()
	if a.refreshes != 2 {
		t.Error("a fetch within ten seconds of the last one")
	}
	b.clock.forward(6 * time.Second)
	b.pass()
	b.settle()
	b.pass()
	b.settle()
	if a.refreshes != 3 {
		t.Errorf("%d fetches, want one of what was asked for twice", a.refreshes)
	}
	// a request during a fetch causes another one
	b.clock.forward(time.Minute)
	if wait := b.poller.Kick("a"); wait != 0 {
		t.Errorf("after a minute, a fetch is due in %s", wait)
	}
	a.fetching = func() {
		if wait := b.poller.Kick("a"); wait != kickApart {
			t.Errorf("while a fetch runs, the next one is due in %s", wait)
		}
		a.fetching = nil
	}
	b.pass()
	b.settle()
	b.clock.forward(kickApart)
	b.pass()
	b.settle()
	if a.refreshes != 5 {
		t.Errorf("%d fetches, want a second one for what was asked during the first", a.refreshes)
	}
	b.poller.known("a").viewed = b.clock.now().Add(-idleAfter - time.Minute)
	if got := every(b.project("a"), b.poller.known("a"), b.clock.now(), RefreshEvery); got < refreshIdle {
		t.Errorf("where nobody looks it is fetched every %s", got)
	}
}

// TestRefreshBacksOff: a hub that fails is asked less and less often, and after
// three failures the project is unreachable until the first success.
func TestRefreshBacksOff(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {host: "example.org", fetch: true, refresh: errors.New("no route")}})
	a := b.places["a"]
	var gaps []time.Duration
	last, n := b.clock.now(), 0
	for len(gaps) < 8 {
		b.pass()
		b.settle()
		if a.refreshes > n {
			gaps, n, last = append(gaps, b.clock.now().Sub(last)), a.refreshes, b.clock.now()
		}
		b.clock.forward(30 * time.Second)
	}
	if got, want := fmt.Sprint(gaps), "[0s 2m0s 4m0s 8m0s 16m0s 30m0s 30m0s 30m0s]"; got != want {
		t.Errorf("gaps %s, want %s", got, want)
	}
	b.pass()
	open, _ := b.db.Alerts(t.Context(), "a")
	if len(open) != 1 || open[0].Detail != "dashboard could not fetch the hub branch: no route" {
		t.Fatalf("alerts: %+v", open)
	}
	if p := b.project("a"); p.PollError != "" || p.FetchError != "no route" || p.FetchedAt != 0 || p.PolledAt == 0 {
		t.Errorf("a failing fetch keeps the project from being read: %+v", p)
	}
	a.refresh = nil
	b.poller.Kick("a")
	b.pass()
	b.settle()
	b.pass()
	if open, _ := b.db.Alerts(t.Context(), "a"); len(open) != 0 {
		t.Errorf("after a success: %+v", open)
	}
}

// TestManualIsJudgedByTheLastContact: a hub that only people fetch from is seen as of when
// somebody did.
func TestManualIsJudgedByTheLastContact(t *testing.T) {
	seen := event.TimeOf(start.Add(-time.Hour))
	lock := facts.Lock{Issue: event.UUID{1}, Name: "1", Holder: "X", Since: seen, Confirmed: true}
	f := facts.Facts{Locks: []facts.Lock{lock}, Agents: []facts.Agent{{ID: "X", LastSign: seen}}, Health: facts.Health{Manual: true, Contact: seen}}
	b := setUp(t, map[string]*fake{"a": {host: "example.org", facts: f}, "b": {facts: f}})
	b.pass()
	for _, id := range []string{"a", "b"} {
		h := b.project(id).State.Facts.Health
		if open, err := b.db.Alerts(t.Context(), id); err != nil || !h.Remote || h.FetchedAt != seen || slices.ContainsFunc(open, func(a db.Alert) bool { return a.Kind == alerts.SilentAgent }) {
			t.Errorf("%s: %+v, %+v, %v", id, h, open, err)
		}
	}
}

// TestUnreachableFiresAtTheThirdFailure, not before.
func TestUnreachableFiresAtTheThirdFailure(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {host: "example.org", fetch: true, refresh: errors.New("no route")}})
	for failures := 1; failures <= 3; failures++ {
		b.pass()
		b.settle()
		b.pass()
		open, _ := b.db.Alerts(t.Context(), "a")
		if got := b.project("a").Failures; got != failures || (len(open) == 1) != (failures == 3) {
			t.Errorf("after %d failures (%d wanted): %d alerts", got, failures, len(open))
		}
		b.clock.forward(time.Hour)
	}
}

// TestHubOnALocalPath is adopted in the pass that finds it changed, and never
// fetched otherwise.
func TestHubOnALocalPath(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {fetch: true}})
	a := b.places["a"]
	b.pass()
	b.clock.forward(time.Hour)
	b.pass()
	b.settle()
	if a.refreshes != 0 || a.computed != 1 {
		t.Errorf("%d fetches of a hub that did not move", a.refreshes)
	}
	a.hubMoved = true
	b.pass()
	if a.refreshes != 1 || a.computed != 2 {
		t.Errorf("%d fetches, computed %d times in the pass that found it changed", a.refreshes, a.computed)
	}
	a.hubMoved, a.refresh = true, errors.New("no such directory")
	b.pass()
	a.hubMoved = true
	b.pass()
	b.settle()
	if a.refreshes != 2 {
		t.Errorf("%d fetches: a hub that fails is asked again at once", a.refreshes)
	}
}

func TestGoneAndBack(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {facts: facts.Facts{Open: 3}}})
	a := b.places["a"]
	b.pass()
	a.err, a.openErr = ErrGone, ErrGone
	b.pass()
	p := b.project("a")
	if open, _ := b.db.Alerts(t.Context(), "a"); len(open) != 1 || open[0].Kind != alerts.UnreachableProject {
		t.Errorf("alerts: %+v", open)
	}
	if p.State.Counters.Open != 3 || !strings.Contains(p.PollError, "gone") || a.closed != 1 {
		t.Errorf("%+v, closed %d times", p, a.closed)
	}
	looks := a.looks
	b.pass()
	if a.looks != looks {
		t.Error("it is not left alone for a while")
	}
	a.err, a.openErr, a.moved = nil, nil, true
	b.clock.forward(failMax)
	b.pass()
	if open, _ := b.db.Alerts(t.Context(), "a"); len(open) != 0 || b.project("a").PollError != "" {
		t.Errorf("back: %+v, error %q", open, b.project("a").PollError)
	}
}

func TestPausedAndUntracked(t *testing.T) {
	b := setUp(t, map[string]*fake{"a": {}, "b": {}})
	b.pass()
	if err := b.db.SetStatus(t.Context(), "a", db.Paused); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Untrack(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	b.pass()
	for slug, f := range b.places {
		if f.looks != 1 || f.closed != 1 {
			t.Errorf("%s: %d looks, closed %d times", slug, f.looks, f.closed)
		}
	}
	if err := b.db.SetStatus(t.Context(), "a", db.Active); err != nil {
		t.Fatal(err)
	}
	b.pass()
	if b.places["a"].looks != 2 {
		t.Error("a project that was resumed is not looked at")
	}
}

// TestHealthyProjectsAreNotHeldUp: of 200 projects 20 hang. Each of the others
// is looked at within two ticks.
func TestHealthyProjectsAreNotHeldUp(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	places := map[string]*fake{}
	for k := range 200 {
		f := &fake{}
		switch {
		case k%10 == 3:
			f.hang = hang
		case k%10 == 5:
			f.err = errors.New("forbidden")
		case k%20 == 7:
			f.openErr = ErrGone
		}
		places[fmt.Sprintf("p%03d", k)] = f
	}
	const scale = 4 // real times are this much longer
	b := setUp(t, places)
	b.poller.o.Patience = Patience / scale
	began := time.Now()
	b.pass()
	if took := time.Since(began); took > 10*Patience/scale { // one after the other they would hold it up for 20
		t.Errorf("a pass took %s", took)
	}
	b.pass()
	for slug, f := range places {
		if f.hang == nil && f.err == nil && f.openErr == nil && f.count(&f.looks) != 2 {
			t.Errorf("%s was looked at %d times", slug, f.looks)
		}
		if f.hang != nil && f.count(&f.looks) != 1 {
			t.Errorf("%s hangs and was waited for %d times", slug, f.looks)
		}
	}
}

// TestOverload: where every look takes long, at most the workers and slowLooks run at a
// time, and each project is looked at in the end.
func TestOverload(t *testing.T) {
	places, hang := map[string]*fake{}, make(chan struct{})
	for k := range 100 {
		places[fmt.Sprintf("p%03d", k)] = &fake{hang: hang}
	}
	b := setUp(t, places)
	b.poller.o.Patience = 10 * time.Millisecond
	looking := func() (n int) {
		for _, f := range places {
			n += f.count(&f.looks)
		}
		return n
	}
	done := make(chan error)
	go func() { done <- b.poller.Pass(b.Context()) }()
	for deadline := time.Now().Add(20 * time.Second); looking() < workers+slowLooks; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d looks began", looking())
		}
	}
	time.Sleep(20 * b.poller.o.Patience)
	if n := looking(); n != workers+slowLooks {
		t.Errorf("%d looks run at a time, want %d", n, workers+slowLooks)
	}
	close(hang)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := looking(); n != len(places) {
		t.Errorf("%d of %d projects were looked at", n, len(places))
	}
	b.settle()
	if held := len(b.poller.slots) + len(b.poller.slow); held != 0 {
		t.Errorf("%d places are still held", held)
	}
}

// TestHangingLooksCountNoMore: looks that hang in the system beyond their Deadline do not
// keep the others waiting.
func TestHangingLooksCountNoMore(t *testing.T) {
	b := setUp(t, nil)
	b.poller.o.Patience = Deadline / 2 // each is late once, then beyond its Deadline
	var turns []*turn
	for range workers + slowLooks {
		held := b.poller.slots
		if len(turns) >= workers {
			held = b.poller.slow
		}
		held <- struct{}{}
		o := &turn{p: b.poller, done: func() {}, left: Deadline, held: held, timer: time.NewTimer(time.Hour)}
		turns = append(turns, o)
	}
	for range 2 {
		for _, o := range turns {
			o.late()
		}
	}
	if held := len(b.poller.slots) + len(b.poller.slow); held != 0 {
		t.Errorf("%d places are held by looks that hang", held)
	}
}

// TestPollSeesWhatWasWrittenBefore: a user who writes while a worker is looking sees what was
// written, and does not wait forever.
func TestPollSeesWhatWasWrittenBefore(t *testing.T) {
	hang := make(chan struct{})
	f := &fake{hang: hang}
	b := setUp(t, map[string]*fake{"a": f})
	go b.poller.Pass(b.Context())
	for f.count(&f.looks) == 0 {
		time.Sleep(time.Millisecond)
	}
	f.mu.Lock()
	f.hang, f.moved, f.facts.Open = nil, true, 7 // written after the worker asked
	f.mu.Unlock()
	time.AfterFunc(50*time.Millisecond, func() { close(hang) })
	if _, err := b.poller.Poll(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := b.project("a").State.Counters.Open; got != 7 || f.count(&f.looks) != 2 {
		t.Errorf("%d issues after %d looks, want 7 after 2", got, f.count(&f.looks))
	}
	b.poller.o.Patience = 10 * time.Millisecond
	hang = make(chan struct{})
	defer close(hang)
	f.mu.Lock()
	f.hang = hang
	f.mu.Unlock()
	go b.poller.Pass(b.Context())
	for f.count(&f.looks) == 2 {
		time.Sleep(time.Millisecond)
	}
	if _, err := b.poller.Poll(t.Context(), "a"); err != nil || f.count(&f.looks) != 3 {
		t.Errorf("a project that hangs: %v after %d looks", err, f.count(&f.looks))
	}
}

// TestLookFetchesNothing: a look after a write reads only the data in the clone.
func TestLookFetchesNothing(t *testing.T) {
	f := &fake{fetch: true, hubMoved: true, facts: facts.Facts{Open: 3}}
	b := setUp(t, map[string]*fake{"a": f})
	if _, err := b.poller.Look(t.Context(), "a"); err != nil || f.count(&f.refreshes) != 0 || b.project("a").State.Counters.Open != 3 {
		t.Errorf("%v, %d fetches", err, f.count(&f.refreshes))
	}
	if b.pass(); f.count(&f.refreshes) != 1 {
		t.Errorf("the next pass made %d fetches", f.count(&f.refreshes))
	}
}

// TestNewerFactsStay: a look that waits for its turn does not put back the facts that
// were stored meanwhile.
func TestNewerFactsStay(t *testing.T) {
	due := event.TimeOf(start.Add(time.Minute))
	old := facts.Facts{Open: 1, Issues: []facts.Issue{{UUID: event.UUID{1}, Name: "1", Due: due}}}
	setUp := func(t *testing.T, names ...string) *bench {
		places := map[string]*fake{}
		for _, name := range names {
			places[name] = &fake{facts: old}
		}
		b := setUp(t, places)
		b.pass()
		b.clock.forward(time.Hour) // the old facts are due to be judged again
		return b
	}
	write := func(f *fake, hang chan struct{}) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.moved, f.facts, f.hang = true, facts.Facts{Open: 7}, hang
	}
	check := func(b *bench, name string) {
		b.Helper()
		open, err := b.db.Alerts(b.Context(), name)
		if p := b.project(name); err != nil || p.State.Facts.Open != 7 || p.State.Counters.Open != 7 || len(open) != 0 {
			b.Errorf("%d issues, %d alerts, %v; want 7 and none", p.State.Facts.Open, len(open), err)
		}
	}
	t.Run("asked for while a worker looks", func(t *testing.T) {
		b, hang, passed := setUp(t, "a"), make(chan struct{}), make(chan error)
		a := b.places["a"]
		write(a, hang)
		go func() { passed <- b.poller.Pass(b.Context()) }()
		for a.count(&a.looks) < 2 {
			time.Sleep(time.Millisecond)
		}
		time.AfterFunc(50*time.Millisecond, func() { close(hang) })
		if _, err := b.poller.Look(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := <-passed; err != nil || a.count(&a.looks) != 3 {
			t.Fatalf("%v, %d looks", err, a.count(&a.looks))
		}
		check(b, "a")
	})
	t.Run("in a pass that waits for a worker", func(t *testing.T) {
		b, passed := setUp(t, "a", "b"), make(chan error)
		for range workers {
			b.poller.slots <- struct{}{}
		}
		go func() { passed <- b.poller.Pass(b.Context()) }()
		for busy := false; !busy; time.Sleep(time.Millisecond) { // until the pass waits with the first
			b.poller.mu.Lock()
			busy = b.poller.known("a").busy
			b.poller.mu.Unlock()
		}
		write(b.places["b"], nil)
		if _, err := b.poller.Look(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		for range workers {
			<-b.poller.slots
		}
		if err := <-passed; err != nil || b.places["b"].looks != 3 {
			t.Fatalf("%v, %d looks", err, b.places["b"].looks)
		}
		check(b, "b")
	})
}
