// Package forms turns what somebody asks for in a form into the events that a project's
// agent writes, and says which form undoes them. It knows neither pages nor sessions: the
// server (dashboard/web) has checked the request, and answers it.
package forms

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// Form is a form that was sent, and the state that it is about.
type Form struct {
	place.View
	Tracker *tracker.Tracker
	Now     time.Time
	ID      string // of the issue, milestone or agent that the path names
	Fields  url.Values
}

// refuse is a refusal of what a form asks for.
var refuse = guard.Refuse

// actions are what can be done to an issue, by their name in a path.
var actions = map[string]func(Form) ([]event.Body, error){
	"close":   func(f Form) ([]event.Body, error) { return f.status(event.Closed) },
	"reopen":  func(f Form) ([]event.Body, error) { return f.status(event.Open) },
	"archive": func(f Form) ([]event.Body, error) { return f.status(event.Archived) },
	"delete":  Form.delete,
	"comment": Form.comment,
	"edit":    Form.edit,
	"label":   func(f Form) ([]event.Body, error) { return f.names(&verb.Labels, (*verb.Names).Add) },
	"unlabel": func(f Form) ([]event.Body, error) { return f.names(&verb.Labels, (*verb.Names).Remove) },
	"assign":  func(f Form) ([]event.Body, error) { return f.names(&verb.Assignees, f.assign) },
	"unassign": func(f Form) ([]event.Body, error) {
		return f.names(&verb.Assignees, func(_ *verb.Names, i *store.Issue, names []string) verb.Plan {
			if plan, err := verb.Unassign(f.Projection, &people.Self{}, i, names); err == nil {
				return plan
			}
			return verb.Assignees.Remove(i, names) // a word that names several is nobody's id
		})
	},
	"block":     Form.block,
	"unblock":   Form.unblock,
	"relate":    Form.relate,
	"unrelate":  Form.unrelate,
	"parent":    Form.parent,
	"due":       Form.schedule,
	"schedule":  Form.schedule,
	"milestone": Form.milestone,
	"priority":  Form.priority,
	"claim":     Form.claim,
	"release":   func(f Form) ([]event.Body, error) { return f.unlock("") },
	"break":     Form.breakLock,
	"time":      Form.time,
	"link":      Form.link,
	"unlink":    Form.unlink,
}

// Act does what a form asks of an issue.
func Act(name string, f Form) ([]event.Body, error) {
	do := actions[name]
	if do == nil {
		return nil, refuse(http.StatusNotFound, "there is no action %q", name)
	}
	return do(f)
}

// Known reports whether there is an action of this name.
func Known(name string) bool { return actions[name] != nil }

// Actions are the names of all.
func Actions() []string { return slices.Sorted(maps.Keys(actions)) }

// text returns a field without spaces at its ends, with LF for CRLF.
func (f Form) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.Fields.Get(name), "\r\n", "\n"))
}

// needed is a field that must not be empty.
func (f Form) needed(name string) (string, error) {
	v := f.text(name)
	if v == "" {
		return "", refuse(http.StatusBadRequest, "the %s is empty", name)
	}
	return v, nil
}

// other is the issue that a field names.
func (f Form) other(name string) (i, other *store.Issue, err error) {
	if i, err = verb.Resolve(f.Projection, f.ID); err != nil {
		return nil, nil, err
	}
	v, err := f.needed(name)
	if err != nil {
		return nil, nil, err
	}
	other, err = verb.Resolve(f.Projection, strings.TrimPrefix(v, "#"))
	return i, other, err
}

func (f Form) status(to event.Status) ([]event.Body, error) {
	var reason *string
	if r := f.text("reason"); r != "" {
		reason = &r
	}
	plan, _, err := verb.SetStatus(f.Projection, f.Tracker.Agent(), []string{f.ID}, to, reason)
	return verb.Check(plan.Bodies, err)
}

// delete hides an issue for good; the person who asks types its name.
func (f Form) delete() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	if strings.TrimPrefix(f.text("confirm"), "#") != i.Name() {
		return nil, refuse(http.StatusBadRequest, "type %s to delete this issue permanently", i.Name())
	}
	plan, _, err := verb.Delete(f.Projection, f.Tracker.Agent(), []string{f.ID}, f.Tracker.MintUUID)
	return plan.Bodies, err
}

func (f Form) comment() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	text, err := f.needed("text")
	if err != nil {
		return nil, err
	}
	kind := f.text("kind")
	if kind == "" {
		kind = "note"
	}
	return verb.Check([]event.Body{&event.CommentAdded{Issue: i.UUID, Comment: f.Tracker.MintUUID(), Author: f.Tracker.Agent(), Content: text, CreatedAt: event.TimeOf(f.Now), Kind: kind}}, nil)
}

// edit changes the title, description and priority that the form has.
func (f Form) edit() ([]event.Body, error) {
	i, err := verb.ResolveTexts(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	var e verb.Edit
	if title := f.text("title"); title != "" {
		e.Title = &title
	}
	if f.Fields.Get("has-description") != "" {
		description := f.text("description")
		e.Description = &description
	}
	if p := event.Priority(f.text("priority")); p != "" {
		e.Priority = &p
	}
	return verb.Check(e.Apply(i), nil)
}

// priority changes the priority alone.
func (f Form) priority() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	p := event.Priority(f.text("priority"))
	return verb.Check(verb.Edit{Priority: &p}.Apply(i), nil)
}

// names adds names to a set of the issue, or takes them out. A space or comma
// is none of a name's: names are separated by commas.
func (f Form) names(n *verb.Names, do func(*verb.Names, *store.Issue, []string) verb.Plan) ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	v, err := f.needed("name")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range strings.Split(v, ",") {
		if one = store.Name(strings.TrimPrefix(strings.TrimSpace(one), "@")); one != "" {
			names = append(names, one)
		}
	}
	if err := n.CheckNames(f.Projection, i, names); err != nil {
		return nil, err
	}
	return verb.Check(do(n, i, names).Bodies, nil)
}

