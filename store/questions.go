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
	// Row returns one row as lists have it: without description, comments and time.
	Row(event.UUID) (*Issue, error)
	// History returns the lines aimed at an issue in key order.
	History(event.UUID) ([]*event.Envelope, error)
	// Based returns the records about an issue of what the tracker started from, none
	// if it started empty. They are no lines of a log, and come before all of them.
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
	// Latest names the issues of a status ("all", or one) that changed last, at most
	// limit.
	Latest(status string, limit int) ([]Named, error)
	// Locked returns the issues that are locked or claimed, oldest lock first.
	Locked() ([]*Issue, error)
	// Aliases maps a number that the hub gave out and lost to the number that its
	// issue has now; the lost one was given to another issue.
	Aliases() map[uint64]uint64
}

// Signs answers what is known of agents and of their lines.
type Signs interface {
	// Agents returns the agents that have said something of themselves, by id.
	Agents() []*reducer.Agent
	// Agent is what one of them has said, nil if it has said nothing.
	Agent(id string) *reducer.Agent
	// Named returns the agents that go by a name, compared by SameName, by id.
	Named(name string) []*reducer.Agent
	// LastSign is when an agent was last seen: the shown time of its newest line,
	// or a heartbeat outside its log; 0 is never.
	LastSign(agent string) event.Time
	// Presence is the newest heartbeat outside its log: a hint. It is read when
	// one is first asked for, while the tracker is open.
	Presence(agent string) (event.AgentPresence, bool)
	// Mark is what is to be said of a line's signature where it is shown, the
	// name of a rule of trust: "" for nothing.
	Mark(agent string, seq uint64) string
}

// Checks answers about the state as a whole.
type Checks interface {
	// Check says whether the reducer would reject an event of this author now.
	Check(author string, b event.Body) error
	Rejections() []reducer.Rejection
	// Hash is the hash of the canonical state.
	Hash() string
}
