package place

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/dashtest"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestMain lets the test binary be the child that fetches, and one that hangs.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "fetch" {
		err := Fetch(context.Background(), os.Args[2], Options{})
		a := ChildAnswer{OK: err == nil}
		if err != nil {
			a.Why = err.Error()
		}
		json.NewEncoder(os.Stdout).Encode(a)
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "hang" {
		sleep := exec.Command("sleep", "60")
		if err := sleep.Start(); err == nil {
			os.WriteFile(filepath.Join(os.Args[2], "pid"), []byte(itoa(sleep.Process.Pid)), 0o666)
		}
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == "poll" {
		if err := pollOnce(os.Args[2], os.Args[3]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testkit.Main(m))
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// world is dashtest's, with what only these tests need.
type world struct{ *dashtest.World }

func newWorld(t *testing.T) *world { return &world{dashtest.New(t)} }

func (w *world) options() Options {
	return Options{Environ: w.Environ, Fetch: []string{os.Args[0], "fetch"}}
}

func (w *world) open(dir string) *Place {
	w.Helper()
	p, err := Open(w.Context(), dir, w.options())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { p.Close() })
	return p
}

func (w *world) moved(p *Place, want bool) {
	w.Helper()
	got, err := p.Moved(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if got != want {
		w.Errorf("moved: %v, want %v", got, want)
	}
}

func (w *world) facts(p *Place) facts.Facts {
	w.Helper()
	f, _, err := p.Facts(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func TestMoved(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	p := w.open(a)
	w.moved(p, true)
	w.moved(p, false)
	one := w.Create(a, "one", nil)
	w.moved(p, true)
	w.moved(p, false)
	// unsent events of this clone are visible at once
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed}}
	})
	w.moved(p, true)
	if f := w.facts(p); f.Open != 0 || f.Closed != 1 {
		t.Errorf("a local close is not seen: %+v", f)
	}
	w.Git("-C", a, "config", "user.name", "Somebody")
	w.moved(p, true)
	w.moved(p, false)
	w.Git("-C", filepath.Join(a, ".git", "crosslink", "replica.git"), "pack-refs", "--all")
	w.moved(p, false)
	if err := os.Rename(a, a+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Moved(t.Context()); !errors.Is(err, poll.ErrGone) {
		t.Errorf("a clone that is gone: %v", err)
	}
	if _, err := Open(t.Context(), a, w.options()); !errors.Is(err, poll.ErrGone) {
		t.Errorf("opened where it is gone: %v", err)
	}
	w.Git("clone", "-q", w.Hub, "a")
	if moved, err := p.Moved(t.Context()); err != nil || !moved {
		t.Errorf("another clone in its place: %v, %v", moved, err)
	}
}

// TestHubOnALocalPath: what another clone writes is seen by looking at the hub,
// and fetched in a child.
func TestHubOnALocalPath(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	one := w.Create(a, "one", nil)
	w.Create(b, "two", nil)
	p := w.open(a)
	if host, fetch := p.Hub(); host != "" || !fetch {
		t.Errorf("hub: %q, %v", host, fetch)
	}
	refresh := func() {
		t.Helper()
		if err := p.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !p.HubMoved() {
		t.Error("a hub that was never fetched has not moved")
	}
	time.Sleep(racy)
	refresh()
	w.moved(p, true)
	if f := w.facts(p); f.Open != 2 || f.Agent("agent-b") == nil {
		t.Errorf("after a fetch: %+v", f)
	}
	if p.HubMoved() {
		t.Error("it has moved after a fetch")
	}
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed}}
	})
	if !p.HubMoved() {
		t.Error("what another clone wrote is not seen")
	}
	refresh()
	w.moved(p, true)
	if f := w.facts(p); f.Closed != 1 {
		t.Errorf("what another clone wrote was not fetched: %+v", f)
	}
	if !p.HubMoved() {
		t.Error("a state so young that another could have its time is taken for known")
	}
	w.Git("-C", a, "config", "crosslink.sync", "manual")
	w.moved(p, true)
	if _, fetch := p.Hub(); fetch {
		t.Error("crosslink.sync=manual is not honored")
	}
}

func TestRefreshSaysWhy(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	p := w.open(a)
	if err := os.Rename(w.Hub, w.Hub+".away"); err != nil {
		t.Fatal(err)
	}
	if !p.HubMoved() {
		t.Error("a hub that is gone has not moved")
	}
	err := p.Refresh(t.Context())
	if err == nil || !strings.Contains(err.Error(), "hub") {
		t.Errorf("a hub that is gone: %v", err)
	}
}

