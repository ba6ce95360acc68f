package clone

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// upkeepFor bounds it: a git that hangs must not stay forever.
const upkeepFor = 10 * time.Minute

// KeepUp keeps the replica small, in a process that nobody waits for. What goes
// wrong with it is nobody's news: it is tried again the next day.
func (c *Clone) KeepUp(ctx context.Context) {
	if r, ok := c.Replica.(refs.Maintained); ok && c.Replica.Whole() {
		ctx, cancel := context.WithTimeout(ctx, upkeepFor)
		defer cancel()
		_ = r.Maintain(ctx)
	}
}

// PackRefs makes lists of refs cheap again after a fetch that moved many. What goes
// wrong with it only costs time.
func (c *Clone) PackRefs(ctx context.Context) {
	if r, ok := c.Replica.(refs.Maintained); ok {
		_ = r.PackRefs(ctx)
	}
}

// KeepUpLater starts such a process if there is much to do and none was started
// for a day. A repository that sends everything at once, or has no hub, would
// never come to it otherwise.
func (c *Clone) KeepUpLater() {
	if r, ok := c.Replica.(refs.Maintained); ok && r.MaintenanceDue() {
		c.Detach()
	}
}
