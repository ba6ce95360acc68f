package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// writer is what an action on an issue may ask.
type writer struct {
	place.View
	t     *tracker.Tracker
	now   time.Time
	id    string // that the path names
	field func(string) string
}

// actions are what can be done to an issue, by their name in a path.
var actions = map[string]func(writer) ([]event.Body, error){
	"close":     func(w writer) ([]event.Body, error) { return w.status(event.Closed) },
	"reopen":    func(w writer) ([]event.Body, error) { return w.status(event.Open) },
	"archive":   func(w writer) ([]event.Body, error) { return w.status(event.Archived) },
	"delete":    writer.delete,
	"comment":   writer.comment,
	"edit":      writer.edit,
	"label":     func(w writer) ([]event.Body, error) { return w.names(&verb.Labels, (*verb.Names).Add) },
	"unlabel":   func(w writer) ([]event.Body, error) { return w.names(&verb.Labels, (*verb.Names).Remove) },
	"assign":    func(w writer) ([]event.Body, error) { return w.names(&verb.Assignees, (*verb.Names).Add) },
	"unassign":  func(w writer) ([]event.Body, error) { return w.names(&verb.Assignees, (*verb.Names).Remove) },
	"block":     writer.block,
	"unblock":   writer.unblock,
	"relate":    writer.relate,
	"unrelate":  writer.unrelate,
	"parent":    writer.parent,
	"due":       writer.schedule,
	"schedule":  writer.schedule,
	"milestone": writer.milestone,
	"priority":  writer.priority,
	"claim":     writer.claim,
	"release":   func(w writer) ([]event.Body, error) { return w.unlock("") },
	"break":     writer.breakLock,
	"time":      writer.time,
	"link":      writer.link,
	"unlink":    writer.unlink,
}

// text is a field without spaces at its ends.
func (w writer) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(w.field(name), "\r\n", "\n"))
}

// needed is a field that must not be empty.
func (w writer) needed(name string) (string, error) {
	v := w.text(name)
	if v == "" {
		return "", refuse(http.StatusBadRequest, "the %s is empty", name)
	}
	return v, nil
}

// other is the issue that a field names.
func (w writer) other(name string) (i, other *store.Issue, err error) {
	if i, err = verb.Resolve(w.Projection, w.id); err != nil {
		return nil, nil, err
	}
	v, err := w.needed(name)
	if err != nil {
		return nil, nil, err
	}
	other, err = verb.Resolve(w.Projection, strings.TrimPrefix(v, "#"))
	return i, other, err
}

func (w writer) status(to event.Status) ([]event.Body, error) {
	var reason *string
	if r := w.text("reason"); r != "" {
		reason = &r
	}
	plan, _, err := verb.SetStatus(w.Projection, w.t.Agent(), []string{w.id}, to, reason)
	return verb.Check(plan.Bodies, err)
}

// delete hides an issue for good; the person who asks types its name.
func (w writer) delete() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	if strings.TrimPrefix(w.text("confirm"), "#") != i.Name() {
		return nil, refuse(http.StatusBadRequest, "type %s to delete this issue permanently", i.Name())
	}
	plan, _, err := verb.Delete(w.Projection, w.t.Agent(), []string{w.id}, w.t.MintUUID)
	return plan.Bodies, err
}

func (w writer) comment() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	text, err := w.needed("text")
	if err != nil {
		return nil, err
	}
	kind := w.text("kind")
	if kind == "" {
		kind = "note"
	}
	return verb.Check([]event.Body{&event.CommentAdded{Issue: i.UUID, Comment: w.t.MintUUID(), Author: w.t.Agent(), Content: text, CreatedAt: event.TimeOf(w.now), Kind: kind}}, nil)
}

// edit changes the title, description and priority that the form has.
func (w writer) edit() ([]event.Body, error) {
	i, err := verb.ResolveTexts(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	var e verb.Edit
	if title := w.text("title"); title != "" {
		e.Title = &title
	}
	if w.field("has-description") != "" {
		description := w.text("description")
		e.Description = &description
	}
	if p := event.Priority(w.text("priority")); p != "" {
		e.Priority = &p
	}
	return verb.Check(e.Apply(i), nil)
}

// priority changes the priority alone.
func (w writer) priority() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	p := event.Priority(w.text("priority"))
	return verb.Check(verb.Edit{Priority: &p}.Apply(i), nil)
}

// names adds names to a set of the issue, or takes them out. A space or comma
// is none of a name's: names are separated by commas.
func (w writer) names(n *verb.Names, do func(*verb.Names, *store.Issue, []string) verb.Plan) ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	v, err := w.needed("name")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range strings.Split(v, ",") {
		if one = store.Name(strings.TrimPrefix(strings.TrimSpace(one), "@")); one != "" {
			names = append(names, one)
		}
	}
	if err := n.CheckNames(w.Projection, i, names); err != nil {
		return nil, err
	}
	return verb.Check(do(n, i, names).Bodies, nil)
}

