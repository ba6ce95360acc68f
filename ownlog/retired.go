package ownlog

import (
	"context"

	"github.com/git-crosslink/git-crosslink/reading"
)

// outlived continues under a new id where the identity file still names one that
// is retired.
func (w *Writer) outlived(ctx context.Context) (bool, error) {
	if was, err := w.Identity().Outlived(w.Agent); err != nil || !was {
		return false, err
	}
	agent, err := w.SettleAgent(ctx)
	if err != nil {
		return false, err
	}
	w.Agent = agent
	w.Reads.Forget()
	return true, nil
}

// RetiredError returns an error if the agent is retired, since its log has ended.
func (w *Writer) RetiredError(p reading.Projection) error {
	a := p.Agent(w.Agent)
	if a == nil || !a.Retired {
		return nil
	}
	return w.Identity().Retired(w.Agent)
}
