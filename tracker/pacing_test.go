package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// forge is a hub over http that counts pushes by the clock of the test and
// can be told how to answer them.
type forge struct {
	url  string // of a server that nobody knows
	port string

	mu     sync.Mutex
	now    time.Time
	takes  time.Duration // by the clock of the test, for a push
	pushes []time.Time   // when each push was announced
	answer string        // "", "429", "429 <seconds>", "503", "post 503", "403", "hang"
	reads  string        // the same of fetches: "", "429 <seconds>", "503"
	slept  []time.Duration
	gave   map[string]int
	during func() // called while a push is announced; nil for nothing
}

func newForge(w *world) *forge {
	tracker.ShortBounds(w.t, 3*time.Second, time.Minute) // what is paced is what cannot be waited for
	w.t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	f := &forge{now: time.Now(), gave: map[string]int{}}
	git := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Dir: w.dir,
		Env: append([]string{"GIT_PROJECT_ROOT=" + w.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true"}, w.env...)}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		announced := r.URL.Query().Get("service") == "git-receive-pack"
		posted := strings.HasSuffix(r.URL.Path, "/git-receive-pack")
		f.mu.Lock()
		answer, reads := f.answer, f.reads
		if announced {
			f.pushes = append(f.pushes, f.now)
			f.now = f.now.Add(f.takes)
			if f.during != nil {
				f.during()
			}
		}
		if announced || posted {
			f.gave[answer]++
		}
		f.mu.Unlock()
		status, after, _ := strings.Cut(answer, " ")
		fetched := r.URL.Query().Get("service") == "git-upload-pack"
		if fetched && reads != "" {
			status, after, _ = strings.Cut(reads, " ")
		}
		switch {
		case fetched && reads != "":
			if after != "" {
				rw.Header().Set("Retry-After", after)
			}
			n := 0
			fmt.Sscan(status, &n)
			rw.WriteHeader(n)
		case !announced && !posted || answer == "":
			git.ServeHTTP(rw, r)
		case answer == "hang":
			<-r.Context().Done()
		case answer == "post 503" && announced:
			git.ServeHTTP(rw, r)
		case answer == "post 503":
			rw.WriteHeader(503)
		default:
			if after != "" {
				rw.Header().Set("Retry-After", after)
			}
			n := 0
			fmt.Sscan(status, &n)
			rw.WriteHeader(n)
		}
	}))
	w.t.Cleanup(srv.Close)
	f.url = srv.URL + "/hub.git"
	f.port = srv.URL[strings.LastIndexByte(srv.URL, ':')+1:]
	return f
}

// as makes a clone reach the forge under the name of one that is known for its
// limit, and live by its clock.
func (f *forge) as(c *clone) *clone {
	c.w.git(c.dir, "config", "http.curloptResolve", "github.com:"+f.port+":127.0.0.1")
	return f.at(c, "http://github.com:"+f.port+"/hub.git")
}

// at makes a clone reach it under a URL, and live by its clock.
func (f *forge) at(c *clone, url string) *clone {
	c.w.git(c.dir, "remote", "set-url", "origin", url)
	c.now = f.time
	c.sleep = f.advance
	return c
}

func (f *forge) time() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *forge) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.slept = f.now.Add(d), append(f.slept, d)
}

func (f *forge) says(answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *forge) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pushes)
}

// atMost6 fails if more than 6 pushes started in any 60 s.
func (f *forge) atMost6(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 6; i < len(f.pushes); i++ {
		if d := f.pushes[i].Sub(f.pushes[i-6]); d < time.Minute {
			t.Errorf("pushes %d to %d came within %v", i-5, i+1, d)
		}
	}
}

