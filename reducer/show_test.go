package reducer_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// show prints a state for people: what is seen, then what is refused.
func show(s *reducer.State) []byte {
	b := bytes.NewBuffer(showView(s.View()))
	for _, r := range s.Rejections() {
		fmt.Fprintf(b, "rejected %s %d %s: %s (%s)\n", r.Agent, r.Seq, r.Type, r.Reason, r.Detail)
	}
	for _, u := range s.Unknown() {
		fmt.Fprintf(b, "unknown %s %d %s\n", u.Agent, u.Seq, u.Type)
	}
	return b.Bytes()
}

// names gives uuids short names in golden files.
var names = make(map[event.UUID]string)

func name(id event.UUID) string {
	if n, ok := names[id]; ok {
		return n
	}
	return id.String()
}

func nameAll(ids []event.UUID) string {
	var ns []string
	for _, id := range ids {
		ns = append(ns, name(id))
	}
	return strings.Join(ns, " ")
}

// at prints a moment as seconds after the start of the scenario.
func at(t event.Time) string {
	if t < scenarioStart || t > scenarioStart+1e15 {
		return fmt.Sprint(int64(t))
	}
	s := fmt.Sprintf("%d", (t-scenarioStart)/1e9)
	if ns := (t - scenarioStart) % 1e9; ns != 0 {
		s += fmt.Sprintf("+%dns", ns)
	}
	return s
}

const scenarioStart event.Time = 1772359200000000000

func sortedBy[K comparable, V any](m map[K]*V, order func(a, b *V) int) []*V {
	return slices.SortedFunc(maps.Values(m), order)
}

func showView(v *reducer.View) []byte {
	b := new(bytes.Buffer)
	p := func(format string, args ...any) { fmt.Fprintf(b, format, args...) }
	opt := func(what, value string) {
		if value != "" {
			p("  %s: %s\n", what, value)
		}
	}
	optAt := func(what string, t event.Time) {
		if t != 0 {
			p("  %s: %s\n", what, at(t))
		}
	}
	for _, i := range sortedBy(v.Issues, func(a, b *reducer.Issue) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.UUID.String(), b.UUID.String()))
	}) {
		p("issue %s %q %s %s\n", name(i.UUID), i.Title, i.Status, i.Priority)
		p("  created: %s by %s (%s %d)\n", at(i.CreatedAt), i.CreatedBy, i.Created.Agent, i.Created.Seq)
		optAt("updated", i.UpdatedAt)
		optAt("closed", i.ClosedAt)
		opt("status by", i.StatusBy)
		opt("reason", i.Reason)
		opt("description", i.Description)
		opt("labels", strings.Join(i.Labels, " "))
		opt("assignees", strings.Join(i.Assignees, " "))
		optAt("scheduled", i.ScheduledAt)
		optAt("due", i.DueAt)
		for _, l := range i.Links {
			p("  link %s %q (%s)\n", l.Kind, l.Ref, l.By)
		}
		if i.Parent != (event.UUID{}) {
			opt("parent", name(i.Parent))
		}
		if i.ParentCyclic {
			opt("parent", "cyclic")
		}
		opt("children", nameAll(i.Children))
		opt("blocked by", nameAll(i.BlockedBy))
		opt("blocks", nameAll(i.Blocks))
		opt("cyclic", nameAll(i.Cyclic))
		for _, r := range i.Relations {
			arrow := "->"
			if !r.Outgoing {
				arrow = "<-"
			}
			p("  %s %s %s\n", r.Kind, arrow, name(r.Other))
		}
		if i.Milestone != (event.UUID{}) {
			opt("milestone", name(i.Milestone))
		}
		for _, c := range i.Comments {
			p("  comment %s %s %s (%s) %s: %q", name(c.UUID), at(c.CreatedAt), c.Author, c.By, c.Kind, c.Content)
			if c.Edited {
				p(" edited")
			}
			if c.TriggerType != "" {
				p(" %s %q %q", c.TriggerType, c.InterventionContext, c.DriverKeyFingerprint)
			}
			p("\n")
		}
		for _, t := range i.Time {
			p("  time %s %s", name(t.UUID), at(t.StartedAt))
			if t.EndedAt != 0 {
				p(" to %s", at(t.EndedAt))
			}
			if t.DurationSeconds != nil {
				p(" %d s", *t.DurationSeconds)
			}
			p(" (%s)\n", t.By)
		}
	}
	for _, m := range sortedBy(v.Milestones, func(a, b *reducer.Milestone) int {
		return cmp.Compare(a.UUID.String(), b.UUID.String())
	}) {
		p("milestone %s %q %s\n", name(m.UUID), m.Name, m.Status)
		p("  created: %s by %s\n", at(m.CreatedAt), m.CreatedBy)
		optAt("due", m.DueAt)
		optAt("closed", m.ClosedAt)
		opt("status by", m.StatusBy)
		opt("description", m.Description)
		opt("issues", nameAll(m.Issues))
	}
	for _, x := range sortedBy(v.Sessions, func(a, b *reducer.Session) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.UUID.String(), b.UUID.String()))
	}) {
		p("session %s %s started %s", x.Agent, name(x.UUID), at(x.StartedAt))
		if x.Issue != (event.UUID{}) {
			p(" on %s", name(x.Issue))
		}
		if x.Ended {
			p(" ended %s %q", at(x.EndedAt), x.Notes)
		}
		p("\n")
	}
	for _, r := range sortedBy(v.Reports, func(a, b *reducer.Report) int {
		return cmp.Or(cmp.Compare(a.Context, b.Context), cmp.Compare(a.Branch, b.Branch))
	}) {
		p("report %s %s %.7s: %s %q by %s %s\n", r.Context, r.Branch, r.Commit, r.State, r.URL, r.By, at(r.At))
	}
	for _, r := range sortedBy(v.Requests, func(a, b *reducer.Request) int { return cmp.Compare(a.ID, b.ID) }) {
		p("request %s %s -> %s: %s %q", r.ID, r.By, r.Target, r.Kind, r.Reason)
		if r.Subject != (event.UUID{}) {
			p(" about %s", name(r.Subject))
		}
		if r.Acked {
			p(" acked %s %t %q %q", at(r.AckedAt), r.Acted, r.Result, r.Notes)
		}
		p("\n")
	}
	for _, a := range sortedBy(v.Agents, func(a, b *reducer.Agent) int { return cmp.Compare(a.ID, b.ID) }) {
		p("agent %s %s %q %q %q %v", a.ID, a.Kind, a.Description, a.Machine, a.PublicKey, a.ForkedFrom)
		if a.Name != "" {
			p(" called %q", a.Name)
		}
		if a.Retired {
			p(" retired %s %q", at(a.RetiredAt), a.Reason)
		}
		p("\n")
	}
	var gone []event.UUID
	for id := range v.Deleted {
		gone = append(gone, id)
	}
	slices.SortFunc(gone, func(a, b event.UUID) int { return cmp.Compare(name(a), name(b)) })
	if len(gone) > 0 {
		p("deleted: %s\n", nameAll(gone))
	}
	return b.Bytes()
}
