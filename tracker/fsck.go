package tracker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// FsckReport says what was looked at and what is wrong with it.
type FsckReport struct {
	Full     bool      `json:"full"`
	Logs     int       `json:"logs"`
	Events   uint64    `json:"events"`
	Sequence uint64    `json:"sequence"` // of the ledger
	Findings []Finding `json:"findings"`
}

// Finding is one thing that is wrong. None needs a repair: what is not believed
// is passed over by everybody in the same way.
type Finding struct {
	Kind  string `json:"kind"` // rejected, ended, diverged, torn, bad-step, ledger, lost, hub, trust, meta
	Agent string `json:"agent,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`  // of the event, or of the step
	Step  string `json:"step,omitempty"` // commit
	Text  string `json:"text"`
}

// Fsck looks for what is wrong with the tracker as it is here. Full judges the
// ledger again from its first step, whatever an earlier command thought of it,
// and walks every tip of every log, also those that are not in view.
func (t *Tracker) Fsck(ctx context.Context, full bool) (*FsckReport, error) {
	s, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	r := &FsckReport{Full: full, Logs: len(s.logs), Findings: []Finding{}}
	if d := s.ledger(); d.view.Ledger != nil {
		r.Sequence = d.view.Sequence()
	}
	for _, x := range s.project().Rejections() {
		text := x.Reason
		if x.Detail != "" {
			text += ": " + x.Detail
		}
		r.add(Finding{Kind: "rejected", Agent: x.Agent, Seq: x.Seq, Text: x.Type + ", " + text})
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		r.Events += l.chain.Seq
		if why := l.distrust(); why != "" {
			at := l.verdict.Vouched
			if l.verdict.Ends != "" {
				at = l.verdict.Fed
			}
			r.add(Finding{Kind: "trust", Agent: id, Seq: at, Text: why})
		}
		f := Finding{Agent: id, Seq: l.chain.Seq}
		switch {
		case l.diverged:
			f.Kind, f.Text = "diverged", t.divergedError(id).Error()
		case l.torn:
			f.Kind, f.Text = "torn", "objects of the log written here are missing; the hub's is shown"
		case l.ended != "":
			f.Kind, f.Text = "ended", l.ended
		default:
			continue
		}
		r.add(f)
	}
	said := s.metaBad.Texts()
	for b := s.metaBad; b != nil; b = b.Below { // all of them: who looks wants to know
		r.add(Finding{Kind: "meta", Step: string(b.Commit), Text: b.String()})
	}
	for _, p := range t.contact.Problems {
		if slices.Contains(said, p.Text) {
			continue
		}
		r.add(Finding{Kind: "hub", Text: p.Text})
	}
	bad, err := t.fsckLedger(ctx, s, r)
	if err != nil {
		return nil, err
	}
	if full {
		if bad, err = t.fsckFull(ctx, s, r); err != nil {
			return nil, err
		}
	}
	for _, b := range bad {
		r.add(Finding{Kind: "bad-step", Seq: b.Sequence, Step: b.ID, Text: b.Reason})
	}
	return r, nil
}

func (r *FsckReport) add(f Finding) { r.Findings = append(r.Findings, f) }

func (t *Tracker) fsckLedger(ctx context.Context, s *snapshot, r *FsckReport) ([]ledger.Bad, error) {
	d := s.ledger()
	if d.err != nil {
		r.add(Finding{Kind: "ledger", Step: string(d.tip), Text: d.err.Error()})
		return d.bad, nil
	}
	for _, tip := range d.lost {
		held, err := d.reader.Holds(d.view.Tip, string(tip))
		if ignoreMissing(err) != nil {
			return nil, err
		}
		if !held {
			r.add(Finding{Kind: "lost", Step: string(tip), Text: "the hub has lost what was decided up to this step; the next sync brings it back"})
		}
	}
	return d.bad, nil
}

// fsckFull trusts no note. A note that is wrong is replaced.
func (t *Tracker) fsckFull(ctx context.Context, s *snapshot, r *FsckReport) ([]ledger.Bad, error) {
	d := s.ledger()
	if err := t.fsckTips(ctx, s, r); err != nil || d.tip == "" {
		return nil, err
	}
	hubID := s.hubID()
	view, err := ledger.NewReader(replay.NewSteps(ctx, t.local(), hubID), hubID).Read(string(d.tip))
	if err != nil {
		if d.err == nil {
			r.add(Finding{Kind: "ledger", Step: string(d.tip), Text: err.Error()})
		}
		return d.bad, nil
	}
	wrong := func(step string, since uint64, bad []ledger.Bad) bool {
		return view.Step != step || view.Since != since || len(view.Bad) != len(bad) && len(bad) < replay.MaxBad
	}
	note := t.judgedBefore(hubID)
	if d.err == nil && (wrong(d.view.Step, d.view.Since, d.bad) || note.Tip == view.Tip && wrong(note.Step, note.Since, note.Bad)) {
		r.add(Finding{Kind: "ledger", Step: string(d.tip), Text: "the note of what was judged before was wrong; it is replaced"})
		t.keepCache(t.judgedPath(), judged{hubID, view.Tip, view.Step, view.Since, view.Bad[max(0, len(view.Bad)-replay.MaxBad):]})
		t.removeStore()
	}
	return view.Bad, nil
}

