package importer

import (
	"crypto/sha256"

	"github.com/git-crosslink/git-crosslink/event"
)

// The types of things that UUID names.
const (
	TypeIssue     = "issue"
	TypeComment   = "comment"
	TypeMilestone = "milestone"
	TypeTime      = "time"
)

// UUID names a thing of another system: the version-8 uuid (RFC 9562) of the
// SHA-256 of "crosslink-import/1", system, scope, type and key, joined by NUL.
// Whoever imports the thing, and whenever, gets this uuid.
func UUID(system, scope, kind, key string) event.UUID {
	h := sha256.New()
	for i, part := range []string{"crosslink-import/1", system, scope, kind, key} {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(part))
	}
	var u event.UUID
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x80 // version 8
	u[8] = u[8]&0x3f | 0x80 // RFC 9562 variant
	return u
}
