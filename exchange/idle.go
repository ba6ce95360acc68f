package exchange

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// IdleStamp stands for all that a sync follows from.
func (x *Exchange) IdleStamp(all map[string]refs.OID) string {
	return x.Link.IdleStamp(all, replay.LostRoot, fmt.Sprintf("%d\n%s", ledger.Rules, x.Agent))
}

// Idle reports whether the refs are those of the last sync that found nothing to
// do, and nothing else says that there might be something now.
func (x *Exchange) Idle(ctx context.Context) bool {
	if x.Contact.Idle == "" || !x.Undisturbed() {
		return false
	}
	all, err := x.Reads.Refs(ctx)
	return err == nil && x.IdleStamp(all) == x.Contact.Idle
}

// Undisturbed reports whether the note of the contact holds nothing that a sync
// would look into, and nobody else could hold this tracker.
func (x *Exchange) Undisturbed() bool {
	return x.Contact.Undisturbed(x.Now()) && !x.Hub.Moved(x.Contact) && x.Hub.PushPair() == "" && !slices.ContainsFunc(x.Conf.Remotes(), func(name string) bool { return name != x.Hub.Name })
}
