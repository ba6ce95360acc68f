package cli

import (
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// issueShape is an issue in JSON, everywhere. docs/json.md describes it, and a
// test compares the two.
type issueShape struct {
	UUID             string          `json:"uuid"`
	Short            string          `json:"short"`
	Number           uint64          `json:"number,omitempty"` // only once decided
	Was              []uint64        `json:"was"`
	Title            string          `json:"title"`
	Status           string          `json:"status"`
	Priority         string          `json:"priority"`
	Labels           []string        `json:"labels"`
	Assignees        []string        `json:"assignees"`
	CreatedBy        string          `json:"created_by"`
	CreatedAt        string          `json:"created_at"`
	UpdatedAt        string          `json:"updated_at"`
	ClosedAt         *string         `json:"closed_at"`
	StatusBy         *string         `json:"status_by"`
	Reason           *string         `json:"reason"`
	DueAt            *string         `json:"due_at"`
	ScheduledAt      *string         `json:"scheduled_at"`
	Parent           *refShape       `json:"parent"`
	BlockedBy        []refShape      `json:"blocked_by"`
	Blocks           []refShape      `json:"blocks"`
	Cyclic           []refShape      `json:"cyclic"`
	Milestone        *milestoneShape `json:"milestone"`
	Lock             *lockShape      `json:"lock"`
	OpenBlockerCount int             `json:"open_blocker_count"`
	ChildCount       int             `json:"child_count"`
	CommentCount     int             `json:"comment_count"`
	Mark             *string         `json:"mark"`
}

// lockShape is who has an issue and who waits for it.
type lockShape struct {
	Holder    string        `json:"holder"`
	Token     uint64        `json:"token"`
	Since     string        `json:"since"`
	Branch    *string       `json:"branch"`
	Confirmed bool          `json:"confirmed"`
	Ending    bool          `json:"ending"`
	Queue     []waiterShape `json:"queue"`
}

type waiterShape struct {
	Agent     string `json:"agent"`
	Since     string `json:"since"`
	Confirmed bool   `json:"confirmed"`
}

// refShape names another issue.
type refShape struct {
	UUID   string `json:"uuid"`
	Short  string `json:"short"`
	Number uint64 `json:"number,omitempty"`
	Title  string `json:"title"`
	Status string `json:"status"`
}

type milestoneShape struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// detailShape is what show adds.
type detailShape struct {
	issueShape
	Description string          `json:"description"`
	Children    []refShape      `json:"children"`
	Relations   []relationShape `json:"relations"`
	Comments    []commentShape  `json:"comments"`
	Time        []timeShape     `json:"time"`
}

type relationShape struct {
	Kind     string   `json:"kind"`
	Outgoing bool     `json:"outgoing"`
	Issue    refShape `json:"issue"`
}

type commentShape struct {
	UUID        string  `json:"uuid"`
	Short       string  `json:"short"`
	Author      string  `json:"author"`
	By          string  `json:"by"`
	CreatedAt   string  `json:"created_at"`
	Kind        string  `json:"kind"`
	Content     string  `json:"content"`
	Edited      bool    `json:"edited"`
	TriggerType *string `json:"trigger_type"`
	Context     *string `json:"intervention_context"`
	Mark        *string `json:"mark"`
}

type timeShape struct {
	UUID      string  `json:"uuid"`
	By        string  `json:"by"`
	StartedAt string  `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	Seconds   *uint64 `json:"duration_seconds"`
}

// shaper gives things of one projection their JSON shape.
type shaper struct {
	p          tracker.Projection
	milestones map[event.UUID]*reducer.Milestone
}

func newShaper(p tracker.Projection) (*shaper, error) {
	s := &shaper{p: p, milestones: map[event.UUID]*reducer.Milestone{}}
	all, err := p.Milestones()
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		s.milestones[m.UUID] = m
	}
	return s, nil
}

func (s *shaper) issue(i *store.Issue) (issueShape, error) {
	open, err := s.p.OpenBlockers(i.UUID)
	if err != nil {
		return issueShape{}, err
	}
	return issueShape{
		UUID: i.UUID.String(), Short: i.Short, Number: i.Number, Was: numbersBefore(s.p, i),
		Title: i.Title, Status: string(i.Status), Priority: string(i.Priority),
		Labels: append([]string{}, i.Labels...), Assignees: append([]string{}, i.Assignees...),
		CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt.String(), UpdatedAt: i.UpdatedAt.String(),
		ClosedAt: timeOrNull(i.ClosedAt), StatusBy: textOrNull(i.StatusBy), Reason: textOrNull(i.Reason),
		DueAt: timeOrNull(i.DueAt), ScheduledAt: timeOrNull(i.ScheduledAt),
		Parent:    s.refOrNull(i.Parent),
		BlockedBy: s.refs(i.BlockedBy), Blocks: s.refs(i.Blocks), Cyclic: s.refs(i.Cyclic),
		Milestone: s.milestone(i.Milestone), Lock: lockOf(i),
		OpenBlockerCount: len(open), ChildCount: len(i.Children), CommentCount: len(i.Comments),
		Mark: textOrNull(s.p.Mark(i.Created.Agent, i.Created.Seq)),
	}, nil
}

func (s *shaper) issues(rows []*store.Issue) ([]issueShape, error) {
	list := make([]issueShape, 0, len(rows))
	for _, r := range rows {
		i, err := s.issue(r)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// detail is what show answers; the marks are the issue's.
func (s *shaper) detail(i *store.Issue, marks issueMarks) (detailShape, error) {
	flat, err := s.issue(i)
	if err != nil {
		return detailShape{}, err
	}
	d := detailShape{
		issueShape: flat, Description: i.Description, Children: s.refs(i.Children),
		Relations: []relationShape{}, Comments: []commentShape{}, Time: []timeShape{},
	}
	for _, r := range i.Relations {
		if o := s.refOrNull(r.Other); o != nil {
			d.Relations = append(d.Relations, relationShape{string(r.Kind), r.Outgoing, *o})
		}
	}
	for k := range i.Comments {
		d.Comments = append(d.Comments, s.comment(&i.Comments[k], marks))
	}
	for _, t := range i.Time {
		d.Time = append(d.Time, timeShape{t.UUID.String(), t.By, t.StartedAt.String(), timeOrNull(t.EndedAt), t.DurationSeconds})
	}
	return d, nil
}

func (s *shaper) comment(c *reducer.Comment, marks issueMarks) commentShape {
	return commentShape{
		UUID: c.UUID.String(), Short: s.p.CommentShort(c.UUID), Author: c.Author, By: c.By,
		CreatedAt: c.CreatedAt.String(), Kind: c.Kind, Content: c.Content, Edited: c.Edited,
		TriggerType: textOrNull(c.TriggerType), Context: textOrNull(c.InterventionContext),
		Mark: textOrNull(marks.comments[c.UUID]),
	}
}

func (s *shaper) milestone(u event.UUID) *milestoneShape {
	m := s.milestones[u]
	if m == nil {
		return nil
	}
	return &milestoneShape{m.UUID.String(), m.Name, string(m.Status)}
}

// numbersBefore are the numbers an issue had that its hub lost.
func numbersBefore(p tracker.Projection, i *store.Issue) []uint64 {
	was := []uint64{}
	for lost, now := range p.Aliases() {
		if now == i.Number && i.Number != 0 {
			was = append(was, lost)
		}
	}
	slices.Sort(was)
	return was
}

func lockOf(i *store.Issue) *lockShape {
	l := i.Lock
	if l == nil {
		return nil
	}
	shape := &lockShape{l.Holder, l.Token, l.Since.String(), textOrNull(l.Branch), l.Confirmed, l.Ending, []waiterShape{}}
	for _, w := range i.Queue {
		shape.Queue = append(shape.Queue, waiterShape{w.Agent, w.Since.String(), w.Confirmed})
	}
	return shape
}

func refOf(i *store.Issue) refShape {
	return refShape{i.UUID.String(), i.Short, i.Number, i.Title, string(i.Status)}
}

func (s *shaper) refOrNull(u event.UUID) *refShape {
	if u == (event.UUID{}) {
		return nil
	}
	i, err := s.p.Issue(u)
	if err != nil {
		return nil // hidden since: shown as none
	}
	r := refOf(i)
	return &r
}

func (s *shaper) refs(us []event.UUID) []refShape {
	list := make([]refShape, 0, len(us))
	for _, u := range us {
		if r := s.refOrNull(u); r != nil {
			list = append(list, *r)
		}
	}
	return list
}

func timeOrNull(t event.Time) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
