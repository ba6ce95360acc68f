package oracle

import (
	"fmt"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

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
		if kind == event.Related { // no direction: both ends are alike
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
				m.CreatedAt, m.CreatedBy, m.Created = known(b.CreatedAt, e), e.Agent, e.Key()
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
			m.Status, m.ClosedAt, m.StatusBy = event.Closed, known(b.ClosedAt, e), e.Agent
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
