// Package alerts finds problems of a project. Derive evaluates rules over facts, and Next
// steps from the previous alerts to the current ones. The poller calls both and stores the
// results (dashboard/poll); pages and webhooks show them.
//
// Neither reads the system's clock. Both ask a facts.Clock, which afterward knows when the
// results will next change by time alone.
package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Kind is what an alert is about. The first seven are the original's (ci_failure
// among them), with its texts.
type Kind string

// The kinds.
const (
	StaleLock          Kind = "stale_lock"
	SilentAgent        Kind = "silent_agent"
	OverdueIssue       Kind = "overdue_issue"
	OrphanSubissue     Kind = "orphan_subissue"
	UnreachableProject Kind = "unreachable_project"
	CIFailure          Kind = "ci_failure"
	SignatureInvalid   Kind = "signature_invalid"
	ForkProven         Kind = "fork_proven"
	HubLost            Kind = "hub_lost"
	UntrustedSigner    Kind = "untrusted_signer"
	LogEnded           Kind = "log_ended"
	Undecided          Kind = "undecided"
	Unsent             Kind = "unsent"
	PendingRequest     Kind = "pending_request"
	NeedsInput         Kind = "needs_input"
	Contention         Kind = "contention"
	Cycle              Kind = "cycle"
	Storm              Kind = "storm"
)

// Severity orders alerts.
type Severity string

// The severities, most severe first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Severities are all of them, most severe first.
var Severities = []Severity{Critical, Warning, Info}

// rank is 0 for the most severe.
func (s Severity) rank() int {
	if k := slices.Index(Severities, s); k >= 0 {
		return k
	}
	return len(Severities)
}

// AtLeast reports whether s is as severe as o, or more so.
func (s Severity) AtLeast(o Severity) bool { return s.rank() <= o.rank() }

// Rule is what the program knows about a kind; RuleSetting changes it.
type Rule struct {
	Kind     Kind
	Severity Severity
	For      time.Duration // a condition must hold this long before it fires
	Keep     time.Duration // a condition must be gone this long before it resolves; KeepUntilSeen
	About    string        // the condition, for people
}

// KeepUntilSeen keeps an alert firing until somebody acknowledges it, even if its condition
// ends: the evidence was there.
const KeepUntilSeen = time.Duration(1<<63 - 1)

// Rules are all rules, in the order in which they are evaluated.
var Rules = []Rule{
	{Kind: StaleLock, Severity: Warning, About: "a lock has been held for more than 60 minutes"},
	{Kind: SilentAgent, Severity: Critical, Keep: time.Minute, About: "an agent that holds a lock has shown no activity for more than 10 minutes"},
	{Kind: OverdueIssue, Severity: Warning, About: "an open issue is past its due date"},
	{Kind: OrphanSubissue, Severity: Info, About: "an issue is open although its parent is closed"},
	{Kind: UnreachableProject, Severity: Warning, About: "three fetches in a row failed, or the repository is gone"},
	{Kind: CIFailure, Severity: Warning, About: "CI fails on the default branch"},
	{Kind: SignatureInvalid, Severity: Critical, Keep: KeepUntilSeen, About: "a signature failed verification"},
	{Kind: ForkProven, Severity: Critical, Keep: KeepUntilSeen, About: "one key has written two histories"},
	{Kind: HubLost, Severity: Critical, About: "the hub has lost branches, or the remote now holds another hub"},
	{Kind: UntrustedSigner, Severity: Warning, For: 5 * time.Minute, About: "an agent writes with a key that nobody approved"},
	{Kind: LogEnded, Severity: Warning, About: "a log has invalid data after its last valid event"},
	{Kind: Undecided, Severity: Warning, Keep: time.Minute, About: "an event has waited for its number or lock for more than 15 minutes"},
	{Kind: Unsent, Severity: Warning, Keep: time.Minute, About: "an event has not been sent for more than 15 minutes although the hub answers"},
	{Kind: PendingRequest, Severity: Warning, About: "a request has not been acknowledged for more than 5 minutes"},
	{Kind: NeedsInput, Severity: Warning, About: "an agent has been waiting for a person for more than 2 minutes"},
	{Kind: Contention, Severity: Info, About: "three agents wait for one lock, or one agent has waited for more than an hour"},
	{Kind: Cycle, Severity: Info, About: "issues block each other in a cycle"},
	{Kind: Storm, Severity: Warning, Keep: 5 * time.Minute, About: "an agent writes more than 200 events a minute"},
}

