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
)

// What users read about refusals (refusals.go).

// refusalOf says what the hub refuses of a log that was written here, and what
// to do.
func (t *Tracker) refusalOf(ctx context.Context, s *snapshot, l *log) fail.Notice {
	name := agentLogs + l.agent
	if other := hubs.InTheWay(s.refs, name); other != "" {
		return fail.Notice{Code: "refused/in-the-way", Text: hubs.InTheWayText(other, name), Fields: hubs.InTheWayFields(other)}
	}
	r := t.contact.Refusals[name]
	low := max(r.Low, l.hubSeq)
	switch {
	case hubs.Locked(r.Why):
		return fail.Notice{Code: "refused/locked", Text: fmt.Sprintf("the hub cannot change the log of '%s': %s", l.agent, r.Why)}
	case r.High > low+1:
		return fail.Notice{Code: "refused/range", Text: fmt.Sprintf("the hub refuses one of the events %d to %d of '%s': %s", low+1, r.High, l.agent, r.Why)}
	case low == 0 || r.OfLog(): // whatever is in it
		return fail.Notice{Code: "refused/log", Text: fmt.Sprintf("the hub refuses the log of '%s': %s", l.agent, r.Why), Fields: fail.Fields{"branch": "crosslink/" + name}}
	}
	what := ""
	if raw, err := t.line(ctx, l, r.High); err == nil && raw != nil {
		if e, err := event.Decode(raw); err == nil {
			what = " (" + e.Body.Type() + ")"
		}
	}
	n := fail.Notice{Code: "refused/event", Fields: fail.Fields{"agent": l.agent, "seq": strconv.FormatUint(r.High, 10)},
		Text: fmt.Sprintf("the hub refuses event %d of '%s'%s: %s", r.High, l.agent, what, r.Why)}
	if l.agent != t.agent {
		n.Code = "refused/event-of-another"
	}
	return n
}

// undecidedText says that the hub takes no step of the ledger although some
// events wait for one.
func (t *Tracker) undecidedText(s *snapshot, undecided int) string {
	r, known := t.contact.Refusals[checkpointName]
	if !known || undecided == 0 || t.hub == nil || r.Tip != s.refs[hubRoot+checkpointName] {
		return ""
	}
	return fmt.Sprintf("%s undecided: %s", events(undecided), hubs.StepRefused(s.refs, r.Why))
}

// allUndecided counts the events that await a decision of the ledger.
func (s *snapshot) allUndecided() (n int) {
	for _, id := range s.agents() {
		if !s.newerRules() {
			n += len(s.pending(id))
		}
	}
	return n
}

// checkRefusals is the doctor's look at what the hub refuses.
func (t *Tracker) checkRefusals(ctx context.Context, s *snapshot) (found []fail.Diagnosis) {
	for _, l := range t.withheldLogs(ctx, s) {
		if l.agent == t.agent && t.admitted(s) != nil { // checkAgent says whom to ask
			found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(l.unsent()))})
			continue
		}
		n := t.refusalOf(ctx, s, l)
		found = append(found, fail.Diagnosis{Code: n.Code, Severity: fail.Problem, Text: fmt.Sprintf("%s; %s kept here", n.Text, events(l.unsent())), Fields: n.Fields})
	}
	if text := t.undecidedText(s, s.allUndecided()); text != "" {
		d := fail.Diagnosis{Code: "undecided", Severity: fail.Problem, Text: text}
		if other := hubs.InTheWay(s.refs, checkpointName); other != "" {
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
func (t *Tracker) withheldLogs(ctx context.Context, s *snapshot) (all []*log) {
	if t.hub == nil || t.replica == nil || !s.bound {
		return nil
	}
	for _, id := range s.agents() {
		if t.contact.Refused != "" && t.contact.Refusals[agentLogs+id].OfLog() {
			continue // it refuses all pushes, not this log
		}
		if t.withheld(ctx, s, s.logs[id]) {
			all = append(all, s.logs[id])
		}
	}
	return all
}
