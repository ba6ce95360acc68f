package reducer

import (
	"maps"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
)

// The state of one object by its own events. A store that keeps objects as rows reduces
// each object from the events about it, and makes the View from these. The rules are those
// of View, without those that depend on other objects.

// Touch is the last change of an object: the event with the greatest stamp. The zero Touch
// is before every other.
type Touch struct {
	Time  event.Time
	Agent string
	Seq   uint64
	Hash  [32]byte // of the event's bytes
	Shown event.Time
	Some  bool // false in the zero Touch
}

func touchOf(s *stamp) Touch {
	if s == nil {
		return Touch{}
	}
	return Touch{s.key.Time, s.key.Agent, s.key.Seq, s.hash, s.shown, true}
}

func (t *Touch) stamp() *stamp {
	if !t.Some {
		return nil
	}
	return &stamp{key: event.Key{Time: t.Time, Agent: t.Agent, Seq: t.Seq}, hash: t.Hash, shown: t.Shown}
}

// Latest returns the later of two touches.
func (t Touch) Latest(o Touch) Touch {
	if t.stamp().compare(o.stamp()) < 0 {
		return o
	}
	return t
}

// OwnIssue is the state of an issue by its own events, without those of its comments and
// time entries. Members of Issue that depend on other objects are zero.
type OwnIssue struct {
	Issue   Issue // if Shown
	Shown   bool
	Deleted bool
	Touched Touch

	Parent    event.UUID // this and the following: even if the other object is hidden
	Blockers  []event.UUID
	Relations []Tie
	Milestone event.UUID
}

// Tie is a relation between two issues: A Kind B.
type Tie struct {
	A, B event.UUID
	Kind event.RelationKind
}

// OwnIssue returns the state of one issue by its events.
func (s *State) OwnIssue(id event.UUID) OwnIssue {
	i := s.issues[id]
	if i == nil {
		return OwnIssue{}
	}
	o := OwnIssue{
		Shown: i.shown(), Deleted: i.deleted(), Touched: touchOf(i.touched),
		Parent: i.parent.val, Blockers: presentBy(i.blockers, cmpUUID), Milestone: i.milestone.val,
	}
	if o.Shown {
		i.see(id, &o.Issue)
	}
	for r, here := range s.relations {
		if here.val && (r.a == id || r.b == id) {
			o.Relations = append(o.Relations, Tie{r.a, r.b, r.kind})
		}
	}
	sort.Slice(o.Relations, func(i, j int) bool {
		x, y := o.Relations[i], o.Relations[j]
		return cmpRelation(relation{x.A, x.B, x.Kind}, relation{y.A, y.B, y.Kind}) < 0
	})
	return o
}

// Touches are the issues that an object's events touched, with the latest touch of each.
type Touches map[event.UUID]Touch

func (t Touches) touch(id event.UUID, at *stamp) { t[id] = t[id].Latest(touchOf(at)) }

// OwnComment is the state of a comment by its own events.
type OwnComment struct {
	Comment Comment // if Added
	Issue   event.UUID
	Added   bool
	Deleted bool
	Touches Touches
}

// OwnComment returns the state of one comment by its events.
func (s *State) OwnComment(id event.UUID) OwnComment {
	c := s.comments[id]
	if c == nil {
		return OwnComment{}
	}
	o := OwnComment{Deleted: c.deleted != nil, Touches: Touches{}}
	c.touches(o.Touches.touch)
	if a := c.adds.all(); len(a) > 0 {
		o.Added, o.Issue, o.Comment = true, a[0].body.Issue, c.see(id)
	}
	return o
}

// OwnEntry is the state of a time entry by its own events.
type OwnEntry struct {
	Entry   TimeEntry // if Added
	Issue   event.UUID
	Added   bool
	Deleted bool
	Touches Touches
}

// OwnEntry returns the state of one time entry by its events.
func (s *State) OwnEntry(id event.UUID) OwnEntry {
	t := s.entries[id]
	if t == nil {
		return OwnEntry{}
	}
	o := OwnEntry{Deleted: t.deleted != nil, Touches: Touches{}}
	t.touches(o.Touches.touch)
	if a := t.adds.all(); len(a) > 0 {
		o.Added, o.Issue, o.Entry = true, a[0].body.Issue, t.see(id)
	}
	return o
}

// OwnMilestone returns the state of one milestone by its events, without its issues; nil if
// it is hidden.
func (s *State) OwnMilestone(id event.UUID) *Milestone {
	m := s.milestones[id]
	if !m.shown() {
		return nil
	}
	return m.see(id)
}

// OwnSession returns the state of a session by its events. It has the session's issue even
// if that is hidden. It is nil before the session's start.
func (s *State) OwnSession(id SessionID) *Session {
	x := s.sessions[id]
	if x == nil || x.started.at == nil {
		return nil
	}
	v := x.see(id)
	v.Issue = x.issue.val
	return v
}

// OwnRequest returns the state of a request by its events. It has the request's subject
// even if that is hidden. It is nil before the request was sent.
func (s *State) OwnRequest(id string) *Request {
	r := s.requests[id]
	if r == nil || len(r.sent.all()) == 0 {
		return nil
	}
	v := r.see(id)
	v.Subject = r.sent.all()[0].body.Subject
	return v
}

// OwnAgent returns the state of an agent by its events; nil if there are none.
func (s *State) OwnAgent(id string) *Agent {
	a := s.agents[id]
	if a == nil {
		return nil
	}
	return a.see(id)
}

// Refused reports whether an event never has an effect, whatever other events there are: it
// breaks a rule, or its type is unknown.
func Refused(b event.Body) bool {
	_, unknown := b.(*event.Unknown)
	return unknown || judge(b) != nil
}

// Objects are the ids of all objects with rows, each list in order.
type Objects struct {
	Issues, Comments, Entries, Milestones []event.UUID
	Sessions                              []SessionID
	Requests, Agents                      []string
	Reports                               []ReportID
}

// Objects lists the objects that events name.
func (s *State) Objects() Objects {
	return Objects{
		Issues:     slices.SortedFunc(maps.Keys(s.issues), cmpUUID),
		Comments:   slices.SortedFunc(maps.Keys(s.comments), cmpUUID),
		Entries:    slices.SortedFunc(maps.Keys(s.entries), cmpUUID),
		Milestones: slices.SortedFunc(maps.Keys(s.milestones), cmpUUID),
		Sessions:   slices.SortedFunc(maps.Keys(s.sessions), cmpSession),
		Requests:   slices.Sorted(maps.Keys(s.requests)),
		Reports:    slices.SortedFunc(maps.Keys(s.reports), cmpReport),
		Agents:     slices.Sorted(maps.Keys(s.agents)),
	}
}
