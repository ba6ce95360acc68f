package members

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Move marks the hub as moved for good: its meta names the URL of the hub on which the
// tracker continues. A hub that has moved to the same one stays as it is.
func (m *Members) Move(ctx context.Context, url string) error {
	if !trust.ValidSuccessor(url) {
		return &fail.Error{Kind: fail.Fatal, Code: "successor", Message: fmt.Sprintf("'%s' cannot be named as the URL of a hub: nothing was written", fail.Truncate(url))}
	}
	err := m.ChangeMeta(ctx, "moves the hub", func(_ *reading.Snapshot, c *agents.Change) error {
		if _, ok := c.Meta.Revoked[m.Agent]; ok { // it would found the new hub
			return &fail.Error{Kind: fail.Denied, Code: "revoked/still", Message: fmt.Sprintf("'%s' was revoked, and would be the founder of the new hub: nothing was written", m.Agent)}
		}
		c.Meta.SetSuccessor(url)
		return nil
	})
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Code.Name() == "moved" && e.Fields["url"] == url {
		return nil
	}
	return err
}
