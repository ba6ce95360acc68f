package verb

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

func TestSimilar(t *testing.T) {
	var rows []store.Named
	for k, title := range []string{"Parser panics on an empty line", "the parser panics on an empty line!", "document the exit codes", "issue 1: flux capacitor timeout", "PARSER PANICS ON AN EMPTY LINE", "line empty an on panics parser", "x", "…"} {
		rows = append(rows, store.Named{UUID: id(k + 1), Title: title})
	}
	for title, want := range map[string]string{
		"parser panics on an empty line":  "Parser panics on an empty line|the parser panics on an empty line!|PARSER PANICS ON AN EMPTY LINE", // at most three
		"issue 2: flux capacitor timeout": "",
		"document exit codes":             "",
		"document: the exit codes":        "document the exit codes",
		"x":                               "x",
		"…":                               "",
		"":                                "",
	} {
		var got []string
		for _, i := range Similar(title, event.UUID{}, rows) {
			got = append(got, i.Title)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
	if got := Similar("x", id(7), rows); got != nil {
		t.Errorf("an issue is similar to itself")
	}
}

// TestHeldSeconds: claims and what ends them, of several agents, also at once.
func TestHeldSeconds(t *testing.T) {
	line := func(at int, agent string, b event.Body) *event.Envelope {
		return &event.Envelope{Agent: agent, Time: event.Time(at) * 1e9, Body: b}
	}
	claim, release := &event.LockClaimed{}, &event.LockReleased{}
	for name, x := range map[string]struct {
		lines []*event.Envelope
		want  uint64
	}{
		"never":         {nil, 0},
		"once":          {[]*event.Envelope{line(10, "a", claim), line(15, "a", release)}, 5},
		"still":         {[]*event.Envelope{line(90, "a", claim)}, 10},
		"twice":         {[]*event.Envelope{line(10, "a", claim), line(15, "a", release), line(20, "b", claim), line(21, "b", release)}, 6},
		"two at once":   {[]*event.Envelope{line(10, "a", claim), line(12, "b", claim), line(15, "a", release), line(18, "b", release)}, 8},
		"broken":        {[]*event.Envelope{line(10, "a", claim), line(12, "b", &event.LockBroken{})}, 2},
		"closed":        {[]*event.Envelope{line(10, "a", claim), line(14, "b", &event.StatusChanged{NewStatus: event.Closed}), line(50, "a", release)}, 4},
		"deleted":       {[]*event.Envelope{line(10, "a", claim), line(13, "b", &event.IssueDeleted{})}, 3},
		"not by others": {[]*event.Envelope{line(10, "a", claim), line(11, "b", release), line(19, "a", release)}, 9},
	} {
		if got := HeldSeconds(x.lines, 100e9); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
}
