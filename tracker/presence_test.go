package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// looks reads as 'list' does; that is a heartbeat of the agent that asks.
func (c *clone) looks(f tracker.Freshness) tracker.Projection {
	c.w.t.Helper()
	t := c.open()
	c.w.t.Cleanup(func() { t.Close() })
	p, err := t.Read(context.Background(), f)
	if err != nil {
		c.w.t.Fatal(err)
	}
	p.Presence("") // what is known now
	return p
}

// signs are the presence refs of the hub.
func (w *world) signs() string {
	w.t.Helper()
	var all []string
	for name, tip := range w.tips("refs/crosslink/") {
		all = append(all, name+" "+string(tip)+"\n")
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// later moves a clone's clock.
func (c *clone) later(d time.Duration) {
	at := c.now().Add(d)
	c.now = func() time.Time { return at }
}

// A holder that runs commands and writes nothing shows heartbeats: by
// themselves, at most every 5 minutes, only while a lock is held, in a ref
// without a history that others get with the fetch they make anyway.
func TestPresence(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	w.converge(alice, bob)
	start := time.Now()
	alice.now, bob.now = func() time.Time { return start }, func() time.Time { return start }
	pulse := func() {
		t.Helper()
		alice.looks(tracker.Here)
		alice.detachedSync()
	}
	alice.later(time.Hour)
	if pulse(); w.signs() != "" {
		t.Fatalf("without a lock: %s", w.signs())
	}
	if c := alice.claimLock(issue); c.Outcome != tracker.Held {
		t.Fatalf("%+v", c)
	}
	alice.later(4 * time.Minute)
	if pulse(); w.signs() != "" {
		t.Fatalf("the claim itself is a sign of life: %s", w.signs())
	}
	alice.later(time.Hour)
	pulse()
	first := w.signs()
	name, tip, _ := strings.Cut(strings.TrimSpace(first), " ")
	if strings.Count(first, "\n") != 1 || len(strings.TrimPrefix(name, "refs/crosslink/presence/")) < 20 {
		t.Fatalf("%q", first)
	}
	if n := strings.TrimSpace(w.git(w.hub, "rev-list", "--count", tip)); n != "1" {
		t.Errorf("%s commits", n)
	}
	alice.later(3 * time.Minute)
	if pulse(); w.signs() != first {
		t.Error("again after 3 minutes")
	}
	alice.later(3 * time.Minute)
	if pulse(); w.signs() == first || strings.Count(w.signs(), "\n") != 1 {
		t.Errorf("after 6 minutes: %q", w.signs())
	}

	bob.now = alice.now
	before := bob.looks(tracker.Offline)
	trace := filepath.Join(w.dir, "trace")
	tr := bob.open("GIT_TRACE2_EVENT=" + trace)
	after, err := tr.Read(context.Background(), tracker.Fresh)
	if err != nil {
		t.Fatal(err)
	}
	sign := after.LastSign("alice")
	tr.Close()
	if n := traced(t, trace); n["fetch"] != 1 || n["ls-remote"] != 0 {
		t.Errorf("%v", n)
	}
	p, ok := after.Presence("alice")
	want := event.AgentPresence{Agent: "alice", LastSeen: event.TimeOf(alice.now()), Issue: issue, State: "working"}
	if !ok || p != want || sign != want.LastSeen || before.LastSign("alice") >= want.LastSeen {
		t.Errorf("%+v %v, before %s", p, ok, before.LastSign("alice"))
	}
	// what others put there is a hint at most
	w.git(w.hub, "update-ref", "refs/crosslink/presence/junk", strings.TrimSpace(w.git(w.hub, "rev-parse", "main")))
	w.sign("future", fmt.Sprintf(`{"agents":{"alice":{"last_seen":"%s","state":"idle"}}}`, event.TimeOf(alice.now().AddDate(1, 0, 0))))
	w.sign("broken", `{"agents":{"alice":1}}`)
	w.sign("great", strings.Repeat(" ", 100_000))
	if p, _ := bob.looks(tracker.Fresh).Presence("alice"); p != want {
		t.Errorf("%+v", p)
	}
	if s := bob.status(); len(s.Problems()) != 0 {
		t.Errorf("%v", s.Problems())
	}
}

// sign puts a presence on the hub as anybody could.
func (w *world) sign(name, text string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "sign-"+name)
	w.git(w.dir, "init", "-q", dir)
	if err := os.WriteFile(filepath.Join(dir, "presence.json"), []byte(text+"\n"), 0o666); err != nil {
		w.t.Fatal(err)
	}
	w.git(dir, "add", ".")
	w.git(dir, "commit", "-q", "-m", name)
	w.git(dir, "push", "-q", w.hub, "HEAD:refs/crosslink/presence/"+name)
}

// Anybody may push any number of heartbeats: the newest are read, what is
// dated ahead is not the newest, and the doctor says how many are left.
func TestManyPresences(t *testing.T) {
	tracker.FewPresences(t, 3, 8)
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	ctx := context.Background()
	repo := w.repo()
	now := time.Now()
	put := func(name, agent string, dated, seen time.Duration) {
		t.Helper()
		text := fmt.Sprintf(`{"agents":{"%s":{"last_seen":"%s","state":"idle"}}}`+"\n", agent, event.TimeOf(now.Add(seen)))
		id, err := refs.WriteCommit(ctx, repo, map[string][]byte{"presence.json": []byte(text)}, nil, refs.CommitInfo{Author: agent, When: now.Add(dated), Message: "x"})
		if err != nil {
			t.Fatal(err)
		}
		w.move("refs/crosslink/presence/"+name, id)
	}
	is := func(agent string, want time.Duration, doctor string) {
		t.Helper()
		p, ok := bob.looks(tracker.Fresh).Presence(agent)
		if ok != (want != 0) || ok && p.LastSeen != event.TimeOf(now.Add(want)) {
			t.Errorf("%s: %+v %v, want %v", agent, p, ok, want)
		}
		if got := diagnoses(bob.doctor(false)); got != doctor {
			t.Errorf("the doctor says %q", got)
		}
	}
	put("a", "old", -4*time.Hour, -4*time.Hour)
	put("b", "alice", -time.Hour, -time.Hour)
	put("c", "carol", -2*time.Hour, -2*time.Hour)
	is("old", -4*time.Hour, "") // at the bound
	put("d", "eve", 24*time.Hour, -time.Minute)
	is("eve", 0, "note presence-many")
	is("old", -4*time.Hour, "note presence-many")
	put("e", "alice", -time.Minute, -time.Minute)
	is("alice", -time.Minute, "note presence-many")
	is("old", 0, "note presence-many")
	is("carol", -2*time.Hour, "note presence-many")
	for _, d := range bob.doctor(false).Findings {
		if !strings.Contains(d.Text, "has 5 heartbeats") || !strings.Contains(d.Text, "2 are not shown") {
			t.Errorf("%s", d.Text)
		}
	}
	tracker.FewPresences(t, 3, 4) // the fifth is not looked at
	is("alice", -time.Hour, "note presence-many")
}

// Some hosts take no refs but branches: they are asked once a day, and nothing
// else notices.
func TestPresenceRefused(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("one")
	hook := filepath.Join(w.hub, "hooks", "update")
	asked := filepath.Join(w.dir, "asked")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ncase $1 in refs/crosslink/*) echo x >> "+asked+"; exit 1;; esac\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		b, _ := os.ReadFile(asked)
		return strings.Count(string(b), "x")
	}
	start := time.Now()
	alice.now = func() time.Time { return start }
	alice.claimLock(issue)
	for range 6 {
		alice.later(3 * time.Hour)
		alice.looks(tracker.Here)
		alice.detachedSync()
	}
	if n := count(); n != 1 {
		t.Errorf("asked %d times in 18 hours", n)
	}
	if got := diagnoses(alice.doctor(true)); got != "note presence" {
		t.Errorf("the doctor says %q", got)
	}
	b := alice.heartbeat(tracker.HeartbeatOptions{})
	if b.Outcome != tracker.HeartbeatRefused {
		t.Errorf("%+v", b)
	}
	alice.comment(issue, "events go on")
	if s := alice.status(); s.Unsent != 0 || len(s.Problems()) != 0 {
		t.Errorf("%+v", s)
	}
	alice.later(10 * time.Hour)
	alice.looks(tracker.Here)
	alice.detachedSync()
	if n := count(); n != 2 {
		t.Errorf("asked %d times after a day", n)
	}
}

func (c *clone) heartbeat(o tracker.HeartbeatOptions) *tracker.Heartbeat {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	b, err := t.Heartbeat(context.Background(), o)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return b
}

func TestHeartbeat(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	if b := alice.heartbeat(tracker.HeartbeatOptions{}); b.Outcome != tracker.HeartbeatKept {
		t.Errorf("before there is a hub: %+v", b)
	}
	alice.init()
	issue, other := alice.create("one"), alice.create("two")
	if b := alice.heartbeat(tracker.HeartbeatOptions{}); b.Outcome != tracker.HeartbeatUnheld || b.State != "working" {
		t.Errorf("without a lock: %+v", b)
	}
	alice.claimLock(issue)
	if b := alice.heartbeat(tracker.HeartbeatOptions{Offline: true}); b.Outcome != tracker.HeartbeatKept {
		t.Errorf("offline: %+v", b)
	}
	b := alice.heartbeat(tracker.HeartbeatOptions{State: "awaiting_input", Issue: other})
	if b.Outcome != tracker.HeartbeatSent || b.Issue != other {
		t.Errorf("%+v", b)
	}
	alice.detachedSync()
	if b := alice.heartbeat(tracker.HeartbeatOptions{}); b.Outcome != tracker.HeartbeatRecent || b.State != "awaiting_input" || b.Issue != issue {
		t.Errorf("at once again: %+v", b)
	}
	p, ok := bob.looks(tracker.Fresh).Presence("alice")
	if !ok || p.State != "awaiting_input" || p.Issue != other {
		t.Errorf("%+v %v", p, ok)
	}

	// a copy of the clone names itself again
	was := w.signs()
	copied := filepath.Join(w.dir, "copy")
	if err := os.CopyFS(copied, os.DirFS(alice.dir)); err != nil {
		t.Fatal(err)
	}
	carol := &clone{w: w, name: "alice", dir: copied, now: func() time.Time { return time.Now().Add(time.Hour) }}
	carol.heartbeat(tracker.HeartbeatOptions{})
	carol.detachedSync()
	if n := strings.Count(w.signs(), "\n"); n != 2 || !strings.Contains(w.signs(), strings.TrimSpace(was)) {
		t.Errorf("%q after %q", w.signs(), was)
	}
}

// A hub that goes away in the middle of it has refused nothing.
func TestPresenceCutOff(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	issue := alice.create("one")
	hook, asked := filepath.Join(w.hub, "hooks", "update"), filepath.Join(w.dir, "asked")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ncase $1 in refs/crosslink/*) echo x >> "+asked+"; kill -9 $PPID;; esac\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	alice.now = func() time.Time { return start }
	alice.claimLock(issue)
	alice.later(time.Hour)
	alice.looks(tracker.Here)
	alice.detachedSync()
	if _, err := os.Stat(asked); err != nil {
		t.Fatal("the hub was not asked", err)
	}
	if b := alice.heartbeat(tracker.HeartbeatOptions{}); b.Outcome != tracker.HeartbeatSent {
		t.Errorf("%+v", b)
	}
}

// Of two locks that one step granted a heartbeat names always the same.
func TestHeartbeatNamesOneIssue(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice := w.clone("alice")
	alice.init()
	one, two := alice.create("one"), alice.create("two")
	alice.does(&event.LockClaimed{Issue: one}, &event.LockClaimed{Issue: two})
	first := alice.heartbeat(tracker.HeartbeatOptions{Offline: true}).Issue
	for range 20 {
		if is := alice.heartbeat(tracker.HeartbeatOptions{Offline: true}).Issue; is != first {
			t.Fatalf("%s, then %s", first, is)
		}
	}
}

// A heartbeat that a fetch brings while a command continues from the store is
// known to it at once.
func TestPresenceBesideAStore(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	w.keepFrom = whereRead
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.later(-time.Hour)
	alice.init()
	issue := alice.create("one")
	bob.create("two")
	alice.claimLock(issue)
	w.converge(alice, bob)
	bob.readsWith()
	tr := bob.open()
	defer tr.Close()
	sign := func() event.Time {
		r, err := tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		return r.View.LastSign("alice")
	}
	before := sign()
	alice.now = time.Now
	alice.heartbeat(tracker.HeartbeatOptions{})
	alice.detachedSync()
	if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	if after := sign(); after <= before {
		t.Errorf("after the fetch alice was last seen at %v, as before", after)
	}
}

// An agent that waits for a person shows that at once, also without a lock, and at
// most every minute; so it does when it continues.
func TestWaitingIsShownAtOnce(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("one")
	w.converge(alice, bob)
	start := time.Now()
	alice.now, bob.now = func() time.Time { return start }, func() time.Time { return start }
	beat := func(state, outcome string) {
		t.Helper()
		tr := alice.open()
		defer tr.Close()
		h, err := tr.Heartbeat(context.Background(), tracker.HeartbeatOptions{State: state})
		if err != nil || h.Outcome != outcome {
			t.Errorf("%s: %+v, %v, want %s", state, h, err, outcome)
		}
		alice.detachedSync()
	}
	shows := func(state string) {
		t.Helper()
		bob.now = alice.now
		if p, ok := bob.looks(tracker.Fresh).Presence("alice"); ok != (state != "") || p.State != state {
			t.Errorf("bob sees %+v, want %q", p, state)
		}
	}
	beat("working", tracker.HeartbeatUnheld)
	shows("")
	beat("awaiting_input", tracker.HeartbeatSent)
	shows("awaiting_input")
	alice.later(30 * time.Second)
	beat("paused", tracker.HeartbeatRecent) // within a minute
	shows("awaiting_input")
	alice.later(time.Minute)
	beat("paused", tracker.HeartbeatSent)
	shows("paused")
	alice.later(2 * time.Minute)
	beat("working", tracker.HeartbeatSent)
	shows("working")
	alice.later(10 * time.Minute)
	beat("working", tracker.HeartbeatUnheld)
	if c := alice.claimLock(issue); c.Outcome != tracker.Held {
		t.Fatalf("%+v", c)
	}
	alice.later(6 * time.Minute)
	beat("working", tracker.HeartbeatSent)
	alice.later(2 * time.Minute)
	beat("idle", tracker.HeartbeatRecent) // nobody waits for that
	beat("awaiting_input", tracker.HeartbeatSent)
	shows("awaiting_input")
	alice.later(90 * time.Second)
	alice.looks(tracker.Here) // a command continues saying so, and is not urgent
	alice.detachedSync()
	shows("awaiting_input")
}
