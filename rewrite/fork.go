package rewrite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
)

// What a fork carries over to the log of the new id. The rules are:
//
//   - of a log that has not forked, the lines that the hub does not have. They may
//     have reached it anyway (an answer was lost, a push still runs): so they
//     are not written again under the old id, where two lines with one sequence
//     would be a fork. Under the new id they say the same of the same uuids;
//   - not the lines that are withdrawn, nor those about what a withdrawn line has
//     created: a comment on an issue that nobody will see says nothing;
//   - not what creates a comment or an issue that a later one of these lines
//     deletes, nor edits of it, unless the deletion was taken back. The deletion
//     itself is carried over, in case the rest has reached the hub;
//   - a line is stamped again if its time is ahead of this machine's clock and of
//     what the hub has: it was written while the clock was wrong.

// Fork writes the lines of an agent that are carried over again, for the agent of
// p.On, whose log they begin: after an introduction and a line that says where
// the old log ends, if anything of it stays. now is the time of a log without
// lines. It returns the log, and how many of its lines were carried over.
func Fork(rest []*event.Envelope, intro *event.AgentIntroduced, from *event.AgentForkedFrom, now event.Time, p Plan) (lines [][]byte, carried int, err error) {
	if len(rest) > 0 {
		now = min(rest[0].Time, p.Latest)
	}
	now = max(now, 1)
	log := []*event.Envelope{{Body: intro, Time: now}}
	if from.Seq > 0 {
		log = append(log, &event.Envelope{Body: from, Time: now})
	}
	head := len(log)
	for _, e := range rest {
		switch e.Body.(type) {
		case *event.LockClaimed, *event.LockReleased, *event.LockBroken:
			continue // a claim is the old agent's
		}
		log = append(log, e)
	}
	_, lines, err = Lines(log, p)
	return lines, len(lines) - head, err
}

// Withdrawn is a line that a fork leaves out.
type Withdrawn struct {
	Seq  uint64 `json:"event"`
	Type string `json:"type"`
}

// Withdraw takes lines out of those that are carried over: those that without
// names, by sequence or by the beginning of the uuid of what they create, and
// what hangs on them.
func Withdraw(rest []*event.Envelope, without []string) (kept []*event.Envelope, out []Withdrawn, err error) {
	named := map[*event.Envelope]bool{}
	for _, name := range without {
		e, err := unsentLine(rest, name)
		if err != nil {
			return nil, nil, err
		}
		named[e] = true
	}
	made, deleted, gone := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range rest {
		id, on := aboutOf(e.Body)
		made[id] = true
		for _, o := range on {
			deleted[o] = (deleted[o] || made[o] && deletes(e.Body) && !named[e]) && !undeletes(e.Body)
		}
	}
	for _, e := range rest {
		id, on := aboutOf(e.Body)
		hangs := !deletes(e.Body) && slices.ContainsFunc(on, func(o string) bool { return gone[o] })
		if !named[e] && !hangs && (id == "" || !deleted[id]) {
			kept = append(kept, e)
			continue
		}
		if out = append(out, Withdrawn{e.Seq, e.Body.Type()}); id != "" {
			gone[id] = true
		}
	}
	return kept, out, nil
}

// minWithdrawn is how much of a uuid names a line, as short ids have.
const minWithdrawn = 7

// unsentLine finds the line that name names.
func unsentLine(rest []*event.Envelope, name string) (*event.Envelope, error) {
	if seq, err := strconv.ParseUint(name, 10, 64); err == nil && len(rest) > 0 && seq <= rest[len(rest)-1].Seq {
		if seq < rest[0].Seq {
			return nil, &fail.Error{Kind: fail.No, Code: "not-unsent/sent", Message: fmt.Sprintf("event %d is on the hub and cannot be withdrawn", seq)}
		}
		return rest[seq-rest[0].Seq], nil
	}
	var found *event.Envelope
	for _, e := range rest {
		if id, _ := aboutOf(e.Body); id == "" || len(name) < minWithdrawn || !strings.HasPrefix(id, strings.ToLower(name)) {
			continue
		}
		if found != nil {
			return nil, &fail.Error{Kind: fail.No, Code: "ambiguous/event", Message: fmt.Sprintf("'%s' names events %d and %d", name, found.Seq, e.Seq),
				Fields: fail.Fields{"seq": strconv.FormatUint(e.Seq, 10)}}
		}
		found = e
	}
	if found == nil {
		return nil, &fail.Error{Kind: fail.No, Code: "not-unsent", Message: fmt.Sprintf("no unsent event has the number or uuid '%s'; %s", name, unsentText(rest))}
	}
	return found, nil
}

