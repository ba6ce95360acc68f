package cli

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones below are there on every machine

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func zoneNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestDueOnADay: due today is not overdue today, and is shown as the day that
// was given.
func TestDueOnADay(t *testing.T) {
	w := newWorld(t)
	honolulu := zoneNamed(t, "Pacific/Honolulu")
	w.time = time.Date(2027, 3, 4, 20, 0, 0, 0, honolulu)
	w.id("a")
	contains(t, "said", w.ok("schedule", "1", "--due", "today", "--scheduled", "tomorrow").err, "1 is due 2027-03-04\n")
	check(t, "overdue", w.ok("list", "--overdue", "-q").out, "")
	contains(t, "show", w.ok("show", "1").out, "    due 2027-03-04 (in 3 h)\n    scheduled 2027-03-05 (in 3 h)\n")
	contains(t, "log", w.ok("log", "1").out, "  set dates: start 2027-03-05, due 2027-03-04\n")
	contains(t, "log for programs", w.ok("log", "1", "--porcelain").out, "\tset dates: start 2027-03-05T10:00:00.000000000Z, due 2027-03-05T09:59:59.999999999Z\n")
	check(t, "short", w.ok("list", "--format", "%(due_at:short) %(scheduled_at:short)").out, "2027-03-04 2027-03-05\n")
	at := func(h, m, s, ns int) { w.time = time.Date(2027, 3, 4, h, m, s, ns, honolulu).Add(-time.Minute) } // each command takes a minute
	at(23, 59, 59, 999_000_000)
	check(t, "in the last second", w.ok("list", "--overdue", "-q").out, "")
	at(23, 59, 59, 999_000_000)
	check(t, "not ready", w.run("ready", "-q").code, frame.ExitNo)
	at(24, 0, 0, 0)
	check(t, "overdue", w.ok("list", "--overdue", "-q").out, "1\n")
	at(24, 0, 0, 0)
	check(t, "ready", w.ok("ready", "-q").out, "1\n")
	w.time = w.time.In(zoneNamed(t, "Asia/Tokyo"))
	contains(t, "elsewhere", w.ok("show", "1").out, "    due 2027-03-05 18:59 (1 min ago) overdue\n    scheduled 2027-03-05 19:00 (1 min ago)\n")
}
