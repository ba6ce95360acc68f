package tracker

import (
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What the doctor finds of the hub, and of what is not there.

// checkHubAndForge looks at the hub, and names the rule that keeps a forge from
// losing the tracker's branches. Whether it is set nobody can see from here.
func (t *Tracker) checkHubAndForge(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	found, err := t.checkHub(ctx, s)
	if err != nil || t.hub == nil || t.hub.Self || !s.Bound {
		return found, err
	}
	if f := t.hub.Forge(); f != nil {
		found = append(found, fail.Diagnosis{Code: "protection", Severity: fail.Note, Text: "on " + f.Name + " a rule keeps others from deleting or rewinding the tracker's branches: " + f.Rule})
	}
	return found, nil
}

// checkHub is the doctor's look at which hub there is and what was seen on it.
func (t *Tracker) checkHub(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if e := t.unchosen(); e != nil {
		return []fail.Diagnosis{e.Diagnosis(fail.Problem, e.Message)}, nil
	}
	switch {
	case t.hub == nil:
		found = append(found, fail.Diagnosis{Code: "private", Severity: fail.Note, Text: "the repository has no remote: its tracker is here and nowhere else"})
	case s.Apart:
		e := t.apartError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case s.Level != 0 && !s.Writable():
		e := t.levelError(s)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case !s.Bound && t.contact.Last.IsZero() && !t.link.Reached:
		found = append(found, fail.Diagnosis{Code: "unseen", Severity: fail.Note, Text: fmt.Sprintf("'%s' has not been reached yet", t.hub.Name)})
	case !s.Bound:
		found = append(found, fail.Diagnosis{Code: "unshared", Severity: fail.Warning, Text: fmt.Sprintf("there is no tracker on '%s' yet; what is written stays here", t.hub.Name)})
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
	for _, p := range t.contact.Problems {
		if len(which) > 0 && p.Ref == metaName {
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
	if t.hub == nil || !s.Bound {
		return nil, nil
	}
	found := t.checkRefusals(ctx, s)
	n, manual := s.Unsent(), t.config("crosslink.sync") == "manual"
	for _, l := range t.withheldLogs(ctx, s) {
		n -= l.Unsent() // said already
	}
	for _, l := range s.Logs {
		if l.Diverged { // checkLogs says what leads out
			n -= l.Unsent()
		}
	}
	if t.contact.Refused != "" && t.admitted(s) != nil { // checkAgent says whom to ask
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(n))})
	} else if t.contact.Refused != "" {
		found = append(found, t.hub.TakesNoPush(fmt.Sprintf("%s; %s kept here", t.contact.Refused, events(n))))
	} else if n > 0 && (t.contact.Other != "" || t.contact.NoMeta || t.hub.Apart(t.contact) != "") { // checkWhich says what to do
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(n))})
	} else if n > 0 {
		severity := fail.Warning
		if manual || t.link.Pace.Read().MayStart(t.now(), t.limits(), urgency(s)).After(t.now()) && !t.link.Pace.Read().Until.After(t.now()) { // as the user wants it, or on its way
			severity = fail.Note
		}
		found = append(found, fail.Diagnosis{Code: "queued", Severity: severity, Text: fmt.Sprintf("%s not on the hub yet", events(n))})
	}
	if manual {
		found = append(found, fail.Diagnosis{Code: "manual", Severity: fail.Note, Text: "crosslink.sync is 'manual'"})
	}
	return found, nil
}

// events says how many there are.
func events(n int) string {
	if n == 1 {
		return "1 event is"
	}
	return fmt.Sprintf("%d events are", n)
}

// checkWhich is the doctor's look at whether the hub is the one this clone
// belongs to, and the only one of its id.
func (t *Tracker) checkWhich(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	switch {
	case t.hub == nil:
		return nil, nil
	case t.contact.Other != "":
		e := t.elsewhereError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case t.contact.NoMeta && len(t.contact.Problems) > 0:
		code := t.hub.LostCode(t.contact)
		found = append(found, fail.Diagnosis{Code: code, Severity: fail.Problem, Text: t.contact.Problems[0].Text})
	}
	if t.hub.Apart(t.contact) != "" {
		e := t.hub.ApartError(t.contact)
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
	p := t.link.Pace.Read()
	if p.Until.After(t.now()) {
		found = append(found, fail.Diagnosis{Code: "busy", Severity: fail.Warning, Text: fmt.Sprintf("%s; it is left alone for %d s", p.Why, int(p.Until.Sub(t.now()).Seconds())+1)})
	}
	if _, set := t.conf.Count("crosslink.pushesPerMinute"); len(found) == 0 && p.Slowed.After(t.now()) && !set && t.hub != nil && t.hub.Limit() == 0 {
		found = append(found, fail.Diagnosis{Code: "slowed", Severity: fail.Note, Text: fmt.Sprintf("the hub was busy or slow; pushes are limited to %d a minute for another %d min",
			syncer.SlowedPushes, int(p.Slowed.Sub(t.now()).Minutes())+1)})
	}
	if p.Slow(t.now()) {
		found = append(found, fail.Diagnosis{Code: "slow", Severity: fail.Note, Text: fmt.Sprintf("the last push took longer than %d s, so writes are sent in the background", int(t.wait().Seconds()))})
	}
	return found, nil
}
