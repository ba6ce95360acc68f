// Package facts is the small extract of a tracker's state that the dashboard
// keeps in memory for each project: what counters and alerts are computed from
// (dashboard/counters, dashboard/alerts), and what the poller stores beside
// them. Pages read the projection itself.
//
// Facts follow from a state alone. Whatever depends on the time is computed
// from them with a Clock, which also says when the answer changes next, so that
// nothing has to be computed in between.
package facts

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
)

// Facts are the facts of one project. Equal states give equal bytes (Encode).
type Facts struct {
	Newest   event.Time `json:"newest,omitempty"` // display time of the newest line
	Open     int        `json:"open"`
	Closed   int        `json:"closed"`
	Archived int        `json:"archived"`
	Claimed  int        `json:"claimed"` // open issues with a lock or a claim
	Waiting  int        `json:"waiting"` // places in queues

	// Ready counts the issues that are ready now; Later are the times at which
	// more become ready, ascending.
	Ready int          `json:"ready"`
	Later []event.Time `json:"later,omitempty"`

	Issues   []Issue   `json:"issues,omitempty"` // open ones that a rule may ask about, by uuid
	Locks    []Lock    `json:"locks,omitempty"`  // by issue
	Agents   []Agent   `json:"agents,omitempty"` // by id
	Requests []Request `json:"requests,omitempty"`

	Mentions []Mention `json:"mentions,omitempty"` // of the operator, by issue
	Rejected []Refusal `json:"rejected,omitempty"` // the operator's own events, the newest

	CI     []CI   `json:"ci,omitempty"`
	Health Health `json:"health"`
}

// Issue is an open issue that is due, blocked, assigned to the operator, on a
// cycle, or below a closed parent.
type Issue struct {
	UUID     event.UUID `json:"uuid"`
	Name     string     `json:"name"` // number once decided, else the short uuid
	Title    string     `json:"title"`
	Due      event.Time `json:"due,omitempty"`
	Blockers int        `json:"blockers,omitempty"` // open ones that are not cyclic
	Cyclic   int        `json:"cyclic,omitempty"`
	Parent   string     `json:"parent,omitempty"` // name of the parent if that is closed
	Mine     bool       `json:"mine,omitempty"`   // assigned to the operator
	Ready    bool       `json:"ready,omitempty"`  // nothing holds it up
	Since    event.Time `json:"since,omitempty"`  // last change
}

// Lock is a lock, or the claim of one, with its queue.
type Lock struct {
	Issue     event.UUID `json:"issue"`
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	Holder    string     `json:"holder"`
	Token     uint64     `json:"token,omitempty"`
	Since     event.Time `json:"since"`
	Confirmed bool       `json:"confirmed"`
	Ending    bool       `json:"ending,omitempty"`
	Branch    string     `json:"branch,omitempty"`
	Queue     []Waiter   `json:"queue,omitempty"`
	Question  string     `json:"question,omitempty"` // of the holder, that nobody else has answered; its beginning
	Asked     event.Time `json:"asked,omitempty"`    // when that was
}

// Waiter is a place in a queue, first in, first out.
type Waiter struct {
	Agent string     `json:"agent"`
	Since event.Time `json:"since"`
}

// Agent is one writer. A line and a presence are both signs: LastSign is the
// newer of them.
type Agent struct {
	ID string `json:"id"`
	people.Shown
	Kind       string         `json:"kind,omitempty"`
	LastLine   event.Time     `json:"last_line,omitempty"`
	Unsent     int            `json:"unsent,omitempty"`    // lines that the hub does not have
	LastSign   event.Time     `json:"last_sign,omitempty"` // 0: never
	State      string         `json:"state,omitempty"`     // of its presence
	StateSince event.Time     `json:"state_since,omitempty"`
	Issue      event.UUID     `json:"issue,omitzero"` // of its presence
	Retired    bool           `json:"retired,omitempty"`
	Forked     bool           `json:"forked,omitempty"`
	Ended      string         `json:"ended,omitempty"` // the rule by which its log stops before its end
	EndedAt    uint64         `json:"ended_at,omitempty"`
	Marks      map[string]int `json:"marks,omitempty"`  // lines by the mark of their signatures
	Bad        []uint64       `json:"bad,omitempty"`    // lines whose signature failed, at most MaxBad
	Recent     []int          `json:"recent,omitempty"` // lines in each RecentStep of the RecentSteps up to RecentAt
	RecentAt   event.Time     `json:"recent_at,omitempty"`
	Burst      event.Time     `json:"burst,omitempty"` // newest line that came more than StormLines after another within StormWindow
}

