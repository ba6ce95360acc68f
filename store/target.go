package store

import (
	"encoding/binary"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// target is an object that lines are about: its kind, and its id. All lines that
// bear on an object are aimed at it, so it is reduced from these and no others.
type target string

// The kinds of targets. 'h' is no object: lines so aimed are shown in the history
// of an issue, and change something else.
const (
	ofAgent     = 'a'
	ofComment   = 'c'
	ofHistory   = 'h'
	ofIssue     = 'i'
	ofLine      = 'j' // a line that is refused, or of an unknown kind
	ofMilestone = 'm'
	ofRequest   = 'q'
	ofReport    = 'r'
	ofSession   = 's'
	ofEntry     = 't'
)

func about(kind byte, u event.UUID) target { return target(append([]byte{kind}, u[:]...)) }

func (t target) kind() byte { return t[0] }

// uuid is the id of a target that has one of 16 bytes.
func (t target) uuid() (u event.UUID) {
	copy(u[:], t[1:])
	return u
}

// targets are what an event is about.
func targets(e *event.Envelope) []target {
	if reducer.Refused(e.Body) {
		all := []target{lineTarget(e)}
		for _, u := range IssuesOf(e.Body) {
			all = append(all, about(ofHistory, u))
		}
		return all
	}
	switch b := e.Body.(type) {
	case *event.Based:
		return basedTargets(b)
	case *event.CommentAdded:
		return []target{about(ofComment, b.Comment), about(ofHistory, b.Issue)}
	case *event.CommentEdited:
		return []target{about(ofComment, b.Comment)}
	case *event.CommentDeleted:
		return []target{about(ofComment, b.Comment)}
	case *event.TimeEntryAdded:
		return []target{about(ofEntry, b.Entry), about(ofHistory, b.Issue)}
	case *event.TimeEntryDeleted:
		return []target{about(ofEntry, b.Entry)}
	case *event.DependencyAdded:
		return []target{about(ofIssue, b.Blocked), about(ofHistory, b.Blocker)}
	case *event.DependencyRemoved:
		return []target{about(ofIssue, b.Blocked), about(ofHistory, b.Blocker)}
	case *event.LockClaimed:
		return []target{about(ofHistory, b.Issue)}
	case *event.LockReleased:
		return []target{about(ofHistory, b.Issue)}
	case *event.LockBroken:
		return []target{about(ofHistory, b.Issue)}
	case *event.AgentIntroduced, *event.KeyRotated, *event.AgentForkedFrom, *event.AgentRetired:
		return []target{target(string(ofAgent) + e.Agent)}
	}
	if t := otherTarget(e); t != "" {
		return []target{t}
	}
	var all []target
	for _, u := range IssuesOf(e.Body) {
		all = append(all, about(ofIssue, u))
	}
	return all
}

// basedTargets are what a record of a base is about.
func basedTargets(b *event.Based) []target {
	switch {
	case b.Issue != nil:
		return []target{about(ofIssue, b.Issue.UUID)}
	case b.Relation != nil:
		return []target{about(ofIssue, b.Relation.A), about(ofIssue, b.Relation.B)}
	case b.Comment != nil:
		return []target{about(ofComment, b.Comment.UUID)}
	case b.Entry != nil:
		return []target{about(ofEntry, b.Entry.UUID)}
	case b.Milestone != nil:
		return []target{about(ofMilestone, b.Milestone.UUID)}
	}
	return []target{about(ofIssue, *b.Deleted)}
}

// otherTarget is the milestone, session or request that an event is about; "" if there is
// none.
func otherTarget(e *event.Envelope) target {
	switch b := e.Body.(type) {
	case *event.MilestoneCreated:
		return about(ofMilestone, b.UUID)
	case *event.MilestoneUpdated:
		return about(ofMilestone, b.UUID)
	case *event.MilestoneClosed:
		return about(ofMilestone, b.UUID)
	case *event.MilestoneReopened:
		return about(ofMilestone, b.UUID)
	case *event.MilestoneDeleted:
		return about(ofMilestone, b.UUID)
	case *event.SessionStarted:
		return sessionTarget(e.Agent, b.Session)
	case *event.SessionWorked:
		return sessionTarget(e.Agent, b.Session)
	case *event.SessionEnded:
		return sessionTarget(e.Agent, b.Session)
	case *event.RequestSent:
		return target(string(ofRequest) + b.ID)
	case *event.RequestAcked:
		return target(string(ofRequest) + b.ID)
	case *event.StatusReported:
		return reportTarget(reducer.ReportID{Context: b.Context, Branch: b.Branch})
	}
	return ""
}

func sessionTarget(agent string, u event.UUID) target {
	return target(string(ofSession) + agent + "\x00" + string(u[:]))
}

func reportTarget(id reducer.ReportID) target {
	return target(string(ofReport) + id.Context + "\x00" + id.Branch)
}

// report is what the reports are about that a target stands for.
func (t target) report() (id reducer.ReportID) {
	id.Context, id.Branch, _ = strings.Cut(string(t[1:]), "\x00")
	return id
}

// session is the session that a target is.
func (t target) session() reducer.SessionID {
	agent, u, _ := strings.Cut(string(t[1:]), "\x00")
	id := reducer.SessionID{Agent: agent}
	copy(id.UUID[:], u)
	return id
}

func lineTarget(e *event.Envelope) target {
	return target(binary.BigEndian.AppendUint64([]byte(string(ofLine)+e.Agent+"\x00"), e.Seq))
}
