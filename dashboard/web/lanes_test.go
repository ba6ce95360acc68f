package web

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestLanes: each event of the last 24 hours is a tick in the lane of its issue.
func TestLanes(t *testing.T) {
	now := event.Time(1_750_000_000_000_000_000)
	var lines []*event.Envelope
	add := func(issue byte, age event.Time) {
		lines = append(lines, &event.Envelope{Time: now - age, Body: &event.LabelAdded{Issue: event.UUID{issue}}})
	}
	about := func(l *event.Envelope) event.UUID { return l.Body.(*event.LabelAdded).Issue }
	add(1, -minute) // by a clock that is ahead
	add(1, 0)
	add(2, 6*60*minute)
	add(2, 6*60*minute+1)
	add(1, 12*60*minute)
	add(1, laneSpan)
	add(3, laneSpan+1)
	got, left := lanesOf(lines, about, now)
	text := ""
	for _, l := range got {
		text += fmt.Sprintf("%d: %d %v; ", l.about[0], l.Events, l.Ticks)
	}
	if want := "1: 4 [477 240 0]; 2: 2 [360]; "; text != want || left != 0 {
		t.Errorf("%s and %d others, want %s", text, left, want)
	}
	for k := range laneMost + 2 {
		add(byte(10+k), minute)
	}
	if got, left = lanesOf(lines, about, now); len(got) != laneMost || left != 4 {
		t.Errorf("%d lanes, %d events in others", len(got), left)
	}
}
