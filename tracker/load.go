package tracker

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Ref names inside the replica.
const (
	headRoot     = replay.HereRoot     // written here
	hubRoot      = replay.HubRoot      // last seen on the hub and believed
	incomingRoot = replay.IncomingRoot // last fetched, not looked at yet
	lostRoot     = replay.LostRoot     // tips of a branch that the hub lost, by id
	agentLogs    = replay.Agents
	metaName     = replay.MetaName

	checkpointName = replay.LedgerName
)

// Level is the hub format this program writes.
const Level = replay.FormatVersion

// newReader makes what reads the replica of a session.
func (t *Tracker) newReader() *reading.Reader {
	return reading.New(reading.Options{
		Replica: func() refs.Replica { return t.replica },
		Home:    filepath.Join(t.outer.CommonDir, "crosslink"),
		Presence: func(ctx context.Context, all map[string]refs.OID) reading.Presence {
			seen, unread := t.presences(ctx, all)
			return reading.Presence{Seen: seen, Unread: unread}
		},
		BadSteps: func(bad []ledger.Bad) {
			b := bad[len(bad)-1]
			t.tellOnce(fail.Notice{Code: "bad-step", Text: fmt.Sprintf("%s not believed (the last: %s, %s); decisions go on over them", badSteps(len(bad)), b.ID[:min(12, len(b.ID))], b.Reason)})
		},
		Judged:   t.keepCache,
		Stored:   t.o.Stored,
		KeepFrom: t.o.KeepFrom,
	})
}

// distrust says what is wrong with the signatures of a log, "" if nothing.
func distrust(l *reading.Log) string {
	v := l.Verdict
	switch {
	case v == nil:
		return ""
	case v.Trails() && !v.Forked:
		return trailText(l)
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
