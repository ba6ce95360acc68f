package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/found"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/migrate"
)

// The options and results of Init and Detach (package found).
type (
	InitOptions = found.InitOptions
	InitReport  = found.InitReport
	Renumbered  = found.Renumbered
	Detached    = found.Detached
)

func (t *Tracker) founder() *found.Founder { return &found.Founder{Writer: t.writer} }

// Init makes the remote a hub, or joins the hub that already exists there.
func (t *Tracker) Init(ctx context.Context, o InitOptions) (*InitReport, error) {
	return t.founder().Init(ctx, o)
}

// Detach gives the hub of this clone, which is a fork, an id of its own. remote names the
// fork; "" is the hub, if another remote is known to have the original.
func (t *Tracker) Detach(ctx context.Context, remote string) (*Detached, error) {
	return t.founder().Detach(ctx, remote)
}

// Taken reports whether a remote has a tracker.
func (t *Tracker) Taken(ctx context.Context, remote string) (bool, error) {
	return t.founder().Taken(ctx, remote)
}

// MoveHub marks the hub as moved: the tracker continues on another remote.
func (t *Tracker) MoveHub(ctx context.Context, remote string) error {
	return t.members().Move(ctx, hubs.URLOf(t.clone.Conf, remote))
}

// Roll creates a hub on another remote that continues this clone's hub, which has moved.
func (t *Tracker) Roll(ctx context.Context, o InitOptions) (*InitReport, error) {
	return t.founder().Roll(ctx, o)
}

// Migration prepares to convert a hub of the original to this program's format version.
// Unless dry is set, it keeps other syncs from running until it is released.
func (t *Tracker) Migration(ctx context.Context, dry bool, progress func(string)) (*migrate.Runner, func(), error) {
	return t.founder().Migration(ctx, dry, progress)
}
