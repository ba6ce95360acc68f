package agents

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// PresenceLimits bound how much is read of a hub's heartbeats.
type PresenceLimits struct {
	Read  int // number of clones to read, the newest by their commits' dates
	Dates int // number of commits whose date is read
}

// clockSkew is how far ahead the clocks of others may be.
const clockSkew = 5 * time.Minute

// presenceHead bounds the commit of a heartbeat.
const presenceHead = 8 << 10

// ReadPresences reads the heartbeats of the last fetch: the newest of each agent, among the
// given refs. The number is how many were not read.
func ReadPresences(ctx context.Context, l refs.Local, all map[string]refs.OID, limit PresenceLimits, now time.Time) (map[string]event.AgentPresence, int) {
	newest := map[string]event.AgentPresence{}
	latest := now.Add(clockSkew)
	tips, left := newestPresences(ctx, l, all, limit, latest)
	for _, tip := range tips {
		files, err := refs.ReadFiles(ctx, l, tip, event.MaxPresence)
		if err != nil {
			continue
		}
		p, err := event.DecodePresence(files["presence.json"])
		if err != nil {
			continue
		}
		for _, a := range p {
			if a.LastSeen > newest[a.Agent].LastSeen && a.LastSeen <= event.TimeOf(latest) {
				newest[a.Agent] = a
			}
		}
	}
	return newest, left
}

// newestPresences returns the commits to read, and how many are left out. A date in the
// future counts as the oldest.
func newestPresences(ctx context.Context, l refs.Local, all map[string]refs.OID, limit PresenceLimits, latest time.Time) (tips []refs.OID, left int) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, refs.PresenceHere) {
			names = append(names, name)
		}
	}
	for _, name := range names[:min(len(names), limit.Dates)] {
		tips = append(tips, all[name])
	}
	if len(names) <= limit.Read {
		return tips, 0
	}
	dates := map[refs.OID]int64{}
	// an unreadable commit has no date
	_ = l.Read(ctx, tips, presenceHead, func(i int, o refs.Object, err error) error {
		if err == nil && o.Kind == refs.Commit {
			if h, err := refs.ParseCommit(l.Format(), o.Data); err == nil && h.When <= latest.Unix() {
				dates[tips[i]] = h.When
			}
		}
		return nil
	})
	slices.SortStableFunc(tips, func(a, b refs.OID) int { return cmp.Compare(dates[b], dates[a]) })
	tips = tips[:min(len(tips), limit.Read)]
	return tips, len(names) - len(tips)
}