// A busy clone: many writes at once, claims among them. Whatever is written,
// the forge sees at most 6 pushes in any 60 s; a claim still goes at once while
// comments wait; in the end everything is there.
func TestPacing(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	issue := alice.create("one")
	f.advance(time.Minute)
	before := f.count()
	for i := range 6 {
		alice.comment(issue, fmt.Sprint("burst ", i))
		f.advance(200 * time.Millisecond)
	}
	if n := f.count() - before; n != 1 { // those after it go together, later
		t.Errorf("%d pushes in the first seconds, want 1", n)
	}
	if n := alice.count("paced"); n != 0 {
		t.Errorf("told %d times of a moment: %v", n, alice.notices)
	}
	if n := alice.status().Unsent; n != 5 {
		t.Errorf("%d unsent, want 5", n)
	}
	before, clock := f.count(), f.time()
	c := alice.claimLock(issue)
	if c.Outcome != tracker.Held || f.count() != before+1 || !f.time().Equal(clock) {
		t.Errorf("the claim is %s after %d pushes and %v", c.Outcome, f.count()-before, f.time().Sub(clock))
	}
	if n := alice.status().Unsent; n != 0 { // they went with it
		t.Errorf("%d unsent, want 0", n)
	}
	for i := range 8 { // detached syncs coalesce: each waits until 10 s after the last push
		alice.keep(issue, fmt.Sprint("offline ", i))
		alice.detachedSync()
	}
	f.atMost6(t)
	f.advance(time.Minute)
	for i := range 3 { // what somebody waits for counts, too
		alice.keep(issue, fmt.Sprint("by hand ", i))
		alice.sync()
	}
	alice.notices = nil
	for i := range 3 {
		alice.comment(issue, fmt.Sprint("more than a moment ", i))
	}
	if n := alice.count("paced"); n != 1 {
		t.Errorf("told %d times: %v", n, alice.notices)
	}
	for i := range 8 {
		alice.comment(issue, fmt.Sprint("more ", i))
		alice.sync() // somebody waits: as long as it takes
		f.advance(time.Second)
	}
	f.atMost6(t)
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent, want 0", n)
	}
	bob := f.as(w.clone("bob"))
	w.converge(alice, bob)
	f.atMost6(t)
	if n := f.count(); n < 16 {
		t.Errorf("only %d pushes were seen", n)
	}
}

// A job on a forge costs two pushes: the claim, and the close, which ends the
// lock and includes what was written meanwhile. Without a lock the events of
// a moment are one push.
// Claims have a budget of their own. When it is used up too, a claim says how
// long it waits, and why, and is held in the end.
// A claim waits for a busy hub as long as it has patience; a hub that wants to
// be left alone for longer is, and the claim says so.
// A server that is no known forge is sent whatever is written, until it is busy
// or slow; an hour later it is again.
// A sync that nobody watches starts soon after the last one for what was written
// since, and keeps its distance if nothing was; on a forge it always does.
// Two quiet detached syncs are at least 10 s apart, and one of them carries
// what was written in between.
func TestCoalescing(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	issue := alice.create("one")
	f.advance(time.Hour)
	start := f.count()
	for i := range 5 {
		alice.keep(issue, fmt.Sprint(i))
	}
	alice.detachedSync()
	if n := f.count() - start; n != 1 || f.time().Sub(f.pushes[len(f.pushes)-1]) != 0 {
		t.Errorf("%d pushes, want 1, at once", n)
	}
	alice.keep(issue, "after it")
	alice.detachedSync()
	if d := f.pushes[len(f.pushes)-1].Sub(f.pushes[len(f.pushes)-2]); f.count() != start+2 || d < 10*time.Second {
		t.Errorf("%d pushes, %v apart", f.count()-start, d)
	}
}

// A forge that is busy, or hangs, is left alone for longer each time; it is
// never taken for one that lets nobody push. What was written is kept and gone
// in the end.
func TestBusyForge(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	issue := alice.create("one")
	for _, answer := range []string{"429", "429 120", "503", "post 503"} {
		f.advance(2 * time.Hour)
		f.says(answer)
		before := f.count()
		alice.notices = nil
		for i := range 5 {
			alice.comment(issue, answer+fmt.Sprint(i))
			f.advance(time.Second)
		}
		if n := f.count() - before; n != 1 {
			t.Errorf("%s: asked %d times in 5 s", answer, n)
		}
		if n := alice.count("queued"); n != 1 {
			t.Errorf("%s: told %d times: %v", answer, n, alice.notices)
		}
		if got := diagnoses(alice.doctor(true)); got != "warning queued, warning busy" {
			t.Errorf("%s: the doctor says %q", answer, got)
		}
		if answer == "post 503" { // nobody syncs by hand
			for range 30 {
				alice.comment(issue, "again")
				f.advance(time.Minute)
			}
			if n := f.count() - before; n < 3 || n > 7 {
				t.Errorf("%s: asked %d times in half an hour, want about 6", answer, n)
			}
		}
		f.atMost6(t)
		f.says("")
		alice.sync() // by hand: at once
		if s := alice.status(); s.Unsent != 0 || len(s.Problems()) != 0 {
			t.Errorf("%s: %+v", answer, s)
		}
	}
	for answer, n := range f.gave {
		if n == 0 {
			t.Errorf("%s was never given", answer)
		}
	}
	if len(f.gave) != 5 {
		t.Errorf("given: %v", f.gave)
	}
}

