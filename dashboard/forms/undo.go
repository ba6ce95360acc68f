package forms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// Undo is the form that undoes an action: its path and fields. It writes new
// events; what was written stays.
type Undo struct {
	Path   string              `json:"path"`
	Fields map[string][]string `json:"fields"`
	Did    string              `json:"did"` // what was done, in words
}

// step is one change to one issue, by the verb of a form.
type step struct {
	verb, name string // name is the value of a label, an assignee, …
	issue      event.UUID
}

// doneWords are the words for what a verb did.
var doneWords = map[string]string{"close": "Closed", "reopen": "Reopened", "archive": "Archived", "label": "Labeled", "unlabel": "Removed a label from", "assign": "Assigned", "unassign": "Unassigned",
	"milestone": "Changed the milestone of", "priority": "Changed the priority of", "claim": "Claimed"}

// UndoOf returns how what is about to be written is undone; nil if one form
// cannot undo it. It follows from the state before.
func UndoOf(v place.View, slug, verb string, bodies []event.Body) *Undo {
	names, issues := map[event.UUID][]string{}, []event.UUID{}
	back := ""
	for _, b := range bodies {
		s, ok := inverse(v, b)
		if !ok || back != "" && s.verb != back || strings.Contains(s.name, ",") {
			return nil
		}
		back = s.verb
		if !slices.Contains(issues, s.issue) {
			issues = append(issues, s.issue)
		}
		names[s.issue] = append(names[s.issue], s.name)
	}
	if len(issues) == 0 || len(issues) > MaxIssues {
		return nil
	}
	value := strings.Join(names[issues[0]], ",")
	u := &Undo{Path: "/p/" + slug + "/bulk", Fields: map[string][]string{"verb": {back}}}
	for _, i := range issues {
		if strings.Join(names[i], ",") != value {
			return nil
		}
		u.Fields["issue"] = append(u.Fields["issue"], i.String())
	}
	u.Fields[map[string]string{"milestone": "milestone", "priority": "priority"}[back]] = []string{value}
	if n, ok := u.Fields[""]; ok {
		delete(u.Fields, "")
		u.Fields["name"] = n
	}
	what := fmt.Sprintf("%d issues", len(issues))
	if len(issues) == 1 {
		what = "1 issue"
		if i, err := v.Row(issues[0]); err == nil {
			what = facts.Ref(i.Name())
		}
	}
	u.Did = doneWords[verb] + " " + what
	if doneWords[verb] == "" {
		u.Did = "Changed " + what
	}
	return u
}

// inverse is the step that undoes a change.
func inverse(v place.View, b event.Body) (step, bool) {
	before := func(u event.UUID) *store.Issue {
		i, err := v.Row(u)
		if err != nil {
			return &store.Issue{}
		}
		return i
	}
	switch b := b.(type) {
	case *event.StatusChanged:
		verb := map[event.Status]string{event.Open: "reopen", event.Closed: "close", event.Archived: "archive"}[before(b.UUID).Status]
		return step{verb, "", b.UUID}, verb != ""
	case *event.LabelAdded:
		return step{"unlabel", b.Label, b.Issue}, true
	case *event.LabelRemoved:
		return step{"label", b.Label, b.Issue}, true
	case *event.AssigneeAdded:
		return step{"unassign", b.Assignee, b.Issue}, true
	case *event.AssigneeRemoved:
		return step{"assign", b.Assignee, b.Issue}, true
	case *event.LockClaimed:
		return step{"release", "", b.Issue}, true
	case *event.IssueUpdated:
		p := before(b.UUID).Priority
		return step{"priority", string(p), b.UUID}, b.Priority != nil && b.Title == nil && b.Description == nil && p != ""
	case *event.MilestoneAssigned:
		was := before(b.Issue).Milestone
		milestones, err := v.Milestones()
		for _, m := range milestones {
			if m.UUID == was {
				return step{"milestone", m.Name, b.Issue}, err == nil
			}
		}
		return step{"milestone", "", b.Issue}, err == nil && was == (event.UUID{})
	}
	return step{}, false
}
