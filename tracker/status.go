package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
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
	if t.clone.Hub != nil && t.clone.Hub.Self {
		_ = t.freshen(ctx, Here)
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	st := &Status{Remote: t.clone.HubName(), Agent: t.clone.Agent, Level: s.Level, Shared: s.Bound || s.Apart || s.Level == 2 || s.Level == 3,
		Unsent: s.Unsent(), Logs: []LogInfo{}, Renumbered: []store.Alias{}, Findings: []fail.Diagnosis{}, Unlisted: t.clone.Contact.Unlisted(), Hash: s.View.Hash()}
	if t.clone.Hub != nil {
		st.URL, st.PushURL = t.clone.Hub.Shown(), refs.WithoutSecrets(t.clone.Hub.PushURL)
	}
	if s.Meta != nil {
		st.Hub = s.Meta.Hub
	}
	if !t.clone.Contact.Last.IsZero() {
		st.LastContact = &t.clone.Contact.Last
	}
	view := s.View
	for status, n := range map[string]*int{"open": &st.Open, "closed": &st.Closed, "archived": &st.Archived} {
		if _, *n, err = view.List(store.Filter{Status: status, Limit: 1}); err != nil {
			return nil, err
		}
	}
	st.Rejected, st.Renumbered = len(view.Rejections()), store.Renumbered(view)
	if err := t.ledgerStatus(s, st); err != nil {
		return nil, err
	}
	for _, id := range s.AgentIDs() {
		l := s.Logs[id]
		if l.Empty() {
			continue // the findings count them
		}
		if v := l.Verdict; v != nil && v.Trails() {
			st.Unsigned += int(v.Lines - l.Kept())
		}
		info := LogInfo{Agent: id, Events: l.Seq, Ended: l.Ended, Own: id == t.clone.Agent}
		if t.clone.Hub != nil {
			info.Unsent = l.Unsent()
		}
		if l.Seq > 0 {
			info.Newest = l.Shown.String()
		}
		st.Logs = append(st.Logs, info)
	}
	if t.clone.Hub == nil {
		st.Unsent = 0
	}
	if err := t.waitingSince(ctx, s, st); err != nil {
		return nil, err
	}
	st.OtherHub = t.clone.Contact.Other
	for _, p := range t.clone.Contact.Problems {
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
func (t *Tracker) ledgerStatus(s *reading.Snapshot, st *Status) error {
	d := s.Decided()
	if d.View.Ledger == nil {
		return nil
	}
	st.Sequence, st.BadSteps = d.View.Sequence(), len(d.Bad)
	st.Undecided = s.AllUndecided()
	for _, tip := range d.Lost {
		held, err := d.Reader.Holds(d.View.Tip, string(tip))
		if refs.IgnoreMissing(err) != nil {
			return err
		}
		if !held {
			st.Lost++
		}
	}
	return nil
}

// waitingSince tells since when events wait to be sent or decided.
func (t *Tracker) waitingSince(ctx context.Context, s *reading.Snapshot, st *Status) error {
	earlier := func(at *event.Time, l *reading.Log, seq uint64) error {
		e, err := t.clone.Reads.Line(ctx, l, seq)
		if e != nil && (*at == 0 || e.Shown() < *at) {
			*at = e.Shown()
		}
		return refs.IgnoreMissing(err)
	}
	for _, id := range s.AgentIDs() {
		l := s.Logs[id]
		if n := uint64(l.Unsent()); st.Unsent > 0 && n > 0 && n <= l.Seq {
			if err := earlier(&st.UnsentSince, l, l.Seq-n+1); err != nil {
				return err
			}
		}
		if waiting := s.Pending(id); st.Undecided > 0 && len(waiting) > 0 {
			if err := earlier(&st.UndecidedSince, l, waiting[0].Seq); err != nil {
				return err
			}
		}
	}
	return nil
}
