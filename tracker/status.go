package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/store"
)

// ownLine are the findings that status shows on a line of its own.
var ownLine = map[string]bool{"unshared": true, "queued": true}

// Problems are the texts of what is wrong.
func (s *Status) Problems() []string {
	all := []string{}
	for _, d := range s.Findings {
		all = append(all, d.Text)
	}
	return all
}

// Status tells the tracker's own condition from what is here: what the user's
// own fetch or clone brought, and in a hub what it holds.
func (t *Tracker) Status(ctx context.Context) (*Status, error) {
	_, _ = t.takeOver(ctx) // else it is told what was known before
	if t.hub != nil && t.hub.Self {
		_ = t.freshen(ctx, Here)
	}
	s, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	st := &Status{Remote: t.hubName(), Agent: t.agent, Level: s.level, Shared: s.bound || s.apart || s.level == 2 || s.level == 3,
		Unsent: s.unsent(), Logs: []LogInfo{}, Renumbered: []Alias{}, Findings: []fail.Diagnosis{}, Unlisted: t.contact.Unlisted(), Hash: s.project().Hash()}
	if t.hub != nil {
		st.URL, st.PushURL = t.hub.Shown(), refs.WithoutSecrets(t.hub.PushURL)
	}
	if s.meta != nil {
		st.Hub = s.meta.Hub
	}
	if !t.contact.Last.IsZero() {
		st.LastContact = &t.contact.Last
	}
	view := s.project()
	for status, n := range map[string]*int{"open": &st.Open, "closed": &st.Closed, "archived": &st.Archived} {
		if _, *n, err = view.List(store.Filter{Status: status, Limit: 1}); err != nil {
			return nil, err
		}
	}
	st.Rejected, st.Renumbered = len(view.Rejections()), renumbered(view)
	if err := t.ledgerStatus(s, st); err != nil {
		return nil, err
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		if l.hasNothing() {
			continue // the findings count them
		}
		info := LogInfo{Agent: id, Events: l.chain.Seq, Ended: l.ended, Own: id == t.agent}
		if t.hub != nil {
			info.Unsent = l.unsent()
		}
		if l.chain.Seq > 0 {
			info.Newest = l.wrote().String()
		}
		st.Logs = append(st.Logs, info)
	}
	if t.hub == nil {
		st.Unsent = 0
	}
	if err := t.waitingSince(ctx, s, st); err != nil {
		return nil, err
	}
	st.OtherHub = t.contact.Other
	for _, p := range t.contact.Problems {
		if p.Gone {
			st.Gone = append(st.Gone, p.Ref)
		}
	}
	found, err := t.examine(ctx, s, func(c check) bool { return c.status })
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.Severity != fail.Note && !ownLine[d.Code.Name()] {
			st.Findings = append(st.Findings, d)
		}
	}
	return st, nil
}

// ledgerStatus tells how the ledger stands.
func (t *Tracker) ledgerStatus(s *snapshot, st *Status) error {
	d := s.ledger()
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
	return nil
}

// waitingSince tells since when events wait to be sent or decided.
func (t *Tracker) waitingSince(ctx context.Context, s *snapshot, st *Status) error {
	earlier := func(at *event.Time, l *log, seq uint64) error {
		e, err := t.lineAt(ctx, l, seq)
		if e != nil && (*at == 0 || e.Shown() < *at) {
			*at = e.Shown()
		}
		return ignoreMissing(err)
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		if n := uint64(l.unsent()); st.Unsent > 0 && n > 0 && n <= l.chain.Seq {
			if err := earlier(&st.UnsentSince, l, l.chain.Seq-n+1); err != nil {
				return err
			}
		}
		if waiting := s.pending(id); st.Undecided > 0 && len(waiting) > 0 {
			if err := earlier(&st.UndecidedSince, l, waiting[0].Seq); err != nil {
				return err
			}
		}
	}
	return nil
}