// assign assigns an issue to those whom names mean, and to the names that mean nobody or
// several: a page shows them, and they are easily removed.
func (f Form) assign(n *verb.Names, i *store.Issue, names []string) verb.Plan {
	for k, name := range names {
		if one, err := verb.Assignee(f.Projection, &people.Self{}, i, name, true); err == nil {
			names[k] = one
		}
	}
	return n.Add(i, names)
}

func (f Form) block() ([]event.Body, error) {
	i, other, err := f.other("issue")
	if err != nil {
		return nil, err
	}
	plan, err := verb.Block(f.Projection, i, []*store.Issue{other})
	return plan.Bodies, err
}

func (f Form) unblock() ([]event.Body, error) {
	i, other, err := f.other("issue")
	if err != nil {
		return nil, err
	}
	return verb.Unblock(i, []*store.Issue{other}).Bodies, nil
}

func (f Form) relate() ([]event.Body, error) {
	i, other, err := f.other("issue")
	if err != nil {
		return nil, err
	}
	kind := event.RelationKind(f.text("kind"))
	if kind == "" {
		kind = event.Related
	}
	plan, err := verb.Relate(i, other, kind)
	return verb.Check(plan.Bodies, err)
}

func (f Form) unrelate() ([]event.Body, error) {
	i, other, err := f.other("issue")
	if err != nil {
		return nil, err
	}
	return verb.Unrelate(i, other, event.RelationKind(f.text("kind"))).Bodies, nil
}

// parent makes the issue the child of another; an empty field, of none.
func (f Form) parent() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	var up *store.Issue
	if f.text("issue") != "" {
		if i, up, err = f.other("issue"); err != nil {
			return nil, err
		}
	}
	plan, err := verb.SetParent(f.Projection, i, up)
	return plan.Bodies, err
}

// schedule sets the dates that the form has; an empty one is cleared.
func (f Form) schedule() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	date := func(name string, edge frame.DayEdge) (*event.Time, error) {
		if f.Fields.Get("has-"+name) == "" && f.text(name) == "" {
			return nil, nil
		}
		v := f.text(name)
		if v == "" {
			v = "none"
		}
		t, err := frame.ParseDate(name, v, edge, f.Now)
		return &t, err
	}
	due, err := date("due", frame.DayEnd)
	if err != nil {
		return nil, err
	}
	scheduled, err := date("scheduled", frame.DayStart)
	if err != nil {
		return nil, err
	}
	return verb.Check(verb.Schedule(i, due, scheduled).Bodies, nil)
}

func (f Form) milestone() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	name := f.text("milestone")
	if name == "" {
		return verb.SetMilestone(i, event.UUID{}), nil
	}
	m, err := verb.ResolveMilestone(f.Projection, name)
	if err != nil {
		return nil, err
	}
	return verb.SetMilestone(i, m.UUID), nil
}

// claim asks for the lock, or for a place in its queue; the ledger decides.
func (f Form) claim() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	standing, err := tracker.Standing(f.Projection, i.UUID, f.Tracker.Agent())
	if err != nil {
		return nil, err
	}
	switch {
	case standing.Outcome == tracker.Closed:
		return nil, refuse(http.StatusConflict, "issue %s is not open", i.Name())
	case standing.Outcome == tracker.Held || standing.Place > 0:
		return nil, nil
	}
	return verb.Check([]event.Body{&event.LockClaimed{Issue: i.UUID, Branch: f.text("branch"), Wait: true}}, nil)
}

func (f Form) unlock(breaking string) ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	plan, err := verb.Unlock(f.Projection, f.Tracker.Agent(), []*store.Issue{i}, breaking)
	return verb.Check(plan.Bodies, err)
}

func (f Form) breakLock() ([]event.Body, error) {
	reason, err := f.needed("reason")
	if err != nil {
		return nil, err
	}
	return f.unlock(reason)
}

// link ties the issue to something outside the tracker.
func (f Form) link() ([]event.Body, error) {
	i, ref, err := f.ref()
	if err != nil {
		return nil, err
	}
	kind := f.text("kind")
	if kind == "" {
		if kind = event.LinkExternal; strings.HasPrefix(ref, "http://") || strings.HasPrefix(ref, "https://") {
			kind = event.LinkURL
		}
	}
	return verb.Check(verb.Link(i, kind, ref).Bodies, nil)
}

func (f Form) unlink() ([]event.Body, error) {
	i, ref, err := f.ref()
	if err != nil {
		return nil, err
	}
	return verb.Unlink(i, f.text("kind"), ref).Bodies, nil
}

// ref is the issue, and what a form wants it linked to.
func (f Form) ref() (*store.Issue, string, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, "", err
	}
	ref, err := f.needed("ref")
	return i, ref, err
}

// time notes time spent until now, in minutes.
func (f Form) time() ([]event.Body, error) {
	i, err := verb.Resolve(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(f.text("minutes"))
	if err != nil || n < 1 || n > 24*60 {
		return nil, refuse(http.StatusBadRequest, "the minutes must be a number from 1 to 1440")
	}
	seconds := uint64(n) * 60
	return verb.Check([]event.Body{&event.TimeEntryAdded{Issue: i.UUID, Entry: f.Tracker.MintUUID(), StartedAt: event.TimeOf(f.Now.Add(-time.Duration(n) * time.Minute)),
		EndedAt: event.TimeOf(f.Now), DurationSeconds: &seconds}}, nil)
}
