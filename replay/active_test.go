package replay

import (
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// Agents share a hub's limit if they wrote lately, whether their logs are settled or
// not. Lines that do not count make nobody active.
func TestWroteSince(t *testing.T) {
	now := event.TimeOf(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
	s := &State{}
	if all, here := s.WroteSince(0); all != 0 || here != 0 {
		t.Errorf("nothing was read: %d, %d", all, here)
	}
	s.Logs = newLogs(0)
	add := func(agent string, ago time.Duration, counted uint64, here bool) {
		c := &Cursor{Hub: "tip", View: "tip", Seq: 5, HubSeq: 5, Position: 5, Covered: 5, Counted: counted, Newest: now - event.Time(ago), Time: now - event.Time(ago)}
		if here {
			c.Here, c.View = "tip", "tip"
		}
		s.Logs.set(agent, c)
	}
	add("alice", time.Minute, 5, true)
	add("alice-too", 9*time.Minute, 5, true)
	add("alice-last-week", 7*24*time.Hour, 5, true)
	add("bob", time.Minute, 5, false)
	add("carol-last-week", 7*24*time.Hour, 5, false)
	add("david-unsettled", time.Minute, 3, false)
	add("eve-unapproved", time.Minute, 0, false)
	if len(s.Logs.settled) != 2 {
		t.Fatalf("%d settled logs, want those of bob and carol", len(s.Logs.settled))
	}
	if all, here := s.WroteSince(now - event.Time(10*time.Minute)); all != 4 || here != 2 {
		t.Errorf("%d, %d of them here", all, here)
	}
}
