package event

// RequestKind is what one agent asks of another. Closed list.
type RequestKind string

const (
	Kill         RequestKind = "kill"
	Pause        RequestKind = "pause"
	Resume       RequestKind = "resume"
	Reprioritise RequestKind = "reprioritise"
)

// RequestSent asks Target to do something. ID is a ULID (26 characters).
type RequestSent struct {
	ID          string // request_id
	Target      string
	Kind        RequestKind
	Subject     UUID // subject_issue?
	RequestedBy string
	Reason      string // reason?
	ExpiresAt   Time   // expires_at?
}

// RequestAcked answers a request; only the target's answer counts.
type RequestAcked struct {
	ID     string // request_id
	Acted  bool
	Result string
	Notes  string // notes?
}

var requestKinds = []RequestKind{Kill, Pause, Resume, Reprioritise}

func (e *RequestSent) members(m *members) {
	m.str("request_id", &e.ID, ulid)
	m.str("target", &e.Target, agentID)
	enum(m, "kind", &e.Kind, requestKinds)
	m.optUUID("subject_issue", &e.Subject)
	m.str("requested_by", &e.RequestedBy, name)
	m.optStr("reason", &e.Reason, freeText)
	m.optTime("expires_at", &e.ExpiresAt)
}

func (e *RequestAcked) members(m *members) {
	m.str("request_id", &e.ID, ulid)
	m.bool("acted", &e.Acted)
	m.str("result", &e.Result, freeText)
	m.optStr("notes", &e.Notes, freeText)
}

func (*RequestSent) Type() string  { return "RequestSent" }
func (*RequestAcked) Type() string { return "RequestAcked" }
