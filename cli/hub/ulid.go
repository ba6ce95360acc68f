package hub

import (
	"crypto/rand"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// newULID creates the id of a request.
func newULID(now time.Time) string {
	var random [10]byte
	rand.Read(random[:])
	return event.ULID(event.TimeOf(now), random)
}
