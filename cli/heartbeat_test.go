package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func TestHeartbeat(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "fix the flux")
	for outcome, words := range map[string]string{
		tracker.HeartbeatSent:    "sent a heartbeat: paused on 1 'fix the flux'",
		tracker.HeartbeatRecent:  "noted: paused on 1 'fix the flux'; the last heartbeat was sent 1 min ago",
		tracker.HeartbeatUnheld:  "noted; you hold no lock, so no heartbeat is needed",
		tracker.HeartbeatRefused: "noted; the hub accepts no heartbeats, so others see only your events",
		tracker.HeartbeatKept:    "noted; no heartbeat can be sent at the moment",
	} {
		w.hub.heartbeat = tracker.Heartbeat{Outcome: outcome, Pushed: w.time}
		r := w.ok("heartbeat", "--state", "paused", "1")
		check(t, outcome, r.out+r.err, "alice-laptop-abcd\n"+words+"\n")
	}
	w.hub.heartbeat = tracker.Heartbeat{Outcome: tracker.HeartbeatSent, Pushed: w.time}
	contains(t, "json", w.ok("heartbeat", "--json").out, `"agent":"alice-laptop-abcd"`, `"state":"working"`, `"issue":null`, `"outcome":"sent"`, `"pushed_at":"2026-`)
	check(t, "a state that is none", w.run("heartbeat", "--state", "dead").code, 129)
	check(t, "an issue that is none", w.run("heartbeat", "77").code, 1)
}

// A heartbeat outside the log is shown where people ask for one, and keeps
// others from being told to break the lock.
func TestPresenceIsShown(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "fix the flux")
	w.ok("lock", "1")
	w.hub.chain.Agent, w.hub.chain.Seq, w.hub.chain.Hash, w.hub.chain.Time = "bob", 0, "", 0
	w.time = w.time.Add(3 * time.Hour)
	contains(t, "silent", w.run("lock", "1").err, "last seen: 3 h ago", "git crosslink unlock --break")
	w.hub.presence = map[string]event.AgentPresence{"alice-laptop-abcd": {Agent: "alice-laptop-abcd", LastSeen: event.TimeOf(w.time), State: "awaiting_input"}}
	r := w.run("lock", "1")
	contains(t, "present", r.err, "last seen: 1 min ago (awaiting_input)")
	if r.code != 2 || strings.Contains(r.err, "--break") {
		t.Errorf("%d %s", r.code, r.err)
	}
	contains(t, "check", w.run("lock", "check", "1").out, "'alice-laptop-abcd' last seen: 2 min ago (awaiting_input)")
	contains(t, "check", w.run("lock", "check", "1", "--json").out, `"presence":{"seen":"2026-`, `"state":"awaiting_input"`)
	contains(t, "list", w.ok("lock", "list").out, "\t2026-03-02T13:")
}
