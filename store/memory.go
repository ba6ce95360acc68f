package store

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Memory is the projection held in the process: a view of the state, the
// numbers decided so far and the lines it was reduced from.
type Memory struct {
	presence func() map[string]event.AgentPresence // nil is none
	state    *reducer.State
	view     *reducer.View
	lines    []*event.Envelope
	rows     map[event.UUID]*Issue
	listed   map[event.UUID]*Issue // without texts
	numbers  map[uint64]event.UUID
	aliases  map[uint64]uint64
	issues   *index
	comment  *index
	gone     *index                    // deleted comments
	home     map[event.UUID]event.UUID // comment → issue
	timed    map[event.UUID]event.UUID // time entry → issue
	mark     func(agent string, seq uint64) string
	kept     // by Apply
}

// NewMemory projects a state. lines are the envelopes it holds, in any order;
// numbers the decided ones. The state must not change afterward.
func NewMemory(s *reducer.State, lines []*event.Envelope, numbers map[event.UUID]uint64) *Memory {
	v := s.View()
	m := &Memory{
		state: s, view: v, lines: lines,
		rows:    make(map[event.UUID]*Issue, len(v.Issues)),
		listed:  make(map[event.UUID]*Issue, len(v.Issues)),
		numbers: make(map[uint64]event.UUID, len(numbers)),
		issues:  newIndex("issue", len(v.Issues)),
		comment: newIndex("comment", 0),
		gone:    newIndex("comment", 0),
		home:    map[event.UUID]event.UUID{},
		timed:   map[event.UUID]event.UUID{},
	}
	for u, n := range numbers {
		m.numbers[n] = u
	}
	for u, i := range v.Issues {
		m.rows[u] = &Issue{Issue: i, Number: numbers[u], CommentCount: len(i.Comments)}
		m.issues.add(u)
		for k := range i.Comments {
			m.comment.add(i.Comments[k].UUID)
		}
	}
	for u := range v.Deleted { // a short id keeps its length when an issue goes
		if _, shown := v.Issues[u]; !shown {
			m.issues.add(u)
		}
	}
	for _, c := range s.Objects().Comments { // a deleted one still has a history
		o := s.OwnComment(c)
		if !o.Added {
			continue
		}
		if m.home[c] = o.Issue; o.Deleted {
			m.gone.add(c)
		}
	}
	for _, t := range s.Objects().Entries {
		if o := s.OwnEntry(t); o.Added {
			m.timed[t] = o.Issue
		}
	}
	m.issues.done()
	m.comment.done()
	m.gone.done()
	for u, r := range m.rows {
		r.Short = m.issues.short(u)
		m.listed[u] = r.Listed()
	}
	return m
}

// WithMarks sets the mark of each line's signature.
func (m *Memory) WithMarks(mark func(agent string, seq uint64) string) *Memory {
	m.mark = mark
	return m
}

// Mark returns the mark to show beside a line, a rule of package trust, because of its
// signature; "" for none.
func (m *Memory) Mark(agent string, seq uint64) string {
	if m.mark == nil {
		return ""
	}
	return m.mark(agent, seq)
}

// Resolve returns the issue that id names: *NotFoundError, *AmbiguousError or
// *BadIDError if it does not name one.
func (m *Memory) Resolve(id string) (event.UUID, error) {
	if n, ok := number(id); ok {
		if now, lost := m.aliases[n]; lost && m.numbers[n] == (event.UUID{}) {
			n = now
		}
		if u, ok := m.numbers[n]; ok {
			if _, shown := m.rows[u]; shown {
				return u, nil
			}
			return event.UUID{}, &NotFoundError{What: "issue", ID: id, Deleted: strconv.FormatUint(n, 10)}
		}
		return event.UUID{}, &NotFoundError{What: "issue", ID: id}
	}
	all, err := m.issues.find(id)
	if err != nil {
		return event.UUID{}, err
	}
	var found []event.UUID
	for _, u := range all {
		if m.rows[u] != nil {
			found = append(found, u)
		}
	}
	if len(found) == 0 && len(all) == 1 {
		return event.UUID{}, &NotFoundError{What: "issue", ID: id, Deleted: m.issues.short(all[0])}
	}
	return one(found, "issue", id, func(u event.UUID) Candidate {
		return Candidate{u, m.rows[u].Short, m.rows[u].Title}
	})
}

// ResolveComment returns the comment that id names, and the comment's issue.
func (m *Memory) ResolveComment(id string) (comment, issue event.UUID, err error) {
	found, err := m.comment.find(id)
	if err != nil {
		return event.UUID{}, event.UUID{}, err
	}
	if len(found) == 0 {
		if gone, _ := m.gone.find(id); len(gone) == 1 {
			return event.UUID{}, event.UUID{}, &NotFoundError{What: "comment", ID: id, Deleted: m.gone.short(gone[0])}
		}
	}
	c, err := one(found, "comment", id, func(u event.UUID) Candidate {
		return Candidate{u, m.comment.short(u), m.rows[m.home[u]].Title}
	})
	return c, m.home[c], err
}

