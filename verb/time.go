package verb

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// ResolveEntries finds time entries by their uuids, or the beginnings of them of at
// least 4 digits, each once. Those that were deleted are among them.
func ResolveEntries(p tracker.Projection, ids []string) (found []store.Entry, err error) {
	all, err := p.Time(store.TimeFilter{Deleted: true})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		prefix := strings.ToLower(strings.ReplaceAll(id, "-", ""))
		var some []store.Entry
		for _, e := range all {
			if len(prefix) >= 4 && strings.HasPrefix(hex.EncodeToString(e.UUID[:]), prefix) {
				some = append(some, e)
			}
		}
		switch {
		case len(some) == 0:
			return nil, &store.NotFoundError{What: "time entry", ID: id}
		case len(some) > 1:
			f := &store.AmbiguousError{What: "time entry", ID: id}
			for _, e := range some {
				f.Candidates = append(f.Candidates, store.Candidate{UUID: e.UUID, Short: e.UUID.String(), Title: e.By + ", " + e.StartedAt.String()})
			}
			return nil, f
		}
		again := false
		for _, e := range found {
			again = again || e.UUID == some[0].UUID
		}
		if !again {
			found = append(found, some[0])
		}
	}
	return found, nil
}

// StopTimer returns the event of a timer that ran on an issue from start to end. Stopping
// the timer again writes nothing, because its entry already exists.
func StopTimer(p tracker.Projection, issue, entry event.UUID, start, end event.Time) ([]event.Body, error) {
	all, err := p.Time(store.TimeFilter{Issue: issue, Deleted: true})
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.UUID == entry {
			return nil, nil
		}
	}
	seconds := uint64(0)
	if end > start {
		seconds = uint64(end-start) / 1e9
	}
	return []event.Body{&event.TimeEntryAdded{Issue: issue, Entry: entry, StartedAt: start, EndedAt: max(start, end), DurationSeconds: &seconds}}, nil
}

// Overlap reports whether two entries of one agent overlap.
func Overlap(all []store.Entry) bool {
	last := map[string]event.Time{} // until when an agent's entries reach
	for _, e := range all {         // by their start
		end := e.StartedAt + event.Time(e.Seconds())*1e9
		if e.StartedAt < last[e.By] {
			return true
		}
		last[e.By] = max(last[e.By], end)
	}
	return false
}

// HeldSeconds returns how long anybody held or claimed the lock of an issue, according to
// the events of its history. A lock that is still held counts up to now.
func HeldSeconds(lines []*event.Envelope, now event.Time) uint64 {
	var holders []string // in the order in which they claimed
	var since, sum event.Time
	set := func(left []string, at event.Time) {
		if len(holders) > 0 && len(left) == 0 {
			sum += max(0, at-since)
		}
		holders = left
	}
	for _, l := range lines {
		at := l.Shown()
		switch b := l.Body.(type) {
		case *event.LockClaimed:
			if len(holders) == 0 {
				since = at
			}
			if !slices.Contains(holders, l.Agent) {
				holders = append(holders, l.Agent)
			}
		case *event.LockReleased:
			set(slices.DeleteFunc(holders, func(a string) bool { return a == l.Agent }), at)
		case *event.LockBroken:
			set(holders[min(1, len(holders)):], at)
		case *event.IssueDeleted:
			set(nil, at)
		case *event.StatusChanged:
			if b.NewStatus != event.Open {
				set(nil, at)
			}
		}
	}
	set(nil, now)
	return uint64(sum / event.Time(time.Second))
}
