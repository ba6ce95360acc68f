package gate

import (
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
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
	CaseTwin    = "case-twin"    // some file systems take it for the name of another log, or of the tracker's branches
	FastForward = "fast-forward" // what is on the hub is not behind it
	Rewritten   = "rewritten"    // lines that are on the hub are missing or other ones
	Damaged     = "damaged"      // the hub's own log ends early: nothing continues it
	Tree        = "tree"         // a file, mode, path or size that has no place there
	Clock       = "clock"        // stamped further ahead than any clock explains
	NoHub       = "no-hub"       // there is no meta that could say what is right
	Level       = "level"        // a hub of another format level
	NotOnHub    = "not-on-hub"   // a step covers what no log on the hub holds, or stands on meta that is not there
	TooMuch     = "too-much"     // more in one push than is looked at
	Unreadable  = "unreadable"   // an object that cannot be read
	Certificate = "certificate"  // pushed by another than the one who wrote it
)

// Refusal says why a ref is not taken.
type Refusal struct {
	Ref  string
	Rule string
	Line uint64 // of the log; 0 if it is about none
	Why  string // lower case, no full stop; may quote what was pushed
	Cure string // what to do about it; a command to run where there is one
}

// Error is the refusal in one line, without its cure.
func (r *Refusal) Error() string { return fmt.Sprintf("refused '%s': %s", r.Ref, r.reason()) }

// reason is the refusal without its ref.
func (r *Refusal) reason() string {
	at := ""
	if r.Line > 0 {
		at = fmt.Sprintf(", line %d", r.Line)
	}
	return fmt.Sprintf("rule '%s'%s: %s", r.Rule, at, printable(r.Why))
}

// The cures.
const (
	cureSync   = "git crosslink sync"
	cureFork   = "if two clones write under this id: git crosslink agent fork"
	cureNoPush = "leave these branches to the program: git crosslink sync"
	cureMirror = "push without --mirror and --prune, your branches alone: git push <remote> <branch>"
	cureClock  = "set the clock of the machine that wrote it, then: git crosslink agent fork"
	cureUpdate = "install the git-crosslink of this hub's level, there and on the server"
	cureServer = "ask the owner of this hub to look there: git crosslink server check"
	cureHub    = "git crosslink init"
	cureDoctor = "git crosslink doctor"
	cureLess   = "push in parts, or ask the owner of this hub"
)

// refuse makes a refusal without its ref.
func refuse(rule, cure, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Cure: cure, Why: fmt.Sprintf(format, args...)}
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
		r.Cure = "see which hub this clone belongs to: git crosslink doctor"
	}
	return r
}
