package checkup

import (
	"context"
	"fmt"
	"strconv"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// aheadText is the message about a log with times far ahead.
func aheadText(a reading.Ahead) string {
	if a.Beyond > 0 {
		return fmt.Sprintf("event %d of '%s' is dated %s, too far in the future: no later event can change what it wrote", a.Beyond, a.Agent, a.At)
	}
	return fmt.Sprintf("the clock of '%s' was years ahead: event %d is dated %s, and later events are ordered after it", a.Agent, a.Seq, a.At)
}

// checkClocks checks times.
func (k *Checkup) checkClocks(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	all, err := k.Reads.Ahead(ctx, s, k.Now())
	if err != nil {
		return nil, err
	}
	var found []fail.Diagnosis
	for _, a := range all {
		d := fail.Diagnosis{Code: "far-future", Severity: fail.Warning, Text: aheadText(a)}
		if a.Beyond > 0 {
			d.Code, d.Fields = "far-future/beyond", fail.Fields{"agent": a.Agent, "after": strconv.FormatUint(a.Beyond-1, 10)}
		}
		found = append(found, d)
	}
	return found, nil
}
