package testkit

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// HistoryOptions describe a history. The zero value gives a small one with correct agents.
type HistoryOptions struct {
	Hub    string        // hub id; a fixed one when empty
	Agents int           // number of agents; 3 if 0
	Events int           // number of lines; 100 if 0
	Skew   time.Duration // clocks differ from the right time by up to this
	Start  event.Time    // right time at the start; 2026-03-01T10:00:00Z if 0

	Invalid    bool // include lines whose event breaks a rule, and unknown types
	Equivocate bool // include forked logs: two lines with one key and different bytes
}

// historyStart is 2026-03-01T10:00:00Z.
const historyStart event.Time = 1772359200000000000

// HistoryHub is the default hub id of histories.
const HistoryHub = "0b54b9f0-3c5e-4c0e-9d7a-5d1f0f6f0a01"

// History makes the logs of some agents with all kinds of events, and returns their lines
// in the order in which they were written. The lines of one agent are a valid log (two
// logs, if it forked); envelopes are as decoded from their bytes.
//
// Histories contain many conflicts: all agents share a few uuids, labels and targets, so
// they create the same object twice, edit objects that nobody has created yet, delete
// objects that others change, and close cycles. Agents see each other's lines only at
// times, and their clocks disagree, so the order of keys differs from the order of writing.
//
// The same rng state and options give the same history.
func History(rng *rand.Rand, o HistoryOptions) []*event.Envelope {
	if o.Hub == "" {
		o.Hub = HistoryHub
	}
	if o.Agents == 0 {
		o.Agents = 3
	}
	if o.Events == 0 {
		o.Events = 100
	}
	if o.Start == 0 {
		o.Start = historyStart
	}
	h := &history{Rand: rng, o: o, now: o.Start}
	for i := range o.Agents {
		a := &author{id: fmt.Sprintf("agent-%02d", i)}
		if o.Skew > 0 {
			a.skew = event.Time(rng.Int64N(2*int64(o.Skew)+1)) - event.Time(o.Skew)
		}
		a.chain = event.Chain{Hub: o.Hub, Agent: a.id}
		h.authors = append(h.authors, a)
	}
	// About ten events for each issue, and fewer for objects that belong to issues.
	h.issues = h.uuids(1 + o.Events/12)
	h.comments = h.uuids(1 + o.Events/25)
	h.entries = h.uuids(1 + o.Events/50)
	h.deletions = h.uuids(1 + o.Events/50)
	h.milestones = h.uuids(1 + o.Events/50)
	h.sessions = h.uuids(1 + o.Events/50)
	for range 1 + o.Events/50 {
		h.requests = append(h.requests, h.ulid())
	}
	for len(h.out) < o.Events {
		h.step()
	}
	return h.out
}

type history struct {
	*rand.Rand
	o       HistoryOptions
	now     event.Time
	newest  event.Time
	authors []*author
	out     []*event.Envelope
	said    []event.Body // may be repeated unchanged

	issues, comments, entries, milestones, sessions, deletions []event.UUID
	requests                                                   []string
}

type author struct {
	id    string
	skew  event.Time
	seen  event.Time
	chain event.Chain
}

func (h *history) step() {
	a := h.authors[h.IntN(len(h.authors))]
	// Half of the time the clock does not advance, so that timestamps are often equal.
	if h.IntN(2) == 0 {
		h.now += event.Time(h.Int64N(int64(time.Minute)))
	}
	if h.IntN(3) == 0 {
		a.seen = h.newest // a sync
	}
	fork := a.chain
	h.write(a, &a.chain, h.body(a))
	if h.o.Equivocate && h.IntN(25) == 0 {
		for range 1 + h.IntN(2) {
			h.write(a, &fork, h.body(a))
		}
	}
}

func (h *history) write(a *author, c *event.Chain, b event.Body) {
	now := min(event.MaxTime, max(h.o.Start/2, h.now+a.skew))
	line, err := c.Stamp(&event.Envelope{Body: b}, now, a.seen)
	if err != nil {
		panic(fmt.Sprintf("history: %T %+v: %v", b, b, err)) // a fault of the generator
	}
	d, err := event.Decode(line)
	if err != nil {
		panic(fmt.Sprintf("history: %s: %v", line, err))
	}
	h.newest = max(h.newest, d.Time)
	h.out = append(h.out, d)
}

