package answer

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Issue is the JSON shape of an issue in every answer. docs/json.md describes it, and a
// test compares the two.
type Issue struct {
	UUID             string     `json:"uuid"`
	Short            string     `json:"short"`
	Number           uint64     `json:"number,omitempty"` // only once decided
	Was              []uint64   `json:"was"`
	Title            string     `json:"title"`
	Status           string     `json:"status"`
	Priority         string     `json:"priority"`
	Labels           []string   `json:"labels"`
	Assignees        []string   `json:"assignees"`
	CreatedBy        string     `json:"created_by"`
	CreatedAt        string     `json:"created_at"`
	UpdatedAt        string     `json:"updated_at"`
	ClosedAt         *string    `json:"closed_at"`
	StatusBy         *string    `json:"status_by"`
	Reason           *string    `json:"reason"`
	DueAt            *string    `json:"due_at"`
	ScheduledAt      *string    `json:"scheduled_at"`
	Parent           *Ref       `json:"parent"`
	BlockedBy        []Ref      `json:"blocked_by"`
	Blocks           []Ref      `json:"blocks"`
	Cyclic           []Ref      `json:"cyclic"`
	Milestone        *Milestone `json:"milestone"`
	Lock             *Lock      `json:"lock"`
	OpenBlockerCount int        `json:"open_blocker_count"`
	ChildCount       int        `json:"child_count"`
	CommentCount     int        `json:"comment_count"`
	Mark             *string    `json:"mark"`

	Names map[string]string `json:"names,omitempty"` // of the agents that are named here
}

// Lock is the holder of an issue's lock, and the agents that wait for it.
type Lock struct {
	Holder    string   `json:"holder"`
	Token     uint64   `json:"token"`
	Since     string   `json:"since"`
	Branch    *string  `json:"branch"`
	Confirmed bool     `json:"confirmed"`
	Ending    bool     `json:"ending"`
	Queue     []Waiter `json:"queue"`
}

// Waiter is an agent that waits for a lock.
type Waiter struct {
	Agent     string `json:"agent"`
	Since     string `json:"since"`
	Confirmed bool   `json:"confirmed"`
}

// Ref names another issue.
type Ref struct {
	UUID   string `json:"uuid"`
	Short  string `json:"short"`
	Number uint64 `json:"number,omitempty"`
	Title  string `json:"title"`
	Status string `json:"status"`
}

// Name returns the name to type for the issue; "" for none.
func (r *Ref) Name() string {
	switch {
	case r == nil:
		return ""
	case r.Number != 0:
		return strconv.FormatUint(r.Number, 10)
	}
	return r.Short
}

