package exchange

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Events returns a number of events in words.
func Events(n int) string {
	if n == 1 {
		return "1 event is"
	}
	return fmt.Sprintf("%d events are", n)
}

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (x *Exchange) withheld(ctx context.Context, s *reading.Snapshot, l *reading.Log) bool {
	if l.Here == "" || l.Unsent() == 0 || l.Diverged || l.Trails {
		return false
	}
	if hubs.InTheWay(s.AllRefs, replay.Agents+l.Agent) != "" {
		return true
	}
	r, known := x.Contact.Refusals[replay.Agents+l.Agent]
	if !known || r.High <= l.HubSeq {
		return false
	}
	hash, err := x.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil if there is none.
func (x *Exchange) line(ctx context.Context, l *reading.Log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, x.Local(), l.Agent, l.Here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (x *Exchange) lineHash(ctx context.Context, l *reading.Log, seq uint64) (string, error) {
	line, err := x.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// LostSomething reports whether the hub has lost a log that it may accept again.
func (x *Exchange) LostSomething(s *reading.Snapshot, lost hubs.Losses) bool {
	for name := range lost {
		if !x.Contact.NotTakenBack(name, s.AllRefs[replay.HubRoot+name], x.Now()) {
			return true
		}
	}
	return false
}

// RefusalOf describes what the hub refuses in a log that was written here, and what to do.
func (x *Exchange) RefusalOf(ctx context.Context, s *reading.Snapshot, l *reading.Log) fail.Notice {
	name := replay.Agents + l.Agent
	if other := hubs.InTheWay(s.AllRefs, name); other != "" {
		return fail.Notice{Code: "refused/in-the-way", Text: hubs.InTheWayText(other, name), Fields: hubs.InTheWayFields(other)}
	}
	n := x.Contact.Refusals[name].Told(l.Agent, l.HubSeq, func(seq uint64) string {
		if raw, err := x.line(ctx, l, seq); err == nil && raw != nil {
			if e, err := event.Decode(raw); err == nil {
				return " (" + e.Body.Type() + ")"
			}
		}
		return ""
	})
	switch { // the advice names an agent that is not the one that writes here now
	case l.Agent == x.Agent:
	case n.Code == "refused/event":
		n.Code = "refused/event-of-another"
	case n.Code == "refused/clock":
		n.Code = "refused/clock-of-another"
	}
	return n
}

// UndecidedText reports that the hub refuses steps of the ledger while events wait for
// one.
func (x *Exchange) UndecidedText(s *reading.Snapshot, undecided int) string {
	r, known := x.Contact.Refusals[replay.LedgerName]
	if !known || undecided == 0 || x.Hub == nil || r.Tip != s.AllRefs[replay.HubRoot+replay.LedgerName] {
		return ""
	}
	return fmt.Sprintf("%s undecided: %s", Events(undecided), hubs.StepRefused(s.AllRefs, r.Why))
}

// WithheldLogs returns the logs written here that have lines the hub refuses.
func (x *Exchange) WithheldLogs(ctx context.Context, s *reading.Snapshot) (all []*reading.Log) {
	if x.Hub == nil || x.Replica == nil || !s.Bound {
		return nil
	}
	for _, l := range s.Active() {
		if x.Contact.Refused != "" && x.Contact.Refusals[replay.Agents+l.Agent].OfLog() {
			continue // it refuses all pushes, not this log
		}
		if x.withheld(ctx, s, l) {
			all = append(all, l)
		}
	}
	return all
}
