package issue

import (
	"context"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// single is a write to one issue whose events depend on the issue's current state.
type single struct {
	id   string
	emit tracker.EmitOptions
	plan func(repo *command.Repository, p tracker.Projection, i *store.Issue) (verb.Plan, error)
}

// run writes the events, and prints what was done and the issue's id.
func (s *single) run(ctx context.Context, e *command.Env) error {
	var (
		i    *store.Issue
		plan verb.Plan
	)
	r, err := e.Emit(ctx, s.emit, func(repo *command.Repository, p tracker.Projection) (_ []event.Body, err error) {
		if i, err = verb.Resolve(p, s.id); err != nil {
			return nil, err
		}
		plan, err = s.plan(repo, p, i)
		return plan.Bodies, err
	})
	if err != nil {
		return err
	}
	printEffects(e, r.View, plan.Effects)
	return printWrite(ctx, e, r, s.emit, i.UUID)
}
