package event

// AgentKind tells people from programs. Closed list.
type AgentKind string

const (
	Person  AgentKind = "person"
	Machine AgentKind = "agent"
)

// AgentIntroduced is the first event of a log: what the agent says of itself.
type AgentIntroduced struct {
	Kind        AgentKind
	PublicKey   string // public_key?: one line of OpenSSH public key
	Description string // description?
	Machine     string // machine?
	Name        string // name?: of the person or program, for display
}

// KeyRotated names the agent's next key; it is signed by the one before.
type KeyRotated struct{ PublicKey string } // public_key

// AgentForked proves that one key wrote two lines with one sequence.
type AgentForked struct {
	Agent        string
	LineA, LineB string // the two lines as they stand in the logs
}

// AgentForkedFrom says that this log continues where another one stopped.
type AgentForkedFrom struct {
	Agent string
	Seq   uint64
	Hash  string
}

// AgentRetired says that nothing more will come.
type AgentRetired struct{ Reason string } // reason?

var agentKinds = []AgentKind{Person, Machine}

func (e *AgentIntroduced) members(m *members) {
	enum(m, "kind", &e.Kind, agentKinds)
	m.optStr("public_key", &e.PublicKey, publicKey)
	m.optStr("description", &e.Description, freeText)
	m.optStr("machine", &e.Machine, name)
	m.optStr("name", &e.Name, name)
}

func (e *KeyRotated) members(m *members) { m.str("public_key", &e.PublicKey, publicKey) }

func (e *AgentForked) members(m *members) {
	m.str("agent", &e.Agent, agentID)
	m.str("line_a", &e.LineA, quoted)
	m.str("line_b", &e.LineB, quoted)
}

func (e *AgentForkedFrom) members(m *members) {
	m.str("agent", &e.Agent, agentID)
	m.uint("seq", &e.Seq, 1)
	m.str("hash", &e.Hash, hash)
}

func (e *AgentRetired) members(m *members) { m.optStr("reason", &e.Reason, freeText) }

func (*AgentIntroduced) Type() string { return "AgentIntroduced" }
func (*KeyRotated) Type() string      { return "KeyRotated" }
func (*AgentForked) Type() string     { return "AgentForked" }
func (*AgentForkedFrom) Type() string { return "AgentForkedFrom" }
func (*AgentRetired) Type() string    { return "AgentRetired" }
