package importer

import "github.com/git-crosslink/git-crosslink/event"

// The types of objects that UUID names.
const (
	TypeIssue     = "issue"
	TypeComment   = "comment"
	TypeMilestone = "milestone"
	TypeTime      = "time"
)

// UUID names an object of another system: the version-8 uuid (RFC 9562) of the SHA-256 of
// "crosslink-import/1", system, scope, type and key, joined by NUL. Every import of the
// object, at any time and by anybody, gives this uuid.
func UUID(system, scope, kind, key string) event.UUID {
	return event.NamedUUID("crosslink-import/1", system, scope, kind, key)
}
