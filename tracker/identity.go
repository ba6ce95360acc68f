package tracker

import (
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// Some forges take only commits with an address that they know. Nothing reads
// the address of the tracker's commits: a log is its lines, a step its files, and
// neither depends on the commit that carries it. So everybody may choose one.

// findCommitter is the doctor's look at that.
func (t *Tracker) findCommitter(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	if bad, ok := errors.AsType[*fail.Error](t.clone.CheckCommitter()); ok {
		return []fail.Diagnosis{bad.Diagnosis(fail.Problem, bad.Message+": nothing is written here")}, nil
	}
	return nil, nil
}
