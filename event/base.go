package event

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/google/uuid"
)

// Base is the state that a hub starts from if that is not empty, as registers
// older than any event: what a level-3 checkpoint holds, or another tracker that
// was imported. All lists are sorted by uuid. Level-3 limits apply to it, which are
// next to none: titles may be long or have line breaks, names may be of any form.
type Base struct {
	Issues     []BaseIssue
	Milestones []BaseMilestone
	Deleted    []UUID          // issues that are hidden forever
	Numbers    map[UUID]uint64 // every number ever given, deleted issues' too

	NextIssue, NextMilestone uint64 // the next number that is free; at least 1

	// Lines are the level-3 lines that follow this state, agent by agent in the order
	// of their logs.
	Lines []*Envelope

	// Locks are listed for people and not taken over: they are by number and
	// the original leaks them.
	Locks []BaseLock

	// Unread has the files of a level-2 hub that were skipped. They are also listed for people.
	Unread []UnreadFile
}

// UnreadFile is a file of a level-2 hub that was skipped, and the reason.
type UnreadFile struct{ Path, Reason string }

// BaseIssue is one issue of a Base.
type BaseIssue struct {
	UUID                 UUID
	Number               uint64 // 0 = none
	Title, Description   string
	Status               Status
	Priority             Priority
	Parent               UUID
	CreatedBy            string
	CreatedAt, UpdatedAt Time
	ClosedAt             Time
	ScheduledAt, DueAt   Time
	Labels, Assignees    []string
	Blockers             []UUID // issues this one waits for
	Related              []UUID
	Milestone            UUID
	Comments             []BaseComment
	Time                 []BaseTime
}

// BaseComment is one comment of a BaseIssue.
type BaseComment struct {
	UUID                 UUID
	Author, Content      string
	CreatedAt            Time
	Kind                 string
	TriggerType          string
	InterventionContext  string
	DriverKeyFingerprint string
}

// BaseTime is one time entry of a BaseIssue.
type BaseTime struct {
	UUID               UUID
	StartedAt, EndedAt Time
	DurationSeconds    *uint64
}

// BaseMilestone is one milestone of a Base.
type BaseMilestone struct {
	UUID                UUID
	Number              uint64 // 0 = none
	Name, Description   string
	Status              Status
	CreatedAt, ClosedAt Time
}

// BaseLock is one lock of a level-3 checkpoint.
type BaseLock struct {
	Number    uint64 // of the issue
	Agent     string
	Branch    string
	ClaimedAt Time
}

// MaxBase is the longest checkpoint that is read, in bytes.
const MaxBase = 128 << 20

// The checkpoint's JSON. Required on read are the members that the original
// requires; unknown ones are ignored.
type (
	base3 struct {
		NextIssue     *int64            `json:"next_display_id"`
		NextComment   *int64            `json:"next_comment_id"`
		Numbers       map[string]int64  `json:"display_id_map"`
		Locks         map[string]lock3  `json:"locks"`
		Issues        map[string]issue3 `json:"issues"`
		Milestones    map[string]mile3  `json:"milestones"`
		Deleted       []string          `json:"deleted_issues"`
		NextMilestone *int64            `json:"next_milestone_id"`
	}
	lock3 struct {
		Agent     string `json:"agent_id"`
		Branch    string `json:"branch"`
		ClaimedAt string `json:"claimed_at"`
	}
	issue3 struct {
		Number      int64               `json:"display_id"`
		Title       *string             `json:"title"`
		Description string              `json:"description"`
		Status      Status              `json:"status"`
		Priority    Priority            `json:"priority"`
		Parent      string              `json:"parent_uuid"`
		CreatedBy   string              `json:"created_by"`
		CreatedAt   string              `json:"created_at"`
		UpdatedAt   string              `json:"updated_at"`
		ClosedAt    string              `json:"closed_at"`
		ScheduledAt string              `json:"scheduled_at"`
		DueAt       string              `json:"due_at"`
		Labels      []string            `json:"labels"`
		Blockers    []string            `json:"blockers"`
		Related     []string            `json:"related"`
		Milestone   string              `json:"milestone_uuid"`
		Comments    map[string]comment3 `json:"comments"`
		Time        map[string]time3    `json:"time_entries"`
	}
	comment3 struct {
		Author               string `json:"author"`
		Content              string `json:"content"`
		CreatedAt            string `json:"created_at"`
		Kind                 string `json:"kind"`
		TriggerType          string `json:"trigger_type"`
		InterventionContext  string `json:"intervention_context"`
		DriverKeyFingerprint string `json:"driver_key_fingerprint"`
	}
	time3 struct {
		StartedAt string `json:"started_at"`
		EndedAt   string `json:"ended_at"`
		Duration  *int64 `json:"duration_seconds"`
	}
	mile3 struct {
		Number      int64   `json:"display_id"`
		Name        *string `json:"name"`
		Description string  `json:"description"`
		Status      Status  `json:"status"`
		CreatedAt   string  `json:"created_at"`
		ClosedAt    string  `json:"closed_at"`
	}
)

