package reducer

import "github.com/git-crosslink/git-crosslink/event"

// Sessions belong to their author: the key is (author, session uuid), so other agents'
// events cannot change one. A session is visible once it has started. Sessions never touch
// issues.

// SessionID names a session: the agent that runs it and its uuid.
type SessionID struct {
	Agent string
	UUID  event.UUID
}

type session struct {
	started first[struct{}]
	issue   register[event.UUID]
	ended   register[string] // the notes
}

func (s *State) session(id SessionID) *session { return find(s.sessions, id) }

func (s *State) sessionStarted(at *stamp, e *event.SessionStarted) {
	x := s.session(SessionID{at.key.Agent, e.Session})
	x.started.write(at, struct{}{})
	x.issue.write(at, e.Issue)
}

func (s *State) sessionWorked(at *stamp, e *event.SessionWorked) {
	s.session(SessionID{at.key.Agent, e.Session}).issue.write(at, e.Issue)
}

func (s *State) sessionEnded(at *stamp, e *event.SessionEnded) {
	s.session(SessionID{at.key.Agent, e.Session}).ended.write(at, e.Notes)
}

func (x *session) merge(o *session) {
	x.started.merge(o.started)
	x.issue.merge(o.issue)
	x.ended.merge(o.ended)
}

func (x *session) canonical(w *writer) {
	canonFirst(w, "started", x.started, func(*writer, struct{}) {})
	canonRegister(w, "issue", x.issue, (*writer).uuid)
	canonRegister(w, "ended", x.ended, (*writer).quote)
}

// Session is a session as people see it.
type Session struct {
	SessionID
	StartedAt event.Time
	Issue     event.UUID // last worked on; zero if none, unknown or deleted
	Ended     bool
	EndedAt   event.Time // 0 when it continues
	Notes     string     // of its end
	Started   event.Key  // of the smallest start
}

// see leaves Issue to View, which knows what is visible.
func (x *session) see(id SessionID) *Session {
	v := &Session{SessionID: id, StartedAt: x.started.at.shown, Started: x.started.at.key}
	if x.ended.at != nil {
		v.Ended, v.EndedAt, v.Notes = true, x.ended.at.shown, x.ended.val
	}
	return v
}
