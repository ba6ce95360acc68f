package tracker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// identity is under which id this worktree writes.
func (t *Tracker) identity() agents.Identity {
	return agents.Identity{File: filepath.Join(t.outer.GitDir, "crosslink", "identity"), Environ: t.environ, Config: t.conf}
}

func (t *Tracker) getenv(name string) string { return keys.Getenv(t.environ, name) }

// mayName looks whether there is an id to write under, or one may be made;
// none is, before the hub has been looked at.
func (t *Tracker) mayName() (err error) {
	if err := t.checkCommitter(); err != nil {
		return err
	}
	t.agent, err = t.identity().MayWrite()
	return err
}

// settleAgent returns the id to write under, minting one if there is none yet.
func (t *Tracker) settleAgent(context.Context) (string, error) {
	if err := t.mayName(); err != nil || t.agent != "" {
		return t.agent, err
	}
	is, err := t.identity().Settle()
	if err != nil {
		return "", err
	}
	n := fail.Notice{Code: "new-agent", Text: fmt.Sprintf("you write here as '%s'", is.Agent)}
	switch {
	case is.Was != "":
		n = fail.Notice{Code: "copied-clone/here",
			Text: fmt.Sprintf("this repository is a copy of one that writes as '%s'; here you write as '%s'", is.Was, is.Agent)}
	case t.signer().MakeFirst(is.Agent):
		n.Code, n.Text = "new-agent/key", n.Text+", signing with a key made for it"
	}
	t.notice(n)
	return is.Agent, nil
}

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
func (t *Tracker) findCommitter(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	if bad, ok := errors.AsType[*fail.Error](t.checkCommitter()); ok {
		return []fail.Diagnosis{bad.Diagnosis(fail.Problem, bad.Message+": nothing is written here")}, nil
	}
	return nil, nil
}
