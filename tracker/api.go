package tracker

import (
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Options say where a tracker is opened, and provide its environment, clock and output.
type Options = clone.Options

// Projection answers questions about the state at one moment.
type Projection = reading.Projection

// Proof is what proves one line of a log.
type Proof = reading.Proof

// Freshness is how a read uses the hub.
type Freshness int

const (
	// Here reads local data without contacting the hub. If there is no local data yet, it
	// works like Fresh. If the last contact is old, it starts a detached sync.
	Here Freshness = iota
	// Fresh syncs first, within a bounded wait, and answers in any case.
	Fresh
	// Offline never touches the network.
	Offline
)

// Confirmation is how far a write has come: saved, sent or confirmed.
type Confirmation string

const (
	Confirmed Confirmation = "confirmed" // on the hub, and decided if it needs a decision; without a remote, always
	Queued    Confirmation = "queued"    // durable here, on its way
	Local     Confirmation = "local"     // durable here, no hub to send it to yet
)

// EmitOptions say how a write is published.
type EmitOptions struct {
	Offline bool           // append only, do not contact the hub
	Wait    bool           // wait for the hub; a write that is not confirmed is Unconfirmed
	Lock    bool           // a claim or a release, which may wait 30 s
	asking  UUID           // the lock that is being claimed, so its decision is not reported as news
	signing *clone.Signing // how to sign the lines of all related calls; nil for a single call
}

// Receipt is the result of a write.
type Receipt struct {
	Agent string            // who wrote
	Lines []*event.Envelope // empty if there was nothing to write
	Sync  Confirmation
	// Undecided reports whether one of the lines waits for a decision of the ledger (a
	// number or a lock). The write is then Queued, even if the hub has the lines.
	Undecided bool
	seen      time.Time  // when the push showed that the hub had not changed
	forked    bool       // somebody else writes under this id
	View      Projection // the state with the lines applied (and what the sync brought)
}

// Unsettled reports whether the caller asked for confirmation and did not get it.
func (r *Receipt) Unsettled(o EmitOptions) bool {
	return o.Wait && r.Sync != Confirmed
}

// SyncOptions say how a sync behaves.
type SyncOptions struct {
	Detached bool // runs in the background: never prompt, return quietly if another sync runs
}

// SyncReport is the result of a sync.
type SyncReport struct {
	Remote   string `json:"remote"` // "" if there is none
	URL      string `json:"url,omitempty"`
	Hub      string `json:"hub,omitempty"` // hub id, "" if there is no hub yet
	Received int    `json:"received"`      // events that are new here
	Sent     int    `json:"sent"`          // events that are new on the hub
	Unsent   int    `json:"unsent"`        // events that are only here
	// Undecided is the number of events that wait for a decision of the ledger.
	Undecided int          `json:"undecided"`
	State     Confirmation `json:"state"`
	Reason    string       `json:"reason,omitempty"` // why something is unsent or undecided, for people
	Code      fail.Code    `json:"-"`                // code of the reason; "" if it has none
	Fields    fail.Fields  `json:"-"`
}

// Body and UUID are types of package event, Decisions of package ledger, for callers that
// only use them.
type (
	Build     = ownlog.Build
	Body      = event.Body
	UUID      = event.UUID
	Decisions = ledger.View
)

// Level is the hub format this program writes.
const Level = replay.FormatVersion
