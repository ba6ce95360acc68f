package gate

import (
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// Rules a ref is refused by, beside those of a line (package event), of meta
// and signatures (package trust) and of the ledger (package ledger, with
// "ledger-" in front). They are printed, documented (docs/server.md) and
// scripted against, so they never change their meaning.
const (
	Deletion    = "deletion"     // a branch of the tracker goes
	HiddenRef   = "hidden-ref"   // a ref that the program keeps for itself
	Name        = "name"         // no name of a tracker's branch
	AgentID     = "agent-id"     // no id that this program mints
	CaseTwin    = "case-twin"    // on some file systems its name is the same as that of the log or of the tracker's branches
	FastForward = "fast-forward" // what is on the hub is not after it
	Rewritten   = "rewritten"    // lines that are on the hub are missing or other ones
	Damaged     = "damaged"      // the hub's own log ends early: nothing continues it
	Tree        = "tree"         // a file, mode, path or size that has no place there
	Clock       = "clock"        // stamped further ahead than any clock explains
	NoHub       = "no-hub"       // there is no meta that could say what is right
	Moved       = "moved"        // the hub continues elsewhere
	Level       = "level"        // a hub of another format level
	NotOnHub    = "not-on-hub"   // a step covers what no log on the hub holds, or stands on meta that is not there
	TooMuch     = "too-much"     // more in one push than is looked at
	Unreadable  = "unreadable"   // an object that cannot be read
	Certificate = "certificate"  // pushed by another than the one who wrote it
)

// Refusal is the reason why a ref is refused.
type Refusal struct {
	Ref  string
	Rule string
	Line uint64      // of the log; 0 if it is about none
	Why  string      // lower case, no full stop; may quote what was pushed
	Cure fail.Code   // what helps; the surface knows the command
	With fail.Fields // what it is about
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

// What helps.
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

// about says what a refusal's hint is about.
func (r *Refusal) about(name, value string) *Refusal {
	if r.With == nil {
		r.With = fail.Fields{}
	}
	r.With[name] = value
	return r
}

// refuseLine makes one of what is wrong with a line.
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