// TestRefreshIsKilled with all it has started.
func TestRefreshIsKilled(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	p := w.open(a)
	p.o.Fetch = []string{os.Args[0], "hang"}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := p.Refresh(ctx); !errors.Is(err, errNoAnswer) {
		t.Errorf("a child that hangs: %v", err)
	}
	if took := time.Since(began); took > grace+time.Second {
		t.Errorf("it took %s", took)
	}
	b, err := os.ReadFile(filepath.Join(a, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.Unmarshal(b, &pid); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(grace + 2*time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
		if errors.Is(err, os.ErrNotExist) || bytes.Contains(stat, []byte(") Z ")) || gone(pid) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("what the child had started goes on")
		}
	}
}

// gone reports whether no process has that id.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	return err != nil || p.Signal(syscall.Signal(0)) != nil
}

func TestFacts(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	now := event.TimeOf(time.Now())
	day := event.Time(24 * time.Hour)
	parent := w.Create(a, "parent", nil)
	child := w.Create(a, "child", func(c *event.IssueCreated) { c.Parent = parent })
	blocked := w.Create(a, "blocked", func(c *event.IssueCreated) { c.DueAt = now + day })
	later := w.Create(a, "later", func(c *event.IssueCreated) { c.ScheduledAt = now + day })
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{
			&event.StatusChanged{UUID: parent, NewStatus: event.Closed},
			&event.DependencyAdded{Blocked: blocked, Blocker: later},
			&event.AssigneeAdded{Issue: child, Assignee: "agent-a"},
		}
	})
	p := w.open(a)
	p.o.Environ = append(w.Environ, "GIT_CROSSLINK_AGENT=agent-a")
	p.opened.state = "another"
	f := w.facts(p)
	if f.Open != 3 || f.Closed != 1 || f.Ready != 1 || len(f.Later) != 1 || f.Later[0] != now+day {
		t.Errorf("numbers: %+v", f)
	}
	byTitle := map[string]facts.Issue{}
	for _, i := range f.Issues {
		byTitle[i.Title] = i
	}
	if len(byTitle) != 2 || byTitle["child"].Parent == "" || !byTitle["child"].Mine || byTitle["blocked"].Blockers != 1 || byTitle["blocked"].Due == 0 {
		t.Errorf("issues: %+v", f.Issues)
	}
	if me := f.Agent("agent-a"); me == nil || me.LastSign < now || f.Newest < now {
		t.Errorf("agents: %+v, newest %d", f.Agents, f.Newest)
	}
	again := w.facts(p)
	x, _ := f.Encode()
	y, _ := again.Encode()
	if !bytes.Equal(x, y) {
		t.Errorf("the same state gives other facts:\n%s\n%s", x, y)
	}
}

// TestManual: where only people fetch, other agents are judged as of the last exchange that
// somebody asked for, and nobody looks silent because nobody asked.
func TestManual(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	w.Sync(a)
	w.Git("-C", a, "config", "crosslink.sync", "manual")
	p := w.open(a)
	if host, fetch := p.Hub(); fetch {
		t.Errorf("it is fetched from %q", host)
	}
	f := w.facts(p)
	if ago := event.TimeOf(time.Now()) - f.Health.Contact; !f.Health.Manual || ago < 0 || ago > event.Time(time.Minute) {
		t.Errorf("health: %+v", f.Health)
	}
	w.Git("-C", a, "config", "--unset", "crosslink.sync")
	p = w.open(a)
	if f := w.facts(p); f.Health.Manual {
		t.Errorf("health: %+v", f.Health)
	}
}

// TestQuestions: a question of the agent that holds the lock is a fact until somebody answers.
func TestQuestions(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	u := w.Create(a, "one", nil)
	n := byte(0)
	comment := func(dir, kind, text string) {
		n++
		w.Emit(dir, func(tracker.Projection) []event.Body {
			return []event.Body{&event.CommentAdded{Issue: u, Comment: event.UUID{n, 6: 0x40, 8: 0x80}, Author: filepath.Base(dir), Content: text, CreatedAt: event.Time(n) * 1e9, Kind: kind}}
		})
		w.Sync(dir)
		w.Sync(a)
	}
	p := w.open(a)
	expect := func(when, want string) {
		t.Helper()
		f := w.facts(p)
		if len(f.Locks) == 0 && want == "" {
			return
		}
		if len(f.Locks) != 1 || f.Locks[0].Question != want || (f.Locks[0].Asked != 0) != (want != "") {
			t.Errorf("%s: %+v, want the question %q", when, f.Locks, want)
		}
	}
	comment(a, "question", "may I?")
	expect("without a lock", "")
	w.Emit(a, func(tracker.Projection) []event.Body { return []event.Body{&event.LockClaimed{Issue: u}} })
	w.Sync(a)
	expect("with the lock", "may I?")
	comment(a, "note", "I wait")
	expect("after a note of its own", "may I?")
	comment(b, "note", "you may")
	expect("after a comment of somebody else", "")
	comment(b, "question", "what?")
	expect("a question of somebody else", "")
	comment(a, "question", strings.Repeat("long ", 100)+"\nmore")
	expect("a long one", strings.Repeat("long ", maxQuestion/5)+"…")
	comment(a, "question", "first\nsecond")
	expect("the newest one", "first")
	comment(a, "answer", "I know it")
	expect("after an answer of its own", "")
}

