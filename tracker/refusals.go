package tracker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (t *Tracker) withheld(ctx context.Context, s *reading.Snapshot, l *reading.Log) bool {
	if l.Here == "" || l.Unsent() == 0 || l.Diverged || l.Trails {
		return false
	}
	if hubs.InTheWay(s.AllRefs, replay.Agents+l.Agent) != "" {
		return true
	}
	r, known := t.clone.Contact.Refusals[replay.Agents+l.Agent]
	if !known || r.High <= l.HubSeq {
		return false
	}
	hash, err := t.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil where there is none.
func (t *Tracker) line(ctx context.Context, l *reading.Log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, t.clone.Local(), l.Agent, l.Here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (t *Tracker) lineHash(ctx context.Context, l *reading.Log, seq uint64) (string, error) {
	line, err := t.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *reading.Snapshot, lost hubs.Losses) bool {
	for name := range lost {
		if !t.clone.Contact.NotTakenBack(name, s.AllRefs[replay.HubRoot+name], t.clone.Now()) {
			return true
		}
	}
	return false
}

// refusalOf says what the hub refuses of a log that was written here, and what
// to do.
func (t *Tracker) refusalOf(ctx context.Context, s *reading.Snapshot, l *reading.Log) fail.Notice {
	name := replay.Agents + l.Agent
	if other := hubs.InTheWay(s.AllRefs, name); other != "" {
		return fail.Notice{Code: "refused/in-the-way", Text: hubs.InTheWayText(other, name), Fields: hubs.InTheWayFields(other)}
	}
	n := t.clone.Contact.Refusals[name].Told(l.Agent, l.HubSeq, func(seq uint64) string {
		if raw, err := t.line(ctx, l, seq); err == nil && raw != nil {
			if e, err := event.Decode(raw); err == nil {
				return " (" + e.Body.Type() + ")"
			}
		}
		return ""
	})
	if n.Code == "refused/event" && l.Agent != t.clone.Agent {
		n.Code = "refused/event-of-another"
	}
	return n
}

// undecidedText says that the hub takes no step of the ledger although some
// events wait for one.
func (t *Tracker) undecidedText(s *reading.Snapshot, undecided int) string {
	r, known := t.clone.Contact.Refusals[replay.LedgerName]
	if !known || undecided == 0 || t.clone.Hub == nil || r.Tip != s.AllRefs[replay.HubRoot+replay.LedgerName] {
		return ""
	}
	return fmt.Sprintf("%s undecided: %s", events(undecided), hubs.StepRefused(s.AllRefs, r.Why))
}

// checkRefusals is the doctor's look at what the hub refuses.
func (t *Tracker) checkRefusals(ctx context.Context, s *reading.Snapshot) (found []fail.Diagnosis) {
	for _, l := range t.withheldLogs(ctx, s) {
		if l.Agent == t.clone.Agent && t.clone.Admitted(s) != nil { // checkAgent says whom to ask
			found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(l.Unsent()))})
			continue
		}
		n := t.refusalOf(ctx, s, l)
		found = append(found, fail.Diagnosis{Code: n.Code, Severity: fail.Problem, Text: fmt.Sprintf("%s; %s kept here", n.Text, events(l.Unsent())), Fields: n.Fields})
	}
	if text := t.undecidedText(s, s.AllUndecided()); text != "" {
		d := fail.Diagnosis{Code: "undecided", Severity: fail.Problem, Text: text}
		if other := hubs.InTheWay(s.AllRefs, replay.LedgerName); other != "" {
			d.Code, d.Fields = "undecided/in-the-way", hubs.InTheWayFields(other)
		}
		found = append(found, d)
	}
	for _, name := range slices.Sorted(maps.Keys(t.clone.Contact.Refusals)) {
		if r := t.clone.Contact.Refusals[name]; r.High == 0 && name != replay.LedgerName {
			found = append(found, fail.Diagnosis{Code: "not-put-back", Severity: fail.Note, Text: hubs.NotPutBack(name, r.Why)})
		}
	}
	return found
}

// tellRefused says that what was written is not on the hub, or not decided: once,
// and to who waits for it each time.
func (t *Tracker) tellRefused(o EmitOptions, n fail.Notice) {
	if o.Wait || o.Lock {
		t.clone.Notice(n)
		return
	}
	t.clone.TellOnce(n)
}

// withheldLogs are the logs written here of which the hub refuses lines.
func (t *Tracker) withheldLogs(ctx context.Context, s *reading.Snapshot) (all []*reading.Log) {
	if t.clone.Hub == nil || t.clone.Replica == nil || !s.Bound {
		return nil
	}
	for _, id := range s.AgentIDs() {
		if t.clone.Contact.Refused != "" && t.clone.Contact.Refusals[replay.Agents+id].OfLog() {
			continue // it refuses all pushes, not this log
		}
		if t.withheld(ctx, s, s.Logs[id]) {
			all = append(all, s.Logs[id])
		}
	}
	return all
}