// A clone that asks for Retry-After is given it.
func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	issue := alice.create("one")
	f.says("429 1800")
	alice.comment(issue, "a")
	before := f.count()
	for range 14 {
		f.advance(2 * time.Minute)
		alice.comment(issue, "b")
	}
	if n := f.count() - before; n != 0 {
		t.Errorf("asked %d times within the half hour it wanted", n)
	}
	f.says("")
	f.advance(3 * time.Minute) // and a little, not all clones at once
	alice.comment(issue, "c")
	if s := alice.status(); s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
}

// A push that hangs costs the first command its three seconds; the next ones
// send in the background, until a push is quick again.
func TestHangingForge(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	issue := alice.create("one")
	tracker.ShortBounds(t, 1500*time.Millisecond, 4*time.Second)
	f.says("hang")
	before := f.count()
	alice.comment(issue, "cut off")
	for range 4 {
		alice.comment(issue, "in the background")
	}
	if n := f.count() - before; n != 1 {
		t.Errorf("%d pushes were tried in the foreground", n)
	}
	if n := alice.count("slow"); n != 1 {
		t.Errorf("told %d times: %v", n, alice.notices)
	}
	f.advance(time.Minute)
	tr := alice.open()
	if r, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil || r.State != tracker.Queued || !strings.Contains(r.Reason, "silent for") { // hangs until it is ended
		t.Errorf("the push ended by itself: %+v, %v", r, err)
	}
	tr.Close()
	if n := f.count() - before; n != 2 || f.gave["hang"] < 2 {
		t.Errorf("%d pushes", n)
	}
	if got := diagnoses(alice.doctor(true)); got != "warning queued, warning busy, note slow" {
		t.Errorf("the doctor says %q", got)
	}
	f.says("")
	tracker.ShortBounds(t, 20*time.Second, 60*time.Second)
	f.advance(2 * time.Hour)
	alice.detachedSync()
	if s := alice.status(); s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
	alice.notices = nil
	alice.comment(issue, "at once again")
	if s := alice.status(); s.Unsent != 0 || alice.count("slow") != 0 {
		t.Errorf("%+v, %v", s, alice.notices)
	}
}

// A forge that does not let this user push is no busy one: it takes one push to
// find that out, and it is asked again after pauses that grow.
func TestForbiddenForge(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice, bob := f.at(w.clone("alice"), f.url), f.at(w.clone("bob"), f.url)
	alice.init()
	issue := alice.create("one")
	f.says("403")
	before := f.count()
	for _, c := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {30 * time.Second, 1}, {time.Minute, 2}, {time.Minute, 2}, {2 * time.Minute, 3}, {2 * time.Minute, 3}, {3 * time.Minute, 4}} {
		f.advance(c.after)
		bob.comment(issue, "from a reader")
		if n := f.count() - before; n != c.asked {
			t.Errorf("asked %d times, want %d", n, c.asked)
		}
	}
	if got := diagnoses(bob.doctor(true)); got != "problem refused" {
		t.Errorf("the doctor says %q", got)
	}
	f.says("")
	f.advance(25 * time.Hour)
	bob.comment(issue, "a day later")
	if s := bob.status(); s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
}

