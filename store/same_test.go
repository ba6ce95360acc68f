package store_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// questions asks everything and calls answer with what was asked and what came
// back. What to ask of is taken from m.
func questions(m *store.Memory, p projection, answer func(what string, got any)) {
	all, _, _ := m.List(store.Filter{Status: "all"})
	for _, f := range filters(m) {
		rows, total, err := p.List(f)
		answer(fmt.Sprintf("list %+v %q", f, f.Labels), list(rows, total, err))
	}
	words := awkward
	for _, i := range all {
		words = append(words, i.Title, strings.ToUpper(i.Description))
		for _, c := range i.Comments {
			words = append(words, c.Content)
		}
	}
	for n, s := range words {
		rows, total, err := p.Search(s, store.Filter{Status: "all", Sort: "updated", Limit: n % 4})
		answer(fmt.Sprintf("search %q %d", s, n%4), list(rows, total, err))
		if len(all) > 0 {
			f := store.Filter{Status: "all", Sort: store.Sorts[n%len(store.Sorts)], Reverse: n%3 == 0, After: all[n%len(all)].UUID, Limit: n % 5}
			f.Skip = n % 3
			rows, total, err = p.Search(s, f)
			answer(fmt.Sprintf("search %q %+v", s, f), list(rows, total, err))
		}
	}
	ids := []string{"1", "#2", "3", "7", "99", "0", "18446744073709551615", "99999999999999999999", "nonsense", "abcd", "-", "00000000-0000-0000-0000-000000000000"}
	var comments []event.UUID
	seen := map[event.UUID]bool{}
	lines := m.Lines()
	for _, e := range lines {
		for _, u := range uuidsIn(e.Body) {
			if !seen[u] {
				seen[u] = true
				comments = append(comments, u)
				ids = append(ids, u.String(), hex.EncodeToString(u[:])[:5], hex.EncodeToString(u[:])[:4], strings.ToUpper(u.String()[:13]))
			}
		}
		answer(fmt.Sprintf("mark %s %d", e.Agent, e.Seq), p.Mark(e.Agent, e.Seq))
		answer("last sign "+e.Agent, p.LastSign(e.Agent))
		l, err := p.Line(e.Agent, e.Seq)
		if l != nil {
			l = &event.Envelope{V: l.V, Agent: l.Agent, Seq: l.Seq, Time: l.Time, Wall: l.Wall, SignedBy: l.SignedBy, Event: l.Event, Body: l.Body}
		}
		answer(fmt.Sprintf("line %s %d", e.Agent, e.Seq), said(l, err))
		for _, by := range []string{e.Agent, "somebody"} {
			answer(fmt.Sprintf("check %s %d by %s", e.Agent, e.Seq, by), p.Check(by, e.Body))
		}
	}
	for _, id := range ids {
		u, err := p.Resolve(id)
		answer("resolve "+id, said(u, err))
		c, i, err := p.ResolveComment(id)
		answer("resolve comment "+id, said([]event.UUID{c, i}, err))
		if err == nil {
			answer("short of "+id, p.CommentShort(c))
		}
	}
	for _, u := range comments {
		xs, err := p.Sessions(store.SessionFilter{Issue: u})
		answer("sessions on "+u.String(), said(xs, err))
		ts, err := p.Time(store.TimeFilter{Issue: u, Since: 1772359200000000000, Until: 1772359200000000000 + 3600e9})
		answer("time on "+u.String(), said(ts, err))
		i, err := p.Issue(u)
		answer("issue "+u.String(), said(i, err))
		i, err = p.Row(u)
		answer("row "+u.String(), said(i, err))
		if err == nil {
			open, err := store.OpenBlockers(p, i)
			answer("blockers "+u.String(), list(open, 0, err))
		}
		h, err := p.History(u)
		for k, e := range h { // a store keeps only the parts of an event that are shown
			h[k] = &event.Envelope{V: e.V, Agent: e.Agent, Seq: e.Seq, Time: e.Time, Wall: e.Wall, SignedBy: e.SignedBy, Event: e.Event, Body: e.Body}
		}
		answer("history "+u.String(), said(h, err))
	}
	newest := func(f store.LineFilter) {
		got, err := p.Newest(f)
		for k, e := range got {
			got[k] = &event.Envelope{V: e.V, Agent: e.Agent, Seq: e.Seq, Time: e.Time, Wall: e.Wall, SignedBy: e.SignedBy, Event: e.Event, Body: e.Body}
		}
		answer(fmt.Sprintf("newest %+v", f), said(got, err))
	}
	for _, agent := range []string{"", "agent-01", "nobody"} {
		newest(store.LineFilter{Agent: agent})
		for n, e := range lines {
			if n%31 == 0 {
				newest(store.LineFilter{Agent: agent, Before: e.Key(), Limit: n % 5})
			}
		}
	}
	for _, status := range []string{"all", "open", "closed", "", "none"} {
		for _, n := range []int{2, 5000} {
			names, err := p.Latest(status, n)
			answer(fmt.Sprintf("latest %s %d", status, n), said(names, err))
		}
	}
	for _, open := range []bool{false, true} {
		roots, err := p.Roots(open)
		answer(fmt.Sprint("roots ", open), said(roots, err))
	}
	locked, err := p.Locked()
	answer("locked", list(locked, 0, err))
	ms, err := p.Milestones()
	answer("milestones", said(ms, err))
	answer("numbers of milestones", fmt.Sprint(p.MilestoneNumbers()))
	answer("agents", p.Agents())
	for _, name := range []string{"name", " NAME", "\uff4e\uff41\uff4d\uff45", "nobody", ""} {
		answer(fmt.Sprintf("named %q", name), append([]*reducer.Agent{}, p.Named(name)...))
	}
	answer("nobody", p.Agent("nobody"))
	for _, a := range p.Agents() {
		answer("agent "+a.ID, p.Agent(a.ID))
	}
	for _, a := range []string{"", "agent-00", "agent-01", "nobody"} {
		for _, some := range []bool{false, true} {
			xs, err := p.Sessions(store.SessionFilter{Agent: a, Open: some})
			answer(fmt.Sprintf("sessions %s %t", a, some), said(xs, err))
			qs, err := p.Requests(store.RequestFilter{Target: a, Pending: some})
			answer(fmt.Sprintf("requests %s %t", a, some), said(qs, err))
			rs, err := p.Reports()
			answer("reports", said(rs, err))
			qs, err = p.Requests(store.RequestFilter{By: a})
			answer("requests by "+a, said(qs, err))
			ts, err := p.Time(store.TimeFilter{By: []string{"nobody", a}, Deleted: some})
			answer(fmt.Sprintf("time %s %t", a, some), said(ts, err))
		}
	}
	answer("rejections", p.Rejections())
	answer("aliases", fmt.Sprint(p.Aliases()))
	answer("hash", p.Hash())
	l, err := p.Line("nobody", 1)
	answer("line of nobody", said(l, err))
	answer("mark of nobody", p.Mark("nobody", 1))
	answer("last sign of nobody", p.LastSign("nobody"))
}

