package checkup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// FsckReport lists what was checked and what was found.
type FsckReport struct {
	Full     bool      `json:"full"`
	Logs     int       `json:"logs"`
	Events   uint64    `json:"events"`
	Sequence uint64    `json:"sequence"` // of the ledger
	Findings []Finding `json:"findings"`
}

// Finding is one problem. None needs a repair: everybody ignores invalid data in the same
// way.
type Finding struct {
	Kind  string `json:"kind"` // rejected, ended, diverged, torn, bad-step, ledger, lost, hub, trust, meta, archive
	Agent string `json:"agent,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`  // of the event, or of the step
	Step  string `json:"step,omitempty"` // commit
	Text  string `json:"text"`
}

// Fsck looks for problems in the local copy of the tracker. Full judges the ledger again
// from its first step, without earlier verdicts, and walks every tip of every log, even
// those that are not used.
func (k *Checkup) Fsck(ctx context.Context, full bool) (*FsckReport, error) {
	s, err := k.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	r := &FsckReport{Full: full, Logs: len(s.AgentIDs()), Findings: []Finding{}}
	if d := s.Decided(); d.View.Ledger != nil {
		r.Sequence = d.View.Sequence()
	}
	for _, x := range s.View.Rejections() {
		text := x.Reason
		if x.Detail != "" {
			text += ": " + x.Detail
		}
		r.add(Finding{Kind: "rejected", Agent: x.Agent, Seq: x.Seq, Text: x.Type + ", " + text})
	}
	for _, l := range s.Logs() {
		id := l.Agent
		r.Events += l.Seq
		if why := distrust(l); why != "" {
			at := l.Verdict().Vouched
			if l.Verdict().Ends != "" {
				at = l.Verdict().Fed
			}
			r.add(Finding{Kind: "trust", Agent: id, Seq: at, Text: why})
		}
		f := Finding{Agent: id, Seq: l.Seq}
		switch {
		case l.Diverged:
			f.Kind, f.Text = "diverged", k.DivergedError(id).Error()
		case l.Torn:
			f.Kind, f.Text = "torn", "objects of this clone's log are missing; the hub's log is shown"
		case l.Ended != "":
			f.Kind, f.Text = "ended", l.Ended
		default:
			continue
		}
		r.add(f)
	}
	said := s.BadMeta.Texts()
	if err := k.fsckMetas(ctx, s, r); err != nil {
		return nil, err
	}
	for _, p := range k.Contact.Problems {
		if slices.Contains(said, p.Text) {
			continue
		}
		r.add(Finding{Kind: "hub", Text: p.Text})
	}
	bad, err := k.fsckLedger(ctx, s, r)
	if err != nil {
		return nil, err
	}
	if full {
		if bad, err = k.fsckFull(ctx, s, r); err != nil {
			return nil, err
		}
		if err := k.fsckArchive(ctx, s, r); err != nil {
			return nil, err
		}
	}
	for _, b := range bad {
		r.add(Finding{Kind: "bad-step", Seq: b.Sequence, Step: b.ID, Text: b.Reason})
	}
	return r, nil
}

func (r *FsckReport) add(f Finding) { r.Findings = append(r.Findings, f) }

// fsckMetas judges the chain of meta without stored verdicts, and names all invalid
// commits. Wrong stored verdicts are replaced.
func (k *Checkup) fsckMetas(ctx context.Context, s *reading.Snapshot, r *FsckReport) error {
	bad := s.BadMeta
	if tip := s.AllRefs[replay.HubRoot+replay.MetaName]; s.Bound && s.Roll != nil {
		judge := replay.NewMetaChain(ctx, k.Local())
		if known := s.AllRefs[replay.TrustedMeta]; known != "" {
			if err := judge.Accept(known); err != nil {
				return err
			}
		}
		st, err := judge.Tip(tip)
		if err != nil {
			return err
		}
		if bad = st.Bad; st.Commit != s.MetaCommit || bad.Len() != s.BadMeta.Len() {
			r.add(Finding{Kind: "meta", Step: string(tip), Text: "the saved results of earlier checks were wrong and are replaced"})
			k.Reads.ReplaceMetas(judge)
		}
	}
	for ; bad != nil; bad = bad.Below {
		r.add(Finding{Kind: "meta", Step: string(bad.Commit), Text: bad.String()})
	}
	return nil
}

