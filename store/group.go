package store

import (
	"database/sql"
	"reflect"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// write writes the rows of all issues that change: of those that are tied to others
// together, of each other one by itself.
func (a *advance) write() error {
	group, err := a.group()
	if err == nil {
		err = a.writeGroup(group)
	}
	if err != nil {
		return err
	}
	for _, u := range a.order {
		if slices.Contains(group, u) {
			continue
		}
		if err := a.writeAlone(u); err != nil {
			return err
		}
	}
	return nil
}

// writeAlone reduces one issue from its lines and writes its row.
func (a *advance) writeAlone(u event.UUID) error {
	was, more := a.rows[u], a.lines[u]
	if len(more) == 0 { // only its number is new, or its lock
		return a.put("issue", issueColumns, row{u[:], issueValues(was)})
	}
	all, err := a.history(u)
	if err != nil {
		return err
	}
	s := reducer.New()
	for _, e := range all {
		if !a.added[e.Key()] {
			s.Apply(e)
		}
	}
	// Only if its lines are all there is to know of it do they tell what is next.
	if own := s.View().Issues[u]; !a.fresh[u] && (own == nil || len(s.Rejections()) > 0 || !reflect.DeepEqual(within(own, was.Issue), was.Issue)) {
		return ErrWhole
	}
	for _, e := range more {
		s.Apply(e)
	}
	own := s.View().Issues[u]
	if own == nil || len(s.Rejections()) > 0 {
		return ErrWhole
	}
	is := *was
	is.Issue = within(own, was.Issue)
	return a.put("issue", issueColumns, row{u[:], issueValues(&is)})
}

// within is an issue as its own lines say, among the others it was among.
func within(own, was *reducer.Issue) *reducer.Issue {
	i := *own
	i.Parent, i.ParentCyclic, i.Children, i.BlockedBy, i.Blocks, i.Cyclic = was.Parent, was.ParentCyclic, was.Children, was.BlockedBy, was.Blocks, was.Cyclic
	i.Relations, i.Milestone = was.Relations, was.Milestone
	return &i
}

// history reads an issue's lines, the new ones too.
func (a *advance) history(u event.UUID) (lines []*event.Envelope, err error) {
	rs, err := a.conn.QueryContext(a.ctx, historyQuery, u[:])
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	for rs.Next() {
		var b sql.RawBytes
		if err := rs.Scan(&b); err != nil {
			return nil, err
		}
		e, err := unpackLine(b)
		if err != nil {
			return nil, err
		}
		lines = append(lines, e)
	}
	return lines, rs.Err()
}

// What is shown of an issue's parent, children, blockers and relations depends on
// the issues that hang together with it, by any of these, and on no others: an edge
// is cyclic or not within them. So they are reduced together, from all their lines.

// Bounds of what is reduced together; more is loaded with everything else.
const (
	maxGroup      = 1000 // issues
	maxGroupLines = 20_000
)

// group returns the issues that hang together with those that the new lines tie
// to others, as they did before and do now.
func (a *advance) group() ([]event.UUID, error) {
	var group []event.UUID
	in := map[event.UUID]bool{}
	add := func(u event.UUID) {
		if u != (event.UUID{}) && !in[u] {
			group, in[u] = append(group, u), true
		}
	}
	for _, u := range a.tied {
		add(u)
	}
	for n := 0; n < len(group); n++ {
		if err := a.touch(group[n]); err != nil {
			return nil, err
		}
		i := a.rows[group[n]]
		if i.ParentCyclic || len(group) > maxGroup {
			return nil, ErrWhole // who its parent is, its row does not say
		}
		add(i.Parent)
		for _, near := range [][]event.UUID{i.Children, i.BlockedBy, i.Blocks, i.Cyclic} {
			for _, u := range near {
				add(u)
			}
		}
		for _, r := range i.Relations {
			add(r.Other)
		}
	}
	return group, nil
}

// writeGroup reduces a group from its lines and writes the rows that change.
func (a *advance) writeGroup(group []event.UUID) error {
	var old, more []*event.Envelope
	read := map[event.Key]bool{}
	for _, u := range group {
		lines, err := a.history(u)
		if err != nil {
			return err
		}
		for _, e := range lines {
			if read[e.Key()] { // aimed at two of them
				continue
			}
			if read[e.Key()] = true; a.added[e.Key()] {
				more = append(more, e)
			} else {
				old = append(old, e)
			}
		}
		if len(read) > maxGroupLines {
			return ErrWhole
		}
	}
	s := reducer.New()
	for _, e := range old {
		s.Apply(e)
	}
	// Only if their lines are all there is to know of them do they tell what is next.
	for _, u := range group {
		if own := s.View().Issues[u]; !a.fresh[u] && (own == nil || !reflect.DeepEqual(amid(own, a.rows[u].Issue), a.rows[u].Issue)) {
			return ErrWhole
		}
	}
	for _, e := range more {
		s.Apply(e)
	}
	if len(s.Rejections()) > 0 {
		return ErrWhole
	}
	for _, u := range group {
		was, own := a.rows[u], s.View().Issues[u]
		if own == nil && a.deleted[u] {
			if err := a.hide(was); err != nil {
				return err
			}
			if err := a.blockers(u, was.BlockedBy, nil); err != nil {
				return err
			}
			continue
		}
		if own == nil {
			return ErrWhole
		}
		is := *was
		is.Issue = amid(own, was.Issue)
		if !a.fresh[u] && !a.redecided[u] && reflect.DeepEqual(is.Issue, was.Issue) {
			continue
		}
		if err := a.put("issue", issueColumns, row{u[:], issueValues(&is)}); err != nil {
			return err
		}
		if err := a.blockers(u, was.BlockedBy, is.BlockedBy); err != nil {
			return err
		}
	}
	return nil
}

// amid is an issue as the lines of its group say; milestones are beyond it.
func amid(own, was *reducer.Issue) *reducer.Issue {
	i := *own
	i.Milestone = was.Milestone
	return &i
}

// blockers writes which issues one waits for.
func (a *advance) blockers(u event.UUID, was, is []event.UUID) error {
	for _, b := range was {
		if slices.Contains(is, b) {
			continue
		}
		a.count["edge"]++
		if err := a.exec("DELETE FROM edge WHERE k = ?", slices.Concat(u[:], b[:])); err != nil {
			return err
		}
	}
	for _, b := range is {
		if slices.Contains(was, b) {
			continue
		}
		if err := a.put("edge", "issue blocker", row{slices.Concat(u[:], b[:]), []any{u[:], b[:]}}); err != nil {
			return err
		}
	}
	return nil
}
