package tracker

import (
	"context"
	"errors"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// countsStill reports that written lines do not count, if publishing them showed that the
// hub's policy had changed. The lines are kept.
func (t *Tracker) countsStill(ctx context.Context, lines []*event.Envelope) error {
	if !t.clone.Link.Reached || len(lines) == 0 {
		return nil
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil // the next command reports it
	}
	if l := s.Log(t.clone.Agent); l == nil || l.Verdict() == nil || l.Verdict().Fed >= lines[len(lines)-1].Seq {
		return nil
	}
	e := t.clone.NotAdmitted(s, true)
	if e == nil {
		return nil
	}
	e.Kind = fail.Unconfirmed
	e.Message += ", which this clone learned only now: the change is saved locally, but does not count"
	return e
}

// maybeOutdated contacts the hub once before a write is refused because of the known
// policy. It reports whether the policy may have changed.
func (t *Tracker) maybeOutdated(ctx context.Context, o EmitOptions, err error) bool {
	var e *fail.Error
	if !errors.As(err, &e) || e.Kind != fail.Denied || t.clone.Link.Reached || t.clone.Hub == nil || o.Offline || t.clone.Config("crosslink.sync") == "manual" ||
		!slices.Contains([]string{"unsigned", "not-approved", "revoked"}, e.Code.Name()) {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, t.patience(o))
	defer cancel()
	unlock, free, lerr := t.clone.Link.Lock(bounded, t.clone.Wait())
	if lerr != nil || !free {
		return false
	}
	defer unlock()
	if t.exchange.Fetch(bounded) != nil {
		return false // the known policy stays
	}
	return true
}