// RuleOf returns the rule of a kind as the settings have it; false if there is
// none or it is switched off.
func (s *Settings) RuleOf(k Kind) (Rule, bool) {
	n := slices.IndexFunc(Rules, func(r Rule) bool { return r.Kind == k })
	if n < 0 {
		return Rule{}, false
	}
	r, o := Rules[n], s.Rules[k]
	if o.Severity != "" {
		r.Severity = o.Severity
	}
	if o.For != nil {
		r.For = *o.For
	}
	return r, !o.Off
}

// Settings are what the operator may change.
type Settings struct {
	facts.Thresholds
	Rules map[Kind]RuleSetting
	Fetch time.Duration // how often a hub on a network is fetched; 0 is the poller's
	Audit int           // for how many days the audit log is kept; 0 is forever
}

// RuleSetting changes one rule. The zero value changes nothing.
type RuleSetting struct {
	Off      bool
	Severity Severity
	For      *time.Duration
}

// Defaults are the settings before anybody changes them.
func Defaults() Settings { return Settings{Thresholds: facts.Defaults()} }

// Project is what a rule needs to know of a project besides its facts.
type Project struct{ ID, Slug string }

// Identity names what an alert is about. Of one identity at most one alert is
// open.
type Identity struct {
	Kind    Kind
	Subject string // "lock:<issue uuid>", "agent:<id>", "issue:<uuid>", "project:<id>", "line:<agent>/<seq>" …
}

// Derived is a condition that is true now.
type Derived struct {
	Identity
	Ref      string // the subject as people name it: "lock:4"
	Severity Severity
	Text     string
}

// State is how far an alert has come.
type State string

// The states. An alert whose condition goes away while it is pending is
// dropped: it becomes Normal.
const (
	Normal     State = "normal"
	Pending    State = "pending"
	Firing     State = "firing"
	Recovering State = "recovering"
	Resolved   State = "resolved"
)

// Alert is one row: a condition from the moment it became true.
type Alert struct {
	ID int64 // 0 until it is stored
	Identity
	Ref        string
	Severity   Severity
	State      State
	Detail     string // as it was when it fired
	NowDetail  string // as it is now
	Pending    event.Time
	Opened     event.Time // when it fired; 0 before
	Recovering event.Time // since when the condition is gone; 0 else
	Resolved   event.Time
	Ack        Ack
	Flapping   bool
	Notified   bool // its firing was
}

// Ack is an operator's acknowledgement.
type Ack struct {
	At    event.Time // 0: not acknowledged
	By    string
	Note  string
	Until event.Time // 0: as long as the alert is open
}

// Open reports whether the alert has not been resolved.
func (a *Alert) Open() bool {
	return a.State == Pending || a.State == Firing || a.State == Recovering
}

// Active reports whether the alert has fired and has not been resolved.
func (a *Alert) Active() bool { return a.State == Firing || a.State == Recovering }

// Urgent compares alerts: more severe first, then newer first.
func Urgent(a, b Alert) int {
	return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(b.Opened, a.Opened),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
}

// Shape is the state of a project in one word.
type Shape string

// The shapes, each with its own symbol on a page.
const (
	ShapePaused   Shape = "paused"
	ShapeNoData   Shape = "no data"
	ShapeOK       Shape = "ok"
	ShapeInfo     Shape = "info"
	ShapeWarning  Shape = "warning"
	ShapeCritical Shape = "critical"
)

// Worst returns a project's shape: paused, without data, or that of the worst active
// alert that nobody acknowledged.
func Worst(all []Alert, paused, noData bool) Shape {
	if paused {
		return ShapePaused
	}
	if noData {
		return ShapeNoData
	}
	worst := len(Severities)
	for k := range all {
		if a := &all[k]; a.Active() && a.Ack.At == 0 {
			worst = min(worst, a.Severity.rank())
		}
	}
	return []Shape{ShapeCritical, ShapeWarning, ShapeInfo, ShapeOK}[worst]
}
