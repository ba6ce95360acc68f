package importer

import "github.com/git-crosslink/git-crosslink/event"

// The types of things that UUID names.
const (
	TypeIssue     = "issue"
	TypeComment   = "comment"
	TypeMilestone = "milestone"
	TypeTime      = "time"
)

// UUID names a thing of another system: the version-8 uuid (RFC 9562) of the
// SHA-256 of "crosslink-import/1", system, scope, type and key, joined by NUL.
// Anybody who imports the thing, and whenever, gets this uuid.
func UUID(system, scope, kind, key string) event.UUID {
	return event.NamedUUID("crosslink-import/1", system, scope, kind, key)
}
