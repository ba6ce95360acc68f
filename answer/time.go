package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// TimeRow is a time entry with its issue.
type TimeRow struct {
	TimeEntry
	Short string `json:"short"`
	Spent uint64 `json:"seconds"`
	Issue *Ref   `json:"issue"`
}

// TimeWrite answers commands that write time entries.
type TimeWrite struct {
	Write
	Entries []TimeRow `json:"entries"`
}

// TimeGroup is a line of a report.
type TimeGroup struct {
	Group       string  `json:"group"`
	Issue       *Ref    `json:"issue"`
	Entries     int     `json:"entries"`
	Seconds     uint64  `json:"duration_seconds"`
	FirstLocked *string `json:"first_locked_at"`
	ClosedAt    *string `json:"closed_at"`
	Held        *uint64 `json:"held_seconds"` // how long its lock was held
}

// Timer is the timer of this worktree.
type Timer struct {
	Running   bool    `json:"running"`
	Issue     *Ref    `json:"issue"`
	StartedAt *string `json:"started_at"`
	Seconds   uint64  `json:"seconds"`
}

// TimeRows gives entries their shape.
func (s *Builder) TimeRows(some []store.Entry) ([]TimeRow, error) {
	all, err := s.Projection.Time(store.TimeFilter{Deleted: true})
	if err != nil {
		return nil, err
	}
	us := make([]event.UUID, 0, len(all)+len(some))
	for k := range all {
		us = append(us, all[k].UUID)
	}
	for k := range some {
		us = append(us, some[k].UUID)
	}
	short := store.Shorts(us)
	rows := make([]TimeRow, 0, len(some))
	for k := range some {
		t := &some[k]
		rows = append(rows, TimeRow{TimeEntry{t.UUID.String(), t.By, t.StartedAt.String(), TimeOrNull(t.EndedAt), t.DurationSeconds},
			short(t.UUID), t.Seconds(), s.refOrNull(t.Issue)})
	}
	return rows, nil
}
