package exchange

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// IdleStamp returns a hash of everything that affects the result of a sync.
func (x *Exchange) IdleStamp(all map[string]refs.OID) string {
	return x.Link.IdleStamp(all, replay.LostRoot, fmt.Sprintf("%d\n%s", ledger.Rules, x.Agent))
}

// Idle reports whether a sync would find nothing to do, because the refs are those of the
// last sync that found nothing and nothing else has changed.
func (x *Exchange) Idle(ctx context.Context) bool {
	if x.Contact.Idle == "" || !x.Undisturbed() {
		return false
	}
	all, err := x.Reads.Refs(ctx)
	return err == nil && x.IdleStamp(all) == x.Contact.Idle
}

// Undisturbed reports whether the saved state of the hub has nothing that a sync would
// check, and no other remote can have this tracker.
func (x *Exchange) Undisturbed() bool {
	return x.Contact.Undisturbed(x.Now()) && !x.Hub.Moved(x.Contact) && x.Hub.PushPair() == "" && !slices.ContainsFunc(x.Conf.Remotes(), func(name string) bool { return name != x.Hub.Name })
}
