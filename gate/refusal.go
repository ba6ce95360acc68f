package gate

import (
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// The rules by which a ref is refused, besides those of a line (package event), of meta and
// signatures (package trust) and of the ledger (package ledger, with the prefix "ledger-").
// They are printed, documented (docs/server.md) and used in scripts, so their meaning never
// changes.
const (
	Deletion    = "deletion"     // a branch of the tracker would be deleted
	HiddenRef   = "hidden-ref"   // a private ref of the program
	Name        = "name"         // not a name of a tracker branch
	AgentID     = "agent-id"     // not an id that this program creates
	CaseTwin    = "case-twin"    // on some file systems its name equals that of another log or tracker branch
	FastForward = "fast-forward" // it is not based on the hub's tip
	Rewritten   = "rewritten"    // lines on the hub are missing or changed
	Damaged     = "damaged"      // the hub's own log ends early, so nothing can continue it
	Tree        = "tree"         // a file, mode, path or size that does not belong there
	Clock       = "clock"        // stamped further ahead than the clocks explain
	NoHub       = "no-hub"       // there is no meta with rules
	Moved       = "moved"        // the hub continues elsewhere
	Level       = "level"        // a hub of another format level
	NotOnHub    = "not-on-hub"   // a step covers lines that no log on the hub has, or depends on meta that is not there
	TooMuch     = "too-much"     // one push has more than is checked
	Unreadable  = "unreadable"   // an object that cannot be read
	Certificate = "certificate"  // pushed by somebody other than its writer
)

// Refusal is the reason why a ref is refused.
type Refusal struct {
	Ref  string
	Rule string
	Line uint64      // sequence in the log; 0 if it is not about a line
	Why  string      // lower case, no full stop; may quote pushed data
	Cure fail.Code   // code of the hint; the surface knows the command
	With fail.Fields // values for the hint
}

// Error returns the refusal in one line, without its hint.
func (r *Refusal) Error() string { return fmt.Sprintf("refused '%s': %s", r.Ref, r.reason()) }

// reason returns the refusal without its ref.
func (r *Refusal) reason() string {
	at := ""
	if r.Line > 0 {
		at = fmt.Sprintf(", line %d", r.Line)
	}
	return fmt.Sprintf("rule '%s'%s: %s", r.Rule, at, printable(r.Why))
}

// Codes of hints.
const (
	cureSync      fail.Code = "gate/sync"
	cureFork      fail.Code = "gate/two-writers"
	cureNoPush    fail.Code = "gate/not-yours"
	cureMirror    fail.Code = "gate/mirror"
	cureClock     fail.Code = "gate/clock"
	cureUpdate    fail.Code = "gate/level"
	cureServer    fail.Code = "gate/server"
	cureHub       fail.Code = "gate/no-hub"
	cureSuccessor fail.Code = "gate/moved"
	cureDoctor    fail.Code = "gate/doctor"
	cureLess      fail.Code = "gate/less"
	cureWhichHub  fail.Code = "gate/which-hub"
	cureAdmin     fail.Code = "gate/admin" // who changes meta
	cureApprove   fail.Code = "gate/approve"
	cureKey       fail.Code = "gate/key"       // which one signs
	cureRevoked   fail.Code = "gate/revoked"   // end of a log
	cureLimit     fail.Code = "gate/limit"     // setting, value
	cureLogLimit  fail.Code = "gate/log-limit" // the same of one log
	cureNamespace fail.Code = "gate/namespace"
	cureID        fail.Code = "gate/id"
	cureBranch    fail.Code = "gate/branch"
	cureReplace   fail.Code = "gate/replace"
	curePresence  fail.Code = "gate/presence"
	curePushKey   fail.Code = "gate/push-key"  // agent
	curePushFrom  fail.Code = "gate/push-from" // the clone of its writer
)

// refuse makes a refusal without its ref.
func refuse(rule string, cure fail.Code, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Cure: cure, Why: fmt.Sprintf(format, args...)}
}

// about adds a value for a refusal's hint.
func (r *Refusal) about(name, value string) *Refusal {
	if r.With == nil {
		r.With = fail.Fields{}
	}
	r.With[name] = value
	return r
}

// refuseLine makes a refusal of an invalid line.
func refuseLine(seq uint64, err error) *Refusal {
	r := &Refusal{Rule: Unreadable, Line: seq, Why: err.Error(), Cure: cureFork}
	var l *event.LineError
	if !errors.As(err, &l) {
		return r
	}
	r.Rule = l.Reason
	if r.Why = l.Detail; r.Why == "" {
		r.Why = "it is not one line of canonical JSON"
	}
	switch l.Reason {
	case event.Newer:
		r.Cure = cureUpdate
	case event.WrongHub:
		r.Cure = cureWhichHub
	}
	return r
}
