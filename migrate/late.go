package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Late finds logs of the old hub to which the original wrote after the migration. Nobody
// reads these events, and their writers were not told.
func Late(ctx context.Context, l refs.Local, s *reading.Snapshot) (found []fail.Diagnosis, err error) {
	if s.Meta == nil || s.Meta.Migrated == nil {
		return nil, nil
	}
	logs := s.Meta.Migrated.Logs
	for _, id := range slices.Sorted(maps.Keys(logs)) {
		tip := s.AllRefs[replay.HubRoot+replay.Agents+id]
		if tip == "" {
			continue
		}
		lines := uint64(0)
		if _, err := refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: id, Tip: tip}}, func(_ int, seq uint64, _ []byte) bool {
			if seq == 0 {
				lines++
			}
			return seq == 0
		}); err != nil {
			return nil, err
		}
		if n := logs[id].Seq; lines > n {
			found = append(found, fail.Diagnosis{Code: "late-events", Severity: fail.Warning, Fields: fail.Fields{"agent": id},
				Text: fmt.Sprintf("the original wrote %d events to the log of '%s' after the hub was migrated: they do not count", lines-n, fail.Truncate(id))})
		}
	}
	return found, nil
}