func one(found []event.UUID, what, id string, candidate func(event.UUID) Candidate) (event.UUID, error) {
	switch len(found) {
	case 0:
		return event.UUID{}, &NotFoundError{What: what, ID: id}
	case 1:
		return found[0], nil
	}
	e := &AmbiguousError{What: what, ID: id}
	for _, u := range found {
		e.Candidates = append(e.Candidates, candidate(u))
	}
	return event.UUID{}, e
}

// CommentShort returns the short id to print for a comment.
func (m *Memory) CommentShort(u event.UUID) string { return m.comment.short(u) }

// Issue returns one row, or *NotFoundError.
func (m *Memory) Issue(u event.UUID) (*Issue, error) {
	if r := m.rows[u]; r != nil {
		return r, nil
	}
	return nil, &NotFoundError{What: "issue", ID: u.String()}
}

// Row returns one row as lists have it, or *NotFoundError.
func (m *Memory) Row(u event.UUID) (*Issue, error) {
	if r := m.listed[u]; r != nil {
		return r, nil
	}
	return nil, &NotFoundError{What: "issue", ID: u.String()}
}

// List returns the issues the filter lets through, in its order, and how many
// there are without its limit.
func (m *Memory) List(f Filter) (rows []*Issue, total int, err error) {
	return m.list(f, nil)
}

// Search is List over the issues whose title, description or comments hold every term of
// the text. An issue that the text names by its number comes first.
func (m *Memory) Search(text string, f Filter) (rows []*Issue, total int, err error) {
	return m.list(f, terms(text, m.Resolve))
}

// holds reports whether an issue holds all terms.
func holds(i *Issue, terms []term) bool {
	t := newTexts(terms)
	t.add(i.UUID, []byte(i.Title))
	t.add(i.UUID, []byte(i.Description))
	for k := range i.Comments {
		t.add(i.UUID, []byte(i.Comments[k].Content))
	}
	return t.found()[i.UUID]
}

func (m *Memory) list(f Filter, terms []term) ([]*Issue, int, error) {
	if err := f.check(); err != nil {
		return nil, 0, err
	}
	rows := []*Issue{}
	for _, i := range m.rows {
		if f.match(m, i) && (len(terms) == 0 || holds(i, terms)) {
			rows = append(rows, m.listed[i.UUID])
		}
	}
	first := hits{first: named(terms)}
	less := first.before(f.less())
	if from := m.listed[f.After]; f.After != (event.UUID{}) {
		rows = slices.DeleteFunc(rows, func(i *Issue) bool { return from == nil || i.UUID == f.After || less(from, i) > 0 })
	}
	slices.SortFunc(rows, less)
	total := len(rows)
	if f.Limit > 0 {
		rows = rows[min(f.Skip, total):min(f.Skip+f.Limit, total)]
	}
	return rows, total, nil
}

// Named is an issue with its names.
type Named struct {
	UUID   event.UUID
	Number uint64 // 0 while undecided
	Short  string
	Title  string
	Status event.Status
}

// Latest returns the names of the issues with a status that changed last, at most limit.
func (m *Memory) Latest(status string, limit int) ([]Named, error) {
	rows, _, err := m.List(Filter{Status: status, Sort: "updated", Limit: limit})
	var all []Named
	for _, i := range rows {
		all = append(all, Named{i.UUID, i.Number, i.Short, i.Title, i.Status})
	}
	return all, err
}

// openBlockers are the issues i waits for.
func (m *Memory) openBlockers(i *Issue) []*Issue {
	var open []*Issue
	for _, u := range i.BlockedBy {
		if b := m.listed[u]; b != nil && b.Status == event.Open {
			open = append(open, b)
		}
	}
	return open
}

// Milestones returns every milestone, by creation.
func (m *Memory) Milestones() ([]*reducer.Milestone, error) {
	var all []*reducer.Milestone
	for _, s := range m.view.Milestones {
		all = append(all, s)
	}
	slices.SortFunc(all, milestoneOrder)
	return all, nil
}

// MilestoneNumbers are the numbers decided for milestones.
func (m *Memory) MilestoneNumbers() map[event.UUID]uint64 { return m.miles }

func milestoneOrder(a, b *reducer.Milestone) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), slices.Compare(a.UUID[:], b.UUID[:]))
}

// Rejections lists the events that broke a rule.
func (m *Memory) Rejections() []reducer.Rejection { return m.state.Rejections() }

// Check returns an error, *reducer.RejectedError, if the reducer would reject the event.
func (m *Memory) Check(author string, b event.Body) error { return m.state.Check(author, b) }

// Hash is the hash of the canonical state.
func (m *Memory) Hash() string { return m.state.Hash() }