// ParseBase3 reads a level-3 checkpoint's state.json. As in the original,
// anything that does not decode makes the whole checkpoint unreadable: half a
// base would be a wrong one.
func ParseBase3(stateJSON []byte) (*Base, error) {
	if len(stateJSON) > MaxBase {
		return nil, errors.New("the checkpoint is too long")
	}
	var in base3
	if err := loose(stateJSON, &in); err != nil {
		return nil, fmt.Errorf("the checkpoint cannot be read: %w", err)
	}
	if in.NextIssue == nil || in.NextComment == nil || in.Numbers == nil || in.Locks == nil || in.Issues == nil {
		return nil, errors.New("the checkpoint lacks one of next_display_id, next_comment_id, display_id_map, locks, issues")
	}
	var r reader3
	b := &Base{
		Numbers:       make(map[UUID]uint64, len(in.Numbers)),
		NextIssue:     uint64(max(*in.NextIssue, 1)),
		NextMilestone: 1,
		Deleted:       r.uuids(in.Deleted, "deleted_issues"),
	}
	if in.NextMilestone != nil {
		b.NextMilestone = uint64(max(*in.NextMilestone, 1))
	}
	for u, n := range in.Numbers {
		id := r.uuid(u, "display_id_map")
		_, twice := b.Numbers[id]
		r.check(!twice, "display_id_map")
		if n > 0 {
			b.Numbers[id] = uint64(n)
		}
	}
	for u, x := range in.Issues {
		i := r.issue(u, x)
		if i.Number == 0 {
			i.Number = b.Numbers[i.UUID]
		}
		b.Issues = append(b.Issues, i)
	}
	for u, x := range in.Milestones {
		b.Milestones = append(b.Milestones, r.milestone(u, x))
	}
	for n, x := range in.Locks {
		num, err := strconv.ParseUint(n, 10, 63)
		r.check(err == nil, "locks")
		b.Locks = append(b.Locks, BaseLock{num, x.Agent, x.Branch, r.time(x.ClaimedAt, "claimed_at")})
	}
	sortOnce(&r, "issues", b.Issues, func(x BaseIssue) UUID { return x.UUID })
	sortOnce(&r, "milestones", b.Milestones, func(x BaseMilestone) UUID { return x.UUID })
	sort.Slice(b.Locks, func(i, j int) bool { return b.Locks[i].Number < b.Locks[j].Number })
	if r.err != nil {
		return nil, fmt.Errorf("the checkpoint cannot be read: %w", r.err)
	}
	return b, nil
}

// sortOnce sorts by uuid and refuses two spellings of one uuid: which of the
// two counts would be an accident.
func sortOnce[T any](r *reader3, member string, list []T, id func(T) UUID) {
	sort.Slice(list, func(i, j int) bool { return compareUUID(id(list[i]), id(list[j])) < 0 })
	for i := 1; i < len(list); i++ {
		r.check(id(list[i]) != id(list[i-1]), member)
	}
}

// reader3 converts the values of a checkpoint or a file, and keeps the first error.
type reader3 struct{ err error }

func (r *reader3) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader3) check(ok bool, member string) {
	if !ok {
		r.fail("a bad or missing value at '%s'", member)
	}
}

