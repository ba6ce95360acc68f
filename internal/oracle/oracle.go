// Package oracle is a second reducer, written straight from the rules to be
// obviously right and nothing else: it takes all events at once, sorts them and
// replays them for one object after the other. It is slow on purpose and shares
// no code with package reducer but the types of its views, so that a mistake
// would have to be made twice, in two shapes, to go unseen.
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

// Result is what a set of events comes to.
type Result struct {
	View       *reducer.View
	Rejections []reducer.Rejection // without Detail, sorted by agent, sequence, type, reason
	Newest     event.Time
}

// Reduce takes events in any order and with any repetitions.
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
	facts    []*event.Envelope // in key order, without the rejected
	rejected map[reducer.Rejection]bool
}

// sorted gives the events in order, each once. Lines of one key are ordered by
// the hash of their events, then by the time they show.
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

// drop moves the events for which why gives a reason to the rejected ones.
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

// fresh names what an event adds that should not have been there.
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
		if fresh(e) != "" && fresh(f) == fresh(e) { // f is the first of all
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

func (o *oracle) view() *reducer.View {
	v := &reducer.View{
		Issues:     make(map[event.UUID]*reducer.Issue),
		Milestones: make(map[event.UUID]*reducer.Milestone),
		Sessions:   make(map[reducer.SessionID]*reducer.Session),
		Requests:   make(map[string]*reducer.Request),
		Reports:    make(map[reducer.ReportID]*reducer.Report),
		Agents:     make(map[string]*reducer.Agent),
		Deleted:    make(map[event.UUID]bool),
	}
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			v.Issues[b.UUID] = nil
		case *event.MilestoneCreated:
			v.Milestones[b.UUID] = nil
		}
	}
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.IssueDeleted:
			if !o.undeleted(b) {
				v.Deleted[b.UUID] = true
				delete(v.Issues, b.UUID)
			}
		case *event.MilestoneDeleted:
			delete(v.Milestones, b.UUID)
		}
	}
	for id := range v.Milestones {
		v.Milestones[id] = o.milestone(id)
	}
	for id := range v.Issues {
		v.Issues[id] = o.issue(id)
	}
	for id, i := range v.Issues {
		i.Comments = o.comments(id)
		i.Time = o.entries(id)
		if v.Milestones[i.Milestone] == nil {
			i.Milestone = event.UUID{}
		}
	}
	o.edges(v)
	for _, i := range inOrder(v) {
		if m := v.Milestones[i.Milestone]; m != nil {
			m.Issues = append(m.Issues, i.UUID)
		}
	}
	o.others(v)
	return v
}

// undeleted reports whether anybody took this deletion back.
func (o *oracle) undeleted(d *event.IssueDeleted) bool {
	for _, e := range o.facts {
		b, ok := e.Body.(*event.IssueUndeleted)
		if ok && b.UUID == d.UUID && b.Deletion == d.Deletion {
			return true
		}
	}
	return false
}

