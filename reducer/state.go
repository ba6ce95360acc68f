// Package reducer turns facts into state: it defines the effect of every kind of event,
// which events are refused, and what people see.
//
// # State
//
// A State is a join-semilattice. Apply, ApplyBase and Merge are joins: the same set of
// events gives the same Canonical bytes in any order, with any repetitions, in any batches,
// split over any number of States and merged in any tree. Nothing is ever forgotten: a
// deletion is a mark that hides its object when the View is made. If deleted data were
// dropped, the state would depend on whether a late event or the deletion arrives first.
// For the same reason an event about an unknown object is kept, and takes effect when the
// object's creation arrives.
//
// Values are in registers with the ordering key (timestamp, agent, sequence) of their
// writer; the greatest wins. If two lines have one key (a forked log), the hash of the
// event's bytes decides wherever keys are compared; see register.go. So Envelope.Event must
// be set, as decoding and encoding do.
//
// The caller decides which lines to apply: the reducer knows nothing about forks,
// revocation, policy and signatures. If a line no longer counts, the state has to be made
// again from the logs.
//
// # Rejections
//
// An event that breaks a rule is not an error of the reader. Its only effects are that
// Newest counts it and Rejections lists it, and both depend only on the set of events.
// Check judges an event before it is written, with the same reasons.
//
// # View
//
// View is the state as people see it: deleted and never-created objects are hidden,
// references to them are shown as none, and cyclic edges are ignored. No rule reads a
// clock; the caller, who has one, computes overdue, stale and the like.
//
// The package is pure: no clock, no randomness, no files, no processes, no logging. Each
// noun has one file, with the same name as in package event, and each rule is described
// where it is applied.
package reducer

import "github.com/git-crosslink/git-crosslink/event"

// State is the state of a set of events. It is not safe for concurrent use; its Views are
// immutable and may be shared.
type State struct {
	newest     event.Time
	issues     map[event.UUID]*issue
	relations  set[relation]
	comments   map[event.UUID]*comment
	entries    map[event.UUID]*timeEntry
	milestones map[event.UUID]*milestone
	sessions   map[SessionID]*session
	requests   map[string]*request
	reports    map[ReportID]*report
	agents     map[string]*agent
	rejected   map[Rejection]struct{} // rejections that do not depend on other events
	unknown    map[UnknownEvent]struct{}

	view *View // made by View, dropped by every change of the state
}

// New returns the state of no events.
func New() *State {
	return &State{
		issues:     make(map[event.UUID]*issue),
		relations:  make(set[relation]),
		comments:   make(map[event.UUID]*comment),
		entries:    make(map[event.UUID]*timeEntry),
		milestones: make(map[event.UUID]*milestone),
		sessions:   make(map[SessionID]*session),
		requests:   make(map[string]*request),
		reports:    make(map[ReportID]*report),
		agents:     make(map[string]*agent),
		rejected:   make(map[Rejection]struct{}),
		unknown:    make(map[UnknownEvent]struct{}),
	}
}

// Apply adds one event. It is a join: order and repetition do not matter. The envelope must
// not be changed afterward.
func (s *State) Apply(e *event.Envelope) { s.apply(e, stampOf(e)) }

// Contend is Apply, and returns the key of the write to which the event lost one of its
// registers; false if it lost none. A new event loses only to a time that its writer does
// not follow.
func (s *State) Contend(e *event.Envelope) (later event.Key, lost bool) {
	at := stampOf(e)
	at.lost = func(to *stamp) {
		if !lost || later.Less(to.key) {
			later, lost = to.key, true
		}
	}
	s.apply(e, at)
	at.lost = nil
	return later, lost
}