// Request is what one agent asked of another.
type Request struct {
	ID        string     `json:"id"`
	Target    string     `json:"target"`
	Kind      string     `json:"kind"`
	Subject   event.UUID `json:"subject,omitzero"`
	By        string     `json:"by"`
	SentAt    event.Time `json:"sent_at"`
	ExpiresAt event.Time `json:"expires_at,omitempty"`
	Acked     bool       `json:"acked,omitempty"`
	Acted     bool       `json:"acted,omitempty"`
	Result    string     `json:"result,omitempty"`
}

// Mention is a text on an open issue in which somebody addresses the operator, who has not
// commented since.
type Mention struct {
	Issue event.UUID `json:"issue"`
	Name  string     `json:"name"`
	Title string     `json:"title"`
	By    string     `json:"by"`
	Text  string     `json:"text"` // its beginning
	At    event.Time `json:"at"`
}

// Refusal is an event of the operator that has no effect.
type Refusal struct {
	Agent  string     `json:"agent"`
	Seq    uint64     `json:"seq"`
	Type   string     `json:"type"`
	Detail string     `json:"detail"`         // why
	Name   string     `json:"name,omitempty"` // of the issue; "" is none
	Title  string     `json:"title,omitempty"`
	At     event.Time `json:"at"`
}

// The bounds of what concerns the operator.
const (
	MaxMentions = 50
	MaxRefusals = 20
)

// CI is the newest state that was reported for a branch.
type CI struct {
	Context string     `json:"context"`
	Branch  string     `json:"branch"`
	Default bool       `json:"default,omitempty"` // it is the project's default branch
	Commit  string     `json:"commit"`
	State   string     `json:"state"` // passing, failing, pending
	URL     string     `json:"url,omitempty"`
	At      event.Time `json:"at"`
}

// Backlog counts events that wait, and since when the oldest does.
type Backlog struct {
	N      int        `json:"n,omitempty"`
	Oldest event.Time `json:"oldest,omitempty"`
}

// Health is the state of the tracker itself and of the connection to its hub. The last
// three members are the poller's.
type Health struct {
	Undecided Backlog        `json:"undecided,omitzero"`
	Unsent    Backlog        `json:"unsent,omitzero"`
	Sequence  uint64         `json:"sequence,omitempty"` // of the ledger
	BadSteps  int            `json:"bad_steps,omitempty"`
	Lost      int            `json:"lost,omitempty"`     // branches that the hub lost
	Rejected  map[string]int `json:"rejected,omitempty"` // events by the rule they broke
	OtherHub  string         `json:"other_hub,omitempty"`
	BadMeta   []string       `json:"bad_meta,omitempty"` // meta commits that were refused
	Hub       string         `json:"hub,omitempty"`      // id of the hub
	Signing   string         `json:"signing,omitempty"`  // policy of the hub
	Level     int            `json:"level,omitempty"`

	Manual  bool       `json:"manual,omitempty"`  // crosslink.sync=manual: only people fetch
	Contact event.Time `json:"contact,omitempty"` // when the clone last exchanged with the hub

	Remote    bool       `json:"remote,omitempty"`     // the hub is seen through fetches
	FetchedAt event.Time `json:"fetched_at,omitempty"` // last successful one
	Failures  int        `json:"failures,omitempty"`   // consecutive
	Gone      bool       `json:"gone,omitempty"`       // the repository no longer exists
	Why       string     `json:"why,omitempty"`        // of the last failure
}

// Reachable reports whether the hub answered when it was asked last.
func (h *Health) Reachable() bool { return h.Failures == 0 && !h.Gone }

// MaxBad bounds Agent.Bad.
const MaxBad = 20

