package tracker

import (
	"context"
)

// selfName stands for the remote where the repository is its own hub.
const selfName = "."

// isHub reports whether the repository is a hub itself: crosslink.hub says so
// ('init --hub'), or it is bare, has no remote and holds a tracker that others
// pushed to it or 'init' made. What its clones share is then what it shows; a
// replica of its own beside that would be a second, private tracker.
func (t *Tracker) isHub(ctx context.Context) bool {
	if _, said := t.conf.Get("crosslink.hub"); said {
		return t.conf.Bool("crosslink.hub", false)
	}
	return t.outer.Bare && len(t.remotes()) == 0 && t.outer.HasRef(ctx, headRoot+metaName)
}