// fsckTips walks the tips of logs that load did not: those not in view.
func (t *Tracker) fsckTips(ctx context.Context, s *snapshot, r *FsckReport) error {
	for _, id := range s.agents() {
		l := s.logs[id]
		if l.legacyOnly {
			continue
		}
		for _, tip := range []struct {
			oid   refs.OID
			where string
		}{{l.here, "written here"}, {l.hub, "last seen on the hub"}} {
			if tip.oid == "" || tip.oid == l.view || tip.oid == l.here && l.foreign {
				continue
			}
			good, err := t.goodPart(ctx, s, s.hubID(), id, tip.oid, 0)
			if ignoreMissing(err) != nil {
				return err
			}
			if err != nil {
				good.Ended = err.Error()
			}
			if good.Ended != "" {
				r.add(Finding{Kind: "ended", Agent: id, Seq: good.Seq, Step: string(tip.oid), Text: fmt.Sprintf("the log %s: %s", tip.where, good.Ended)})
			}
		}
	}
	for name, oid := range s.refs { // what of the last fetch was not taken over
		id, ok := strings.CutPrefix(name, incomingRoot+agentLogs)
		if !ok || event.ValidAgentID(id) != nil || s.logs[id] != nil && (oid == s.logs[id].hub || oid == s.logs[id].here) {
			continue
		}
		good, err := t.goodPart(ctx, s, s.hubID(), id, oid, 0)
		if err == nil && good.Ended != "" {
			r.add(Finding{Kind: "ended", Agent: id, Seq: good.Seq, Step: string(oid), Text: "the log offered by the hub: " + good.Ended})
		}
	}
	return nil
}

// checkLogs is the doctor's look at the logs that are not used to their end.
func (t *Tracker) checkLogs(_ context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	var empty []string
	for _, id := range s.agents() {
		l := s.logs[id]
		if l.hasNothing() {
			empty = append(empty, id)
		}
		if l.beyond {
			found = append(found, fail.Diagnosis{Code: "beyond", Severity: fail.Warning, Text: l.beyondText(), Fields: fail.Fields{"agent": id}})
		}
		if id == t.agent { // checkAgent
			continue
		}
		if l.distrust() != "" {
			found = append(found, fail.Diagnosis{Code: "trust", Severity: fail.Warning, Text: l.distrust(), Fields: fail.Fields{"agent": id}})
		}
		switch {
		case l.diverged:
			found = append(found, fail.Diagnosis{Code: "copied-clone/other", Severity: fail.Warning, Text: t.divergedError(id).Error()})
		case l.torn:
			found = append(found, fail.Diagnosis{Code: "torn-log", Severity: fail.Warning, Text: fmt.Sprintf("objects of the log of '%s' are missing here; the hub's is shown", id)})
		case l.ended != "":
			found = append(found, fail.Diagnosis{Code: "ended", Severity: fail.Warning, Text: fmt.Sprintf("the log of '%s' stops after %d events: %s", id, l.chain.Seq, l.ended)})
		}
	}
	if len(empty) > 0 {
		found = append(found, t.emptyLogs(empty))
	}
	if n := len(s.project().Rejections()); n > 0 {
		found = append(found, fail.Diagnosis{Code: "rejected", Severity: fail.Note, Text: fmt.Sprintf("%d events break a rule and are passed over by everybody", n)})
	}
	return found, nil
}

// hasNothing reports a branch of the hub that is named as a log and holds no event.
func (l *log) hasNothing() bool {
	return l.hub != "" && l.here == "" && l.chain.Seq == 0 && l.ended == "" && !l.missing && !l.foreign
}

// emptyLogs is the finding about branches of the hub that are named as logs and
// hold no event. A log is pushed with its first event, so no agent made them, and
// every reader pays for each of them.
func (t *Tracker) emptyLogs(ids []string) fail.Diagnosis {
	text := fmt.Sprintf("the hub's log of '%s' has no events", ids[0])
	if n := len(ids); n > 1 {
		text = fmt.Sprintf("%d logs on the hub have no events, the first is that of '%s'; each of them slows every clone down", n, ids[0])
	}
	d := fail.Diagnosis{Code: "empty-log", Severity: fail.Warning, Text: text}
	if t.hub != nil {
		d.Fields = fail.Fields{"remote": t.hub.Name}
	}
	return d
}

// checkLedger is the doctor's look at what was decided.
func (t *Tracker) checkLedger(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	if s.newerRules() { // checkHub says so
		return nil, nil
	}
	r := &FsckReport{}
	bad, err := t.fsckLedger(ctx, s, r)
	if err != nil {
		return nil, err
	}
	var found []fail.Diagnosis
	for _, f := range r.Findings {
		if f.Kind == "lost" {
			found = append(found, fail.Diagnosis{Code: "lost-decisions", Severity: fail.Warning, Text: "the hub has lost decisions that it had acknowledged"})
			continue
		}
		found = append(found, fail.Diagnosis{Code: "ledger", Severity: fail.Problem, Text: "the ledger cannot be judged, so nothing is shown as decided: " + f.Text})
	}
	if len(bad) > 0 {
		b := bad[len(bad)-1]
		found = append(found, fail.Diagnosis{Code: "bad-step/found", Severity: fail.Warning, Text: fmt.Sprintf("%s not believed, the last is %d (%s); everybody skips them", badSteps(len(bad)), b.Sequence, b.Reason)})
	}
	return found, nil
}
