package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/hubs"
)

// Most syncs find nothing to do, and reading a large tracker takes long. A sync depends on
// the refs, on the stored contact and, as long as something waits to be decided or
// reported, on the time. So a sync that found nothing to do or report stores the refs it
// has seen. If the next sync finds the same refs, before and after its fetch, it reads no
// object.

// stillIdle finishes a sync that again found nothing to do.
func (t *Tracker) stillIdle(ctx context.Context, r *SyncReport, o SyncOptions) (*SyncReport, error) {
	t.clone.Link.Reached = true
	r.Hub = t.clone.Contact.Hub
	if err := t.clone.Contact.Remember(func(c *hubs.Note) { c.Last = t.clone.Link.Asked }); err != nil {
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
	if err != nil || r.State != Confirmed || r.Reason != "" || r.Hub == "" || r.Hub != t.clone.Contact.Hub || !t.exchange.Undisturbed() ||
		s.Undecidable() || s.BadMeta != nil || s.Proven() || t.exchange.LostSomething(s, lost) || t.clone.NotAdmitted(s, false) != nil {
		return
	}
	for _, l := range s.Active() {
		if l.Ended != "" || l.Diverged || l.Foreign || l.Torn || l.Here != "" && l.Here != l.Hub {
			return
		}
	}
	if is := t.exchange.IdleStamp(s.AllRefs); is != t.clone.Contact.Idle {
		_ = t.clone.Contact.Remember(func(c *hubs.Note) { c.Idle, c.Quiet = is, t.clone.Now() })
	}
}
