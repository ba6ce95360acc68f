package tracker

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// levelReason is why nothing is sent to a hub of another level.
func (t *Tracker) levelReason(s *reading.Snapshot) string {
	switch {
	case s.NewerRules():
		return "the hub decides by rules that are newer than this program"
	case s.Level == 0 || s.Level == Level:
		return ""
	}
	return fmt.Sprintf("the hub is of level %d, which this program does not write", s.Level)
}

// tellLevel says to a reader that a hub may hold more than can be shown.
func (t *Tracker) tellLevel(g reading.Glance) {
	switch {
	case g.Level > Level:
		t.tellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' is of level %d, newer than this program: not all of it can be shown", t.hubName(), g.Level)})
	case g.Newer:
		t.tellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' decides by rules that are newer than this program: numbers given since and locks cannot be shown", t.hubName())})
	}
}

// refuseLevel refuses to write to a hub of another level.
func (t *Tracker) refuseLevel(s *reading.Snapshot) error {
	if e := t.levelError(s); e != nil {
		return e
	}
	return nil
}

// levelError is that refusal, nil if the hub is of this program's level.
func (t *Tracker) levelError(s *reading.Snapshot) *fail.Error {
	switch {
	case s.NewerRules():
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' decides by rules that are newer than this program: nothing was written", t.hubName())}
	case s.Level == 0 || s.Level == Level:
		return nil
	case s.Level < Level:
		return &fail.Error{Kind: fail.Fatal, Code: "level/older",
			Message: fmt.Sprintf("the hub on '%s' is of level %d, which this program reads and does not write: nothing was written", t.hubName(), s.Level)}
	default:
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' is of level %d, which is newer than this program: nothing was written", t.hubName(), s.Level)}
	}
}
