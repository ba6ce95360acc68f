package checkup

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

// Checks of the hub and of missing data.

// checkHubAndForge checks the hub, and names the rule that keeps a forge from losing the
// tracker's branches. A clone cannot see whether the rule is set.
func (k *Checkup) checkHubAndForge(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	found, err := k.checkHub(ctx, s)
	if err != nil || k.Hub == nil || k.Hub.Self || !s.Bound {
		return found, err
	}
	if f := k.Hub.Forge(); f != nil {
		found = append(found, fail.Diagnosis{Code: "protection", Severity: fail.Note, Text: "check the rule on " + f.Name + " that protects the tracker's branches from deletion and force pushes: " + f.Rule})
	}
	return found, nil
}

// checkHub checks which hub there is and its last known state.
func (k *Checkup) checkHub(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if e := k.Unchosen(); e != nil {
		return []fail.Diagnosis{e.Diagnosis(fail.Problem, e.Message)}, nil
	}
	switch {
	case k.Hub == nil:
		found = append(found, fail.Diagnosis{Code: "private", Severity: fail.Note, Text: "the repository has no remote: the tracker exists only in this clone"})
	case s.Apart:
		e := k.ApartError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case s.Level != 0 && !s.Writable():
		e := k.LevelError(s)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case !s.Bound && k.Contact.Last.IsZero() && !k.Link.Reached:
		found = append(found, fail.Diagnosis{Code: "unseen", Severity: fail.Note, Text: fmt.Sprintf("'%s' has not been reached yet", k.Hub.Name)})
	case !s.Bound:
		found = append(found, fail.Diagnosis{Code: "unshared", Severity: fail.Warning, Text: fmt.Sprintf("there is no tracker on '%s' yet; changes are saved only in this clone", k.Hub.Name)})
	}
	which, err := k.checkWhich(ctx, s)
	if err != nil {
		return nil, err
	}
	found = append(found, which...)
	said := s.BadMeta.Texts()
	for _, text := range said {
		found = append(found, fail.Diagnosis{Code: "meta/believed", Severity: fail.Warning, Text: text})
	}
	for _, p := range k.Contact.Problems {
		if len(which) > 0 && p.Ref == replay.MetaName {
			continue // already reported
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

// checkSending checks which data is not on the hub, and why.
func (k *Checkup) checkSending(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	if k.Hub == nil || !s.Bound {
		return nil, nil
	}
	found := k.checkRefusals(ctx, s)
	n, manual := s.Unsent(), k.Config("crosslink.sync") == "manual"
	for _, l := range k.WithheldLogs(ctx, s) {
		n -= l.Unsent() // already reported
	}
	for _, l := range s.Active() {
		if l.Diverged { // checkLogs has the hint
			n -= l.Unsent()
		}
	}
	if k.Contact.Refused != "" && k.Admitted(s) != nil { // checkAgent names whom to ask
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s saved locally until then", exchange.Events(n))})
	} else if k.Contact.Refused != "" {
		found = append(found, k.Hub.TakesNoPush(fmt.Sprintf("%s; %s saved locally", k.Contact.Refused, exchange.Events(n))))
	} else if n > 0 && (k.Contact.Other != "" || k.Contact.NoMeta || k.Hub.Apart(k.Contact) != "") { // checkWhich has the hint
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s saved locally until then", exchange.Events(n))})
	} else if n > 0 {
		severity := fail.Warning
		if manual || k.Link.Pace.Read().MayStart(k.Now(), k.Limits(), clone.Urgency(s)).After(k.Now()) && !k.Link.Pace.Read().Until.After(k.Now()) { // the user has configured this, or it is on its way
			severity = fail.Note
		}
		found = append(found, fail.Diagnosis{Code: "queued", Severity: severity, Text: fmt.Sprintf("%s not on the hub yet", exchange.Events(n))})
	}
	if manual {
		found = append(found, fail.Diagnosis{Code: "manual", Severity: fail.Note, Text: "crosslink.sync is 'manual'"})
	}
	return found, nil
}

// checkWhich checks that the hub is the one this clone belongs to, and the only one with
// its id.
func (k *Checkup) checkWhich(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	switch {
	case k.Hub == nil:
		return nil, nil
	case k.Contact.Other != "":
		e := k.ElsewhereError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case k.Contact.NoMeta && len(k.Contact.Problems) > 0:
		code := k.Hub.LostCode(k.Contact)
		found = append(found, fail.Diagnosis{Code: code, Severity: fail.Problem, Text: k.Contact.Problems[0].Text})
	}
	if k.Hub.Apart(k.Contact) != "" {
		e := k.Hub.ApartError(k.Contact)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	}
	twins, err := k.Twins(ctx, s)
	for _, remote := range twins {
		found = append(found, fail.Diagnosis{Code: "hub-fork", Severity: fail.Warning, Text: k.TwinText(remote), Fields: k.TwinFields(remote)})
	}
	return found, err
}

// checkPacing checks how the hub accepts pushes.
func (k *Checkup) checkPacing(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	p := k.Link.Pace.Read()
	if p.Until.After(k.Now()) {
		found = append(found, fail.Diagnosis{Code: "busy", Severity: fail.Warning, Text: fmt.Sprintf("%s; the next contact is in %d s", p.Why, int(p.Until.Sub(k.Now()).Seconds())+1)})
	}
	if _, set := k.Conf.Count("crosslink.pushesPerMinute"); len(found) == 0 && p.Slowed.After(k.Now()) && !set && k.Hub != nil && k.Hub.Limit() == 0 {
		found = append(found, fail.Diagnosis{Code: "slowed", Severity: fail.Note, Text: fmt.Sprintf("the hub was busy or slow; pushes are limited to %d a minute for another %d min",
			syncer.SlowedPushes, int(p.Slowed.Sub(k.Now()).Minutes())+1)})
	}
	if p.Slow(k.Now()) {
		found = append(found, fail.Diagnosis{Code: "slow", Severity: fail.Note, Text: fmt.Sprintf("the last push took longer than %d s, so writes are sent in the background", int(k.Wait().Seconds()))})
	}
	return found, nil
}
