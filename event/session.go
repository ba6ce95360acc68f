package event

// SessionStarted begins an agent's session, perhaps on an issue.
type SessionStarted struct {
	Session UUID // session_uuid
	Issue   UUID // issue_uuid?
}

// SessionWorked says which issue the session works on now.
type SessionWorked struct {
	Session UUID // session_uuid
	Issue   UUID // issue_uuid
}

// SessionEnded ends it, with hand-off notes.
type SessionEnded struct {
	Session UUID   // session_uuid
	Notes   string // notes?
}

func (e *SessionStarted) members(m *members) {
	m.uuid("session_uuid", &e.Session)
	m.optUUID("issue_uuid", &e.Issue)
}

func (e *SessionWorked) members(m *members) {
	m.uuid("session_uuid", &e.Session)
	m.uuid("issue_uuid", &e.Issue)
}

func (e *SessionEnded) members(m *members) {
	m.uuid("session_uuid", &e.Session)
	m.optStr("notes", &e.Notes, freeText)
}

func (*SessionStarted) Type() string { return "SessionStarted" }
func (*SessionWorked) Type() string  { return "SessionWorked" }
func (*SessionEnded) Type() string   { return "SessionEnded" }
