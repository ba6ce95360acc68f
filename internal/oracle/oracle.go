// Package oracle is a second reducer. It is written directly from the rules, with no other
// aim than to be obviously correct: it takes all events at once, sorts them and replays
// them for one object after the other. It is slow on purpose and shares only the types of
// views with package reducer, so a mistake would have to be made twice, in two forms, to
// stay unnoticed.
//
// It knows no checkpoints and gives no details of rejections.
package oracle

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Result is the state of a set of events.
type Result struct {
	View       *reducer.View
	Rejections []reducer.Rejection // without Detail, sorted by agent, sequence, type, reason
	Newest     event.Time
}

// Reduce accepts events in any order and with any repetitions.
func Reduce(events []*event.Envelope) Result {
	o := &oracle{}
	all := sorted(events)
	var res Result
	for _, e := range all {
		if e.Time > res.Newest {
			res.Newest = e.Time
		}
	}
	o.facts = all
	o.drop(ownFault)
	o.drop(o.duplicate)
	o.drop(o.notTarget)
	res.View = o.view()
	res.Rejections = o.rejections()
	return res
}

type oracle struct {
	facts    []*event.Envelope // in key order, without rejected ones
	rejected map[reducer.Rejection]bool
}

// sorted returns the events in order without duplicates. Lines with one key are ordered by
// the hash of their events, then by the shown time.
func sorted(events []*event.Envelope) []*event.Envelope {
	type named struct {
		*event.Envelope
		hash [sha256.Size]byte
	}
	var es []named
	for _, e := range events {
		es = append(es, named{e, sha256.Sum256(e.Event)})
	}
	before := func(a, b named) bool {
		if a.Key() != b.Key() {
			return a.Key().Less(b.Key())
		}
		if a.hash != b.hash {
			return string(a.hash[:]) < string(b.hash[:])
		}
		return a.Shown() < b.Shown()
	}
	sort.Slice(es, func(i, j int) bool { return before(es[i], es[j]) })
	var once []*event.Envelope
	for i, e := range es {
		if i == 0 || before(es[i-1], e) {
			once = append(once, e.Envelope)
		}
	}
	return once
}

// drop rejects the events for which why returns a reason.
func (o *oracle) drop(why func(*event.Envelope) string) {
	var keep []*event.Envelope
	for _, e := range o.facts {
		reason := why(e)
		if reason == "" {
			keep = append(keep, e)
			continue
		}
		if o.rejected == nil {
			o.rejected = make(map[reducer.Rejection]bool)
		}
		o.rejected[reducer.Rejection{Agent: e.Agent, Seq: e.Seq, Type: e.Body.Type(), Reason: reason}] = true
	}
	o.facts = keep
}

func ownFault(e *event.Envelope) string {
	var from, to event.UUID
	switch b := e.Body.(type) {
	case *event.Invalid:
		return b.Reason
	case *event.IssueUpdated:
		if b.Title == nil && b.Description == nil && b.Priority == nil {
			return "missing-member"
		}
		if b.Title != nil && *b.Title == "" {
			return "empty-member"
		}
		return ""
	case *event.IssueCreated:
		from, to = b.UUID, b.Parent
	case *event.ParentChanged:
		from, to = b.Issue, b.Parent
	case *event.DependencyAdded:
		from, to = b.Blocked, b.Blocker
	case *event.DependencyRemoved:
		from, to = b.Blocked, b.Blocker
	case *event.RelationAdded:
		from, to = b.A, b.B
	case *event.RelationRemoved:
		from, to = b.A, b.B
	default:
		return ""
	}
	if from == to {
		return "self-edge"
	}
	return ""
}

// fresh names the object that an event adds, which must be new.
func fresh(e *event.Envelope) string {
	switch b := e.Body.(type) {
	case *event.CommentAdded:
		return "comment " + b.Comment.String()
	case *event.TimeEntryAdded:
		return "entry " + b.Entry.String()
	case *event.RequestSent:
		return "request " + b.ID
	}
	return ""
}

func (o *oracle) duplicate(e *event.Envelope) string {
	for _, f := range o.facts {
		if fresh(e) != "" && fresh(f) == fresh(e) { // f is the first one
			if !bytes.Equal(f.Event, e.Event) {
				return "duplicate-uuid"
			}
			return ""
		}
	}
	return ""
}

func (o *oracle) notTarget(e *event.Envelope) string {
	ack, ok := e.Body.(*event.RequestAcked)
	if !ok {
		return ""
	}
	for _, f := range o.facts {
		if r, ok := f.Body.(*event.RequestSent); ok && r.ID == ack.ID && r.Target != e.Agent {
			return "not-target"
		}
	}
	return ""
}

func (o *oracle) rejections() []reducer.Rejection {
	var rs []reducer.Rejection
	for r := range o.rejected {
		rs = append(rs, r)
	}
	text := func(r reducer.Rejection) string {
		return fmt.Sprintf("%s\x00%020d\x00%s\x00%s", r.Agent, r.Seq, r.Type, r.Reason)
	}
	sort.Slice(rs, func(i, j int) bool { return text(rs[i]) < text(rs[j]) })
	return rs
}