// word3 checks a value that is one of a few words.
func word3[T ~string](r *reader3, member string, value T, words []T) {
	if !slices.Contains(words, value) {
		r.fail("%s '%.40s' is none of %v", member, value, words)
	}
}

func (r *reader3) uuid(s, member string) UUID {
	u, err := uuid.Parse(s)
	r.check(err == nil, member)
	return u
}

func (r *reader3) optUUID(s, member string) UUID {
	if s == "" {
		return UUID{}
	}
	return r.uuid(s, member)
}

// uuids returns a set: sorted, each once, nil when empty.
func (r *reader3) uuids(list []string, member string) []UUID {
	var out []UUID
	for _, s := range list {
		out = append(out, r.uuid(s, member))
	}
	slices.SortFunc(out, compareUUID)
	return slices.Compact(out)
}

func (r *reader3) time(s, member string) Time {
	t, err := parseTime3(s)
	r.check(err == nil, member)
	return t
}

func (r *reader3) optTime(s, member string) Time {
	if s == "" {
		return 0
	}
	return r.time(s, member)
}

// number returns n, or 0 (none) when it is not a number at all.
func number(n int64) uint64 { return uint64(max(n, 0)) }

func (r *reader3) issue(key string, x issue3) BaseIssue {
	r.check(x.Title != nil, "title")
	word3(r, "status", x.Status, statuses)
	word3(r, "priority", x.Priority, priorities)
	i := BaseIssue{
		UUID:        r.uuid(key, "issues"),
		Number:      number(x.Number),
		Description: x.Description,
		Status:      x.Status,
		Priority:    x.Priority,
		Parent:      r.optUUID(x.Parent, "parent_uuid"),
		CreatedBy:   x.CreatedBy,
		CreatedAt:   r.time(x.CreatedAt, "created_at"),
		UpdatedAt:   r.time(x.UpdatedAt, "updated_at"),
		ClosedAt:    r.optTime(x.ClosedAt, "closed_at"),
		ScheduledAt: r.optTime(x.ScheduledAt, "scheduled_at"),
		DueAt:       r.optTime(x.DueAt, "due_at"),
		Labels:      slices.Compact(slices.Sorted(slices.Values(x.Labels))),
		Blockers:    r.uuids(x.Blockers, "blockers"),
		Related:     r.uuids(x.Related, "related"),
		Milestone:   r.optUUID(x.Milestone, "milestone_uuid"),
	}
	if x.Title != nil {
		i.Title = *x.Title
	}
	for u, c := range x.Comments {
		i.Comments = append(i.Comments, BaseComment{r.uuid(u, "comments"), c.Author, c.Content, r.time(c.CreatedAt, "created_at"),
			c.Kind, c.TriggerType, c.InterventionContext, c.DriverKeyFingerprint})
	}
	sortOnce(r, "comments", i.Comments, func(x BaseComment) UUID { return x.UUID })
	for u, t := range x.Time {
		e := BaseTime{UUID: r.uuid(u, "time_entries"), StartedAt: r.time(t.StartedAt, "started_at"), EndedAt: r.optTime(t.EndedAt, "ended_at")}
		if t.Duration != nil {
			d := number(*t.Duration)
			e.DurationSeconds = &d
		}
		i.Time = append(i.Time, e)
	}
	sortOnce(r, "time_entries", i.Time, func(x BaseTime) UUID { return x.UUID })
	return i
}

func (r *reader3) milestone(key string, x mile3) BaseMilestone {
	r.check(x.Name != nil, "name")
	word3(r, "status", x.Status, statuses)
	m := BaseMilestone{
		UUID:        r.uuid(key, "milestones"),
		Number:      number(x.Number),
		Description: x.Description,
		Status:      x.Status,
		CreatedAt:   r.time(x.CreatedAt, "created_at"),
		ClosedAt:    r.optTime(x.ClosedAt, "closed_at"),
	}
	if x.Name != nil {
		m.Name = *x.Name
	}
	return m
}

func compareUUID(a, b UUID) int { return bytes.Compare(a[:], b[:]) }
