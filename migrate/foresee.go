package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Foresee reports what Run would do. It writes nothing and fetches nothing, so the caller
// must have synced before.
func (r *Runner) Foresee(ctx context.Context, o Options) (*Report, error) {
	c := r.Clone
	unsynced := func() error {
		return &fail.Error{Kind: fail.Fatal, Code: "not-synced", Message: fmt.Sprintf("this clone does not have all events of '%s', and a dry run does not fetch", c.Hub.Name)}
	}
	if c.Replica == nil {
		return nil, unsynced()
	}
	heads, err := c.Link.Heads(ctx, c.Link.Remote())
	if err != nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "unreachable/migrate", Err: err, Message: fmt.Sprintf("the remote '%s' is not reachable", c.Hub.Name)}
	}
	s, err := c.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	for name, tip := range heads {
		rest, ours := strings.CutPrefix(name, replay.HereRoot)
		if ours && rest != "knowledge" && s.AllRefs[replay.HubRoot+rest] != tip {
			return nil, unsynced()
		}
	}
	o.DryRun = true
	rep, _, err := r.prepare(ctx, s, o)
	return rep, err
}
