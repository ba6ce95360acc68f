package verb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Names is a set of names that an issue has.
type Names struct {
	of                             func(*store.Issue) []string
	add, remove                    func(issue event.UUID, name string) event.Body
	added, already, removed, never What
}

// The sets of names.
var (
	Labels = Names{
		func(i *store.Issue) []string { return i.Labels },
		func(u event.UUID, name string) event.Body { return &event.LabelAdded{Issue: u, Label: name} },
		func(u event.UUID, name string) event.Body { return &event.LabelRemoved{Issue: u, Label: name} },
		LabelAdded, LabelAlready, LabelRemoved, NoLabel,
	}
	Assignees = Names{
		func(i *store.Issue) []string { return i.Assignees },
		func(u event.UUID, name string) event.Body { return &event.AssigneeAdded{Issue: u, Assignee: name} },
		func(u event.UUID, name string) event.Body { return &event.AssigneeRemoved{Issue: u, Assignee: name} },
		Assigned, AssignedAlready, Unassigned, NotAssigned,
	}
)

// Has reports whether a name is in the set of an issue, in any form.
func (n *Names) Has(i *store.Issue, name string) bool { return len(store.Called(n.of(i), name)) > 0 }

// Add adds names to the set of an issue.
func (n *Names) Add(i *store.Issue, names []string) (p Plan) {
	for _, name := range names {
		e := Effect{What: n.added, Issue: i, Name: name}
		if n.Has(i, name) {
			e.What = n.already
			p.add(e)
			continue
		}
		p.add(e, n.add(i.UUID, name))
	}
	return p
}

// Remove removes names from the set, in every form in which they are stored.
func (n *Names) Remove(i *store.Issue, names []string) (p Plan) {
	for _, name := range names {
		e := Effect{What: n.removed, Issue: i, Name: name}
		stored := store.Called(n.of(i), name)
		if len(stored) == 0 {
			e.What = n.never
		}
		var bodies []event.Body
		for _, s := range stored {
			bodies = append(bodies, n.remove(i.UUID, s))
		}
		p.add(e, bodies...)
	}
	return p
}

// one adds or removes a name in exactly the form in which it is stored.
func (n *Names) one(i *store.Issue, name string, add bool) (p Plan) {
	if add {
		p.add(Effect{What: n.added, Issue: i, Name: name}, n.add(i.UUID, name))
	} else {
		p.add(Effect{What: n.removed, Issue: i, Name: name}, n.remove(i.UUID, name))
	}
	return p
}

// Block makes other issues blockers of an issue. It refuses cycles.
func Block(p tracker.Projection, i *store.Issue, blockers []*store.Issue) (plan Plan, err error) {
	for _, b := range blockers {
		e := Effect{What: Blocked, Issue: i, Other: b}
		if waitsFor(i, b) {
			e.What = BlockedAlready
			plan.add(e)
			continue
		}
		waits := func(i *store.Issue) []event.UUID { return i.BlockedBy }
		if path := pathTo(p, b, i.UUID, waits); path != nil {
			return Plan{}, cycle("wait for", i, path)
		}
		plan.add(e, &event.DependencyAdded{Blocked: i.UUID, Blocker: b.UUID})
	}
	return plan, nil
}

// Unblock removes blockers from an issue.
func Unblock(i *store.Issue, blockers []*store.Issue) (p Plan) {
	for _, b := range blockers {
		e := Effect{What: Unblocked, Issue: i, Other: b}
		if !waitsFor(i, b) {
			e.What = NotBlocked
			p.add(e)
			continue
		}
		p.add(e, &event.DependencyRemoved{Blocked: i.UUID, Blocker: b.UUID})
	}
	return p
}

func waitsFor(i, b *store.Issue) bool {
	return slices.Contains(i.BlockedBy, b.UUID) || slices.Contains(i.Cyclic, b.UUID)
}

// Relate relates an issue to another.
func Relate(i, other *store.Issue, kind event.RelationKind) (p Plan, err error) {
	if other.UUID == i.UUID {
		return p, cycle("be related to", i, []*store.Issue{i})
	}
	e := Effect{What: Related, Issue: i, Other: other, Relation: reducer.Relation{Other: other.UUID, Kind: kind, Outgoing: true}}
	if slices.Contains(i.Relations, e.Relation) {
		e.What = RelatedAlready
		p.add(e)
		return p, nil
	}
	p.add(e, &event.RelationAdded{A: i.UUID, B: other.UUID, Kind: kind})
	return p, nil
}

// Unrelate removes the relations of two issues in both directions: those of a
// kind, or all if kind is "".
func Unrelate(i, other *store.Issue, kind event.RelationKind) (p Plan) {
	for _, r := range i.Relations {
		if r.Other != other.UUID || kind != "" && r.Kind != kind {
			continue
		}
		removed := &event.RelationRemoved{A: i.UUID, B: other.UUID, Kind: r.Kind}
		if !r.Outgoing {
			removed.A, removed.B = removed.B, removed.A
		}
		p.add(Effect{What: Unrelated, Issue: i, Other: other, Relation: r}, removed)
	}
	if p.Bodies == nil {
		p.add(Effect{What: NotRelated, Issue: i, Other: other})
	}
	return p
}

// SetParent makes an issue the child of another, or removes its parent if parent is nil.
// It refuses cycles.
func SetParent(p tracker.Projection, i, parent *store.Issue) (plan Plan, err error) {
	if parent == nil {
		e := Effect{What: ParentRemoved, Issue: i}
		if i.Parent == (event.UUID{}) && !i.ParentCyclic {
			e.What = NoParent
			plan.add(e)
			return plan, nil
		}
		plan.add(e, &event.ParentChanged{Issue: i.UUID})
		return plan, nil
	}
	e := Effect{What: ParentSet, Issue: i, Other: parent}
	if i.Parent == parent.UUID {
		e.What = ParentAlready
		plan.add(e)
		return plan, nil
	}
	up := func(i *store.Issue) []event.UUID { return []event.UUID{i.Parent} }
	if path := pathTo(p, parent, i.UUID, up); path != nil {
		return plan, cycle("be a child of", i, path)
	}
	plan.add(e, &event.ParentChanged{Issue: i.UUID, Parent: parent.UUID})
	return plan, nil
}

// pathTo follows edges from one issue to another and returns the way, both ends
// included; nil if there is none.
func pathTo(p tracker.Projection, from *store.Issue, to event.UUID, edges func(*store.Issue) []event.UUID) []*store.Issue {
	came := map[event.UUID]*store.Issue{from.UUID: nil}
	queue := []*store.Issue{from}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if i.UUID == to {
			var path []*store.Issue
			for ; i != nil; i = came[i.UUID] {
				path = append(path, i)
			}
			slices.Reverse(path)
			return path
		}
		for _, n := range Shown(p, edges(i)) {
			if _, seen := came[n.UUID]; !seen {
				came[n.UUID] = i
				queue = append(queue, n)
			}
		}
	}
	return nil
}

// cycle refuses an edge; path leads from its end back to its start.
func cycle(verb string, i *store.Issue, path []*store.Issue) error {
	if len(path) == 1 {
		return &fail.Error{Kind: fail.Usage, Code: "self-edge", Message: fmt.Sprintf("issue %s cannot %s itself", i.Name(), verb)}
	}
	names := []string{i.Name()}
	for _, o := range path {
		names = append(names, o.Name())
	}
	return &fail.Error{Kind: fail.Fatal, Code: "cycle",
		Message: fmt.Sprintf("issue %s cannot %s issue %s: that would create a cycle: %s", i.Name(), verb, path[0].Name(), strings.Join(names, " → "))}
}
