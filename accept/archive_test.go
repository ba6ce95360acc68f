package accept

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/replay"
)

// If more steps are skipped than are named, any of the others may become valid when the
// ledger moves.
func TestSkippedSteps(t *testing.T) {
	s := reading.Of(&replay.State{})
	bad := []replay.BadArchiveStep{{ID: "0a", Fault: &archive.Fault{Reason: archive.Empty}}}
	if seen := passedOver(s, "tip", replay.Archive{Passed: 1, Bad: bad}); len(seen.Waits) != 0 {
		t.Errorf("a step that is never valid waits for %v", seen.Waits)
	}
	seen := passedOver(s, "tip", replay.Archive{Passed: 2, Bad: bad})
	s.Ledger.Step = "0b"
	if is := standing(s, []string{""}); len(seen.Waits) != 1 || seen.Waits[""] == is[""] {
		t.Errorf("it waits for %v, and then %v", seen.Waits, is)
	}
}
