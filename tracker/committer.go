package tracker

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Some forges take only commits with an address that they know. Nothing reads
// the address of the tracker's commits: a log is its lines, a step its files, and
// neither depends on the commit that carries it. So everybody may choose one.

// committer is the address of the commits that are written here; "" is the one
// that is made of the agent's id.
func (t *Tracker) committer() string { return t.config("crosslink.committer") }

// checkCommitter refuses to write under an address that no commit can carry.
func (t *Tracker) checkCommitter() error {
	address := t.committer()
	if address == "" || refs.ValidAddress(address) {
		return nil
	}
	return &fail.Error{Kind: fail.Denied, Code: "committer", Message: fmt.Sprintf("crosslink.committer is '%s', which is not a usable email address", fail.Truncate(address))}
}

// findCommitter is the doctor's look at that.
func (t *Tracker) findCommitter(context.Context, *snapshot) ([]fail.Diagnosis, error) {
	if bad, ok := errors.AsType[*fail.Error](t.checkCommitter()); ok {
		return []fail.Diagnosis{bad.Diagnosis(fail.Problem, bad.Message+": nothing is written here")}, nil
	}
	return nil, nil
}
