package oracle

import (
	"fmt"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

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

// undeleted reports whether somebody undid this deletion.
func (o *oracle) undeleted(d *event.IssueDeleted) bool {
	for _, e := range o.facts {
		b, ok := e.Body.(*event.IssueUndeleted)
		if ok && b.UUID == d.UUID && b.Deletion == d.Deletion {
			return true
		}
	}
	return false
}

// issue replays all events about one issue. The events come in key order, so the last write
// wins.
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
			UUID: b.Comment, Author: b.Author, Content: b.Content, CreatedAt: known(b.CreatedAt, e), Kind: b.Kind,
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

// known returns a time in an event, or the event's own time if it is unknown.
func known(t event.Time, e *event.Envelope) event.Time {
	if t == event.NotKnown {
		return e.Shown()
	}
	return t
}

// timed sorts by time, then uuid.
func timed(t event.Time, id event.UUID) string { return fmt.Sprintf("%020d %s", t, id) }
