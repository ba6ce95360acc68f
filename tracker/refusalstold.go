package tracker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
)

// What users read about refusals (refusals.go).

// refusalOf says what the hub refuses of a log that was written here, and what
// to do.
func (t *Tracker) refusalOf(ctx context.Context, s *reading.Snapshot, l *reading.Log) fail.Notice {
	name := agentLogs + l.Agent
	if other := hubs.InTheWay(s.AllRefs, name); other != "" {
		return fail.Notice{Code: "refused/in-the-way", Text: hubs.InTheWayText(other, name), Fields: hubs.InTheWayFields(other)}
	}
	r := t.contact.Refusals[name]
	low := max(r.Low, l.HubSeq)
	switch {
	case hubs.Locked(r.Why):
		return fail.Notice{Code: "refused/locked", Text: fmt.Sprintf("the hub cannot change the log of '%s': %s", l.Agent, r.Why)}
	case r.High > low+1:
		return fail.Notice{Code: "refused/range", Text: fmt.Sprintf("the hub refuses one of the events %d to %d of '%s': %s", low+1, r.High, l.Agent, r.Why)}
	case low == 0 || r.OfLog(): // whatever is in it
		return fail.Notice{Code: "refused/log", Text: fmt.Sprintf("the hub refuses the log of '%s': %s", l.Agent, r.Why), Fields: fail.Fields{"branch": "crosslink/" + name}}
	}
	what := ""
	if raw, err := t.line(ctx, l, r.High); err == nil && raw != nil {
		if e, err := event.Decode(raw); err == nil {
			what = " (" + e.Body.Type() + ")"
		}
	}
	n := fail.Notice{Code: "refused/event", Fields: fail.Fields{"agent": l.Agent, "seq": strconv.FormatUint(r.High, 10)},
		Text: fmt.Sprintf("the hub refuses event %d of '%s'%s: %s", r.High, l.Agent, what, r.Why)}
	if l.Agent != t.agent {
		n.Code = "refused/event-of-another"
	}
	return n
}

// undecidedText says that the hub takes no step of the ledger although some
// events wait for one.
func (t *Tracker) undecidedText(s *reading.Snapshot, undecided int) string {
	r, known := t.contact.Refusals[checkpointName]
	if !known || undecided == 0 || t.hub == nil || r.Tip != s.AllRefs[hubRoot+checkpointName] {
		return ""
	}
	return fmt.Sprintf("%s undecided: %s", events(undecided), hubs.StepRefused(s.AllRefs, r.Why))
}

// checkRefusals is the doctor's look at what the hub refuses.
func (t *Tracker) checkRefusals(ctx context.Context, s *reading.Snapshot) (found []fail.Diagnosis) {
	for _, l := range t.withheldLogs(ctx, s) {
		if l.Agent == t.agent && t.admitted(s) != nil { // checkAgent says whom to ask
			found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(l.Unsent()))})
			continue
		}
		n := t.refusalOf(ctx, s, l)
		found = append(found, fail.Diagnosis{Code: n.Code, Severity: fail.Problem, Text: fmt.Sprintf("%s; %s kept here", n.Text, events(l.Unsent())), Fields: n.Fields})
	}
	if text := t.undecidedText(s, s.AllUndecided()); text != "" {
		d := fail.Diagnosis{Code: "undecided", Severity: fail.Problem, Text: text}
		if other := hubs.InTheWay(s.AllRefs, checkpointName); other != "" {
			d.Code, d.Fields = "undecided/in-the-way", hubs.InTheWayFields(other)
		}
		found = append(found, d)
	}
	for _, name := range slices.Sorted(maps.Keys(t.contact.Refusals)) {
		if r := t.contact.Refusals[name]; r.High == 0 && name != checkpointName {
			found = append(found, fail.Diagnosis{Code: "not-put-back", Severity: fail.Note, Text: hubs.NotPutBack(name, r.Why)})
		}
	}
	return found
}

// tellRefused says that what was written is not on the hub, or not decided: once,
// and to who waits for it each time.
func (t *Tracker) tellRefused(o EmitOptions, n fail.Notice) {
	if o.Wait || o.Lock {
		t.notice(n)
		return
	}
	t.tellOnce(n)
}

// withheldLogs are the logs written here of which the hub refuses lines.
func (t *Tracker) withheldLogs(ctx context.Context, s *reading.Snapshot) (all []*reading.Log) {
	if t.hub == nil || t.replica == nil || !s.Bound {
		return nil
	}
	for _, id := range s.AgentIDs() {
		if t.contact.Refused != "" && t.contact.Refusals[agentLogs+id].OfLog() {
			continue // it refuses all pushes, not this log
		}
		if t.withheld(ctx, s, s.Logs[id]) {
			all = append(all, s.Logs[id])
		}
	}
	return all
}
