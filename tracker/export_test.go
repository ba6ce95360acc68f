package tracker

import (
	"testing"
	"time"
)

// TooOld is the version of a git that is too old.
func TooOld(says string) string { return tooOld(says) }

// ShortBounds shortens for one test how long a command waits for the hub, and
// how long a sync that nobody watches may take.
func ShortBounds(t *testing.T, wait, detached time.Duration) {
	was, wasDetached := foreground, detachedFor
	foreground, detachedFor = wait, detached
	t.Cleanup(func() { foreground, detachedFor = was, wasDetached })
}
