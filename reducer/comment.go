package reducer

import "github.com/git-crosslink/git-crosslink/event"

// The rules of comments are:
//
//   - all adds of one uuid are kept; the smallest is the comment. Adds with other bytes are
//     the Rejection duplicate-uuid; the same bytes again have no effect;
//   - CommentEdited writes a content register that takes precedence over the add's text, even
//     if the edit arrives before the add or has a smaller key;
//   - CommentDeleted hides the comment permanently;
//   - an edit or delete touches the comment's issue. That issue may become known later, so
//     touches are computed when the View is made.

type comment struct {
	adds    adds[*event.CommentAdded]
	content register[string]
	deleted *stamp
}

func (s *State) comment(id event.UUID) *comment { return find(s.comments, id) }

func (s *State) commentAdded(at *stamp, e *event.CommentAdded) {
	s.comment(e.Comment).adds.put(at, e)
}

func (s *State) commentEdited(at *stamp, e *event.CommentEdited) {
	s.comment(e.Comment).content.write(at, e.Content)
}

func (s *State) commentDeleted(at *stamp, e *event.CommentDeleted) {
	c := s.comment(e.Comment)
	c.deleted = latest(c.deleted, at)
}

func (c *comment) merge(o *comment) {
	c.adds.merge(o.adds)
	c.content.merge(o.content)
	c.deleted = latest(c.deleted, o.deleted)
}

func (c *comment) canonical(w *writer) {
	for _, a := range c.adds.all() {
		w.name("add")
		w.stamp(a.at)
		w.uuid(a.body.Issue)
		w.quote(a.body.Author)
		w.quote(a.body.Content)
		w.time(a.body.CreatedAt)
		w.quote(a.body.Kind)
		w.quote(a.body.TriggerType)
		w.quote(a.body.InterventionContext)
		w.quote(a.body.DriverKeyFingerprint)
		w.end()
	}
	canonRegister(w, "content", c.content, (*writer).quote)
	canonStamp(w, "deleted", c.deleted)
}

// touches calls f for every event of the comment that names an issue.
func (c *comment) touches(f func(id event.UUID, at *stamp)) {
	for i, a := range c.adds.all() {
		// A checkpoint contains the time when its issues were updated.
		if !a.at.base() && !c.adds.duplicate(i) {
			f(a.body.Issue, a.at)
		}
	}
	if len(c.adds.all()) > 0 {
		f(c.adds.all()[0].body.Issue, latest(c.content.at, c.deleted))
	}
}

// Comment is a comment as people see it.
type Comment struct {
	UUID                 event.UUID
	Author               string
	Content              string
	CreatedAt            event.Time // the event's own member, or when the event was written if that is unknown
	Kind                 string
	TriggerType          string
	InterventionContext  string
	DriverKeyFingerprint string
	Edited               bool
	By                   string // the agent whose log has it; empty if it comes from a checkpoint
}

// see must be called only if there is an add.
func (c *comment) see(id event.UUID) Comment {
	a := c.adds.all()[0]
	v := Comment{
		UUID:                 id,
		Author:               a.body.Author,
		Content:              a.body.Content,
		CreatedAt:            a.at.known(a.body.CreatedAt),
		Kind:                 a.body.Kind,
		TriggerType:          a.body.TriggerType,
		InterventionContext:  a.body.InterventionContext,
		DriverKeyFingerprint: a.body.DriverKeyFingerprint,
		By:                   a.at.key.Agent,
	}
	if c.content.at != nil {
		v.Content, v.Edited = c.content.val, true
	}
	return v
}
