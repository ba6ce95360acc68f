package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/counters"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// deriver evaluates the rules over one project's facts.
type deriver struct {
	project Project
	f       *facts.Facts
	set     Settings
	clock   *facts.Clock
	seen    *facts.Clock // the clock by which agents are judged
	found   map[Identity]Derived
}

// conditions are the rules' conditions.
var conditions = map[Kind]func(*deriver){
	StaleLock:          (*deriver).staleLocks,
	SilentAgent:        (*deriver).silentAgents,
	OverdueIssue:       (*deriver).overdueIssues,
	OrphanSubissue:     (*deriver).orphans,
	UnreachableProject: (*deriver).unreachable,
	CIFailure:          (*deriver).ciFailures,
	SignatureInvalid:   (*deriver).badSignatures,
	ForkProven:         (*deriver).forks,
	HubLost:            (*deriver).hubLost,
	UntrustedSigner:    (*deriver).untrusted,
	LogEnded:           (*deriver).endedLogs,
	Undecided:          (*deriver).undecided,
	Unsent:             (*deriver).unsent,
	PendingRequest:     (*deriver).requests,
	NeedsInput:         (*deriver).needsInput,
	Contention:         (*deriver).contention,
	Cycle:              (*deriver).cycles,
	Storm:              (*deriver).storms,
}

// Derive returns the conditions that are true now, one for each identity, in a
// fixed order.
func Derive(p Project, f *facts.Facts, set Settings, c *facts.Clock) []Derived {
	d := &deriver{project: p, f: f, set: set, clock: c, seen: c.Seen(&f.Health), found: map[Identity]Derived{}}
	for _, r := range Rules {
		if _, on := set.RuleOf(r.Kind); on {
			conditions[r.Kind](d)
		}
	}
	all := make([]Derived, 0, len(d.found))
	for _, one := range d.found {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Derived) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	return all
}

// add notes a condition. The first of an identity stays.
func (d *deriver) add(k Kind, subject, ref, format string, args ...any) {
	id := Identity{k, subject}
	if _, there := d.found[id]; there {
		return
	}
	r, _ := d.set.RuleOf(k)
	d.found[id] = Derived{Identity: id, Ref: ref, Severity: r.Severity, Text: fmt.Sprintf(format, args...)}
}

// who names an agent by name and id: an alert is also read elsewhere.
func (d *deriver) who(id string) string { return d.f.Shown(id).Full(id) }

func (d *deriver) onAgent(k Kind, agent, format string, args ...any) {
	d.add(k, "agent:"+agent, "agent:"+agent, format, args...)
}

func (d *deriver) onLock(k Kind, l *facts.Lock, format string, args ...any) {
	d.add(k, "lock:"+l.Issue.String(), "lock:"+l.Name, format, args...)
}

func (d *deriver) onIssue(k Kind, i *facts.Issue, format string, args ...any) {
	d.add(k, "issue:"+i.UUID.String(), "issue:"+i.Name, format, args...)
}

func (d *deriver) onProject(k Kind, format string, args ...any) {
	d.add(k, "project:"+d.project.ID, "project:"+d.project.Slug, format, args...)
}

func (d *deriver) staleLocks() {
	for k := range d.f.Locks {
		if l := &d.f.Locks[k]; counters.Stale(d.f, l, d.set.Thresholds, d.clock) {
			held := time.Duration(d.clock.Now() - l.Since)
			d.onLock(StaleLock, l, "lock on issue %s held by %s for %d minute(s)", facts.Ref(l.Name), d.who(l.Holder), int(held.Minutes()))
		}
	}
}

// silentAgents: an agent that was never seen is not silent, but absent.
func (d *deriver) silentAgents() {
	for k := range d.f.Locks {
		l := &d.f.Locks[k]
		if !l.Confirmed || l.Ending {
			continue
		}
		if a := d.f.Agent(l.Holder); a != nil && a.LastSign != 0 && d.seen.After(a.LastSign+event.Time(d.set.Silent)) {
			d.onAgent(SilentAgent, a.ID, "agent %s silent >%s while holding lock on issue %s", d.who(a.ID), minutes(d.set.Silent), facts.Ref(l.Name))
		}
	}
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d.Minutes())) + "m" }

func (d *deriver) overdueIssues() {
	for k := range d.f.Issues {
		if i := &d.f.Issues[k]; i.Due != 0 && d.clock.After(i.Due) {
			d.onIssue(OverdueIssue, i, "%s %q due %s", facts.Ref(i.Name), i.Title, i.Due.Std().Format(time.RFC3339))
		}
	}
}

func (d *deriver) orphans() {
	for k := range d.f.Issues {
		if i := &d.f.Issues[k]; i.Parent != "" {
			d.onIssue(OrphanSubissue, i, "%s is open but parent %s is closed", facts.Ref(i.Name), facts.Ref(i.Parent))
		}
	}
}

func (d *deriver) unreachable() {
	h := &d.f.Health
	if !h.Gone && h.Failures < d.set.Failures {
		return
	}
	why := ""
	if h.Why != "" {
		why = ": " + h.Why
	}
	d.onProject(UnreachableProject, "dashboard could not fetch the hub branch%s", why)
}

func (d *deriver) ciFailures() {
	for k := range d.f.CI {
		c := &d.f.CI[k]
		if !c.Default || c.State != "failing" {
			continue
		}
		url := ""
		if c.URL != "" {
			url = "; " + c.URL
		}
		d.add(CIFailure, "commit:"+c.Commit, "commit:"+c.Commit, "CI failing on %s (%s)%s", c.Branch, c.Commit, url)
	}
}

