package tracker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// What users read about refusals (refusals.go).

// refusalOf says what the hub refuses of a log that was written here, and what
// to do.
func (t *Tracker) refusalOf(ctx context.Context, s *snapshot, l *log) (text string, hints []string) {
	name := agents + l.agent
	if other := s.inTheWay(name); other != "" {
		return inTheWayText(other, name), inTheWayHints(other)
	}
	r := t.contact.Refusals[name]
	low := max(r.Low, l.hubSeq)
	switch {
	case r.High > low+1:
		return fmt.Sprintf("the hub refuses one of the events %d to %d of '%s': %s", low+1, r.High, l.agent, r.Why),
			[]string{"find out which one: git crosslink sync"}
	case low == 0 || r.About == abouts[syncer.AboutLog]: // whatever is in it
		return fmt.Sprintf("the hub refuses the log of '%s': %s", l.agent, r.Why),
			[]string{fmt.Sprintf("ask the hub's owner to let you push '%s', then: git crosslink sync", "crosslink/"+name)}
	}
	what := ""
	if raw, err := t.line(ctx, l, r.High); err == nil && raw != nil {
		if e, err := event.Decode(raw); err == nil {
			what = " (" + e.Body.Type() + ")"
		}
	}
	as := ""
	if l.agent != t.agent {
		as = "GIT_CROSSLINK_AGENT=" + l.agent + " "
	}
	return fmt.Sprintf("the hub refuses event %d of '%s'%s: %s", r.High, l.agent, what, r.Why),
		[]string{fmt.Sprintf("if the rule is about this event, continue without it: %sgit crosslink agent fork --without %d", as, r.High),
			"otherwise ask the hub's owner to accept it, then: git crosslink sync"}
}

func inTheWayText(other, name string) string {
	return fmt.Sprintf("the hub has a branch 'crosslink/%s', so git cannot create 'crosslink/%s' there", fail.Truncate(other), name)
}

func inTheWayHints(other string) []string {
	return []string{fmt.Sprintf("ask the hub's owner to delete its branch '%s', then: git crosslink sync", fail.Truncate("crosslink/"+other))}
}

// takesNone says that a hub that can be fetched from takes no push.
func (t *Tracker) takesNone() string {
	if push := t.pushURL(); push != "" {
		return fmt.Sprintf("nothing can be pushed to '%s', the push URL of '%s'", refs.WithoutSecrets(push), t.hub.Name)
	}
	return "the hub takes no pushes from you"
}

// refusedHints are what to do where the hub takes no push at all.
func (t *Tracker) refusedHints() []string {
	if t.pushURL() != "" {
		return t.pushURLHints("git crosslink sync")
	}
	return []string{"ask the hub's owner to let you push branches below 'crosslink/', then: git crosslink sync"}
}

// pushURLHints are what to do about a push URL that leads nowhere.
func (t *Tracker) pushURLHints(then string) []string {
	return []string{"show both URLs: git remote -v",
		fmt.Sprintf("or push to the URL it is fetched from: git remote set-url --push %s %s", shellWord(t.hub.Name), shellWord(t.hub.shown())), "then: " + then}
}

// undecidedText says that the hub takes no step of the ledger although some
// events wait for one.
func (t *Tracker) undecidedText(s *snapshot, undecided int) string {
	r, known := t.contact.Refusals[checkpointName]
	if !known || undecided == 0 || t.hub == nil || r.Tip != s.refs[hubRoot+checkpointName] {
		return ""
	}
	return fmt.Sprintf("%s undecided: %s", events(undecided), s.stepRefusal(r.Why))
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
			found = append(found, fail.Diagnosis{Code: "queued", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(l.unsent()))})
			continue
		}
		text, hints := t.refusalOf(ctx, s, l)
		found = append(found, fail.Diagnosis{Code: "refused", Severity: fail.Problem, Text: fmt.Sprintf("%s; %s kept here", text, events(l.unsent())), Hints: hints})
	}
	if text := t.undecidedText(s, s.allUndecided()); text != "" {
		hints := []string{"ask the hub's owner to look for the cause: git crosslink server check", "then: git crosslink sync"}
		if other := s.inTheWay(checkpointName); other != "" {
			hints = inTheWayHints(other)
		}
		found = append(found, fail.Diagnosis{Code: "undecided", Severity: fail.Problem, Text: text, Hints: hints})
	}
	for _, name := range slices.Sorted(maps.Keys(t.contact.Refusals)) {
		if r := t.contact.Refusals[name]; r.High == 0 && name != checkpointName {
			found = append(found, fail.Diagnosis{Code: "not-put-back", Severity: fail.Note, Text: fmt.Sprintf("the hub refuses to restore its log of '%s': %s; the log is kept here", strings.TrimPrefix(name, agents), r.Why)})
		}
	}
	return found
}

// tellRefused says that what was written is not on the hub, or not decided: once,
// and to who waits for it each time.
func (t *Tracker) tellRefused(o EmitOptions, n fail.Notice) {
	if len(n.Hints) == 0 {
		n.Hints = []string{"what to do: git crosslink doctor"}
	}
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
		if t.contact.Refused != "" && t.contact.Refusals[agents+id].About == abouts[syncer.AboutLog] {
			continue // it refuses all pushes, not this log
		}
		if t.withheld(ctx, s, s.logs[id]) {
			all = append(all, s.logs[id])
		}
	}
	return all
}
