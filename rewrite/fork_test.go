package rewrite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// What is left out, given what waits: the named events, what hangs on what they
// created, and what a later event deletes.
func TestWithdraw(t *testing.T) {
	u := func(n byte) event.UUID { return event.UUID{0xab, 0xcd, 0xef, n, 0, 0, n} }
	comment := func(n, on byte) event.Body { return &event.CommentAdded{Comment: u(n), Issue: u(on)} }
	log := []event.Body{ // the hub has two lines
		&event.IssueCreated{UUID: u(1)},               // 3
		&event.IssueCreated{UUID: u(2), Parent: u(1)}, // 4
		comment(11, 1),                                       // 5
		&event.CommentEdited{Comment: u(11)},                 // 6
		&event.DependencyAdded{Blocked: u(2), Blocker: u(1)}, // 7
		comment(12, 9),                                       // 8
		&event.CommentEdited{Comment: u(12)},                 // 9
		&event.StatusChanged{UUID: u(2)},                     // 10
		&event.CommentDeleted{Comment: u(12)},                // 11
		&event.IssueDeleted{UUID: u(9)},                      // 12
		&event.LabelAdded{Issue: u(9)},                       // 13
	}
	var rest []*event.Envelope
	for n, b := range log {
		rest = append(rest, &event.Envelope{Seq: uint64(n + 3), Body: b})
	}
	for _, x := range []struct{ without, out, fails string }{
		{"", "8 9", ""},
		{"3", "3 5 6 7 8 9", ""},
		{u(1).String()[:8], "3 5 6 7 8 9", ""},
		{strings.ToUpper(u(1).String()[:8]), "3 5 6 7 8 9", ""},
		{"4 4", "4 7 8 9 10", ""},
		{u(11).String(), "5 6 8 9", ""},
		{"11", "11", ""}, // then nothing deletes the comment
		{"13 6", "6 8 9 13", ""},
		{"2", "", "not-unsent"},
		{"14", "", "not-unsent"},
		{"abcdef", "", "not-unsent"}, // too short to name one
		{"0000000", "", "not-unsent"},
		{"-1", "", "not-unsent"},
	} {
		kept, out, err := Withdraw(rest, strings.Fields(x.without))
		var e *fail.Error
		if x.fails != "" {
			if !errors.As(err, &e) || e.Code.Name() != x.fails {
				t.Errorf("without %s: %v", x.without, err)
			}
			continue
		}
		var seqs []string
		for _, w := range out {
			seqs = append(seqs, fmt.Sprint(w.Seq))
		}
		if got := strings.Join(seqs, " "); got != x.out || err != nil || len(kept)+len(out) != len(rest) {
			t.Errorf("without %s: left out %s, kept %d: %v", x.without, got, len(kept), err)
		}
	}
	same := event.UUID{0xab, 0xcd, 0xef, 1, 0, 0, 99}
	_, _, err := Withdraw(append(rest, &event.Envelope{Seq: 14, Body: &event.IssueCreated{UUID: same}}), []string{same.String()[:8]})
	if e := (*fail.Error)(nil); !errors.As(err, &e) || e.Code.Name() != "ambiguous" {
		t.Errorf("two are named: %v", err)
	}
}

// What can be withdrawn is named, however much it is.
func TestUnsentText(t *testing.T) {
	var rest []*event.Envelope
	for n := range 12 {
		rest = append(rest, &event.Envelope{Seq: uint64(n + 3), Body: &event.LabelAdded{}})
	}
	for n, want := range map[int]string{
		0: "every event is on the hub", 1: "unsent are 3 (LabelAdded)", 2: "unsent are 3 (LabelAdded), 4 (LabelAdded)",
		12: "unsent are " + strings.Join([]string{"3", "4", "5", "6", "7", "8", "9", "10"}, " (LabelAdded), ") + " (LabelAdded), and 4 more up to 14",
	} {
		if got := unsentText(rest[:n]); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// Only a time after the latest is stamped again, and shown times with it.
func TestLatest(t *testing.T) {
	old := []*event.Envelope{{Time: 5}, {Time: 10, Wall: 4}, {Time: 11, Wall: 20}, {Time: 12, Wall: 3}, {Time: 12}}
	for _, e := range old {
		e.Body = &event.AgentRetired{}
	}
	_, lines, err := Lines(old, Plan{On: event.Chain{Hub: hub, Agent: "new"}, Latest: 10})
	if err != nil || len(lines) != len(old) {
		t.Fatal(len(lines), err)
	}
	for n, want := range []event.Envelope{{Time: 5}, {Time: 10, Wall: 4}, {Time: 10}, {Time: 10, Wall: 3}, {Time: 10}} {
		e, err := event.Decode(lines[n])
		if err != nil || e.Time != want.Time || e.Wall != want.Wall {
			t.Errorf("%d: %d shown as %d: %v", n, e.Time, e.Wall, err)
		}
	}
	if old[4].Time != 12 {
		t.Error("the lines themselves were changed")
	}
}