func (d *deriver) badSignatures() {
	for k := range d.f.Agents {
		for _, seq := range d.f.Agents[k].Bad {
			line := fmt.Sprintf("%s/%d", d.f.Agents[k].ID, seq)
			d.add(SignatureInvalid, "line:"+line, "line:"+line, "%s: signature failed verification", line)
		}
	}
	for _, commit := range d.f.Health.BadMeta {
		d.add(SignatureInvalid, "meta:"+commit, "meta:"+commit, "meta commit refused: %s", commit)
	}
}

func (d *deriver) forks() {
	for k := range d.f.Agents {
		if a := &d.f.Agents[k]; a.Forked {
			d.onAgent(ForkProven, a.ID, "the key of %s has written two histories", d.who(a.ID))
		}
	}
}

func (d *deriver) hubLost() {
	h := &d.f.Health
	switch {
	case h.OtherHub != "":
		d.onProject(HubLost, "the remote now holds another hub: %s", h.OtherHub)
	case h.Lost > 0:
		d.onProject(HubLost, "the hub has lost %d branch(es) that this clone knows", h.Lost)
	}
}

func (d *deriver) untrusted() {
	if d.f.Health.Signing == "off" || d.f.Health.Signing == "" {
		return
	}
	for k := range d.f.Agents {
		a := &d.f.Agents[k]
		n := a.Marks["unknown-signer"] + a.Marks["unapproved"]
		if n > 0 && !d.seen.After(a.LastLine+event.Time(d.set.UntrustedSince)) {
			d.onAgent(UntrustedSigner, a.ID, "%d event(s) of %s are from a key that nobody approved", n, d.who(a.ID))
		}
	}
}

func (d *deriver) endedLogs() {
	for k := range d.f.Agents {
		if a := &d.f.Agents[k]; a.Ended != "" && !a.Forked {
			d.onAgent(LogEnded, a.ID, "the log of %s ends after event %d: %s", d.who(a.ID), a.EndedAt, a.Ended)
		}
	}
}

func (d *deriver) undecided() {
	u := d.f.Health.Undecided
	if u.N > 0 && u.Oldest != 0 && d.seen.After(u.Oldest+event.Time(d.set.Backlog)) {
		d.onProject(Undecided, "%d event(s) have waited for a number or lock for more than %s", u.N, minutes(d.set.Backlog))
	}
}

func (d *deriver) unsent() {
	u := d.f.Health.Unsent
	if u.N > 0 && u.Oldest != 0 && d.f.Health.Reachable() && d.seen.After(u.Oldest+event.Time(d.set.Backlog)) {
		d.onProject(Unsent, "%d event(s) have not been sent for more than %s", u.N, minutes(d.set.Backlog))
	}
}

func (d *deriver) requests() {
	for k := range d.f.Requests {
		r := &d.f.Requests[k]
		if r.Acked || r.ExpiresAt != 0 && d.seen.From(r.ExpiresAt) || !d.seen.After(r.SentAt+event.Time(d.set.Unanswered)) {
			continue
		}
		if a := d.f.Agent(r.Target); a != nil && a.Retired {
			continue
		}
		d.add(PendingRequest, "request:"+r.ID, "request:"+r.ID, "%s has not acknowledged the request to %s for more than %s", d.who(r.Target), r.Kind, minutes(d.set.Unanswered))
		if set := d.set.Rules[PendingRequest]; r.Kind == "kill" && set.Severity == "" {
			id := Identity{PendingRequest, "request:" + r.ID}
			one := d.found[id]
			one.Severity = Critical
			d.found[id] = one
		}
	}
}

func (d *deriver) needsInput() {
	for k := range d.f.Agents {
		a := &d.f.Agents[k]
		if a.State == "awaiting_input" && !a.Retired && d.seen.After(a.StateSince+event.Time(d.set.InputWait)) {
			d.onAgent(NeedsInput, a.ID, "%s waits for input%s", d.who(a.ID), d.workingOn(a))
		}
	}
}

// workingOn names the issue that an agent's presence names.
func (d *deriver) workingOn(a *facts.Agent) string {
	for k := range d.f.Locks {
		if l := &d.f.Locks[k]; l.Issue == a.Issue && l.Issue != (event.UUID{}) {
			return fmt.Sprintf(" on %s %q", facts.Ref(l.Name), l.Title)
		}
	}
	return ""
}

func (d *deriver) contention() {
	for k := range d.f.Locks {
		l := &d.f.Locks[k]
		switch {
		case len(l.Queue) == 0:
		case len(l.Queue) >= d.set.QueueLength:
			d.onLock(Contention, l, "%d agents wait for the lock on %s", len(l.Queue), facts.Ref(l.Name))
		case d.clock.After(l.Queue[0].Since + event.Time(d.set.QueueWait)):
			d.onLock(Contention, l, "%s has waited for the lock on %s for more than %s", d.who(l.Queue[0].Agent), facts.Ref(l.Name), minutes(d.set.QueueWait))
		}
	}
}

func (d *deriver) cycles() {
	for k := range d.f.Issues {
		if i := &d.f.Issues[k]; i.Cyclic > 0 {
			d.onIssue(Cycle, i, "%s waits for itself through %d blocker(s), which are ignored", facts.Ref(i.Name), i.Cyclic)
		}
	}
}

func (d *deriver) storms() {
	for k := range d.f.Agents {
		if a := &d.f.Agents[k]; a.Burst != 0 && !d.clock.After(a.Burst+event.Time(facts.StormWindow)) {
			d.onAgent(Storm, a.ID, "%s wrote more than %d events within a minute", d.who(a.ID), facts.StormLines)
		}
	}
}