// issue replays everything about one issue. As the events come in key order,
// the last write wins by being last.
func (o *oracle) issue(id event.UUID) *reducer.Issue {
	i := &reducer.Issue{UUID: id, Status: event.Open}
	labels, assignees := make(map[string]bool), make(map[string]bool)
	commentOf, entryOf := make(map[event.UUID]event.UUID), make(map[event.UUID]event.UUID)
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.CommentAdded:
			commentOf[b.Comment] = b.Issue
		case *event.TimeEntryAdded:
			entryOf[b.Entry] = b.Issue
		}
	}
	created := false
	for _, e := range o.facts {
		var about []event.UUID
		switch b := e.Body.(type) {
		case *event.IssueCreated:
			about = append(about, b.UUID)
			if b.UUID != id {
				break
			}
			if !created {
				created = true
				i.CreatedBy, i.CreatedAt, i.Created = b.CreatedBy, e.Shown(), e.Key()
			}
			i.Title, i.Description, i.Priority = b.Title, b.Description, b.Priority
			i.ScheduledAt, i.DueAt, i.Parent = b.ScheduledAt, b.DueAt, b.Parent
			for _, l := range b.Labels {
				labels[l] = true
			}
		case *event.IssueUpdated:
			about = append(about, b.UUID)
			if b.UUID != id {
				break
			}
			if b.Title != nil {
				i.Title = *b.Title
			}
			if b.Description != nil {
				i.Description = *b.Description
			}
			if b.Priority != nil {
				i.Priority = *b.Priority
			}
		case *event.StatusChanged:
			about = append(about, b.UUID)
			if b.UUID != id {
				break
			}
			i.Status, i.ClosedAt, i.Reason, i.StatusBy = b.NewStatus, b.ClosedAt, b.Reason, e.Agent
			if b.NewStatus == event.Open {
				i.ClosedAt = 0
			}
			if b.NewStatus == event.Closed && b.ClosedAt == 0 {
				i.ClosedAt = e.Shown()
			}
		case *event.IssueDeleted:
			about = append(about, b.UUID)
		case *event.IssueUndeleted:
			about = append(about, b.UUID)
		case *event.ScheduleChanged:
			about = append(about, b.Issue)
			if b.Issue == id {
				i.ScheduledAt, i.DueAt = b.ScheduledAt, b.DueAt
			}
		case *event.ParentChanged:
			about = append(about, b.Issue)
			if b.Issue == id {
				i.Parent = b.Parent
			}
		case *event.MilestoneAssigned:
			about = append(about, b.Issue)
			if b.Issue == id {
				i.Milestone = b.Milestone
			}
		case *event.LabelAdded:
			about = append(about, b.Issue)
			if b.Issue == id {
				labels[b.Label] = true
			}
		case *event.LabelRemoved:
			about = append(about, b.Issue)
			if b.Issue == id {
				delete(labels, b.Label)
			}
		case *event.AssigneeAdded:
			about = append(about, b.Issue)
			if b.Issue == id {
				assignees[b.Assignee] = true
			}
		case *event.AssigneeRemoved:
			about = append(about, b.Issue)
			if b.Issue == id {
				delete(assignees, b.Assignee)
			}
		case *event.DependencyAdded:
			about = append(about, b.Blocked)
		case *event.DependencyRemoved:
			about = append(about, b.Blocked)
		case *event.RelationAdded:
			about = append(about, b.A, b.B)
		case *event.RelationRemoved:
			about = append(about, b.A, b.B)
		case *event.CommentAdded:
			about = append(about, b.Issue)
		case *event.CommentEdited:
			about = append(about, commentOf[b.Comment])
		case *event.CommentDeleted:
			about = append(about, commentOf[b.Comment])
		case *event.TimeEntryAdded:
			about = append(about, b.Issue)
		case *event.TimeEntryDeleted:
			about = append(about, entryOf[b.Entry])
		case *event.LinkAdded:
			about = append(about, b.Issue)
		case *event.LinkRemoved:
			about = append(about, b.Issue)
		}
		for _, a := range about {
			if a == id {
				i.UpdatedAt = e.Shown() // the greatest key so far
			}
		}
	}
	i.Labels, i.Assignees, i.Links = keys(labels), keys(assignees), o.links(id)
	return i
}

func (o *oracle) links(issue event.UUID) []reducer.Link {
	by := make(map[reducer.Link]string)
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.LinkAdded:
			if b.Issue == issue {
				by[reducer.Link{Kind: b.Kind, Ref: b.Ref}] = e.Agent
			}
		case *event.LinkRemoved:
			if b.Issue == issue {
				delete(by, reducer.Link{Kind: b.Kind, Ref: b.Ref})
			}
		}
	}
	var ls []reducer.Link
	for l, agent := range by {
		l.By = agent
		ls = append(ls, l)
	}
	sort.Slice(ls, func(i, j int) bool {
		return ls[i].Kind+"\x00"+ls[i].Ref < ls[j].Kind+"\x00"+ls[j].Ref
	})
	return ls
}

func keys(m map[string]bool) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}

func (o *oracle) comments(issue event.UUID) []reducer.Comment {
	found := make(map[event.UUID]*reducer.Comment)
	for _, e := range o.facts {
		b, ok := e.Body.(*event.CommentAdded)
		if !ok || b.Issue != issue || found[b.Comment] != nil {
			continue
		}
		found[b.Comment] = &reducer.Comment{
			UUID: b.Comment, Author: b.Author, Content: b.Content, CreatedAt: b.CreatedAt, Kind: b.Kind,
			TriggerType: b.TriggerType, InterventionContext: b.InterventionContext,
			DriverKeyFingerprint: b.DriverKeyFingerprint, By: e.Agent,
		}
	}
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.CommentEdited:
			if c := found[b.Comment]; c != nil {
				c.Content, c.Edited = b.Content, true
			}
		case *event.CommentDeleted:
			delete(found, b.Comment)
		}
	}
	var cs []reducer.Comment
	for _, c := range found {
		cs = append(cs, *c)
	}
	sort.Slice(cs, func(i, j int) bool {
		return timed(cs[i].CreatedAt, cs[i].UUID) < timed(cs[j].CreatedAt, cs[j].UUID)
	})
	return cs
}

