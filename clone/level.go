package clone

import (
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/replay"
)

// LevelReason returns why nothing is sent to a hub of another level.
func (c *Clone) LevelReason(s *reading.Snapshot) string {
	switch {
	case s.NewerRules():
		return "the hub uses rules that are newer than this program"
	case s.Successor() != "":
		return c.moved(s)
	case s.Level == 0 || s.Level == replay.FormatVersion:
		return ""
	}
	return fmt.Sprintf("the hub has level %d, which this program cannot write", s.Level)
}

// TellLevel gives the notice that a hub may have more data than can be shown.
func (c *Clone) TellLevel(g reading.Glance) {
	switch {
	case g.Level > replay.FormatVersion:
		c.TellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' has level %d, which is newer than this program: not all of it can be shown", c.HubName(), g.Level)})
	case g.Newer:
		c.TellOnce(fail.Notice{Code: "level", Text: fmt.Sprintf("the hub on '%s' uses rules that are newer than this program: numbers given since and locks cannot be shown", c.HubName())})
	case g.UnreadFiles > 0:
		c.TellOnce(fail.Notice{Code: "unread-files/shown", Text: UnreadFiles(g.UnreadFiles, g.UnreadFile)})
	}
}

// UnreadFiles is the message that files of a level-2 hub cannot be read; it names one of
// them.
func UnreadFiles(n int, one string) string {
	if n == 1 {
		return "a file of 'crosslink/hub' cannot be read and is not shown: " + fail.Truncate(one)
	}
	return fmt.Sprintf("%d files of 'crosslink/hub' cannot be read and are not shown, such as %s", n, fail.Truncate(one))
}

// RefuseLevel refuses to write to a hub of another level.
func (c *Clone) RefuseLevel(s *reading.Snapshot) error {
	if e := c.LevelError(s); e != nil {
		return e
	}
	return nil
}

// moved returns where a hub continues.
func (c *Clone) moved(s *reading.Snapshot) string {
	return fmt.Sprintf("the hub on '%s' has moved: the tracker continues at '%s'", c.HubName(), s.Successor())
}

// LevelError returns the error for a write to a hub that has moved, or has another level;
// nil otherwise.
func (c *Clone) LevelError(s *reading.Snapshot) *fail.Error {
	switch {
	case s.NewerRules():
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' uses rules that are newer than this program: nothing was written", c.HubName())}
	case s.Successor() != "":
		return c.movedError(s)
	case s.Level == 0 || s.Level == replay.FormatVersion:
		return nil
	case s.Level < replay.FormatVersion:
		return &fail.Error{Kind: fail.Fatal, Code: "level/older",
			Message: fmt.Sprintf("the hub on '%s' has level %d, which this program can read but not write: nothing was written", c.HubName(), s.Level)}
	default:
		return &fail.Error{Kind: fail.Fatal, Code: "level",
			Message: fmt.Sprintf("the hub on '%s' has level %d, which is newer than this program: nothing was written", c.HubName(), s.Level)}
	}
}

// movedError refuses to write to a hub that has moved.
func (c *Clone) movedError(s *reading.Snapshot) *fail.Error {
	e := &fail.Error{Kind: fail.Fatal, Code: "moved", Message: c.moved(s) + ": nothing was written", Fields: fail.Fields{"url": s.Successor()}}
	all := c.Conf.Remotes()
	if n := slices.IndexFunc(all, func(name string) bool { return hubs.URLOf(c.Conf, name) == s.Successor() }); n >= 0 {
		e.Code, e.Fields["name"] = "moved/remote", all[n]
		return e
	}
	e.Fields["name"] = "tracker"
	for n := 2; slices.Contains(all, e.Fields["name"]); n++ {
		e.Fields["name"] = fmt.Sprintf("tracker-%d", n)
	}
	return e
}

// ApartError refuses an action that would mix local numbers with the hub's.
func (c *Clone) ApartError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "private-numbers",
		Message: fmt.Sprintf("the tracker in this repository assigned its own numbers before it joined the hub on '%s': nothing was written", c.HubName())}
}

// TellApart gives the same as a notice.
func (c *Clone) TellApart() {
	c.TellOnce(fail.Notice{Code: "private-numbers", Text: fmt.Sprintf("there is a hub on '%s'; this shows the tracker in this repository, with its own numbers", c.HubName())})
}

// DivergedError means that two clones write under one id, and has the way out.
func (c *Clone) DivergedError(id string) *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "copied-clone",
		Message: fmt.Sprintf("the hub's log of '%s' has events that this clone did not write: two clones write under one id", id)}
}