// Milestone is the milestone of an issue.
type Milestone struct {
	UUID   string `json:"uuid"`
	Number uint64 `json:"number,omitempty"` // only once decided
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Detail is an issue with everything that belongs to it.
type Detail struct {
	Issue
	Description string      `json:"description"`
	Children    []Ref       `json:"children"`
	Links       []Link      `json:"links"`
	Relations   []Relation  `json:"relations"`
	Comments    []Comment   `json:"comments"`
	Time        []TimeEntry `json:"time"`
}

// Link is a link to something outside the tracker.
type Link struct {
	Kind string `json:"kind"`
	Ref  string `json:"ref"`
	By   string `json:"by"`
}

// Relation is a relation, seen from an issue.
type Relation struct {
	Kind     string `json:"kind"`
	Outgoing bool   `json:"outgoing"`
	Issue    Ref    `json:"issue"`
}

// Comment is a comment.
type Comment struct {
	UUID        string  `json:"uuid"`
	Short       string  `json:"short"`
	Author      string  `json:"author"`
	By          string  `json:"by"`
	CreatedAt   string  `json:"created_at"`
	Kind        string  `json:"kind"`
	Content     string  `json:"content"`
	Edited      bool    `json:"edited"`
	EditedBy    *string `json:"edited_by"`
	TriggerType *string `json:"trigger_type"`
	Context     *string `json:"intervention_context"`
	Mark        *string `json:"mark"`
}

// TimeEntry is an entry of time spent.
type TimeEntry struct {
	UUID      string  `json:"uuid"`
	By        string  `json:"by"`
	StartedAt string  `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	Seconds   *uint64 `json:"duration_seconds"`
}

// Builder converts the data of one projection to JSON shapes.
type Builder struct {
	Projection tracker.Projection
	Milestones map[event.UUID]*reducer.Milestone
	Names      *people.Names
	Err        error // why there are no Milestones; the shapes of issues return it

	shorts func(event.UUID) string // of milestones, once one is asked for
}

// New returns a Builder, with the data that every shape needs.
func New(p tracker.Projection) *Builder {
	s := &Builder{Projection: p, Names: people.NewNames(p), Milestones: map[event.UUID]*reducer.Milestone{}}
	var all []*reducer.Milestone
	all, s.Err = p.Milestones()
	for _, m := range all {
		s.Milestones[m.UUID] = m
	}
	return s
}

// Issue returns an issue in its JSON shape.
func (s *Builder) Issue(i *store.Issue) (Issue, error) {
	open, err := store.OpenBlockers(s.Projection, i)
	if err = cmp.Or(s.Err, err); err != nil {
		return Issue{}, err
	}
	return Issue{
		UUID: i.UUID.String(), Short: i.Short, Number: i.Number, Was: NumbersBefore(s.Projection, i),
		Title: i.Title, Status: string(i.Status), Priority: string(i.Priority),
		Labels: append([]string{}, i.Labels...), Assignees: append([]string{}, i.Assignees...),
		CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt.String(), UpdatedAt: i.UpdatedAt.String(),
		ClosedAt: TimeOrNull(i.ClosedAt), StatusBy: TextOrNull(i.StatusBy), Reason: TextOrNull(i.Reason),
		DueAt: TimeOrNull(i.DueAt), ScheduledAt: TimeOrNull(i.ScheduledAt),
		Parent:    s.refOrNull(i.Parent),
		BlockedBy: s.refs(i.BlockedBy), Blocks: s.refs(i.Blocks), Cyclic: s.refs(i.Cyclic),
		Milestone: s.milestone(i.Milestone), Lock: lockOf(i),
		OpenBlockerCount: len(open), ChildCount: len(i.Children), CommentCount: i.CommentCount,
		Mark:  TextOrNull(s.Projection.Mark(i.Created.Agent, i.Created.Seq)),
		Names: s.Names.Of(agentsOf(i)...),
	}, nil
}

// agentsOf are the agents that a row names, and that an issue with texts does.
func agentsOf(i *store.Issue) []string {
	ids := append([]string{i.CreatedBy, i.StatusBy}, i.Assignees...)
	if i.Lock != nil {
		ids = append(ids, i.Lock.Holder)
	}
	for _, w := range i.Queue {
		ids = append(ids, w.Agent)
	}
	for _, l := range i.Links {
		ids = append(ids, l.By)
	}
	for k := range i.Comments {
		ids = append(ids, i.Comments[k].Author, i.Comments[k].By)
	}
	for k := range i.Time {
		ids = append(ids, i.Time[k].By)
	}
	return ids
}

// Issues returns rows in their JSON shape.
func (s *Builder) Issues(rows []*store.Issue) ([]Issue, error) {
	list := make([]Issue, 0, len(rows))
	for _, r := range rows {
		i, err := s.Issue(r)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, s.Err
}

// Detail is what show answers; the marks are the issue's.
func (s *Builder) Detail(i *store.Issue, marks Marks) (Detail, error) {
	flat, err := s.Issue(i)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{
		Issue: flat, Description: i.Description, Children: s.refs(i.Children),
		Links: []Link{}, Relations: []Relation{}, Comments: []Comment{}, Time: []TimeEntry{},
	}
	for _, by := range marks.Editors {
		if name := s.Names.Name(by); name != "" {
			d.Names[by] = name
		}
	}
	for _, l := range i.Links {
		d.Links = append(d.Links, Link(l))
	}
	for _, r := range i.Relations {
		if o := s.refOrNull(r.Other); o != nil {
			d.Relations = append(d.Relations, Relation{string(r.Kind), r.Outgoing, *o})
		}
	}
	for k := range i.Comments {
		d.Comments = append(d.Comments, s.Comment(&i.Comments[k], marks))
	}
	for _, t := range i.Time {
		d.Time = append(d.Time, TimeEntry{t.UUID.String(), t.By, t.StartedAt.String(), TimeOrNull(t.EndedAt), t.DurationSeconds})
	}
	return d, nil
}

// Comment gives a comment its shape; the marks are the issue's.
func (s *Builder) Comment(c *reducer.Comment, marks Marks) Comment {
	return Comment{
		UUID: c.UUID.String(), Short: s.Projection.CommentShort(c.UUID), Author: c.Author, By: c.By,
		CreatedAt: c.CreatedAt.String(), Kind: c.Kind, Content: c.Content, Edited: c.Edited,
		EditedBy:    TextOrNull(marks.Editors[c.UUID]),
		TriggerType: TextOrNull(c.TriggerType), Context: TextOrNull(c.InterventionContext),
		Mark: TextOrNull(marks.Comments[c.UUID]),
	}
}

func (s *Builder) milestone(u event.UUID) *Milestone {
	m := s.Milestones[u]
	if m == nil {
		return nil
	}
	return &Milestone{m.UUID.String(), s.Projection.MilestoneNumbers()[u], m.Name, string(m.Status)}
}

// NumbersBefore are the numbers an issue had that its hub lost.
func NumbersBefore(p tracker.Projection, i *store.Issue) []uint64 {
	was := []uint64{}
	for lost, now := range p.Aliases() {
		if now == i.Number && i.Number != 0 {
			was = append(was, lost)
		}
	}
	slices.Sort(was)
	return was
}

func lockOf(i *store.Issue) *Lock {
	l := i.Lock
	if l == nil {
		return nil
	}
	shape := &Lock{l.Holder, l.Token, l.Since.String(), TextOrNull(l.Branch), l.Confirmed, l.Ending, []Waiter{}}
	for _, w := range i.Queue {
		shape.Queue = append(shape.Queue, Waiter{w.Agent, w.Since.String(), w.Confirmed})
	}
	return shape
}

func refOf(i *store.Issue) Ref {
	return Ref{i.UUID.String(), i.Short, i.Number, i.Title, string(i.Status)}
}

func (s *Builder) refOrNull(u event.UUID) *Ref {
	if u == (event.UUID{}) {
		return nil
	}
	i, err := s.Projection.Row(u)
	if err != nil {
		return nil // hidden since: shown as none
	}
	r := refOf(i)
	return &r
}

func (s *Builder) refs(us []event.UUID) []Ref {
	list := make([]Ref, 0, len(us))
	for _, u := range us {
		if r := s.refOrNull(u); r != nil {
			list = append(list, *r)
		}
	}
	return list
}

// TimeOrNull is a time, or null for none.
func TimeOrNull(t event.Time) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}

// TextOrNull is a text, or null for none.
func TextOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Node is an issue with its children.
type Node struct {
	Issue    Issue        `json:"issue"`
	Children []Node       `json:"children"`
	Hidden   int          `json:"hidden,omitempty"` // issues below that are too deep to be shown
	Row      *store.Issue `json:"-"`
}

// Explained is a row of JSON with its reason.
type Explained struct {
	Issue
	Why string `json:"why"`
}

func (s *Builder) MilestoneName(u event.UUID) string {
	if m := s.Milestones[u]; m != nil {
		return m.Name
	}
	return ""
}
