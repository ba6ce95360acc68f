package ledger

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// What Decide sees of a line. The rules are:
//   - only IssueCreated.uuid, MilestoneCreated.uuid, IssueDeleted.uuid,
//     LockClaimed{issue_uuid, branch, wait}, LockReleased.issue_uuid and
//     LockBroken{issue_uuid, token} are looked at;
//   - AgentRetired decides nothing, but it is a reason to write a step: a log can be
//     archived once its end is covered;
//   - a line in which one of these does not decode is invisible;
//   - anything else that is wrong with the body is not the ledger's business:
//     an issue whose title is too long has a number.

type kind uint8

const (
	invisible kind = iota
	issueCreated
	milestoneCreated
	agentRetired
	issueDeleted
	lockClaimed
	lockReleased
	lockBroken
)

// Fact is what one covered line says to Decide. It shares no memory with the line.
type Fact struct {
	kind   kind
	uuid   event.UUID // of the issue, or the milestone
	key    event.Key
	branch string
	wait   bool
	token  uint64
}

// Decides reports whether a line is a reason to write a step: steps that cover other
// lines only decide nothing.
func Decides(e *event.Envelope) bool { return See(e).kind != invisible }

// See reads a line.
func See(e *event.Envelope) Fact {
	f := Fact{key: e.Key()}
	switch b := e.Body.(type) {
	case *event.IssueCreated:
		f.kind, f.uuid = issueCreated, b.UUID
	case *event.MilestoneCreated:
		f.kind, f.uuid = milestoneCreated, b.UUID
	case *event.AgentRetired:
		f.kind = agentRetired
	case *event.IssueDeleted:
		f.kind, f.uuid = issueDeleted, b.UUID
	case *event.LockClaimed:
		f.kind, f.uuid, f.branch, f.wait = lockClaimed, b.Issue, b.Branch, b.Wait
	case *event.LockReleased:
		f.kind, f.uuid = lockReleased, b.Issue
	case *event.LockBroken:
		f.kind, f.uuid, f.token = lockBroken, b.Issue, b.Token
	case *event.Invalid:
		f.seeInvalid(e, b.Name)
	}
	if f.kind != invisible { // else a few bytes keep the whole line in memory
		f.key.Agent, f.branch = strings.Clone(f.key.Agent), strings.Clone(f.branch)
	}
	return f
}

// seeInvalid reads the members that count of an event that breaks some rule.
func (f *Fact) seeInvalid(e *event.Envelope, name string) {
	v, err := canon.Parse(e.Event)
	if err != nil {
		return
	}
	m := func(name string) canon.Value { x, _ := v.Get(name); return x }
	id := func(name string) (ok bool) {
		s, _ := m(name).Str()
		f.uuid, ok = event.ParseUUID(s)
		return ok
	}
	switch name {
	case "IssueCreated":
		f.set(issueCreated, id("uuid"))
	case "MilestoneCreated":
		f.set(milestoneCreated, id("uuid"))
	case "IssueDeleted":
		f.set(issueDeleted, id("uuid"))
	case "LockClaimed":
		branch, wait := m("branch"), m("wait")
		var isBool bool
		f.branch, _ = branch.Str()
		f.wait, isBool = wait.Bool()
		f.set(lockClaimed, id("issue_uuid") && (branch.Kind() == canon.None || validBranch(f.branch)) && (wait.Kind() == canon.None || isBool))
	case "LockReleased":
		f.set(lockReleased, id("issue_uuid"))
	case "LockBroken":
		f.token, _ = m("token").Uint()
		f.set(lockBroken, id("issue_uuid") && f.token > 0)
	}
}

func (f *Fact) set(k kind, ok bool) {
	if ok {
		f.kind = k
	}
}

// validBranch reports whether a branch is one that a claim may name: it is
// kept in state.json, so the vocabulary's bounds hold here.
func validBranch(s string) bool {
	return s != "" && event.Check(&event.LockClaimed{Issue: event.UUID{1}, Branch: s}) == nil
}

// visible returns the facts that are visible, in key order: within one step the
// order in which they were handed in does not matter.
func visible(facts []Fact) []Fact {
	var out []Fact
	for _, f := range facts {
		if f.kind != invisible {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Fact) int { return a.key.Compare(b.key) })
	return out
}
