package checkup

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/reading"
)

// distrust returns the problem with a log's signatures, "" if there is none.
func distrust(l *reading.Log) string {
	v := l.Verdict()
	switch {
	case v == nil:
		return ""
	case v.Trails() && !v.Forked:
		return exchange.TrailText(l)
	case v.Ends != "":
		if v.Fed == 0 {
			return fmt.Sprintf("no event of '%s' counts: %s", l.Agent, v.Ends)
		}
		return fmt.Sprintf("events of '%s' after event %d are ignored: %s", l.Agent, v.Fed, v.Ends)
	case v.Lapsed():
		return fmt.Sprintf("the log of '%s' is signed up to event %d, and later events are not: %s", l.Agent, v.Vouched, v.Mark(v.Fed))
	}
	return ""
}
