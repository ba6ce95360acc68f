package tracker

import (
	"context"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// upkeepFor bounds it: a git that hangs must not stay for ever.
const upkeepFor = 10 * time.Minute

// keepUp keeps the replica small, in a process that nobody waits for. What goes
// wrong with it is nobody's news: it is tried again the next day.
func (t *Tracker) keepUp(ctx context.Context) {
	if r, ok := t.replica.(refs.Maintained); ok && t.replica.Whole() {
		ctx, cancel := context.WithTimeout(ctx, upkeepFor)
		defer cancel()
		_ = r.Maintain(ctx)
	}
}

// keepUpLater starts such a process if there is much to do and none was started
// for a day. A repository that sends everything at once, or has no hub, would
// never come to it otherwise.
func (t *Tracker) keepUpLater() {
	if r, ok := t.replica.(refs.Maintained); ok && r.MaintenanceDue() {
		t.detach()
	}
}