func (o *oracle) entries(issue event.UUID) []reducer.TimeEntry {
	found := make(map[event.UUID]bool)
	for _, e := range o.facts {
		if b, ok := e.Body.(*event.TimeEntryDeleted); ok {
			found[b.Entry] = true
		}
	}
	var ts []reducer.TimeEntry
	for _, e := range o.facts {
		if b, ok := e.Body.(*event.TimeEntryAdded); ok && b.Issue == issue && !found[b.Entry] {
			found[b.Entry] = true
			ts = append(ts, reducer.TimeEntry{
				UUID: b.Entry, StartedAt: b.StartedAt, EndedAt: b.EndedAt, DurationSeconds: b.DurationSeconds, By: e.Agent,
			})
		}
	}
	sort.Slice(ts, func(i, j int) bool {
		return timed(ts[i].StartedAt, ts[i].UUID) < timed(ts[j].StartedAt, ts[j].UUID)
	})
	return ts
}

// timed sorts by time, then uuid.
func timed(t event.Time, id event.UUID) string { return fmt.Sprintf("%020d %s", t, id) }

func inOrder(v *reducer.View) []*reducer.Issue {
	var is []*reducer.Issue
	for _, i := range v.Issues {
		is = append(is, i)
	}
	sort.Slice(is, func(a, b int) bool {
		return timed(is[a].CreatedAt, is[a].UUID) < timed(is[b].CreatedAt, is[b].UUID)
	})
	return is
}

type pair struct{ from, to event.UUID }

// edges fills parents, blockers and relations. A cycle is two nodes that reach
// each other, found by walking.
func (o *oracle) edges(v *reducer.View) {
	order := inOrder(v)

	parents := make(map[pair]bool)
	for id, i := range v.Issues {
		if v.Issues[i.Parent] != nil {
			parents[pair{id, i.Parent}] = true
		} else {
			i.Parent = event.UUID{}
		}
	}
	blockers := make(map[pair]bool)
	related := make(map[pair]map[event.RelationKind]bool)
	relate := func(a, b event.UUID, kind event.RelationKind, present bool) {
		if kind == "" {
			kind = event.Related
		}
		if related[pair{a, b}] == nil {
			related[pair{a, b}] = make(map[event.RelationKind]bool)
		}
		related[pair{a, b}][kind] = present
		if kind == event.Related { // no direction: both ways always alike
			if related[pair{b, a}] == nil {
				related[pair{b, a}] = make(map[event.RelationKind]bool)
			}
			related[pair{b, a}][kind] = present
		}
	}
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.DependencyAdded:
			if v.Issues[b.Blocked] != nil && v.Issues[b.Blocker] != nil {
				blockers[pair{b.Blocked, b.Blocker}] = true
			}
		case *event.DependencyRemoved:
			delete(blockers, pair{b.Blocked, b.Blocker})
		case *event.RelationAdded:
			relate(b.A, b.B, b.Kind, true)
		case *event.RelationRemoved:
			relate(b.A, b.B, b.Kind, false)
		}
	}

	for _, x := range order {
		for _, y := range order {
			if parents[pair{x.UUID, y.UUID}] {
				if reaches(parents, y.UUID, x.UUID) {
					x.Parent, x.ParentCyclic = event.UUID{}, true
				}
			}
			if blockers[pair{x.UUID, y.UUID}] {
				if reaches(blockers, y.UUID, x.UUID) {
					x.Cyclic = append(x.Cyclic, y.UUID)
				} else {
					x.BlockedBy = append(x.BlockedBy, y.UUID)
				}
			}
			if blockers[pair{y.UUID, x.UUID}] && !reaches(blockers, x.UUID, y.UUID) {
				x.Blocks = append(x.Blocks, y.UUID)
			}
			// In the order of the kinds' names, outgoing first.
			for _, kind := range []event.RelationKind{event.DiscoveredFrom, event.Duplicates, event.Related, event.Supersedes} {
				if related[pair{x.UUID, y.UUID}][kind] {
					x.Relations = append(x.Relations, reducer.Relation{Other: y.UUID, Kind: kind, Outgoing: true})
				}
				if related[pair{y.UUID, x.UUID}][kind] && kind != event.Related {
					x.Relations = append(x.Relations, reducer.Relation{Other: y.UUID, Kind: kind, Outgoing: false})
				}
			}
		}
	}
	for _, x := range order {
		if p := v.Issues[x.Parent]; p != nil {
			p.Children = append(p.Children, x.UUID)
		}
	}
}

func reaches(edges map[pair]bool, from, to event.UUID) bool {
	seen := map[event.UUID]bool{from: true}
	for grew := true; grew; {
		grew = false
		for e := range edges {
			if seen[e.from] && !seen[e.to] {
				seen[e.to] = true
				grew = true
			}
		}
	}
	return seen[to]
}

