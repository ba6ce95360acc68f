package answer

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// Session is a session of an agent.
type Session struct {
	UUID      string  `json:"uuid"`
	Agent     string  `json:"agent"`
	Name      string  `json:"name,omitempty"` // of the agent
	Key       *string `json:"key"`
	StartedAt string  `json:"started_at"`
	Issue     *Ref    `json:"issue"`
	EndedAt   *string `json:"ended_at"`
	Notes     *string `json:"notes"`
	LastSign  *string `json:"last_sign"`
	Own       bool    `json:"own"`
	Locks     []Ref   `json:"locks"`
}

// SessionWrite answers commands that write to a session.
type SessionWrite struct {
	Write
	Session *Session `json:"session"`
}

// SessionEnd answers session end.
type SessionEnd struct {
	Retired bool `json:"retired"` // the agent, with --retire
	SessionWrite
	Comment  *Comment `json:"comment"`
	Released []Ref    `json:"released"`
}

// HandoffNote is what an agent left for the next one on the issue.
type HandoffNote struct {
	By      string  `json:"by"`
	Name    string  `json:"name,omitempty"` // of the agent
	At      string  `json:"at"`
	Issue   *Ref    `json:"issue"`
	Session *string `json:"session"`
	Comment *string `json:"comment"`
	Text    string  `json:"text"`
	Mark    *string `json:"mark"`
}

// Session gives a session its shape. key is what it was started with, if that is
// known here, and locks are those it has.
func (s *Builder) Session(x *reducer.Session, me, key string, locks []*store.Issue) Session {
	return Session{UUID: x.UUID.String(), Agent: x.Agent, Name: s.Names.Name(x.Agent), Key: TextOrNull(key), StartedAt: x.StartedAt.String(), Issue: s.refOrNull(x.Issue),
		EndedAt: TimeOrNull(x.EndedAt), Notes: TextOrNull(x.Notes), LastSign: TimeOrNull(s.Projection.LastSign(x.Agent)), Own: x.Agent == me, Locks: Refs(locks)}
}

// Refs names issues.
func Refs(rows []*store.Issue) []Ref {
	list := make([]Ref, 0, len(rows))
	for _, i := range rows {
		list = append(list, refOf(i))
	}
	return list
}

// Ref names an issue; null for none, and for one that is hidden.
func (s *Builder) Ref(u event.UUID) *Ref { return s.refOrNull(u) }

// UUIDOrNull is a uuid, or null for none.
func UUIDOrNull(u event.UUID) *string {
	if u == (event.UUID{}) {
		return nil
	}
	text := u.String()
	return &text
}
