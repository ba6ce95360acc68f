package forms

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/verb"
)

// MaxIssues is how many issues one form changes at most.
const MaxIssues = 100

// CreateIssue makes an issue.
func CreateIssue(f Form) (bodies []event.Body, err error) {
	n := &verb.NewIssue{UUID: f.Tracker.MintUUID(), Description: f.text("description"), Priority: event.Priority(cmp.Or(f.text("priority"), "medium")),
		Parent: strings.TrimPrefix(f.text("parent"), "#"), Milestone: f.text("milestone")}
	if n.Title, err = f.needed("title"); err != nil {
		return nil, err
	}
	for _, l := range strings.Split(f.text("labels"), ",") {
		if l = store.Name(l); l != "" {
			n.Labels = append(n.Labels, l)
		}
	}
	bodies, err = verb.Create(f.Projection, f.Tracker.Agent(), n)
	return verb.Check(bodies, err)
}

// BulkActions are the actions that can be done to several issues at once.
var BulkActions = []string{"close", "reopen", "archive", "label", "unlabel", "assign", "unassign", "milestone", "priority", "claim", "release"}

// Bulk does one thing to all issues that the form names.
func Bulk(f Form) (all []event.Body, err error) {
	name, ids := f.Fields.Get("verb"), f.Fields["issue"]
	switch {
	case !slices.Contains(BulkActions, name):
		return nil, refuse(http.StatusNotFound, "there is no action %q", name)
	case len(ids) == 0:
		return nil, refuse(http.StatusBadRequest, "no issue is selected")
	case len(ids) > MaxIssues:
		return nil, refuse(http.StatusBadRequest, "more than %d issues are selected", MaxIssues)
	}
	for _, f.ID = range ids {
		bodies, err := actions[name](f)
		if err != nil {
			return nil, err
		}
		all = append(all, bodies...)
	}
	return all, nil
}

// CreateMilestone makes a milestone.
func CreateMilestone(f Form) ([]event.Body, error) {
	name, err := f.needed("name")
	if err != nil {
		return nil, err
	}
	bodies, err := verb.CreateMilestone(f.Projection, event.MilestoneCreated{UUID: f.Tracker.MintUUID(), Name: name, Description: f.text("description"), CreatedAt: event.TimeOf(f.Now)})
	if taken := (*verb.TakenError)(nil); errors.As(err, &taken) {
		return nil, refuse(http.StatusConflict, "%s", taken)
	}
	return bodies, err
}

// MilestoneActions are what can be done to a milestone, by their name in a path.
var MilestoneActions = []string{"close", "reopen", "add", "remove"}

// ActOnMilestone closes or reopens a milestone, puts an issue into it or takes one out.
func ActOnMilestone(name string, f Form) ([]event.Body, error) {
	m, err := verb.ResolveMilestone(f.Projection, f.ID)
	if err != nil {
		return nil, err
	}
	switch name {
	case "close":
		return verb.SetMilestoneStatus(m, event.Closed, event.TimeOf(f.Now)), nil
	case "reopen":
		return verb.SetMilestoneStatus(m, event.Open, event.TimeOf(f.Now)), nil
	}
	v, err := f.needed("issue")
	if err != nil {
		return nil, err
	}
	i, err := verb.Resolve(f.Projection, strings.TrimPrefix(v, "#"))
	if err != nil {
		return nil, err
	}
	if name == "add" {
		return verb.SetMilestone(i, m.UUID), nil
	}
	if i.Milestone != m.UUID {
		return nil, nil
	}
	return verb.SetMilestone(i, event.UUID{}), nil
}

// requestLife is how long a request that a person makes waits to be answered.
const requestLife = 24 * time.Hour

// RequestKinds are what an agent can be asked to do.
var RequestKinds = []string{string(event.Pause), string(event.Resume), string(event.Kill), string(event.Reprioritise)}

// Ask sends a request to an agent. Who asks it to stop types its id.
func Ask(f Form) ([]event.Body, error) {
	kind := event.RequestKind(f.Fields.Get("kind"))
	if kind == event.Kill && f.text("confirm") != f.ID {
		return nil, refuse(http.StatusBadRequest, "type %s to ask it to stop", f.ID)
	}
	bodies, err := verb.Request(f.Projection, &verb.NewRequest{ID: newULID(f.Now), Target: f.ID, Kind: kind, By: f.Tracker.Agent(), Expires: event.TimeOf(f.Now.Add(requestLife)),
		Subject: strings.TrimPrefix(f.text("issue"), "#"), Reason: f.text("reason")})
	if refused := (*verb.RequestError)(nil); errors.As(err, &refused) {
		return nil, refuse(http.StatusConflict, "%s", refused.Why)
	}
	return bodies, err
}

// newULID mints the id of a request.
func newULID(now time.Time) string {
	var random [10]byte
	rand.Read(random[:])
	return event.ULID(event.TimeOf(now), random)
}
