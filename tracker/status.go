package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
)

// Status tells the tracker's own condition from what is here: what the user's
// own fetch or clone brought, and in a hub what it holds.
func (t *Tracker) Status(ctx context.Context) (*Status, error) {
	_ = t.takeOver(ctx) // else it is told what was known before
	if t.hub != nil && t.hub.self {
		_ = t.freshen(ctx, Here)
	}
	s, err := t.loadAll(ctx)
	if err != nil {
		return nil, err
	}
	st := &Status{Remote: t.hubName(), Agent: t.agent, Level: s.level, Shared: s.bound || s.apart || s.level == 2 || s.level == 3,
		Unsent: s.unsent(), Logs: []LogInfo{}, Renumbered: []Alias{}, Problems: []string{}, Hash: s.state.Hash()}
	if t.hub != nil {
		st.URL, st.PushURL = t.hub.shown(), refs.WithoutSecrets(t.pushURL())
	}
	if s.meta != nil {
		st.Hub = s.meta.Hub
	}
	if !t.contact.Last.IsZero() {
		st.LastContact = &t.contact.Last
	}
	view := s.project()
	rows, _, err := view.List(store.Filter{Status: "all"})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		switch r.Status {
		case "closed":
			st.Closed++
		case "archived":
			st.Archived++
		default:
			st.Open++
		}
	}
	st.Rejected, st.Renumbered = len(view.Rejections()), renumbered(view)
	if err := t.ledgerStatus(s, st); err != nil {
		return nil, err
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		info := LogInfo{Agent: id, Events: l.chain.Seq, Ended: l.ended, Own: id == t.agent}
		if t.hub != nil {
			info.Unsent = l.unsent()
		}
		if n := len(l.lines); n > 0 {
			info.Newest = l.lines[n-1].Shown().String()
		}
		st.Logs = append(st.Logs, info)
		if l.ended != "" {
			st.Problems = append(st.Problems, fmt.Sprintf("the log of '%s' stops after %d events: %s", id, l.chain.Seq, l.ended))
		}
		if why := l.distrust(); why != "" {
			st.Problems = append(st.Problems, why)
		}
		if l.diverged {
			st.Problems = append(st.Problems, t.divergedError(id).Error())
		}
		if l.beyond {
			st.Problems = append(st.Problems, l.beyondText())
		}
	}
	if e := t.lockedError(ctx, s); e != nil {
		st.Problems = append(st.Problems, e.Message)
	}
	st.Problems = append(st.Problems, s.metaBad.texts()...)
	st.Problems = append(st.Problems, t.aheadProblems(s)...)
	if s.apart {
		st.Problems = append(st.Problems, "the numbers here are this repository's own: the hub is not joined")
	}
	if t.hub == nil {
		st.Unsent = 0
	}
	if why := t.apart(); why != "" {
		st.Problems = append(st.Problems, why)
	}
	twins, err := t.twins(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, remote := range twins {
		text, _ := t.twinText(remote)
		st.Problems = append(st.Problems, text)
	}
	for _, p := range t.contact.Problems {
		if slices.Contains(st.Problems, p.Text) {
			continue
		}
		st.Problems = append(st.Problems, p.Text)
	}
	if t.contact.Refused != "" {
		st.Problems = append(st.Problems, t.contact.Refused)
	}
	for _, l := range t.withheldLogs(ctx, s) {
		text, _ := t.refusalOf(ctx, s, l)
		st.Problems = append(st.Problems, text)
	}
	if text := t.undecidedText(s, st.Undecided); text != "" {
		st.Problems = append(st.Problems, text)
	}
	if p := t.readPace(); p.Until.After(t.now()) {
		st.Problems = append(st.Problems, p.Why+"; it is left alone for a while")
	}
	if t.chooseErr != nil {
		st.Problems = append(st.Problems, t.chooseErr.Error())
	}
	return st, nil
}

// ledgerStatus tells how the ledger stands.
func (t *Tracker) ledgerStatus(s *snapshot, st *Status) error {
	d := &s.decided
	if s.newerRules() {
		st.Problems = append(st.Problems, "the hub decides by rules that are newer than this program: numbers given since and locks are not shown, and nothing is written")
	} else if d.err != nil {
		st.Problems = append(st.Problems, fmt.Sprintf("the ledger cannot be judged, so nothing is shown as decided: %v", d.err))
	}
	if d.view.Ledger == nil {
		return nil
	}
	st.Sequence, st.BadSteps = d.view.Sequence(), len(d.bad)
	st.Undecided = s.allUndecided()
	for _, tip := range d.lost {
		held, err := d.reader.Holds(d.view.Tip, string(tip))
		if ignoreMissing(err) != nil {
			return err
		}
		if !held {
			st.Lost++
		}
	}
	if st.Lost > 0 {
		st.Problems = append(st.Problems, "the hub has lost decisions that it had acknowledged; the next sync brings them back")
	}
	if st.BadSteps > 0 {
		b := d.bad[len(d.bad)-1]
		st.Problems = append(st.Problems, fmt.Sprintf("%s not believed, the last is %d (%s)", badSteps(st.BadSteps), b.Sequence, b.Reason))
	}
	return nil
}
