package store

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// What a projection answers, by subject. Memory and File answer all of it.

// Issues answers about one issue.
type Issues interface {
	// Resolve returns the issue an id names: *NotFoundError, *AmbiguousError or
	// *BadIDError if it names none.
	Resolve(id string) (event.UUID, error)
	// ResolveComment does the same for a comment, and returns its issue too.
	ResolveComment(id string) (comment, issue event.UUID, err error)
	CommentShort(event.UUID) string
	// Issue returns one row with its texts; rows are shared and not to be altered.
	Issue(event.UUID) (*Issue, error)
	// Row returns one row as in lists: without description, comments and time.
	Row(event.UUID) (*Issue, error)
	// History returns the lines about an issue, in key order.
	History(event.UUID) ([]*event.Envelope, error)
	// Based returns the records about an issue in the base that the tracker started from;
	// none if it started empty. They are not lines of a log, and come before all lines.
	Based(event.UUID) ([]*event.Envelope, error)
}

// Lists answers about many issues.
type Lists interface {
	// List returns the rows the filter lets through and their number without its limit.
	List(Filter) (rows []*Issue, total int, err error)
	// Search is List over the issues whose texts hold every term of a text: a word, a
	// phrase between double quotes, or a number such as '#6', which also finds that issue
	// and puts it first.
	Search(text string, f Filter) (rows []*Issue, total int, err error)
	// Roots returns the issues without a parent, oldest first: all of them, or those
	// whose tree has an open issue.
	Roots(open bool) ([]event.UUID, error)
	// Latest returns the names of the issues with a status (or "all") that changed last,
	// at most limit.
	Latest(status string, limit int) ([]Named, error)
	// Locked returns the issues that are locked or claimed, oldest lock first.
	Locked() ([]*Issue, error)
	// Aliases maps a number that the hub assigned and lost to the current number of its
	// issue. The lost number now belongs to another issue.
	Aliases() map[uint64]uint64
}

// Signs answers questions about agents and their lines.
type Signs interface {
	// Agents returns the agents that have published something about themselves, by id.
	Agents() []*reducer.Agent
	// Agent returns what an agent has published about itself; nil if nothing.
	Agent(id string) *reducer.Agent
	// Named returns the agents that go by a name, compared by SameName, by id.
	Named(name string) []*reducer.Agent
	// LastSign returns when an agent was last seen: the displayed time of its newest line,
	// or a heartbeat outside its log; 0 is never.
	LastSign(agent string) event.Time
	// Presence returns the newest heartbeat outside the log, which is only a hint. It is
	// read when first needed, while the tracker is open.
	Presence(agent string) (event.AgentPresence, bool)
	// Mark returns the mark to show with a line because of its signature, the name of a
	// rule of trust; "" for none.
	Mark(agent string, seq uint64) string
}

// Checks answers about the state as a whole.
type Checks interface {
	// Check returns an error if the reducer would reject an event of this author now.
	Check(author string, b event.Body) error
	Rejections() []reducer.Rejection
	// Hash is the hash of the canonical state.
	Hash() string
}
