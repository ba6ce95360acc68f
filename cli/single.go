package cli

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// single is a write to one issue whose events follow from the issue as it is.
type single struct {
	id   string
	emit tracker.EmitOptions
	// bodies makes the events and says in words what they do; what is so
	// already is said and makes none.
	bodies func(h hub, p tracker.Projection, i *store.Issue, said *said) ([]event.Body, error)
}

// run publishes and prints the issue's id.
func (s *single) run(ctx context.Context, e *env) error {
	var (
		i    *store.Issue
		said said
	)
	r, err := e.emit(ctx, s.emit, func(h hub, p tracker.Projection) (_ []event.Body, err error) {
		said = nil
		if i, err = resolve(p, s.id); err != nil {
			return nil, err
		}
		return s.bodies(h, p, i, &said)
	})
	if err != nil {
		return err
	}
	said.tell(e)
	return e.wroteOne(ctx, r, s.emit, i.UUID)
}
