package tracker

import (
	"time"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/store"
)

// Options say where a tracker is opened and what it uses of the world.
type Options = clone.Options

// Projection answers questions about the state at one moment.
type Projection = reading.Projection

// Freshness says how a read treats the hub.
type Freshness int

const (
	// Here answers from what is here. With nothing here yet it is Fresh; when
	// the last contact is old, a detached sync is started.
	Here Freshness = iota
	// Fresh syncs first, within a bounded wait, and answers in any case.
	Fresh
	// Offline never touches the network.
	Offline
)

// Confirmation says how far a write has come.
type Confirmation string

const (
	Confirmed Confirmation = "confirmed" // on the hub, and decided if it needs a decision; where there is no remote, always
	Queued    Confirmation = "queued"    // durable here, on its way
	Local     Confirmation = "local"     // durable here, no hub to send it to yet
)

// EmitOptions say how a write is published.
type EmitOptions struct {
	Offline bool           // append only, do not contact the hub
	Wait    bool           // wait for the hub; not confirmed in the end is Unconfirmed
	Lock    bool           // a claim or a release: worth 30 s
	asking  UUID           // the lock that is being claimed: its answer is no news
	signing *clone.Signing // how the lines of all calls that belong together are signed; nil for one alone
}

// Receipt is what a write left behind.
type Receipt struct {
	Agent string            // who wrote
	Lines []*event.Envelope // empty if there was nothing to write
	Sync  Confirmation
	// Undecided: one of the lines awaits a decision of the ledger (a number, a lock);
	// then the write is Queued, wherever the lines are.
	Undecided bool
	seen      time.Time  // when publishing has shown that the hub is as it was seen
	forked    bool       // somebody else writes under this id
	View      Projection // the state with the lines applied (and what the sync brought)
}

// Unsettled reports whether confirmation was asked for and did not come.
func (r *Receipt) Unsettled(o EmitOptions) bool {
	return o.Wait && r.Sync != Confirmed
}

// SyncOptions say how a sync behaves.
type SyncOptions struct {
	Detached bool // nobody watches: never prompt, return quietly when another sync runs
}

// SyncReport says what a sync did.
type SyncReport struct {
	Remote   string `json:"remote"` // "" where there is none
	URL      string `json:"url,omitempty"`
	Hub      string `json:"hub,omitempty"` // hub id, "" when there is no hub yet
	Received int    `json:"received"`      // events new here
	Sent     int    `json:"sent"`          // events new on the hub
	Unsent   int    `json:"unsent"`        // events still only here
	// Undecided are the events that await a decision of the ledger.
	Undecided int          `json:"undecided"`
	State     Confirmation `json:"state"`
	Reason    string       `json:"reason,omitempty"` // why something is unsent or undecided, in words
	Code      fail.Code    `json:"-"`                // of the reason; "" if it has no name
	Fields    fail.Fields  `json:"-"`
}

// InitOptions say which repository becomes the hub.
type InitOptions struct {
	Remote string // name of a remote; "" chooses origin, else the only one
	Self   bool   // make this repository itself the hub
	Join   bool   // join a hub although this repository gave out numbers of its own

	// From is the state that a new tracker starts from; nil is an empty one. There
	// may be no other tracker then.
	From *ledger.Base
}

// InitReport says what init found or made.
type InitReport struct {
	Remote   string   `json:"remote"` // "" where there is none
	URL      string   `json:"url,omitempty"`
	Hub      string   `json:"hub"`
	Created  bool     `json:"created"`            // else there was one already
	Already  bool     `json:"already"`            // this clone had joined it before
	Branches []string `json:"branches,omitempty"` // made on the remote
	Restored bool     `json:"restored,omitempty"` // the hub had lost its branches: they are back
	Moved    bool     `json:"moved,omitempty"`    // with restored: the remote's URL leads to a repository that had none of them
	Sent     int      `json:"sent"`               // events published with it
	// Renumbered are the issues whose private numbers ended with the joining.
	Renumbered []Renumbered `json:"renumbered,omitempty"`
	Agent      string       `json:"agent,omitempty"`
}

// Renumbered is an issue whose private number ended.
type Renumbered struct {
	Was   uint64 `json:"was"`
	UUID  string `json:"uuid"`
	Short string `json:"short"`
	Title string `json:"title"`
}

// Status is the tracker's own condition.
type Status struct {
	Remote      string           `json:"remote"` // "" where there is none
	URL         string           `json:"url,omitempty"`
	PushURL     string           `json:"push_url,omitempty"` // where pushes go if not to URL
	Hub         string           `json:"hub,omitempty"`
	Level       int              `json:"level,omitempty"` // format level of the hub, 0 when there is none
	Shared      bool             `json:"shared"`          // a hub exists on the remote
	Agent       string           `json:"agent,omitempty"` // "" before the first write
	Unsent      int              `json:"unsent"`
	LastContact *time.Time       `json:"last_contact"` // null: never
	Open        int              `json:"open"`
	Closed      int              `json:"closed"`
	Archived    int              `json:"archived"`
	Logs        []LogInfo        `json:"logs"`
	Rejected    int              `json:"rejected"`
	Sequence    uint64           `json:"sequence"`  // of the ledger as last seen, 0 when there is none
	Undecided   int              `json:"undecided"` // events that a step has still to answer
	Lost        int              `json:"lost"`      // branches of the ledger that the hub lost and that are being brought back
	BadSteps    int              `json:"bad_steps"` // of the ledger, not believed
	Unsigned    int              `json:"unsigned"`  // events after the last signed one of a log, which do not count
	Renumbered  []store.Alias    `json:"renumbered"`
	Hash        string           `json:"state"`    // hash of the canonical state
	Findings    []fail.Diagnosis `json:"findings"` // what the doctor finds without asking the hub, notes apart
	Unlisted    int              `json:"-"`        // problems with the hub beyond those of Findings

	UnsentSince    event.Time `json:"-"` // shown time of the oldest event that the hub does not have
	UndecidedSince event.Time `json:"-"` // likewise of those that a step has still to answer
	Gone           []string   `json:"-"` // branches that the hub has lost, below crosslink/
	OtherHub       string     `json:"-"` // id of the hub that the last fetch found in the place of this one
}

// LogInfo is one agent's log.
type LogInfo struct {
	Agent  string `json:"agent"`
	Events uint64 `json:"events"`
	Unsent int    `json:"unsent"`
	Newest string `json:"newest,omitempty"` // time shown of its last line
	Ended  string `json:"ended,omitempty"`  // why the log stops before its end
	Own    bool   `json:"own,omitempty"`
}

// Body and UUID are event's, named here for callers that only emit.
type (
	Body = event.Body
	UUID = event.UUID
)
