package agents

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestPresenceRules follows one clone through a day of heartbeats.
func TestPresenceRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crosslink", "present.json")
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	issue := event.UUID{1}
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	at := func(d time.Duration) (Presence, time.Time) { now := start.Add(d); return ReadPresence(file, now), now }
	keep := func(p Presence) {
		t.Helper()
		if err := p.Write(file); err != nil {
			t.Fatal(err)
		}
	}
	beat := func(d time.Duration, state string, shown, holds bool, want string) {
		t.Helper()
		p, now := at(d)
		s, got := p.Beat("alice", issue, state, shown, holds, now)
		if got != want || s.Seen != now || s.Issue != issue || p.Due != (want == HeartbeatSent) {
			t.Fatalf("after %s: '%s' of %+v, want '%s'", d, got, s, want)
		}
		keep(p)
	}
	push := func(d time.Duration, may bool, holds func(string) bool, signs int, taken, reached bool) {
		t.Helper()
		p, now := at(d)
		if p.MayPush(now) != may {
			t.Fatalf("after %s: %+v", d, p)
		}
		if !may {
			return
		}
		if shown := p.Show(yes, holds); len(shown) != signs {
			t.Fatalf("after %s: %v is shown", d, shown)
		}
		p.Answered(taken, reached, now)
		keep(p)
	}
	beat(0, "", false, true, HeartbeatKept)
	beat(0, "", true, false, HeartbeatUnheld)
	push(0, false, yes, 0, false, false)
	beat(0, "working", true, true, HeartbeatSent)
	push(0, true, yes, 1, false, false) // the connection was lost
	beat(0, "working", true, true, HeartbeatSent)
	push(time.Second, true, yes, 1, true, true)
	beat(2*time.Minute, "working", true, true, HeartbeatRecent)
	beat(3*time.Minute, "awaiting_input", true, false, HeartbeatSent) // a person has to see that
	push(3*time.Minute, true, no, 1, true, true)
	beat(3*time.Minute+time.Second, "working", true, false, HeartbeatRecent) // but not every second
	beat(5*time.Minute, "working", true, false, HeartbeatSent)
	push(5*time.Minute, true, no, 1, true, true)
	beat(20*time.Minute, "working", true, true, HeartbeatSent)
	push(20*time.Minute, true, yes, 1, false, true) // refused
	beat(time.Hour, "working", true, true, HeartbeatRefused)
	beat(25*time.Hour, "working", true, true, HeartbeatSent)
	push(25*time.Hour, true, no, 0, true, true) // the lock has gone: nothing is pushed
	if p, _ := at(25 * time.Hour); len(p.Agents) != 0 || p.Due {
		t.Errorf("%+v", p)
	}
}

func TestPulse(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		is          Presence
		wrote       time.Time
		noted, push bool
	}{
		{Presence{}, time.Time{}, true, true},
		{Presence{}, now.Add(-time.Minute), false, false},
		{Presence{}, now.Add(time.Hour), true, true}, // a clock was wrong
		{Presence{Pushed: now.Add(-4 * time.Minute)}, time.Time{}, false, false},
		{Presence{Pushed: now.Add(-6 * time.Minute)}, now.Add(-7 * time.Minute), true, true},
		{Presence{Tried: now.Add(-30 * time.Second)}, time.Time{}, false, false},
		{Presence{Refused: now.Add(-time.Hour)}, time.Time{}, true, false},
		{Presence{Agents: map[string]Sign{"alice": {State: "paused"}}, Pushed: now.Add(-2 * time.Minute)}, time.Time{}, true, true},
	} {
		if c.is.Agents == nil {
			c.is.Agents = map[string]Sign{}
		}
		p := c.is
		if noted, push := p.Pulse("alice", event.UUID{1}, c.wrote, now); noted != c.noted || push != c.push || p.Due != noted {
			t.Errorf("%+v: noted %t, push %t", c.is, noted, push)
		}
	}
}

// FuzzPresence: whatever the file holds, what is read is usable.
func FuzzPresence(f *testing.F) {
	f.Add([]byte(`{"agents":{"alice":{"seen":"2026-03-01T10:00:00Z","state":"working"},"a/b":{"state":"working"}},"due":true,"pushed":"9999-03-01T10:00:00Z"}`))
	f.Add([]byte(`{"agents":null}`))
	f.Add([]byte(`[]`))
	file := filepath.Join(f.TempDir(), "present.json")
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p := ReadPresence(file, now)
		for id := range p.Agents {
			if event.ValidAgentID(id) != nil {
				t.Fatalf("%q shows signs of life", id)
			}
		}
		if p.Pushed.After(now) || p.Tried.After(now) || p.Refused.After(now) {
			t.Fatalf("%+v", p)
		}
		if _, outcome := p.Beat("alice", event.UUID{}, "", true, true, now); outcome == "" {
			t.Fatal("nothing came of it")
		}
	})
}
