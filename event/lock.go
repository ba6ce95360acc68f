package event

// LockClaimed asks for the issue's lock; the ledger decides. Wait asks to be
// queued when it is held.
type LockClaimed struct {
	Issue  UUID   // issue_uuid
	Branch string // branch?
	Wait   bool   // wait? (written only when true)
}

// LockReleased ends all earlier claims of its agent on the issue.
type LockReleased struct{ Issue UUID } // issue_uuid

// LockBroken ends the grant whose token it names, and only that.
type LockBroken struct {
	Issue  UUID // issue_uuid
	Token  uint64
	Reason string
}

func (e *LockClaimed) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.optStr("branch", &e.Branch, branch)
	m.flag("wait", &e.Wait)
}

func (e *LockReleased) members(m *members) { m.uuid("issue_uuid", &e.Issue) }

func (e *LockBroken) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.uint("token", &e.Token, 1)
	m.str("reason", &e.Reason, freeText)
}

func (*LockClaimed) Type() string  { return "LockClaimed" }
func (*LockReleased) Type() string { return "LockReleased" }
func (*LockBroken) Type() string   { return "LockBroken" }
