package reducer

import (
	"cmp"
	"errors"
	"fmt"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
)

// The reasons of this package; package event has the reasons for members that break a rule
// of their own.
const (
	ReasonSelfEdge      = "self-edge"
	ReasonDuplicateUUID = "duplicate-uuid"
	ReasonNotTarget     = "not-target"
)

// Rejection means that an event of a known type has no effect, and why. It is not an error
// of the reader; everything else continues.
type Rejection struct {
	Agent  string
	Seq    uint64
	Type   string
	Reason string // a short fixed word
	Detail string // for people
}

// Compare orders rejections by agent, then sequence.
func (r Rejection) Compare(o Rejection) int {
	return cmp.Or(cmp.Compare(r.Agent, o.Agent), cmp.Compare(r.Seq, o.Seq), cmp.Compare(r.Type, o.Type),
		cmp.Compare(r.Reason, o.Reason), cmp.Compare(r.Detail, o.Detail))
}

// RejectedError is the error of Check: the Rejection that the event would become.
type RejectedError struct{ Reason, Detail string }

func (e *RejectedError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ": " + e.Detail
}

func rejection(agent string, seq uint64, typ string, err *RejectedError) Rejection {
	return Rejection{agent, seq, typ, err.Reason, err.Detail}
}

// UnknownEvent is an event of a type this program does not know. It has no
// effect and is no Rejection: a newer reader applies it.
type UnknownEvent struct {
	Agent string
	Seq   uint64
	Type  string
}

// Unknown lists the events of unknown types, by agent, then sequence.
func (s *State) Unknown() []UnknownEvent {
	var us []UnknownEvent
	for u := range s.unknown {
		us = append(us, u)
	}
	sort.Slice(us, func(i, j int) bool {
		a, b := us[i], us[j]
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Type, b.Type)) < 0
	})
	return us
}

// Rejections lists the events that have no effect, by agent, then sequence. The list
// depends only on the set of events. Events that have to be compared with other events are
// judged here, when all are known.
func (s *State) Rejections() []Rejection {
	seen := make(map[Rejection]struct{}, len(s.rejected))
	for r := range s.rejected {
		seen[r] = struct{}{}
	}
	reject := func(at *stamp, b event.Body, err *RejectedError) {
		seen[rejection(at.key.Agent, at.key.Seq, b.Type(), err)] = struct{}{}
	}
	for id, c := range s.comments {
		for i, a := range c.adds.all() {
			if c.adds.duplicate(i) {
				reject(a.at, a.body, duplicate("comment", id.String(), c.adds.all()[0].at))
			}
		}
	}
	for id, t := range s.entries {
		for i, a := range t.adds.all() {
			if t.adds.duplicate(i) {
				reject(a.at, a.body, duplicate("time entry", id.String(), t.adds.all()[0].at))
			}
		}
	}
	for id, r := range s.requests {
		if len(r.sent.all()) == 0 {
			continue // its acknowledgements are pending
		}
		for i, a := range r.sent.all() {
			if r.sent.duplicate(i) {
				reject(a.at, a.body, duplicate("request", id, r.sent.all()[0].at))
			}
		}
		for _, a := range r.acks.all() {
			if err := r.mayAck(id, a.at.key.Agent); err != nil {
				reject(a.at, a.body, err)
			}
		}
	}
	var rs []Rejection
	for r := range seen {
		rs = append(rs, r)
	}
	sort.Slice(rs, func(i, j int) bool { return rs[i].Compare(rs[j]) < 0 })
	return rs
}

func duplicate(noun, id string, by *stamp) *RejectedError {
	return &RejectedError{ReasonDuplicateUUID, fmt.Sprintf("%s '%s' was added by '%s' as event %d, with other bytes", noun, id, by.key.Agent, by.key.Seq)}
}

// mayAck must be called only if the request is known.
func (r *request) mayAck(id, author string) *RejectedError {
	if t := r.sent.all()[0].body.Target; t != author {
		return &RejectedError{ReasonNotTarget, fmt.Sprintf("request '%s' is for '%s'", id, t)}
	}
	return nil
}

// judge applies the rules that need no other event. Decoding has already judged the members
// of a level-4 line. Level-3 lines are decoded leniently, so rules for both levels are
// applied here, with the reasons of event.Check.
func judge(b event.Body) *RejectedError {
	switch b := b.(type) {
	case *event.Invalid:
		return &RejectedError{b.Reason, b.Detail}
	case *event.IssueCreated:
		if b.UUID == b.Parent {
			return selfEdge("parent_uuid")
		}
	case *event.IssueUpdated:
		switch {
		case b.Title == nil && b.Description == nil && b.Priority == nil:
			return &RejectedError{event.MissingMember, "'title' and all other members are absent: nothing is updated"}
		case b.Title != nil && *b.Title == "":
			return &RejectedError{event.EmptyMember, "'title' is empty"}
		}
	case *event.ParentChanged:
		if b.Issue == b.Parent {
			return selfEdge("new_parent_uuid")
		}
	case *event.DependencyAdded:
		if b.Blocked == b.Blocker {
			return selfEdge("blocker_uuid")
		}
	case *event.DependencyRemoved:
		if b.Blocked == b.Blocker {
			return selfEdge("blocker_uuid")
		}
	case *event.RelationAdded:
		if b.A == b.B {
			return selfEdge("uuid_b")
		}
	case *event.RelationRemoved:
		if b.A == b.B {
			return selfEdge("uuid_b")
		}
	}
	return nil
}

func selfEdge(member string) *RejectedError {
	return &RejectedError{ReasonSelfEdge, "'" + member + "' is the issue itself"}
}

// Check returns nil for an event that author may write now, otherwise the *RejectedError
// with the reason and detail of its Rejection.
func (s *State) Check(author string, b event.Body) error {
	if err := s.check(author, b); err != nil {
		return err
	}
	return nil
}

func (s *State) check(author string, b event.Body) *RejectedError {
	if err := event.Check(b); err != nil {
		var m *event.MemberError
		errors.As(err, &m) // it is always one
		return &RejectedError{m.Reason, m.Detail}
	}
	if err := judge(b); err != nil {
		return err
	}
	switch b := b.(type) {
	case *event.CommentAdded:
		if c := s.comments[b.Comment]; c != nil && len(c.adds.all()) > 0 && !c.adds.all()[0].at.base() && *c.adds.all()[0].body != *b {
			return duplicate("comment", b.Comment.String(), c.adds.all()[0].at)
		}
	case *event.TimeEntryAdded:
		if t := s.entries[b.Entry]; t != nil && len(t.adds.all()) > 0 && !t.adds.all()[0].at.base() && !sameEntry(t.adds.all()[0].body, b) {
			return duplicate("time entry", b.Entry.String(), t.adds.all()[0].at)
		}
	case *event.RequestSent:
		if r := s.requests[b.ID]; r != nil && len(r.sent.all()) > 0 && *r.sent.all()[0].body != *b {
			return duplicate("request", b.ID, r.sent.all()[0].at)
		}
	case *event.RequestAcked:
		if r := s.requests[b.ID]; r != nil && len(r.sent.all()) > 0 {
			return r.mayAck(b.ID, author)
		}
	}
	return nil
}

func sameEntry(a, b *event.TimeEntryAdded) bool {
	x, y := *a, *b
	x.DurationSeconds, y.DurationSeconds = nil, nil
	if x != y || (a.DurationSeconds == nil) != (b.DurationSeconds == nil) {
		return false
	}
	return a.DurationSeconds == nil || *a.DurationSeconds == *b.DurationSeconds
}
