package issue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// nothing explains an empty list to a person: it adds the filter, in words, and suggests
// values that exist.
func (o *filterOptions) nothing(e *command.Env, p tracker.Projection, f store.Filter, a *frame.Result) error {
	if !e.Human() || o.after != "" {
		return nil
	}
	const most = 5000 // issues that changed last
	known, _, err := p.List(store.Filter{Status: "all", Sort: "updated", Limit: most})
	if err != nil {
		return err
	}
	text, hint := "no "+o.wanted(f), ""
	if len(known) == 0 {
		text, hint = "there are no issues yet", "create one: git crosslink new 'what is to be done'"
	} else if there := alternatives(f, known, people.NewNames(p)); there != "" {
		text += "; " + there
	} else if f.Blocked {
		hint = "issues that can be worked on: git crosslink ready"
	} else if f.Status != "all" {
		hint = "issues of every status: git crosslink list --status all"
	}
	if a.Failure == nil {
		a.Nothing, a.NothingHint = text, hint
	} else if there := alternatives(f, known, people.NewNames(p)); there != "" {
		no := *a.Failure
		no.Message = text
		a.Failure = &no
	}
	return nil
}

// wanted describes a filter in words.
func (o *filterOptions) wanted(f store.Filter) string {
	var words []string
	switch {
	case f.Ready:
		words = append(words, "ready")
	case f.Blocked:
		words = append(words, "blocked")
	case f.Status == "":
		words = append(words, "open")
	case f.Status != "all":
		words = append(words, f.Status)
	}
	if f.Overdue {
		words = append(words, "overdue")
	}
	words = append(words, "issue")
	if f.NoLabel {
		words = append(words, "without labels")
	}
	if f.Unassigned {
		words = append(words, "without assignees")
	}
	for k, l := range f.Labels {
		words = append(words, fmt.Sprintf("%s label '%s'", []string{"with", "and"}[min(k, 1)], frame.OneLine(l)))
	}
	for _, c := range []struct{ how, name string }{
		{"with priority", string(f.Priority)}, {"created by", o.author}, {"assigned to", o.assignee}, {"locked by", o.lockedBy},
		{"in milestone", o.milestone}, {"below issue", o.parent},
	} {
		if c.name != "" {
			words = append(words, fmt.Sprintf("%s '%s'", c.how, frame.OneLine(c.name)))
		}
	}
	return strings.Join(words, " ")
}

// alternatives names existing labels and people, if the filter names some that do not
// exist.
func alternatives(f store.Filter, known []*store.Issue, names *people.Names) string {
	var labels, assigned []string
	for _, i := range known {
		labels, assigned = append(labels, i.Labels...), append(assigned, names.Briefs(i.Assignees)...)
	}
	for _, l := range f.Labels {
		if there := other(l, labels); there != "" {
			return there
		}
	}
	if len(f.Assignees) == 0 {
		return ""
	}
	return other(f.Assignees[len(f.Assignees)-1], assigned)
}

// other names a similar existing name, or a few existing ones.
func other(name string, all []string) string {
	const most = 8
	slices.Sort(all)
	all = slices.Compact(all)
	same := func(n string) bool { return strings.EqualFold(store.Name(n), store.Name(name)) }
	switch at := slices.IndexFunc(all, same); {
	case len(all) == 0 || len(store.Called(all, name)) > 0:
		return ""
	case at >= 0:
		return "there is '" + frame.OneLine(all[at]) + "'"
	}
	if near := frame.Nearest(name, all); near != "" {
		return "there is '" + frame.OneLine(near) + "'"
	}
	rest := ""
	if len(all) > most {
		all, rest = all[:most], " …"
	}
	return "there are '" + frame.OneLine(strings.Join(all, "', '")) + "'" + rest
}
