package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What the doctor finds of the hub, and of what is not there.

// checkHubAndForge looks at the hub, and names the rule that keeps a forge from
// losing the tracker's branches. Whether it is set nobody can see from here.
func (t *Tracker) checkHubAndForge(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	found, err := t.checkHub(ctx, s)
	if err != nil || t.clone.Hub == nil || t.clone.Hub.Self || !s.Bound {
		return found, err
	}
	if f := t.clone.Hub.Forge(); f != nil {
		found = append(found, fail.Diagnosis{Code: "protection", Severity: fail.Note, Text: "on " + f.Name + " a rule keeps others from deleting or rewinding the tracker's branches: " + f.Rule})
	}
	return found, nil
}

// checkHub is the doctor's look at which hub there is and what was seen on it.
func (t *Tracker) checkHub(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if e := t.clone.Unchosen(); e != nil {
		return []fail.Diagnosis{e.Diagnosis(fail.Problem, e.Message)}, nil
	}
	switch {
	case t.clone.Hub == nil:
		found = append(found, fail.Diagnosis{Code: "private", Severity: fail.Note, Text: "the repository has no remote: its tracker is here and nowhere else"})
	case s.Apart:
		e := t.clone.ApartError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case s.Level != 0 && !s.Writable():
		e := t.clone.LevelError(s)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case !s.Bound && t.clone.Contact.Last.IsZero() && !t.clone.Link.Reached:
		found = append(found, fail.Diagnosis{Code: "unseen", Severity: fail.Note, Text: fmt.Sprintf("'%s' has not been reached yet", t.clone.Hub.Name)})
	case !s.Bound:
		found = append(found, fail.Diagnosis{Code: "unshared", Severity: fail.Warning, Text: fmt.Sprintf("there is no tracker on '%s' yet; what is written stays here", t.clone.Hub.Name)})
	}
	which, err := t.checkWhich(ctx, s)
	if err != nil {
		return nil, err
	}
	found = append(found, which...)
	said := s.BadMeta.Texts()
	for _, text := range said {
		found = append(found, fail.Diagnosis{Code: "meta/believed", Severity: fail.Warning, Text: text})
	}
	for _, p := range t.clone.Contact.Problems {
		if len(which) > 0 && p.Ref == replay.MetaName {
			continue // said already
		}
		if slices.Contains(said, p.Text) || p.More > 0 {
			continue
		}
		if p.Here {
			found = append(found, fail.Diagnosis{Code: "not-stored", Severity: fail.Warning, Text: p.Text})
			continue
		}
		found = append(found, fail.Diagnosis{Code: "hub/kept", Severity: fail.Warning, Text: p.Text})
	}
	return found, nil
}

// checkSending is the doctor's look at what is not on the hub, and why.
func (t *Tracker) checkSending(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	if t.clone.Hub == nil || !s.Bound {
		return nil, nil
	}
	found := t.checkRefusals(ctx, s)
	n, manual := s.Unsent(), t.clone.Config("crosslink.sync") == "manual"
	for _, l := range t.exchange.WithheldLogs(ctx, s) {
		n -= l.Unsent() // said already
	}
	for _, l := range s.Logs {
		if l.Diverged { // checkLogs says what leads out
			n -= l.Unsent()
		}
	}
	if t.clone.Contact.Refused != "" && t.clone.Admitted(s) != nil { // checkAgent says whom to ask
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", exchange.Events(n))})
	} else if t.clone.Contact.Refused != "" {
		found = append(found, t.clone.Hub.TakesNoPush(fmt.Sprintf("%s; %s kept here", t.clone.Contact.Refused, exchange.Events(n))))
	} else if n > 0 && (t.clone.Contact.Other != "" || t.clone.Contact.NoMeta || t.clone.Hub.Apart(t.clone.Contact) != "") { // checkWhich says what to do
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", exchange.Events(n))})
	} else if n > 0 {
		severity := fail.Warning
		if manual || t.clone.Link.Pace.Read().MayStart(t.clone.Now(), t.clone.Limits(), clone.Urgency(s)).After(t.clone.Now()) && !t.clone.Link.Pace.Read().Until.After(t.clone.Now()) { // as the user wants it, or on its way
			severity = fail.Note
		}
		found = append(found, fail.Diagnosis{Code: "queued", Severity: severity, Text: fmt.Sprintf("%s not on the hub yet", exchange.Events(n))})
	}
	if manual {
		found = append(found, fail.Diagnosis{Code: "manual", Severity: fail.Note, Text: "crosslink.sync is 'manual'"})
	}
	return found, nil
}

// checkWhich is the doctor's look at whether the hub is the one this clone
// belongs to, and the only one of its id.
func (t *Tracker) checkWhich(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	switch {
	case t.clone.Hub == nil:
		return nil, nil
	case t.clone.Contact.Other != "":
		e := t.clone.ElsewhereError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case t.clone.Contact.NoMeta && len(t.clone.Contact.Problems) > 0:
		code := t.clone.Hub.LostCode(t.clone.Contact)
		found = append(found, fail.Diagnosis{Code: code, Severity: fail.Problem, Text: t.clone.Contact.Problems[0].Text})
	}
	if t.clone.Hub.Apart(t.clone.Contact) != "" {
		e := t.clone.Hub.ApartError(t.clone.Contact)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	}
	twins, err := t.twins(ctx, s)
	for _, remote := range twins {
		found = append(found, fail.Diagnosis{Code: "hub-fork", Severity: fail.Warning, Text: t.twinText(remote), Fields: t.twinFields(remote)})
	}
	return found, err
}

// checkPacing is the doctor's look at how the hub takes pushes.
func (t *Tracker) checkPacing(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	p := t.clone.Link.Pace.Read()
	if p.Until.After(t.clone.Now()) {
		found = append(found, fail.Diagnosis{Code: "busy", Severity: fail.Warning, Text: fmt.Sprintf("%s; it is left alone for %d s", p.Why, int(p.Until.Sub(t.clone.Now()).Seconds())+1)})
	}
	if _, set := t.clone.Conf.Count("crosslink.pushesPerMinute"); len(found) == 0 && p.Slowed.After(t.clone.Now()) && !set && t.clone.Hub != nil && t.clone.Hub.Limit() == 0 {
		found = append(found, fail.Diagnosis{Code: "slowed", Severity: fail.Note, Text: fmt.Sprintf("the hub was busy or slow; pushes are limited to %d a minute for another %d min",
			syncer.SlowedPushes, int(p.Slowed.Sub(t.clone.Now()).Minutes())+1)})
	}
	if p.Slow(t.clone.Now()) {
		found = append(found, fail.Diagnosis{Code: "slow", Severity: fail.Note, Text: fmt.Sprintf("the last push took longer than %d s, so writes are sent in the background", int(t.clone.Wait().Seconds()))})
	}
	return found, nil
}