type answered struct {
	X   any
	Err error
}

func said(x any, err error) any { return answered{x, err} }

func list(rows []*store.Issue, total int, err error) any {
	var plain []store.Issue
	for _, r := range rows {
		plain = append(plain, *r)
	}
	return []any{plain, rows == nil, total, err}
}

// uuidsIn are the uuids an event names.
func uuidsIn(b event.Body) (us []event.UUID) {
	v := reflect.Indirect(reflect.ValueOf(b))
	for i := range v.NumField() {
		if u, ok := v.Field(i).Interface().(event.UUID); ok {
			us = append(us, u)
		}
	}
	return us
}

// sameAnswers fails unless p answers all that m answers, in the same way.
func sameAnswers(t testing.TB, m *store.Memory, p projection) {
	t.Helper()
	want := map[string]any{}
	questions(m, m, func(what string, got any) { want[what] = got })
	n := 0
	questions(m, p, func(what string, got any) {
		n++
		if w, ok := want[what]; !ok || !reflect.DeepEqual(w, got) {
			t.Fatalf("%s\nthe store says: %s\nmemory says:    %s", what, dump(got), dump(w))
		}
	})
	if n == 0 || len(want) == 0 {
		t.Fatal("nothing was asked")
	}
}

func dump(x any) string {
	if a, ok := x.(answered); ok {
		if _, is := errors.AsType[*store.NotFoundError](a.Err); is {
			return fmt.Sprintf("%#v", a.Err)
		}
	}
	s := fmt.Sprintf("%+v", x)
	if len(s) > 2000 {
		s = s[:2000] + "…"
	}
	return s
}

func sameRow(t testing.TB, want, got *store.Issue) {
	t.Helper()
	if !reflect.DeepEqual(*want, *got) {
		t.Fatalf("a row is %+v, not %+v", got, want)
	}
}
