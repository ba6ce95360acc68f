package tracker

import (
	"context"
)

// selfName stands for the remote where the repository is its own hub.
const selfName = "."

// isHub reports whether the repository is a hub itself: it has no remote, and
// it is said to be one (crosslink.hub) or is bare and holds a tracker that
// others pushed to it. What its clones share is then what it shows; a replica
// of its own beside that would be a second, private tracker.
func (t *Tracker) isHub(ctx context.Context) bool {
	if len(t.remotes()) > 0 {
		return false
	}
	return t.conf.Bool("crosslink.hub", false) || t.outer.Bare && t.outer.HasRef(ctx, headRoot+metaName)
}