// eventKinds are the types that History writes, each with a function that makes one. A new
// kind of event needs a line here, or the property tests miss it.
var eventKinds = []struct {
	weight int
	make   func(h *history, a *author) event.Body
}{
	{6, func(h *history, a *author) event.Body {
		b := &event.IssueCreated{UUID: pick(h, h.issues), Title: h.text("title"), Description: h.maybe("text"), Priority: h.priority(), CreatedBy: a.id, ScheduledAt: h.someTime(), DueAt: h.someTime()}
		for range h.IntN(3) {
			b.Labels = append(b.Labels, h.label())
		}
		if h.IntN(3) == 0 {
			b.Parent = pick(h, h.issues)
		}
		return b
	}},
	{4, func(h *history, _ *author) event.Body {
		b := &event.IssueUpdated{UUID: pick(h, h.issues)}
		title, description, priority := h.text("title"), h.maybe("text"), h.priority()
		n := 1 + h.IntN(7) // at least one member
		if n&1 != 0 {
			b.Title = &title
		}
		if n&2 != 0 {
			b.Description = &description
		}
		if n&4 != 0 {
			b.Priority = &priority
		}
		return b
	}},
	{4, func(h *history, _ *author) event.Body {
		return &event.StatusChanged{UUID: pick(h, h.issues), NewStatus: pick(h, []event.Status{event.Open, event.Closed, event.Archived}), ClosedAt: h.someTime(), Reason: h.maybe("reason")}
	}},
	{1, func(h *history, _ *author) event.Body {
		return &event.IssueDeleted{UUID: pick(h, h.issues), Deletion: h.deletion()}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.IssueUndeleted{UUID: pick(h, h.issues), Deletion: pick(h, h.deletions)}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.ScheduleChanged{Issue: pick(h, h.issues), ScheduledAt: h.someTime(), DueAt: h.someTime()}
	}},
	{4, func(h *history, _ *author) event.Body {
		b := &event.ParentChanged{Issue: pick(h, h.issues)}
		if h.IntN(4) != 0 {
			b.Parent = pick(h, h.issues)
		}
		return b
	}},
	{3, func(h *history, _ *author) event.Body {
		return &event.LabelAdded{Issue: pick(h, h.issues), Label: h.label()}
	}},
	{3, func(h *history, _ *author) event.Body {
		return &event.LabelRemoved{Issue: pick(h, h.issues), Label: h.label()}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.AssigneeAdded{Issue: pick(h, h.issues), Assignee: h.someone()}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.AssigneeRemoved{Issue: pick(h, h.issues), Assignee: h.someone()}
	}},
	{5, func(h *history, _ *author) event.Body {
		return &event.DependencyAdded{Blocked: pick(h, h.issues), Blocker: pick(h, h.issues)}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.DependencyRemoved{Blocked: pick(h, h.issues), Blocker: pick(h, h.issues)}
	}},
	{3, func(h *history, _ *author) event.Body {
		return &event.RelationAdded{A: pick(h, h.issues), B: pick(h, h.issues), Kind: h.relation()}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.RelationRemoved{A: pick(h, h.issues), B: pick(h, h.issues), Kind: h.relation()}
	}},
	{3, func(h *history, _ *author) event.Body {
		b := &event.MilestoneAssigned{Issue: pick(h, h.issues)}
		if h.IntN(4) != 0 {
			b.Milestone = pick(h, h.milestones)
		}
		return b
	}},
	{4, func(h *history, a *author) event.Body {
		b := &event.CommentAdded{Issue: pick(h, h.issues), Comment: pick(h, h.comments), Author: a.id, Content: h.text("comment"), CreatedAt: h.moment(), Kind: pick(h, []string{"note", "plan", "decision", "result", "intervention", "limerick"})}
		if b.Kind == "intervention" {
			b.TriggerType = pick(h, []string{"tool_rejected", "redirect", "manual_action"})
			b.InterventionContext, b.DriverKeyFingerprint = h.maybe("context"), h.maybe("SHA256:abc")
		}
		return b
	}},
	{3, func(h *history, _ *author) event.Body {
		return &event.CommentEdited{Comment: pick(h, h.comments), Content: h.text("edit")}
	}},
	{1, func(h *history, _ *author) event.Body { return &event.CommentDeleted{Comment: pick(h, h.comments)} }},
	{2, func(h *history, _ *author) event.Body {
		b := &event.TimeEntryAdded{Issue: pick(h, h.issues), Entry: pick(h, h.entries), StartedAt: h.now}
		if h.IntN(2) == 0 {
			b.EndedAt = h.now + event.Time(h.Int64N(int64(time.Hour)))
		}
		if h.IntN(2) == 0 {
			d := h.Uint64N(3600)
			b.DurationSeconds = &d
		}
		return b
	}},
	{1, func(h *history, _ *author) event.Body { return &event.TimeEntryDeleted{Entry: pick(h, h.entries)} }},
	{2, func(h *history, _ *author) event.Body {
		return &event.LinkAdded{Issue: pick(h, h.issues), Kind: h.linkKind(), Ref: h.text("ref")}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.LinkRemoved{Issue: pick(h, h.issues), Kind: h.linkKind(), Ref: h.text("ref")}
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.MilestoneCreated{UUID: pick(h, h.milestones), Name: h.text("milestone"), Description: h.maybe("text"), CreatedAt: h.moment(), DueAt: h.someTime()}
	}},
	{1, func(h *history, _ *author) event.Body {
		b := &event.MilestoneUpdated{UUID: pick(h, h.milestones)}
		name, description, due := h.text("milestone"), h.maybe("text"), h.someTime()
		n := 1 + h.IntN(7)
		if n&1 != 0 {
			b.Name = &name
		}
		if n&2 != 0 {
			b.Description = &description
		}
		if n&4 != 0 {
			b.DueAt = &due
		}
		return b
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.MilestoneClosed{UUID: pick(h, h.milestones), ClosedAt: h.now}
	}},
	{1, func(h *history, _ *author) event.Body {
		return &event.MilestoneReopened{UUID: pick(h, h.milestones)}
	}},
	{1, func(h *history, _ *author) event.Body {
		return &event.MilestoneDeleted{UUID: pick(h, h.milestones)}
	}},
	{3, func(h *history, _ *author) event.Body {
		return &event.LockClaimed{Issue: pick(h, h.issues), Branch: h.maybe("topic"), Wait: h.IntN(2) == 0}
	}},
	{2, func(h *history, _ *author) event.Body { return &event.LockReleased{Issue: pick(h, h.issues)} }},
	{1, func(h *history, _ *author) event.Body {
		return &event.LockBroken{Issue: pick(h, h.issues), Token: 1 + h.Uint64N(9), Reason: h.text("reason")}
	}},
	{2, func(h *history, _ *author) event.Body {
		b := &event.SessionStarted{Session: pick(h, h.sessions)}
		if h.IntN(2) == 0 {
			b.Issue = pick(h, h.issues)
		}
		return b
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.SessionWorked{Session: pick(h, h.sessions), Issue: pick(h, h.issues)}
	}},
	{1, func(h *history, _ *author) event.Body {
		return &event.SessionEnded{Session: pick(h, h.sessions), Notes: h.maybe("notes")}
	}},
	{2, func(h *history, a *author) event.Body {
		b := &event.RequestSent{ID: pick(h, h.requests), Target: h.someone(), Kind: pick(h, []event.RequestKind{event.Kill, event.Pause, event.Resume, event.Reprioritise}), RequestedBy: a.id, Reason: h.maybe("reason"), ExpiresAt: h.someTime()}
		if h.IntN(2) == 0 {
			b.Subject = pick(h, h.issues)
		}
		return b
	}},
	{2, func(h *history, _ *author) event.Body {
		return &event.RequestAcked{ID: pick(h, h.requests), Acted: h.IntN(2) == 0, Result: h.text("result"), Notes: h.maybe("notes")}
	}},
	{1, func(h *history, _ *author) event.Body {
		b := &event.StatusReported{Context: pick(h, []string{"build", "lint"}), Branch: pick(h, []string{"main", "flux"}), Commit: fmt.Sprintf("%040x", h.IntN(100)), State: pick(h, event.CheckStates)}
		if h.IntN(2) == 0 {
			b.URL = fmt.Sprint("https://example.com/", h.IntN(100))
		}
		return b
	}},
	{1, func(h *history, _ *author) event.Body {
		b := &event.AgentIntroduced{Kind: pick(h, []event.AgentKind{event.Person, event.Machine}), Description: h.maybe("me"), Machine: h.maybe("box"), Name: h.maybe("name")}
		if h.IntN(2) == 0 {
			b.PublicKey = h.publicKey()
		}
		return b
	}},
	{1, func(h *history, _ *author) event.Body { return &event.KeyRotated{PublicKey: h.publicKey()} }},
	{1, func(h *history, _ *author) event.Body {
		b := &event.AgentForked{Agent: h.someone(), LineA: `{"v":4}`, LineB: `{"v":4,"x":1}`}
		if len(h.out) > 1 {
			b.LineA, b.LineB = string(pick(h, h.out).Raw), string(pick(h, h.out).Raw)
		}
		if len(b.LineA)+len(b.LineB) > 10_000 { // proofs of proofs grow
			b.LineA, b.LineB = `{"v":4}`, `{"v":4,"x":1}`
		}
		return b
	}},
	{1, func(h *history, _ *author) event.Body {
		var sum [32]byte
		sum[0] = byte(h.IntN(3))
		return &event.AgentForkedFrom{Agent: h.someone(), Seq: 1 + h.Uint64N(3), Hash: base64.RawURLEncoding.EncodeToString(sum[:])}
	}},
	{1, func(h *history, _ *author) event.Body { return &event.AgentRetired{Reason: h.maybe("reason")} }},
}

