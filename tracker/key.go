package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// RotateKey replaces the current key with the one in crosslink.signingKey, or with a new
// key. It can be run again after an interruption, because of the order of its steps: the
// hub lists the new key (if the old one belongs to an admin); the log records the new key,
// signed by the old one; and then the old key is removed.
func (t *Tracker) RotateKey(ctx context.Context) (was, is *AgentKey, err error) {
	s, old, err := t.members().OwnKey(ctx)
	if err != nil {
		return nil, nil, err
	}
	if l := s.Log(t.clone.Agent); l == nil || l.Seq == 0 {
		return nil, nil, &fail.Error{Kind: fail.No, Code: "no-log", Message: fmt.Sprintf("'%s' has written nothing yet: there is no key to replace", t.clone.Agent)}
	}
	if !slices.Contains(s.Keys(t.clone.Agent), old.Key()) {
		return nil, nil, &fail.Error{Kind: fail.Denied, Code: "no-key/rotate", Message: fmt.Sprintf("the log of '%s' has no key that could sign the change", t.clone.Agent),
			Fields: fail.Fields{"agent": t.clone.Agent, "key": old.Key().String()}}
	}
	was = t.members().AgentKey(s, old)
	next, kept, err := t.clone.Signer().Next(old)
	if err != nil {
		if _, said := errors.AsType[*fail.Error](err); said {
			return nil, nil, err
		}
		return nil, nil, t.clone.Unwritable(err)
	}
	if was.Admin {
		err := t.members().ChangeMeta(ctx, "changes its key", func(_ *reading.Snapshot, c *agents.Change) error {
			return c.HandOver(t.clone.Agent, old.Key(), next.Key())
		})
		if err != nil {
			return nil, nil, err
		}
	}
	r, err := t.Emit(ctx, EmitOptions{signing: &clone.Signing{Handing: old.Key()}}, func(Projection) ([]Body, error) {
		return []Body{&event.KeyRotated{PublicKey: next.Key().String()}}, nil
	})
	if err != nil {
		return nil, nil, err
	}
	if last := r.Lines[len(r.Lines)-1]; last.SignedBy != old.Key().Fingerprint() {
		return nil, nil, &fail.Error{Kind: fail.Denied, Code: "unsigned/rotate", Message: "the old key did not sign: it stays in use"}
	}
	if kept {
		if err := t.clone.Signer().Ring.Promote(t.clone.Agent); err != nil {
			return nil, nil, fmt.Errorf("put the new key in its place: %w", err)
		}
	}
	if s, err = t.clone.Reads.Load(ctx); err != nil {
		return nil, nil, err
	}
	return was, t.members().AgentKey(s, next), nil
}
