package replay

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/refs"
)

// However many steps are skipped, all are counted and the newest are named.
func TestPassedOverSteps(t *testing.T) {
	var a Archive
	for n := range 2*MaxBad + 1 {
		a.passOver(refs.OID(fmt.Sprint(n)), &archive.Fault{Reason: archive.Empty})
	}
	if a.Passed != 2*MaxBad+1 || len(a.Bad) != MaxBad || a.Bad[0].ID != "101" || a.Bad[MaxBad-1].ID != "200" {
		t.Errorf("%d passed over, %d named from %s to %s", a.Passed, len(a.Bad), a.Bad[0].ID, a.Bad[len(a.Bad)-1].ID)
	}
}