// A storm is more than StormLines lines of one agent within StormWindow.
const (
	StormLines  = 200
	StormWindow = time.Minute
)

// Sort puts everything in its order, so that equal facts have equal bytes.
func (f *Facts) Sort() {
	slices.Sort(f.Later)
	slices.SortFunc(f.Issues, func(a, b Issue) int { return cmp.Compare(a.UUID.String(), b.UUID.String()) })
	slices.SortFunc(f.Locks, func(a, b Lock) int { return cmp.Compare(a.Issue.String(), b.Issue.String()) })
	slices.SortFunc(f.Agents, func(a, b Agent) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(f.Requests, func(a, b Request) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(f.CI, func(a, b CI) int {
		return cmp.Or(cmp.Compare(a.Context, b.Context), cmp.Compare(a.Branch, b.Branch))
	})
	slices.SortFunc(f.Mentions, func(a, b Mention) int { return cmp.Compare(a.Issue.String(), b.Issue.String()) })
	slices.SortFunc(f.Rejected, func(a, b Refusal) int { return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Seq, b.Seq)) })
	slices.Sort(f.Health.BadMeta)
}

// Encode returns the facts as JSON, members and elements in a fixed order.
func (f *Facts) Encode() ([]byte, error) { return json.Marshal(f) }

// Decode reads what Encode wrote.
func Decode(b []byte) (f Facts, err error) {
	err = json.Unmarshal(b, &f)
	return f, err
}

// Agent returns the facts of an agent; nil if it has never written.
func (f *Facts) Agent(id string) *Agent {
	k, ok := slices.BinarySearchFunc(f.Agents, id, func(a Agent, id string) int { return cmp.Compare(a.ID, id) })
	if !ok {
		return nil
	}
	return &f.Agents[k]
}

// Shown returns how an agent is shown.
func (f *Facts) Shown(id string) people.Shown {
	if a := f.Agent(id); a != nil {
		return a.Shown
	}
	return people.Shown{}
}

// Continue copies from the previous facts what a single state cannot tell:
// since when an agent has been in the state that its presence shows.
func (f *Facts) Continue(prev *Facts) {
	for k := range f.Agents {
		a := &f.Agents[k]
		if a.State == "" {
			continue
		}
		a.StateSince = a.LastSign
		if p := prev.Agent(a.ID); p != nil && p.State == a.State && p.StateSince != 0 {
			a.StateSince = p.StateSince
		}
	}
}

// BurstIn returns the newest of the times, which ascend, that is more than
// StormLines lines after another within StormWindow; 0 if there is none.
func BurstIn(times []event.Time) event.Time {
	for k := len(times) - 1; k >= StormLines; k-- {
		if times[k]-times[k-StormLines] < event.Time(StormWindow) {
			return times[k]
		}
	}
	return 0
}

// The bars of an agent's last hour.
const (
	RecentSteps = 12
	RecentStep  = event.Time(5 * time.Minute)
)

// RecentOf counts the times in each of the steps that end with that of the newest,
// oldest first, and returns when that one ends. Steps begin at multiples of their
// length, so that equal times give equal counts.
func RecentOf(times []event.Time) (counts []int, end event.Time) {
	for _, t := range times {
		end = max(end, t-t%RecentStep+RecentStep)
	}
	counts = make([]int, RecentSteps)
	for _, t := range times {
		if k := RecentSteps - 1 - int((end-1-t)/RecentStep); k >= 0 {
			counts[k]++
		}
	}
	return counts, end
}

// RecentUntil returns the counts of the steps that end with the one of a time.
func (a *Agent) RecentUntil(now event.Time) []int {
	counts := make([]int, RecentSteps)
	late := int((now - now%RecentStep + RecentStep - a.RecentAt) / RecentStep)
	for k, n := range a.Recent {
		if at := k - late; at >= 0 && at < len(counts) {
			counts[at] = n
		}
	}
	return counts
}

// Ref names an issue in a sentence: "#4", or the short uuid while it has no
// number.
func Ref(name string) string {
	for _, c := range name {
		if c < '0' || c > '9' {
			return name
		}
	}
	return "#" + name
}
