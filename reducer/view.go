package reducer

import (
	"cmp"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of the View are:
//
//   - an issue or milestone that was never created or was deleted is hidden, with everything
//     that belongs to it; a reference to it stays in the state and is shown as none;
//   - the parent graph and the blocker graph are separate (an epic that is blocked by its own
//     children is not a cycle); each contains only visible issues;
//   - an edge inside one strongly connected component is cyclic: it is marked and ignored. So
//     the result depends neither on the order of events nor on the choice of one edge;
//   - UpdatedAt is the shown time of the greatest key among all events about the issue that
//     are not rejected.

// View is the state as people see it. It is immutable and shares nothing mutable with its
// State.
type View struct {
	Issues     map[event.UUID]*Issue
	Milestones map[event.UUID]*Milestone
	Sessions   map[SessionID]*Session
	Requests   map[string]*Request
	Reports    map[ReportID]*Report
	Agents     map[string]*Agent
	Deleted    map[event.UUID]bool // issues with a deletion, created or not
}

// View returns the state as people see it. It is made once after each change of the state.
func (s *State) View() *View {
	if s.view == nil {
		s.view = s.makeView()
	}
	return s.view
}

func (s *State) makeView() *View {
	v := &View{
		Issues:     make(map[event.UUID]*Issue, len(s.issues)),
		Milestones: make(map[event.UUID]*Milestone, len(s.milestones)),
		Sessions:   make(map[SessionID]*Session, len(s.sessions)),
		Requests:   make(map[string]*Request, len(s.requests)),
		Reports:    make(map[ReportID]*Report, len(s.reports)),
		Agents:     make(map[string]*Agent, len(s.agents)),
		Deleted:    make(map[event.UUID]bool),
	}
	b := newBuilder(s, v)
	b.comments()
	b.entries()
	b.updated()
	b.parents()
	b.blockers()
	b.relations()
	for id, m := range s.milestones {
		if m.shown() {
			v.Milestones[id] = m.see(id)
		}
	}
	b.milestones()
	for id, x := range s.sessions {
		if x.started.at != nil {
			w := x.see(id)
			w.Issue = v.shown(x.issue.val)
			v.Sessions[id] = w
		}
	}
	for id, r := range s.requests {
		if len(r.sent.all()) > 0 {
			w := r.see(id)
			w.Subject = v.shown(r.sent.all()[0].body.Subject)
			v.Requests[id] = w
		}
	}
	for id, r := range s.reports {
		v.Reports[id] = r.see(id)
	}
	for id, a := range s.agents {
		v.Agents[id] = a.see(id)
	}
	return v
}

// shown returns id if that issue is visible, otherwise none.
func (v *View) shown(id event.UUID) event.UUID {
	if v.Issues[id] == nil {
		return event.UUID{}
	}
	return id
}

// builder makes a View. Visible issues are numbered by (CreatedAt, UUID), the order in
// which edges are listed: filling the lists in this order sorts them.
type builder struct {
	s       *State
	v       *View
	shown   []Issue // in order
	from    []*issue
	number  map[event.UUID]int32
	touched []*stamp
}

func newBuilder(s *State, v *View) *builder {
	type numbered struct {
		id event.UUID
		i  *issue
	}
	var order []numbered
	for id, i := range s.issues {
		switch {
		case i.shown():
			order = append(order, numbered{id, i})
		case i.deleted():
			v.Deleted[id] = true
		}
	}
	slices.SortFunc(order, func(x, y numbered) int {
		return cmp.Or(cmp.Compare(x.i.created.at.shown, y.i.created.at.shown), cmpUUID(x.id, y.id))
	})
	b := &builder{
		s: s, v: v,
		shown:   make([]Issue, len(order)),
		from:    make([]*issue, len(order)),
		number:  make(map[event.UUID]int32, len(order)),
		touched: make([]*stamp, len(order)),
	}
	for n, x := range order {
		b.from[n] = x.i
		b.touched[n] = x.i.touched
		b.number[x.id] = int32(n)
		x.i.see(x.id, &b.shown[n])
		v.Issues[x.id] = &b.shown[n]
	}
	return b
}

func (b *builder) touch(id event.UUID, at *stamp) {
	if n, ok := b.number[id]; ok {
		b.touched[n] = latest(b.touched[n], at)
	}
}

func (b *builder) comments() {
	for id, c := range b.s.comments {
		c.touches(b.touch)
		if len(c.adds.all()) == 0 || c.deleted != nil {
			continue
		}
		if n, ok := b.number[c.adds.all()[0].body.Issue]; ok {
			b.shown[n].Comments = append(b.shown[n].Comments, c.see(id))
		}
	}
	for n := range b.shown {
		all := b.shown[n].Comments
		sort.Slice(all, func(i, j int) bool {
			return cmp.Or(cmp.Compare(all[i].CreatedAt, all[j].CreatedAt), cmpUUID(all[i].UUID, all[j].UUID)) < 0
		})
	}
}

func (b *builder) entries() {
	for id, t := range b.s.entries {
		t.touches(b.touch)
		if len(t.adds.all()) == 0 || t.deleted != nil {
			continue
		}
		if n, ok := b.number[t.adds.all()[0].body.Issue]; ok {
			b.shown[n].Time = append(b.shown[n].Time, t.see(id))
		}
	}
	for n := range b.shown {
		all := b.shown[n].Time
		sort.Slice(all, func(i, j int) bool {
			return cmp.Or(cmp.Compare(all[i].StartedAt, all[j].StartedAt), cmpUUID(all[i].UUID, all[j].UUID)) < 0
		})
	}
}

func (b *builder) updated() {
	for n := range b.shown {
		b.shown[n].UpdatedAt = b.touched[n].shown
	}
}

func (b *builder) parents() {
	edges := make([][]int32, len(b.shown))
	room := make([]int32, len(b.shown)) // one edge each
	for n, i := range b.from {
		if p, ok := b.number[i.parent.val]; ok {
			room[n] = p
			edges[n] = room[n : n+1]
		}
	}
	comp := Components(edges)
	for n := range b.shown {
		for _, p := range edges[n] {
			if comp[n] == comp[p] {
				b.shown[n].ParentCyclic = true
				continue
			}
			b.shown[n].Parent = b.shown[p].UUID
			b.shown[p].Children = append(b.shown[p].Children, b.shown[n].UUID)
		}
	}
}

func (b *builder) blockers() {
	edges := make([][]int32, len(b.shown))
	for n, i := range b.from {
		for id, r := range i.blockers {
			if m, ok := b.number[id]; ok && r.val {
				edges[n] = append(edges[n], m)
			}
		}
		slices.Sort(edges[n])
	}
	comp := Components(edges)
	for n := range b.shown {
		for _, m := range edges[n] {
			if comp[n] == comp[m] {
				b.shown[n].Cyclic = append(b.shown[n].Cyclic, b.shown[m].UUID)
				continue
			}
			b.shown[n].BlockedBy = append(b.shown[n].BlockedBy, b.shown[m].UUID)
			b.shown[m].Blocks = append(b.shown[m].Blocks, b.shown[n].UUID)
		}
	}
}

func (b *builder) relations() {
	for r, here := range b.s.relations {
		x, okx := b.number[r.a]
		y, oky := b.number[r.b]
		if !here.val || !okx || !oky {
			continue
		}
		b.shown[x].Relations = append(b.shown[x].Relations, Relation{r.b, r.kind, true})
		b.shown[y].Relations = append(b.shown[y].Relations, Relation{r.a, r.kind, r.kind == event.Related})
	}
	for n := range b.shown {
		all := b.shown[n].Relations
		sort.Slice(all, func(i, j int) bool {
			x, y := all[i], all[j]
			return cmp.Or(cmp.Compare(b.number[x.Other], b.number[y.Other]), cmp.Compare(x.Kind, y.Kind), outgoingFirst(x, y)) < 0
		})
	}
}

func outgoingFirst(x, y Relation) int {
	switch {
	case x.Outgoing == y.Outgoing:
		return 0
	case x.Outgoing:
		return -1
	}
	return 1
}

func (b *builder) milestones() {
	for n, i := range b.from {
		if m := b.v.Milestones[i.milestone.val]; m != nil {
			b.shown[n].Milestone = m.UUID
			m.Issues = append(m.Issues, b.shown[n].UUID)
		}
	}
}

// present lists a set's present elements in order.
func present(s set[string]) []string { return presentBy(s, cmpString) }

func presentBy[K comparable](s set[K], order func(a, b K) int) []K {
	var es []K
	for elem, r := range s {
		if r.val {
			es = append(es, elem)
		}
	}
	slices.SortFunc(es, order)
	return es
}
