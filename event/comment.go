package event

// CommentAdded says something on an issue. Kind is an open list: unknown kinds
// are kept and shown.
type CommentAdded struct {
	Issue                UUID // issue_uuid
	Comment              UUID // comment_uuid
	Author               string
	Content              string
	CreatedAt            Time
	Kind                 string
	TriggerType          string // trigger_type?
	InterventionContext  string // intervention_context?
	DriverKeyFingerprint string // driver_key_fingerprint?
}

// CommentEdited replaces a comment's text.
type CommentEdited struct {
	Comment UUID // comment_uuid
	Content string
}

// CommentDeleted hides a comment forever.
type CommentDeleted struct{ Comment UUID } // comment_uuid

// triggerTypes is what an intervention answers. Closed list.
var triggerTypes = []string{"tool_rejected", "tool_blocked", "redirect", "context_provided", "manual_action", "question_answered"}

func (e *CommentAdded) members(m *members) {
	m.uuid("issue_uuid", &e.Issue)
	m.uuid("comment_uuid", &e.Comment)
	m.str("author", &e.Author, name)
	m.str("content", &e.Content, freeText)
	m.time("created_at", &e.CreatedAt)
	m.str("kind", &e.Kind, name)
	optEnum(m, "trigger_type", &e.TriggerType, triggerTypes)
	m.optStr("intervention_context", &e.InterventionContext, freeText)
	m.optStr("driver_key_fingerprint", &e.DriverKeyFingerprint, name)
}

func (e *CommentEdited) members(m *members) {
	m.uuid("comment_uuid", &e.Comment)
	m.str("content", &e.Content, freeText)
}

func (e *CommentDeleted) members(m *members) { m.uuid("comment_uuid", &e.Comment) }

func (*CommentAdded) Type() string   { return "CommentAdded" }
func (*CommentEdited) Type() string  { return "CommentEdited" }
func (*CommentDeleted) Type() string { return "CommentDeleted" }