func (s *State) apply(e *event.Envelope, at *stamp) {
	s.view = nil
	// Every line counts here, even a refused or unknown one: a new stamp must be greater
	// than all stamps its writer has seen.
	s.newest = max(s.newest, e.Time)

	if err := judge(e.Body); err != nil {
		s.rejected[rejection(e.Agent, e.Seq, e.Body.Type(), err)] = struct{}{}
		return
	}
	switch b := e.Body.(type) {
	case *event.IssueCreated:
		s.issueCreated(at, b)
	case *event.IssueUpdated:
		s.issueUpdated(at, b)
	case *event.StatusChanged:
		s.statusChanged(at, b)
	case *event.IssueDeleted:
		s.issueDeleted(at, b)
	case *event.IssueUndeleted:
		s.issueUndeleted(at, b)
	case *event.ScheduleChanged:
		s.scheduleChanged(at, b)
	case *event.ParentChanged:
		s.parentChanged(at, b)
	case *event.LabelAdded:
		s.label(at, b.Issue, b.Label, true)
	case *event.LabelRemoved:
		s.label(at, b.Issue, b.Label, false)
	case *event.AssigneeAdded:
		s.assignee(at, b.Issue, b.Assignee, true)
	case *event.AssigneeRemoved:
		s.assignee(at, b.Issue, b.Assignee, false)
	case *event.DependencyAdded:
		s.dependency(at, b.Blocked, b.Blocker, true)
	case *event.DependencyRemoved:
		s.dependency(at, b.Blocked, b.Blocker, false)
	case *event.RelationAdded:
		s.relation(at, b.A, b.B, b.Kind, true)
	case *event.RelationRemoved:
		s.relation(at, b.A, b.B, b.Kind, false)
	case *event.MilestoneAssigned:
		s.milestoneAssigned(at, b)
	case *event.CommentAdded:
		s.commentAdded(at, b)
	case *event.CommentEdited:
		s.commentEdited(at, b)
	case *event.CommentDeleted:
		s.commentDeleted(at, b)
	case *event.TimeEntryAdded:
		s.timeEntryAdded(at, b)
	case *event.TimeEntryDeleted:
		s.timeEntryDeleted(at, b)
	case *event.LinkAdded:
		s.link(at, b.Issue, b.Kind, b.Ref, true)
	case *event.LinkRemoved:
		s.link(at, b.Issue, b.Kind, b.Ref, false)
	case *event.MilestoneCreated:
		s.milestoneCreated(at, b)
	case *event.MilestoneUpdated:
		s.milestoneUpdated(at, b)
	case *event.MilestoneClosed:
		s.milestoneClosed(at, b)
	case *event.MilestoneReopened:
		s.milestoneReopened(at, b)
	case *event.MilestoneDeleted:
		s.milestoneDeleted(at, b)
	case *event.Based:
		s.based(at, b)
	case *event.Unknown:
		s.unknown[UnknownEvent{e.Agent, e.Seq, b.Name}] = struct{}{}
	default:
		s.applyAgents(at, b)
	}
}

// applyAgents applies events about agents: their descriptions, sessions, requests and
// reports.
func (s *State) applyAgents(at *stamp, b event.Body) {
	switch b := b.(type) {
	case *event.SessionStarted:
		s.sessionStarted(at, b)
	case *event.SessionWorked:
		s.sessionWorked(at, b)
	case *event.SessionEnded:
		s.sessionEnded(at, b)
	case *event.RequestSent:
		s.requestSent(at, b)
	case *event.RequestAcked:
		s.requestAcked(at, b)
	case *event.StatusReported:
		s.statusReported(at, b)
	case *event.AgentIntroduced:
		s.agentIntroduced(at, b)
	case *event.KeyRotated:
		s.keyRotated(at, b)
	case *event.AgentForkedFrom:
		s.agentForkedFrom(at, b)
	case *event.AgentRetired:
		s.agentRetired(at, b)
	case *event.AgentForked: // agent.go explains why not
	case *event.LockClaimed, *event.LockReleased, *event.LockBroken: // lock.go explains why not
	}
}

// Merge adds everything in o and does not change o: the result is the state of both sets of
// events. It is a join.
func (s *State) Merge(o *State) {
	s.view = nil
	s.newest = max(s.newest, o.newest)
	for id, x := range o.issues {
		s.issue(id).merge(x)
	}
	s.relations.merge(o.relations)
	for id, x := range o.comments {
		s.comment(id).merge(x)
	}
	for id, x := range o.entries {
		s.entry(id).merge(x)
	}
	for id, x := range o.milestones {
		s.milestone(id).merge(x)
	}
	for id, x := range o.sessions {
		s.session(id).merge(x)
	}
	for id, x := range o.requests {
		s.request(id).merge(x)
	}
	for id, x := range o.reports {
		find(s.reports, id).merge(x)
	}
	for id, x := range o.agents {
		s.agent(id).merge(x)
	}
	for x := range o.rejected {
		s.rejected[x] = struct{}{}
	}
	for x := range o.unknown {
		s.unknown[x] = struct{}{}
	}
}

// Clone returns a copy that shares nothing mutable.
func (s *State) Clone() *State {
	c := New()
	c.Merge(s)
	c.view = s.view
	return c
}

// Newest is the greatest timestamp applied, of all kinds of lines.
func (s *State) Newest() event.Time { return s.newest }

// find returns the object of a map, and adds it if it is missing: events may arrive before
// the creation of their object.
func find[K comparable, V any](m map[K]*V, id K) *V {
	x := m[id]
	if x == nil {
		x = new(V)
		m[id] = x
	}
	return x
}