var weights = func() (n int) {
	for _, k := range eventKinds {
		n += k.weight
	}
	return n
}()

// body makes the next event. Sometimes it repeats an event that some author wrote before,
// unchanged.
func (h *history) body(a *author) event.Body {
	if len(h.said) > 0 && h.IntN(20) == 0 {
		return pick(h, h.said)
	}
	if h.o.Invalid && h.IntN(30) == 0 {
		if h.IntN(2) == 0 {
			return &event.Unknown{Name: pick(h, []string{"FluxCalibrated", "IssuePondered"})}
		}
		// A known type without members.
		return &event.Invalid{Name: pick(h, []string{"LabelAdded", "IssueCreated", "CommentAdded", "StatusChanged"})}
	}
	n := h.IntN(weights)
	for _, k := range eventKinds {
		if n -= k.weight; n < 0 {
			b := k.make(h, a)
			h.said = append(h.said, b)
			return b
		}
	}
	panic("unreachable")
}

func pick[T any](h *history, from []T) T { return from[h.IntN(len(from))] }

func (h *history) uuids(n int) []event.UUID {
	ids := make([]event.UUID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][:8], h.Uint64())
		binary.BigEndian.PutUint64(ids[i][8:], h.Uint64())
		ids[i][0] |= 0xa0 // a letter comes first, as in uuids minted here
		ids[i][6] = ids[i][6]&0x0f | 0x40
		ids[i][8] = ids[i][8]&0x3f | 0x80
	}
	return ids
}