func (w writer) block() ([]event.Body, error) {
	i, other, err := w.other("issue")
	if err != nil {
		return nil, err
	}
	plan, err := verb.Block(w.Projection, i, []*store.Issue{other})
	return plan.Bodies, err
}

func (w writer) unblock() ([]event.Body, error) {
	i, other, err := w.other("issue")
	if err != nil {
		return nil, err
	}
	return verb.Unblock(i, []*store.Issue{other}).Bodies, nil
}

func (w writer) relate() ([]event.Body, error) {
	i, other, err := w.other("issue")
	if err != nil {
		return nil, err
	}
	kind := event.RelationKind(w.text("kind"))
	if kind == "" {
		kind = event.Related
	}
	plan, err := verb.Relate(i, other, kind)
	return verb.Check(plan.Bodies, err)
}

func (w writer) unrelate() ([]event.Body, error) {
	i, other, err := w.other("issue")
	if err != nil {
		return nil, err
	}
	return verb.Unrelate(i, other, event.RelationKind(w.text("kind"))).Bodies, nil
}

// parent makes the issue the child of another; an empty field, of none.
func (w writer) parent() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	var up *store.Issue
	if w.text("issue") != "" {
		if i, up, err = w.other("issue"); err != nil {
			return nil, err
		}
	}
	plan, err := verb.SetParent(w.Projection, i, up)
	return plan.Bodies, err
}

// schedule sets the dates that the form has; an empty one is cleared.
func (w writer) schedule() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	date := func(name string, edge frame.DayEdge) (*event.Time, error) {
		if w.field("has-"+name) == "" && w.text(name) == "" {
			return nil, nil
		}
		v := w.text(name)
		if v == "" {
			v = "none"
		}
		t, err := frame.ParseDate(name, v, edge, w.now)
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

func (w writer) milestone() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	name := w.text("milestone")
	if name == "" {
		return verb.SetMilestone(i, event.UUID{}), nil
	}
	m, err := verb.ResolveMilestone(w.Projection, name)
	if err != nil {
		return nil, err
	}
	return verb.SetMilestone(i, m.UUID), nil
}

// claim asks for the lock, or for a place in its queue; the ledger decides.
func (w writer) claim() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	standing, err := tracker.Standing(w.Projection, i.UUID, w.t.Agent())
	if err != nil {
		return nil, err
	}
	switch {
	case standing.Outcome == tracker.Closed:
		return nil, refuse(http.StatusConflict, "issue %s is not open", i.Name())
	case standing.Outcome == tracker.Held || standing.Place > 0:
		return nil, nil
	}
	return verb.Check([]event.Body{&event.LockClaimed{Issue: i.UUID, Branch: w.text("branch"), Wait: true}}, nil)
}

func (w writer) unlock(breaking string) ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	plan, err := verb.Unlock(w.Projection, w.t.Agent(), []*store.Issue{i}, breaking)
	return verb.Check(plan.Bodies, err)
}

func (w writer) breakLock() ([]event.Body, error) {
	reason, err := w.needed("reason")
	if err != nil {
		return nil, err
	}
	return w.unlock(reason)
}

// link ties the issue to something outside the tracker.
func (w writer) link() ([]event.Body, error) {
	i, ref, err := w.ref()
	if err != nil {
		return nil, err
	}
	kind := w.text("kind")
	if kind == "" {
		if kind = event.LinkExternal; strings.HasPrefix(ref, "http://") || strings.HasPrefix(ref, "https://") {
			kind = event.LinkURL
		}
	}
	return verb.Check(verb.Link(i, kind, ref).Bodies, nil)
}

func (w writer) unlink() ([]event.Body, error) {
	i, ref, err := w.ref()
	if err != nil {
		return nil, err
	}
	return verb.Unlink(i, w.text("kind"), ref).Bodies, nil
}

// ref is the issue, and what a form wants it linked to.
func (w writer) ref() (*store.Issue, string, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, "", err
	}
	ref, err := w.needed("ref")
	return i, ref, err
}

// time notes time spent until now, in minutes.
func (w writer) time() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(w.text("minutes"))
	if err != nil || n < 1 || n > 24*60 {
		return nil, refuse(http.StatusBadRequest, "the minutes must be a number from 1 to 1440")
	}
	seconds := uint64(n) * 60
	return verb.Check([]event.Body{&event.TimeEntryAdded{Issue: i.UUID, Entry: w.t.MintUUID(), StartedAt: event.TimeOf(w.now.Add(-time.Duration(n) * time.Minute)),
		EndedAt: event.TimeOf(w.now), DurationSeconds: &seconds}}, nil)
}
