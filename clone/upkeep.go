package clone

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// upkeepFor bounds the time of maintenance: a git that hangs must not stay forever.
const upkeepFor = 10 * time.Minute

// KeepUp keeps the replica small, in a process that nobody waits for. Failures are not
// reported: it is tried again the next day.
func (c *Clone) KeepUp(ctx context.Context) {
	if r, ok := c.Replica.(refs.Maintained); ok && c.Replica.Whole() {
		ctx, cancel := context.WithTimeout(ctx, upkeepFor)
		defer cancel()
		_ = r.Maintain(ctx)
	}
}

// PackRefs makes lists of refs fast again after a fetch that moved many. A failure only
// costs time.
func (c *Clone) PackRefs(ctx context.Context) {
	if r, ok := c.Replica.(refs.Maintained); ok {
		_ = r.PackRefs(ctx)
	}
}

// KeepUpLater starts such a process if there is much to do and none was started for a day.
// Without it, a repository that sends everything at once, or has no hub, would never start
// one.
func (c *Clone) KeepUpLater() {
	if r, ok := c.Replica.(refs.Maintained); ok && r.MaintenanceDue() {
		c.Detach()
	}
}
