package transfer

import (
	"context"
	"iter"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// late writes to a tracker, and opens who writes only when there is something to
// write: an import that changes nothing makes nobody an agent.
type late struct {
	t    Tracker
	how  tracker.Freshness
	open func() (Writer, error) // nil: it only looks
}

func (l late) EmitEach(ctx context.Context, builds iter.Seq[tracker.Build]) (agent string, events int, err error) {
	p, err := l.t.Read(ctx, l.how)
	if err != nil {
		return "", 0, err
	}
	next, stop := iter.Pull(builds)
	defer stop()
	for build, ok := next(); ok; build, ok = next() {
		bodies, err := build(p)
		if err != nil {
			return "", 0, err
		}
		if len(bodies) == 0 || l.open == nil {
			continue
		}
		w, err := l.open()
		if err != nil {
			return "", 0, err
		}
		return w.EmitEach(ctx, func(yield func(tracker.Build) bool) { // the first one again, by the agent that writes it
			for ok && yield(build) {
				build, ok = next()
			}
		})
	}
	return "", 0, nil
}
