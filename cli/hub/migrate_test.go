package hub

import (
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// An agent with many locks takes one line.
func TestLockLines(t *testing.T) {
	got := lockLines([]event.BaseLock{{Agent: "bo", Number: 2}, {Agent: "ann", Number: 3}, {Agent: "bo", Number: 5}})
	if want := []string{"the lock of 'ann' on issue 3", "the locks of 'bo' on issues 2, 5"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
