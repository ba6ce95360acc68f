package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Most syncs find nothing to do, and a large tracker takes long to read. What a
// sync does follows from the refs, from the note of the contact and, as long as
// something waits to be decided or told, from the time. So one that found
// nothing to do and nothing to say notes the refs it was so for, and the next
// one that finds the same refs, before its fetch and after it, reads no object.

// idleStamp stands for all that a sync follows from.
func (t *Tracker) idleStamp(all map[string]refs.OID) string {
	return t.clone.Link.IdleStamp(all, replay.LostRoot, fmt.Sprintf("%d\n%s", ledger.Rules, t.clone.Agent))
}

// idle reports whether the refs are those of the last sync that found nothing to
// do, and nothing else says that there might be something now.
func (t *Tracker) idle(ctx context.Context) bool {
	if t.clone.Contact.Idle == "" || !t.undisturbed() || t.joining || len(t.forks) > 0 {
		return false
	}
	all, err := t.clone.Reads.Refs(ctx)
	return err == nil && t.idleStamp(all) == t.clone.Contact.Idle
}

// undisturbed reports whether the note of the contact holds nothing that a sync
// would look into, and nobody else could hold this tracker.
func (t *Tracker) undisturbed() bool {
	return t.clone.Contact.Undisturbed(t.clone.Now()) && !t.clone.Hub.Moved(t.clone.Contact) && t.clone.Hub.PushPair() == "" && !slices.ContainsFunc(t.clone.Conf.Remotes(), func(name string) bool { return name != t.clone.Hub.Name })
}

// stillIdle is the end of a sync that found nothing to do once more.
func (t *Tracker) stillIdle(ctx context.Context, r *SyncReport, o SyncOptions) (*SyncReport, error) {
	t.clone.Link.Reached = true
	r.Hub = t.clone.Contact.Hub
	if err := t.clone.Contact.Remember(func(c *hubs.Note) { c.Last = t.clone.Now() }); err != nil {
		return r, err
	}
	if o.Detached {
		return r, t.clone.ShowPresence(ctx)
	}
	return r, nil
}

// noteIdle remembers that a sync found nothing to do.
func (t *Tracker) noteIdle(ctx context.Context, r *SyncReport, lost hubs.Losses) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || r.State != Confirmed || r.Reason != "" || r.Hub == "" || r.Hub != t.clone.Contact.Hub || !t.undisturbed() ||
		s.Undecidable() || s.BadMeta != nil || s.Proven() || t.lostSomething(s, lost) || t.clone.NotAdmitted(s, false) != nil {
		return
	}
	for _, l := range s.Logs {
		if l.Ended != "" || l.Diverged || l.Foreign || l.Torn || l.Here != "" && l.Here != l.Hub {
			return
		}
	}
	if is := t.idleStamp(s.AllRefs); is != t.clone.Contact.Idle {
		_ = t.clone.Contact.Remember(func(c *hubs.Note) { c.Idle = is })
	}
}