func (k *Checkup) fsckLedger(ctx context.Context, s *reading.Snapshot, r *FsckReport) ([]ledger.Bad, error) {
	d := s.Decided()
	if d.Err != nil {
		r.add(Finding{Kind: "ledger", Step: string(d.Tip), Text: d.Err.Error()})
		return d.Bad, nil
	}
	for _, tip := range d.Lost {
		held, err := d.Reader.Holds(d.View.Tip, string(tip))
		if refs.IgnoreMissing(err) != nil {
			return nil, err
		}
		if !held {
			r.add(Finding{Kind: "lost", Step: string(tip), Text: "the hub has lost the decisions up to this step; the next sync restores them"})
		}
	}
	return d.Bad, nil
}

// fsckFull uses no stored verdict. Wrong ones are replaced.
func (k *Checkup) fsckFull(ctx context.Context, s *reading.Snapshot, r *FsckReport) ([]ledger.Bad, error) {
	d := s.Decided()
	if err := k.fsckTips(ctx, s, r); err != nil || d.Tip == "" {
		return nil, err
	}
	hubID := s.Hub
	view, err := ledger.NewReader(replay.NewSteps(ctx, k.Local(), hubID), hubID).Read(string(d.Tip))
	if err != nil {
		if d.Err == nil {
			r.add(Finding{Kind: "ledger", Step: string(d.Tip), Text: err.Error()})
		}
		return d.Bad, nil
	}
	wrong := func(step string, since uint64, bad []ledger.Bad) bool {
		return view.Step != step || view.Since != since || len(view.Bad) != len(bad) && len(bad) < replay.MaxBad
	}
	note := k.Reads.JudgedBefore(hubID)
	if d.Err == nil && (wrong(d.View.Step, d.View.Since, d.Bad) || note.Tip == view.Tip && wrong(note.Step, note.Since, note.Bad)) {
		r.add(Finding{Kind: "ledger", Step: string(d.Tip), Text: "the saved results of earlier checks were wrong and are replaced"})
		k.Reads.NoteJudged(reading.Judged{Hub: hubID, Tip: view.Tip, Step: view.Step, Since: view.Since, Bad: view.Bad[max(0, len(view.Bad)-replay.MaxBad):]})
		k.Reads.RemoveStore()
	}
	return view.Bad, nil
}

// fsckArchive judges the archive from its first step, and compares its logs with the refs
// of archived logs here.
func (k *Checkup) fsckArchive(ctx context.Context, s *reading.Snapshot, r *FsckReport) error {
	tip := s.AllRefs[replay.HubRoot+replay.ArchiveName]
	d := s.Decided()
	if !s.Bound || d.Err != nil {
		return nil
	}
	a, err := replay.ReadArchive(ctx, k.Local(), s.ArchiveRequest(ctx, k.Local(), d.View.Ledger, tip, ""))
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(a.Logs)) {
		if s.AllRefs[replay.ArchivedRoot+id] == "" {
			r.add(Finding{Kind: "archive", Agent: id, Step: string(a.Step), Text: "the log is in the hub's archive and not known here"})
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(s.AllRefs)) {
		if id, ok := strings.CutPrefix(ref, replay.ArchivedRoot); ok && a.Logs[id] == "" {
			r.add(Finding{Kind: "archive", Agent: id, Step: string(a.Step), Text: "the log is known here as archived and not in the hub's archive"})
		}
	}
	return nil
}