func (h *history) ulid() string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := []byte("01")
	for len(b) < 26 {
		b = append(b, digits[h.IntN(len(digits))])
	}
	return string(b)
}

func (h *history) publicKey() string {
	b := []byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20")
	for range 4 {
		b = binary.BigEndian.AppendUint64(b, h.Uint64())
	}
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(b)
}

// text returns one of a few values, so that equal ones are common.
func (h *history) text(what string) string {
	return fmt.Sprintf("%s %d", what, h.IntN(8)) + pick(h, []string{"", "", "", " caf\u00e9", " CAFE\u0301"})
}

func (h *history) maybe(what string) string {
	if h.IntN(2) == 0 {
		return ""
	}
	return h.text(what)
}

func (h *history) someTime() event.Time {
	if h.IntN(2) == 0 {
		return 0
	}
	return h.now + event.Time(h.Int64N(int64(time.Hour)))
}

// moment returns the current time, or unknown.
func (h *history) moment() event.Time {
	if h.now%5 == 0 {
		return event.NotKnown
	}
	return h.now
}

// deletion returns the name of a deletion, or none.
func (h *history) deletion() (name event.UUID) {
	if h.IntN(4) > 0 {
		name = pick(h, h.deletions)
	}
	return name
}

func (h *history) someone() string { return pick(h, h.authors).id }

func (h *history) label() string {
	return pick(h, []string{"bug", "flux", "\u00fc", "u\u0308", " bug", "zz top"})
}

func (h *history) linkKind() string {
	return pick(h, []string{event.LinkOrigin, event.LinkURL, "moon"})
}

func (h *history) priority() event.Priority {
	return pick(h, []event.Priority{event.Low, event.Medium, event.High, event.Critical})
}

func (h *history) relation() event.RelationKind {
	return pick(h, []event.RelationKind{event.Related, event.Related, event.DiscoveredFrom, event.Duplicates, event.Supersedes})
}