// unsentText names the events that may be withdrawn, the first ones if they are many.
func unsentText(rest []*event.Envelope) string {
	const most = 8
	var all []string
	for _, e := range rest[:min(len(rest), most)] {
		all = append(all, fmt.Sprintf("%d (%s)", e.Seq, e.Body.Type()))
	}
	switch n := len(rest) - most; {
	case len(rest) == 0:
		return "every event is on the hub"
	case n > 0:
		all = append(all, fmt.Sprintf("and %d more up to %d", n, rest[len(rest)-1].Seq))
	}
	return "unsent are " + strings.Join(all, ", ")
}

func deletes(b event.Body) bool {
	switch b.(type) {
	case *event.IssueDeleted, *event.CommentDeleted, *event.TimeEntryDeleted, *event.MilestoneDeleted:
		return true
	}
	return false
}

// undeletes reports whether a deletion is taken back: then what it hid is carried over.
func undeletes(b event.Body) bool {
	_, ok := b.(*event.IssueUndeleted)
	return ok
}

// aboutOf is what an event creates, "" for nothing, and what it says nothing
// without. A parent is none of them: a child stays an issue.
func aboutOf(b event.Body) (made string, on []string) {
	some := func(all ...event.UUID) (on []string) {
		for _, u := range all {
			on = append(on, u.String())
		}
		return on
	}
	switch b := b.(type) {
	case *event.IssueCreated:
		return b.UUID.String(), nil
	case *event.IssueUpdated:
		return "", some(b.UUID)
	case *event.StatusChanged:
		return "", some(b.UUID)
	case *event.IssueDeleted:
		return "", some(b.UUID)
	case *event.IssueUndeleted:
		return "", some(b.UUID)
	case *event.ScheduleChanged:
		return "", some(b.Issue)
	case *event.ParentChanged:
		return "", some(b.Issue, b.Parent)
	case *event.LabelAdded:
		return "", some(b.Issue)
	case *event.LabelRemoved:
		return "", some(b.Issue)
	case *event.AssigneeAdded:
		return "", some(b.Issue)
	case *event.AssigneeRemoved:
		return "", some(b.Issue)
	case *event.DependencyAdded:
		return "", some(b.Blocked, b.Blocker)
	case *event.DependencyRemoved:
		return "", some(b.Blocked, b.Blocker)
	case *event.RelationAdded:
		return "", some(b.A, b.B)
	case *event.RelationRemoved:
		return "", some(b.A, b.B)
	case *event.MilestoneAssigned:
		return "", some(b.Issue, b.Milestone)
	case *event.CommentAdded:
		return b.Comment.String(), some(b.Issue)
	case *event.CommentEdited:
		return "", some(b.Comment)
	case *event.CommentDeleted:
		return "", some(b.Comment)
	case *event.TimeEntryAdded:
		return b.Entry.String(), some(b.Issue)
	case *event.TimeEntryDeleted:
		return "", some(b.Entry)
	case *event.LinkAdded:
		return "", some(b.Issue)
	case *event.LinkRemoved:
		return "", some(b.Issue)
	case *event.MilestoneCreated:
		return b.UUID.String(), nil
	case *event.MilestoneUpdated:
		return "", some(b.UUID)
	case *event.MilestoneClosed:
		return "", some(b.UUID)
	case *event.MilestoneReopened:
		return "", some(b.UUID)
	case *event.MilestoneDeleted:
		return "", some(b.UUID)
	case *event.SessionStarted:
		return b.Session.String(), nil
	case *event.SessionWorked:
		return "", some(b.Session)
	case *event.SessionEnded:
		return "", some(b.Session)
	case *event.RequestSent:
		return strings.ToLower(b.ID), nil
	case *event.RequestAcked:
		return "", []string{strings.ToLower(b.ID)}
	}
	return "", nil
}