// fsckTips walks the tips of logs that load did not: those that are not used.
func (k *Checkup) fsckTips(ctx context.Context, s *reading.Snapshot, r *FsckReport) error {
	for _, l := range s.Logs() {
		id := l.Agent
		if l.Legacy {
			continue
		}
		for _, tip := range []struct {
			oid   refs.OID
			where string
		}{{l.Here, "written here"}, {l.Hub, "last seen on the hub"}} {
			if tip.oid == "" || tip.oid == l.View || tip.oid == l.Here && l.Foreign {
				continue
			}
			good, err := accept.GoodPart(ctx, k.Local(), s, s.Hub, id, tip.oid, 0)
			if refs.IgnoreMissing(err) != nil {
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
	for name, oid := range s.AllRefs { // refs of the last fetch that were not accepted
		id, ok := strings.CutPrefix(name, replay.IncomingRoot+replay.Agents)
		if !ok || event.ValidAgentID(id) != nil || s.Log(id) != nil && (oid == s.Log(id).Hub || oid == s.Log(id).Here) {
			continue
		}
		good, err := accept.GoodPart(ctx, k.Local(), s, s.Hub, id, oid, 0)
		if err == nil && good.Ended != "" {
			r.add(Finding{Kind: "ended", Agent: id, Seq: good.Seq, Step: string(oid), Text: "the log offered by the hub: " + good.Ended})
		}
	}
	return nil
}

// checkOldHub checks a hub of the original, before and after its migration.
func (k *Checkup) checkOldHub(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	if k.Replica == nil {
		return nil, nil
	}
	found, err := migrate.Late(ctx, k.Local(), s)
	if err != nil || s.Level != 2 {
		return found, err
	}
	base, err := replay.LegacyBase(ctx, k.Local(), s.Level, s.AllRefs)
	if err != nil || base == nil || len(base.Unread) == 0 {
		return found, err
	}
	return append(found, fail.Diagnosis{Code: "unread-files/shown", Severity: fail.Warning, Text: clone.UnreadFiles(len(base.Unread), base.Unread[0].Path)}), nil
}

// checkLogs checks logs that are not used to their end.
func (k *Checkup) checkLogs(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	var empty []string
	for _, l := range s.Logs() {
		id := l.Agent
		if s.Stray(id) {
			empty = append(empty, id)
		}
		if l.Beyond {
			found = append(found, fail.Diagnosis{Code: "beyond", Severity: fail.Warning, Text: exchange.BeyondText(l), Fields: fail.Fields{"agent": id}})
		}
		if id == k.Agent { // see checkAgent
			continue
		}
		if distrust(l) != "" {
			found = append(found, fail.Diagnosis{Code: "trust", Severity: fail.Warning, Text: distrust(l), Fields: fail.Fields{"agent": id}})
		}
		switch {
		case l.Diverged:
			found = append(found, fail.Diagnosis{Code: "copied-clone/other", Severity: fail.Warning, Text: k.DivergedError(id).Error(), Fields: fail.Fields{"agent": id}})
		case l.Torn:
			found = append(found, fail.Diagnosis{Code: "torn-log", Severity: fail.Warning, Text: fmt.Sprintf("objects of the log of '%s' are missing here; the hub's log is shown", id)})
		case l.Ended != "":
			found = append(found, fail.Diagnosis{Code: "ended", Severity: fail.Warning, Text: fmt.Sprintf("the log of '%s' stops after %d events: %s", id, l.Seq, l.Ended)})
		}
	}
	if len(empty) > 0 {
		found = append(found, k.emptyLogs(empty))
	}
	if n := len(s.View.Rejections()); n > 0 {
		found = append(found, fail.Diagnosis{Code: "rejected", Severity: fail.Note, Text: fmt.Sprintf("%d events break a rule; every clone ignores them", n)})
	}
	return found, nil
}

// emptyLogs is the finding about branches of the hub that are named like logs and contain
// no event. A log is pushed with its first event, so no agent made them, and each of them
// costs every reader time.
func (k *Checkup) emptyLogs(ids []string) fail.Diagnosis {
	text := fmt.Sprintf("the hub's log of '%s' has no events", ids[0])
	if n := len(ids); n > 1 {
		text = fmt.Sprintf("%d logs on the hub have no events, the first is that of '%s'; each of them slows every clone down", n, ids[0])
	}
	d := fail.Diagnosis{Code: "empty-log", Severity: fail.Warning, Text: text}
	if k.Hub != nil {
		d.Fields = fail.Fields{"remote": k.Hub.Name}
	}
	return d
}

// checkLedger checks the ledger.
func (k *Checkup) checkLedger(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	if s.NewerRules() { // checkHub reports it
		return nil, nil
	}
	r := &FsckReport{}
	bad, err := k.fsckLedger(ctx, s, r)
	if err != nil {
		return nil, err
	}
	var found []fail.Diagnosis
	for _, f := range r.Findings {
		if f.Kind == "lost" {
			found = append(found, fail.Diagnosis{Code: "lost-decisions", Severity: fail.Warning, Text: "the hub has lost decisions that it had confirmed"})
			continue
		}
		found = append(found, fail.Diagnosis{Code: "ledger", Severity: fail.Problem, Text: "the ledger cannot be checked, so nothing is shown as decided: " + f.Text})
	}
	if len(bad) > 0 {
		b := bad[len(bad)-1]
		found = append(found, fail.Diagnosis{Code: "bad-step/found", Severity: fail.Warning, Text: fmt.Sprintf("%s invalid, the last is %d (%s); every clone ignores them", clone.BadSteps(len(bad)), b.Sequence, b.Reason)})
	}
	return found, nil
}
