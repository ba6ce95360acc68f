package syncer

import "time"

// Task is what the caller asks a run to do.
type Task struct {
	Decide     bool // also decide what others left undecided
	Insist     bool // try everything again: a busy hub, and everything that was refused
	Waits      bool // a command waits for the log Own and the ledger: their refusals are tested at once
	Own        string
	Background bool      // nobody watches: a hub that does not answer is left alone
	Look       bool      // the remote may lead to another repository than before: fetch first
	Looked     time.Time // when the clone has fetched last
	Urgency    Urgency
	Limits     Limits

	Patience    time.Duration // how long the run may wait in all until it may push
	BusyToo     bool          // that includes waiting for a busy hub
	CommandWait time.Duration // how long a command waits for one push
}

// Log is the part of an agent's log that matters for publishing.
type Log struct {
	Name    string
	Last    uint64 // sequence of its last event in this clone
	OnHub   uint64 // sequence of the last event on the hub
	Hub     Tip    // its tip as it was last seen on the hub
	Sends   bool   // it was written here and has events that the hub lacks
	Lost    bool   // the hub has lost events of it
	Back    bool   // and they can be restored as they were seen
	Blocked bool   // the name of a branch on the hub conflicts with its name
	Changed bool   // the refused event is no longer at its place
}

// View is the state of the clone at one moment.
type View struct {
	Open    bool // there is a hub that can be written to
	Logs    []Log
	Ledger  Tip     // the ledger as it was last seen on the hub
	Step    bool    // the hub holds something that a step would decide, or lacks steps known here
	Urgency Urgency // of what waits here to be sent or decided
	Mine    bool    // of it, something of this worktree's agent awaits a decision

	Lost      bool // at the last fetch the hub had lost its meta
	Elsewhere bool // at the last fetch another tracker was there
	Apart     bool // pushes lead to another repository than fetches
}

func (v *View) log(name string) *Log {
	for i := range v.Logs {
		if v.Logs[i].Name == name {
			return &v.Logs[i]
		}
	}
	return nil
}

// Failure is the reason why the hub did not answer.
type Failure byte

const (
	None      Failure = iota
	Unreached         // of a push: the hub answered nothing about any ref; of a fetch: no connection
	Forbidden         // of a push: this user may not push
	Silent            // the hub was silent for too long
	Busy              // 429 or 5xx
	Cut               // the command's time was over
	NotStored         // of a fetch: the result could not be stored here
)

// Status is the result for one ref of a push.
type Status byte

const (
	NotNamed Status = iota
	Accepted
	Rejected // before anything was sent: the hub's ref is not the expected one
	Refused  // by the hub: a lost race, a rule
	With     // only because another ref of the push was refused
)

// At is the time of an event. Jitter is a random number in [0, 1).
type At struct {
	Now    time.Time
	Jitter float64
}

// Event is what has happened since the last action.
type Event interface{ at() At }

func (a At) at() At { return a }

type (
	// Began starts a run.
	Began struct {
		At
		Task   Task
		Memory Memory
		View   View
	}
	// Fetched is the result of Fetch.
	Fetched struct {
		At
		Failure    Failure
		RetryAfter time.Duration
		Why        string   // of Busy
		Moved      []string // branches that have changed
		Apart      bool     // the push before it went to another repository
		Rebased    bool     // a log was put on top of the hub's commit with the same events
		View       View
	}
	// Pushed is the result of Push. Nothing: there was nothing to push.
	Pushed struct {
		At
		Nothing    bool
		Failure    Failure
		RetryAfter time.Duration
		Why        string            // of Busy; of a refusal: the hub's rule
		Refs       map[string]Status // of logs and the ledger
		Rule       bool              // at least one ref was refused by the hub itself
		Gate       bool              // by a gate of ours, which judges what was pushed
		Took       time.Duration
		Apart      bool // accepted, by another repository
		Memory     Memory
	}
	// Swapped is the result of Swap. Appended: another process has written in the
	// meantime.
	Swapped struct {
		At
		Appended bool
		View     View
	}
	// Woke is the end of Wait.
	Woke struct {
		At
		Locked bool // the sync lock is held (again)
		Memory Memory
		View   View
	}
)

// unsent reports whether git sent nothing to the hub: it had something else there than
// was expected.
func (e Pushed) unsent() bool {
	if e.Nothing {
		return true
	}
	here := false // git does not name every ref that it did not send
	for _, st := range e.Refs {
		if st == Accepted || st == Refused {
			return false
		}
		here = here || st == Rejected || st == With
	}
	return here && e.Failure == None && !e.Rule
}

// Action is what to do next.
type Action interface{ action() }

type (
	// Fetch fetches everything and accepts what is valid. The hub may have the events of
	// the logs in Rejected in other commits.
	Fetch struct{ Rejected []string }
	// Push is one push.
	Push struct {
		Parts   []Part
		Step    bool // and the next step of the ledger, if there is one
		Atomic  bool // all or nothing, and only if the hub's meta is as it was seen
		Urgency Urgency
	}
	// Swap records what the hub accepted as seen on it.
	Swap struct{ Accepted []string }
	// Wait waits until a time, and releases the sync lock if Unlock is set. Why is the
	// reason to show to people; "" if the wait is too short to mention.
	Wait struct {
		Until  time.Time
		Why    string
		Unlock bool
	}
	// Done ends the run.
	Done struct{ Outcome Outcome }
)

// Part is the part of one log that a push sends.
type Part struct {
	Name  string
	UpTo  uint64 // the events up to here
	Back  bool   // as it was seen on the hub, which has lost it
	Empty bool   // no event: a commit on top of what the hub has
}

func (Fetch) action() {}
func (Push) action()  {}
func (Swap) action()  {}
func (Wait) action()  {}
func (Done) action()  {}

// Reason is why a run has not sent everything.
type Reason byte

const (
	Sent        Reason = iota // what could be sent was; what is withheld is in Memory
	FetchFailed               // Outcome.Failure says how
	PushFailed                // the same
	MetaLost                  // the hub no longer has its meta
	OtherHub                  // another tracker is there
	PushesApart               // pushes lead to another repository than fetches
	Changing                  // the hub was changed by others each time
	OtherLog                  // the hub has another version of a log written here
	ClosedHub                 // the hub refuses all pushes: Memory.Closed
	TakesNone                 // the hub takes no pushes from this user: Memory.Closed
	StepRefused               // the hub refuses the next step of the ledger
	NotYet                    // Outcome.Paced says until when
)

// Outcome is the result of a run.
type Outcome struct {
	Reason  Reason
	Failure Failure
	Why     string // in the server's words
	Paced   *Paced
	Sent    int  // events
	Asked   bool // the hub has answered
}
