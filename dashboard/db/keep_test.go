package db

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

const day = event.Time(24 * time.Hour)

// TestTrimActions: old rows of the audit log go if that was set, and the rest is a chain.
func TestTrimActions(t *testing.T) {
	d, c := open(t)
	for range 10 {
		check(t, d.Record(t.Context(), Action{Request: "r", Verb: "x", Outcome: Succeeded}))
		c.at += 30 * day
	}
	rows := func() int {
		t.Helper()
		check(t, d.TrimActions(t.Context()))
		n, err := d.VerifyActions(t.Context())
		check(t, err)
		return n
	}
	if n := rows(); n != 10 {
		t.Errorf("%d rows are left where nothing was set", n)
	}
	for _, v := range []string{"89", "-1", "1", "x", "99999"} {
		if err := d.Set(t.Context(), "", map[string]string{"audit.days": v}); err == nil {
			t.Errorf("'%s' is taken", v)
		}
	}
	if err := d.Set(t.Context(), "o/r", map[string]string{"audit.days": "90"}); err == nil {
		t.Error("one project has a log of its own")
	}
	check(t, d.Set(t.Context(), "", map[string]string{"audit.days": "90"}))
	if n := rows(); n != 3 { // 30, 60 and exactly 90 days old
		t.Errorf("%d rows are left, want 3", n)
	}
	check(t, d.Record(t.Context(), Action{Request: "s", Verb: "y", Outcome: Succeeded}))
	if n := rows(); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
	// what was removed then is not missed when rows are kept forever again; other rows are
	check(t, d.Set(t.Context(), "", map[string]string{"audit.days": "0"}))
	if n := rows(); n != 4 {
		t.Errorf("%d rows where audit.days was set back to 0, want 4", n)
	}
	check(t, d.Set(t.Context(), "", map[string]string{"audit.days": "90"}))
	c.at += 1000 * day
	if n := rows(); n != 4 {
		t.Errorf("%d rows are left where all are old, want them until there is a younger one", n)
	}
	if _, err := d.write.Exec("DELETE FROM actions WHERE id = (SELECT min(id) FROM actions)"); err != nil {
		t.Fatal(err)
	}
	check(t, d.TrimActions(t.Context()))
	if _, err := d.VerifyActions(t.Context()); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("the first row was taken out: %v", err)
	}
}

// TestSnoozes: an item is put away until its time.
func TestSnoozes(t *testing.T) {
	d, c := open(t)
	s := Snooze{"k", 5, c.at + day}
	check(t, d.Snooze(t.Context(), s))
	for _, step := range []struct {
		after event.Time
		want  int
	}{{0, 1}, {day - 1, 1}, {1, 0}} {
		c.at += step.after
		all, err := d.Snoozes(t.Context())
		check(t, err)
		if len(all) != step.want || step.want == 1 && all["k"] != s {
			t.Errorf("after %d: %v", step.after, all)
		}
	}
	check(t, d.Snooze(t.Context(), Snooze{"k", 5, c.at + day}))
	check(t, d.Snooze(t.Context(), Snooze{"k", 5, 0}))
	if all, err := d.Snoozes(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
}
