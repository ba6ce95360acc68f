package tracker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Most syncs find nothing to do, and a large tracker takes long to read. What a
// sync does follows from the refs, from the note of the contact and, as long as
// something waits to be decided or told, from the time. So one that found
// nothing to do and nothing to say notes the refs it was so for, and the next
// one that finds the same refs, before its fetch and after it, reads no object.

// idleRefs stands for all refs a sync follows from; "" if what was fetched is not
// what is believed, or if something is kept that has to go back to the hub. Signs
// of life are read apart.
func (t *Tracker) idleRefs(all map[string]refs.OID) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s\n%s\n", ledger.Rules, t.agent, t.hub.Shown())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case strings.HasPrefix(name, refs.PresenceHere):
			continue
		case strings.HasPrefix(name, lostRoot):
			return ""
		}
		for _, pair := range [][2]string{{incomingRoot, hubRoot}, {hubRoot, incomingRoot}, {headRoot + agentLogs, hubRoot + agentLogs}} {
			rest, ok := strings.CutPrefix(name, pair[0])
			if ok && pair[0] == hubRoot && t.contact.NotTakenBack(rest, all[name], t.now()) {
				continue
			}
			if ok && all[pair[1]+rest] != all[name] {
				return ""
			}
		}
		fmt.Fprintf(h, "%s %s\n", all[name], name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// idle reports whether the refs are those of the last sync that found nothing to
// do, and nothing else says that there might be something now.
func (t *Tracker) idle(ctx context.Context) bool {
	if t.contact.Idle == "" || !t.undisturbed() || t.joining || len(t.forks) > 0 {
		return false
	}
	all, err := t.reads.Refs(ctx)
	return err == nil && t.idleRefs(all) == t.contact.Idle
}

// undisturbed reports whether the note of the contact holds nothing that a sync
// would look into, and nobody else could hold this tracker.
func (t *Tracker) undisturbed() bool {
	return t.contact.Undisturbed(t.now()) && !t.hub.Moved(t.contact) && t.hub.PushPair() == "" && !slices.ContainsFunc(t.conf.Remotes(), func(name string) bool { return name != t.hub.Name })
}

// stillIdle is the end of a sync that found nothing to do once more.
func (t *Tracker) stillIdle(ctx context.Context, r *SyncReport, o SyncOptions) (*SyncReport, error) {
	t.link.Reached = true
	r.Hub = t.contact.Hub
	if err := t.contact.Remember(func(c *hubs.Note) { c.Last = t.now() }); err != nil {
		return r, err
	}
	if o.Detached {
		return r, t.showPresence(ctx)
	}
	return r, nil
}

// noteIdle remembers that a sync found nothing to do.
func (t *Tracker) noteIdle(ctx context.Context, r *SyncReport, lost hubs.Losses) {
	s, err := t.reads.Load(ctx)
	if err != nil || r.State != Confirmed || r.Reason != "" || r.Hub == "" || r.Hub != t.contact.Hub || !t.undisturbed() ||
		s.Undecidable() || s.BadMeta != nil || s.Proven() || t.lostSomething(s, lost) || t.notAdmitted(s, false) != nil {
		return
	}
	for _, l := range s.Logs {
		if l.Ended != "" || l.Diverged || l.Foreign || l.Torn || l.Here != "" && l.Here != l.Hub {
			return
		}
	}
	if is := t.idleRefs(s.AllRefs); is != t.contact.Idle {
		_ = t.contact.Remember(func(c *hubs.Note) { c.Idle = is })
	}
}
