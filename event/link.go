package event

// LinkAdded links an issue to something outside the tracker: where it came from,
// a pull request, a commit.
type LinkAdded struct {
	Issue UUID   // issue_uuid
	Kind  string // LinkOrigin …; others are kept
	Ref   string
}

// LinkRemoved removes a link.
type LinkRemoved struct {
	Issue UUID // issue_uuid
	Kind  string
	Ref   string
}

// The kinds of links in use.
const (
	LinkOrigin   = "origin" // where the issue was imported from: system:scope#key
	LinkExternal = "external"
	LinkPull     = "pull"
	LinkCommit   = "commit"
	LinkURL      = "url"
)

func (e *LinkAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.str("kind", &e.Kind, name)
	m.str("ref", &e.Ref, linkRef)
}

func (e *LinkRemoved) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.str("kind", &e.Kind, name)
	m.str("ref", &e.Ref, linkRef)
}

func (*LinkAdded) Type() string   { return "LinkAdded" }
func (*LinkRemoved) Type() string { return "LinkRemoved" }
