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

// CommentDeleted hides a comment for ever.
type CommentDeleted struct{ Comment UUID } // comment_uuid

func (*CommentAdded) Type() string   { return "CommentAdded" }
func (*CommentEdited) Type() string  { return "CommentEdited" }
func (*CommentDeleted) Type() string { return "CommentDeleted" }
