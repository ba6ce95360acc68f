package checkup

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/reading"
)

// distrust says what is wrong with the signatures of a log, "" if nothing.
func distrust(l *reading.Log) string {
	v := l.Verdict
	switch {
	case v == nil:
		return ""
	case v.Trails() && !v.Forked:
		return exchange.TrailText(l)
	case v.Ends != "":
		if v.Fed == 0 {
			return fmt.Sprintf("nothing of the log of '%s' counts: %s", l.Agent, v.Ends)
		}
		return fmt.Sprintf("of the log of '%s' nothing counts behind event %d: %s", l.Agent, v.Fed, v.Ends)
	case v.Lapsed():
		return fmt.Sprintf("the log of '%s' was signed up to event %d, and is not since: %s", l.Agent, v.Vouched, v.Mark(v.Fed))
	}
	return ""
}