// TestNothingIsToldInTheUsersPlace: a notice that commands give only once is still given after
// the dashboard has read and fetched.
func TestNothingIsToldInTheUsersPlace(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	note := filepath.Join(a, ".git", "crosslink", "contact.json")
	told := func() string {
		b, err := os.ReadFile(note)
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Told, Shown, Aliases any
			Unsigned             bool
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		s, _ := json.Marshal(c)
		return string(s)
	}
	before := told()
	p := w.open(a)
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.moved(p, true)
	w.facts(p)
	if after := told(); after != before {
		t.Errorf("the notes of what was told:\n%s\nbefore:\n%s", after, before)
	}
	if _, err := os.Stat(filepath.Join(a, ".git", "crosslink", "present.json")); err == nil {
		t.Error("the dashboard gave a sign of the user's presence")
	}
}

func TestLibrary(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	one := w.Create(a, "one", nil)
	l := NewLibrary(Options{Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-a")})
	defer l.Close()
	open := func() (n int) {
		t.Helper()
		err := l.Read(t.Context(), a, func(v View) error {
			if v.Agent != "agent-a" {
				t.Errorf("agent %q", v.Agent)
			}
			_, total, err := v.List(store.Filter{})
			n = total
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := open(); n != 1 {
		t.Errorf("%d open, want 1", n)
	}
	r, err := l.Write(t.Context(), a, func(v View, _ *tracker.Tracker) ([]event.Body, error) {
		return []event.Body{&event.StatusChanged{UUID: one, NewStatus: event.Closed}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Sync != tracker.Confirmed || r.Agent != "agent-a" || len(r.Lines) != 1 {
		t.Errorf("receipt: %+v", r)
	}
	if n := open(); n != 0 {
		t.Errorf("%d open after the close", n)
	}
	refusal := &fail.Error{}
	if _, err := l.Write(t.Context(), w.Dir, nil); !errors.As(err, &refusal) || refusal.Code != "no-repository" {
		t.Errorf("no repository: %v", err)
	}
	l.held = 2
	for k := range 3 {
		path := w.Clone("c" + itoa(k))
		if err := l.Read(t.Context(), path, func(View) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.books) != l.held {
		t.Errorf("%d trackers are held, want %d", len(l.books), l.held)
	}
}

func TestHostOf(t *testing.T) {
	for at, want := range map[string]string{
		"https://example.org/r.git": "example.org", "ssh://git@example.org:22/r": "example.org:22", "git@example.org:o/r.git": "git@example.org",
	} {
		if got := hostOf(at); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
		if localHub("/x", at) != nil {
			t.Errorf("%s is taken for a path", at)
		}
	}
	for at, want := range map[string]string{"/r.git": "/r.git", "file:///r.git": "/r.git", "../r.git": "/r.git", "./a:b": "/x/a:b"} {
		if h := localHub("/x", at); h == nil || h.dir != want {
			t.Errorf("%s: %v, want %s", at, h, want)
		}
	}
	if got := withoutPassword("https://me:secret@example.org/r"); got != "https://me@example.org/r" {
		t.Errorf("a password is shown: %s", got)
	}
}

// TestHubIsKnownAfterARestart: a hub that nobody has changed is not fetched again by the
// next program; one that somebody has changed is, as is one whose replica is another.
func TestHubIsKnownAfterARestart(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	w.Create(a, "one", nil)
	time.Sleep(2 * racy)
	p := w.open(a)
	if !p.HubMoved() {
		t.Error("a hub that was never fetched is known")
	}
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := func() *Place {
		t.Helper()
		o := w.options()
		o.Seen = p.HubSeen()
		next, err := Open(t.Context(), a, o)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	if p.HubSeen() == "" || again().HubMoved() {
		t.Error("a hub that nobody has changed is fetched again")
	}
	w.Create(b, "two", nil)
	if !again().HubMoved() {
		t.Error("a change after the restart is not seen")
	}
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	replica := filepath.Join(a, ".git", "crosslink", "replica.git")
	if err := os.Rename(replica, replica+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(replica, 0o777); err != nil {
		t.Fatal(err)
	}
	if !(&Place{opened: p.opened, hubSeen: p.hubSeen}).HubMoved() {
		t.Error("another replica counts as one that has fetched")
	}
}