// Without a network there is nothing to pace, unless it is asked for.
func TestPacingIsConfigured(t *testing.T) {
	tracker.ShortBounds(t, 3*time.Second, time.Minute)
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("one")
	for i := range 8 {
		alice.comment(issue, fmt.Sprint(i))
	}
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent", n)
	}
	alice.set("crosslink.pushesPerMinute", "3")
	for i := range 8 {
		alice.comment(issue, fmt.Sprint(i))
	}
	if n := alice.status().Unsent; n != 7 { // one at once, the others together
		t.Errorf("%d unsent, want 7", n)
	}
	if err := os.WriteFile(filepath.Join(alice.dir, ".git", "crosslink", "pace.json"), []byte(`{"pushes":["2199-01-01T00:00:00Z"],"until":"2199-01-01T00:00:00Z"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	alice.comment(issue, "a note of a clock that was wrong holds nothing up")
	if n := alice.status().Unsent; n != 0 {
		t.Errorf("%d unsent, want 0", n)
	}
}

// count is how often a notice was given.
func (c *clone) count(name string) (n int) {
	for _, x := range c.notices {
		if x.Code.Name() == name {
			n++
		}
	}
	return n
}

// keep comments without the hub.
func (c *clone) keep(issue event.UUID, text string) {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	if _, err := t.Emit(context.Background(), tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.CommentAdded{Issue: issue, Comment: t.MintUUID(), Author: t.Agent(), Content: text,
			CreatedAt: event.TimeOf(c.now()), Kind: "note"}}, nil
	}); err != nil {
		c.w.t.Fatal(err)
	}
}

func (c *clone) claimLock(issue event.UUID) *tracker.Claim {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	got, err := t.Claim(context.Background(), issue, tracker.ClaimOptions{})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return got
}

// What an admin changes is a push like any other: it counts, and waits for its
// turn.
func TestAnAdminsPushIsPaced(t *testing.T) {
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("the flux")
	alice.set("crosslink.pushesPerMinute", "1")
	at, slept := time.Now(), time.Duration(0)
	alice.now = func() time.Time { return at }
	alice.sleep = func(d time.Duration) { slept, at = slept+d, at.Add(d) }
	alice.require()
	if slept != 0 {
		t.Errorf("the first one waited %v", slept)
	}
	open := false
	alice.admin(func(tr *tracker.Tracker) error {
		return tr.SetPolicy(context.Background(), tracker.Policy{Open: &open})
	})
	if slept < 59*time.Second {
		t.Errorf("the second one in a minute waited %v", slept)
	}
	if s := alice.trust(); s.Signing != "require" || s.Open {
		t.Errorf("%+v", s)
	}
}

// A heartbeat is a push like any other fact: it counts, and waits.

// While a hub is silent another process of the clone may push. What it has noted
// of that is not lost when a push before it ends, slow as it was.
func TestAPushMeanwhileIsCounted(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.as(w.clone("alice"))
	alice.init()
	f.advance(2 * time.Minute)
	path := filepath.Join(alice.dir, ".git", "crosslink", "pace.json")
	pushes := func() (note map[string]any, all []any) {
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, &note)
		}
		if err != nil {
			t.Fatal(err)
		}
		all, _ = note["pushes"].([]any)
		return note, all
	}
	f.takes = 11 * time.Second
	f.during = func() {
		note, all := pushes()
		note["pushes"] = append(all, f.now)
		b, err := json.Marshal(note)
		if err == nil {
			err = os.WriteFile(path, b, 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
	alice.create("slowly")
	f.during = nil
	if _, all := pushes(); len(all) != 2 {
		t.Errorf("%d pushes are counted, want its own and the one meanwhile: %v", len(all), all)
	}
}

// A fetch that is answered 429 or 503 is reported as what it is, and the hub is left
// alone for as long as it asks: a claim waits these two seconds, then continues.
func TestBusyFetch(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	alice := f.at(w.clone("alice"), f.url)
	alice.init()
	issue := alice.create("one")
	f.mu.Lock()
	f.reads = "503"
	f.mu.Unlock()
	err := alice.trySync()
	if e := (*fail.Error)(nil); !errors.As(err, &e) || e.Code.Name() != "busy" || !strings.Contains(e.Message, "busy (HTTP 503)") {
		t.Errorf("%v", err)
	}
	f.advance(time.Hour)
	f.mu.Lock()
	f.reads, f.slept = "429 2", nil
	f.during = func() { f.reads = "" } // called under the lock
	f.mu.Unlock()
	tr := alice.open()
	defer tr.Close()
	if _, err := tr.Read(context.Background(), tracker.Fresh); err != nil {
		t.Fatal(err)
	}
	if got, err := tr.Claim(context.Background(), issue, tracker.ClaimOptions{}); err != nil || got.Outcome != tracker.Held {
		t.Errorf("%+v, %v", got, err)
	}
	waited := time.Duration(0)
	for _, d := range f.slept {
		waited += d
	}
	if waited < time.Second || waited > 3*time.Second {
		t.Errorf("waited %v: %v", waited, f.slept)
	}
}
