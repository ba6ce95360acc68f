package hubs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// IdleStamp is a stamp of all refs that a sync depends on, and of who syncs. It is "" if
// fetched refs differ from the accepted ones, or if refs below lost have to go back to the
// hub. Presence is read separately.
func (l *Link) IdleStamp(all map[string]refs.OID, lost, who string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", who, l.Hub.Shown())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case strings.HasPrefix(name, refs.PresenceHere):
			continue
		case strings.HasPrefix(name, lost):
			return ""
		}
		for _, pair := range [][2]string{{refs.IncomingPrefix, refs.SeenPrefix}, {refs.SeenPrefix, refs.IncomingPrefix}, {refs.HubPrefix + refs.Agents, refs.SeenPrefix + refs.Agents}} {
			rest, ok := strings.CutPrefix(name, pair[0])
			if ok && pair[0] == refs.SeenPrefix && l.Contact.NotTakenBack(rest, all[name], l.Now()) {
				continue
			}
			if ok && all[pair[1]+rest] != all[name] && !(pair[0] == refs.HubPrefix+refs.Agents && all[refs.ArchivedPrefix+rest] == all[name]) {
				return ""
			}
		}
		fmt.Fprintf(h, "%s %s\n", all[name], name)
	}
	return hex.EncodeToString(h.Sum(nil))
}