func (o *oracle) milestone(id event.UUID) *reducer.Milestone {
	m := &reducer.Milestone{UUID: id, Status: event.Open}
	created := false
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.MilestoneCreated:
			if b.UUID != id {
				break
			}
			if !created {
				created = true
				m.CreatedAt, m.CreatedBy, m.Created = b.CreatedAt, e.Agent, e.Key()
			}
			m.Name, m.Description, m.DueAt = b.Name, b.Description, b.DueAt
		case *event.MilestoneUpdated:
			if b.UUID != id {
				break
			}
			if b.Name != nil {
				m.Name = *b.Name
			}
			if b.Description != nil {
				m.Description = *b.Description
			}
			if b.DueAt != nil {
				m.DueAt = *b.DueAt
			}
		case *event.MilestoneClosed:
			if b.UUID != id {
				break
			}
			m.Status, m.ClosedAt, m.StatusBy = event.Closed, b.ClosedAt, e.Agent
		case *event.MilestoneReopened:
			if b.UUID != id {
				break
			}
			m.Status, m.ClosedAt, m.StatusBy = event.Open, 0, e.Agent
		}
	}
	return m
}

// others fills sessions, requests, reports and agents.
func (o *oracle) others(v *reducer.View) {
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.SessionStarted:
			id := reducer.SessionID{Agent: e.Agent, UUID: b.Session}
			if v.Sessions[id] == nil {
				v.Sessions[id] = &reducer.Session{SessionID: id, StartedAt: e.Shown(), Started: e.Key()}
			}
		case *event.RequestSent:
			if v.Requests[b.ID] == nil {
				v.Requests[b.ID] = &reducer.Request{
					ID: b.ID, By: e.Agent, Target: b.Target, Kind: b.Kind, Subject: b.Subject, RequestedBy: b.RequestedBy,
					Reason: b.Reason, SentAt: e.Shown(), ExpiresAt: b.ExpiresAt, Sent: e.Key(),
				}
			}
		case *event.AgentIntroduced, *event.KeyRotated, *event.AgentRetired, *event.AgentForkedFrom:
			if v.Agents[e.Agent] == nil {
				v.Agents[e.Agent] = &reducer.Agent{ID: e.Agent}
			}
		}
	}
	for _, e := range o.facts {
		switch b := e.Body.(type) {
		case *event.SessionStarted:
			v.Sessions[reducer.SessionID{Agent: e.Agent, UUID: b.Session}].Issue = b.Issue
		case *event.SessionWorked:
			if x := v.Sessions[reducer.SessionID{Agent: e.Agent, UUID: b.Session}]; x != nil {
				x.Issue = b.Issue
			}
		case *event.SessionEnded:
			if x := v.Sessions[reducer.SessionID{Agent: e.Agent, UUID: b.Session}]; x != nil {
				x.Ended, x.EndedAt, x.Notes = true, e.Shown(), b.Notes
			}
		case *event.RequestAcked:
			if r := v.Requests[b.ID]; r != nil && !r.Acked {
				r.Acked, r.AckedAt, r.Acted, r.Result, r.Notes = true, e.Shown(), b.Acted, b.Result, b.Notes
			}
		case *event.StatusReported:
			v.Reports[reducer.ReportID{Context: b.Context, Branch: b.Branch}] = &reducer.Report{
				Context: b.Context, Branch: b.Branch, Commit: b.Commit, State: b.State, URL: b.URL, By: e.Agent, At: e.Shown(),
			}
		case *event.AgentIntroduced:
			a := v.Agents[e.Agent]
			a.Kind, a.Description, a.Machine, a.Name = b.Kind, b.Description, b.Machine, b.Name
			if b.PublicKey != "" {
				a.PublicKey = b.PublicKey
			}
		case *event.KeyRotated:
			v.Agents[e.Agent].PublicKey = b.PublicKey
		case *event.AgentRetired:
			a := v.Agents[e.Agent]
			a.Retired, a.RetiredAt, a.Reason = true, e.Shown(), b.Reason
		case *event.AgentForkedFrom:
			a := v.Agents[e.Agent]
			p := reducer.ForkPoint{Agent: b.Agent, Seq: b.Seq, Hash: b.Hash}
			known := false
			for _, q := range a.ForkedFrom {
				known = known || p == q
			}
			if !known {
				a.ForkedFrom = append(a.ForkedFrom, p)
			}
		}
	}
	for _, x := range v.Sessions {
		if v.Issues[x.Issue] == nil {
			x.Issue = event.UUID{}
		}
	}
	for _, r := range v.Requests {
		if v.Issues[r.Subject] == nil {
			r.Subject = event.UUID{}
		}
	}
	for _, a := range v.Agents {
		sort.Slice(a.ForkedFrom, func(i, j int) bool {
			x, y := a.ForkedFrom[i], a.ForkedFrom[j]
			return fmt.Sprintf("%s\x00%020d\x00%s", x.Agent, x.Seq, x.Hash) < fmt.Sprintf("%s\x00%020d\x00%s", y.Agent, y.Seq, y.Hash)
		})
	}
}
