package facts

import "time"

// Thresholds are the numbers in rules. The zero value is of no use; see
// Defaults.
type Thresholds struct {
	Active         time.Duration // an agent with a sign this recent is active
	LockStale      time.Duration // a lock held longer is stale
	LockIfSilent   bool          // … only if its holder gave no sign for LockSilent
	LockSilent     time.Duration
	DueSoon        time.Duration
	Silent         time.Duration // an agent that holds a lock and gave no sign for longer is silent
	Failures       int           // fetches that fail in a row before a project is unreachable
	Backlog        time.Duration // events may wait this long for a step, or for the hub
	Unanswered     time.Duration // requests may wait this long for an acknowledgement
	InputWait      time.Duration // an agent may wait this long for a person
	QueueLength    int           // a queue this long is contention
	QueueWait      time.Duration // so is a wait longer than this
	UntrustedSince time.Duration // lines from unknown signers count if one is this recent
}

// Defaults are the original's numbers where it has them.
func Defaults() Thresholds {
	return Thresholds{
		Active: 10 * time.Minute, LockStale: 60 * time.Minute, LockSilent: 15 * time.Minute,
		DueSoon: 24 * time.Hour, Silent: 10 * time.Minute, Failures: 3,
		Backlog: 15 * time.Minute, Unanswered: 5 * time.Minute, InputWait: 2 * time.Minute,
		QueueLength: 3, QueueWait: 60 * time.Minute, UntrustedSince: 7 * 24 * time.Hour,
	}
}
