package web

import (
	"net/http"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// writer is what an action on an issue may ask.
type writer struct {
	place.View
	t     *tracker.Tracker
	now   event.Time
	id    string // that the path names
	field func(string) string
}

// actions are what can be done to an issue, by their name in a path.
var actions = map[string]func(writer) ([]event.Body, error){
	"close":   func(w writer) ([]event.Body, error) { return w.status(event.Closed) },
	"reopen":  func(w writer) ([]event.Body, error) { return w.status(event.Open) },
	"comment": writer.comment,
}

func (w writer) status(to event.Status) ([]event.Body, error) {
	var reason *string
	if r := strings.TrimSpace(w.field("reason")); r != "" {
		reason = &r
	}
	plan, _, err := verb.SetStatus(w.Projection, w.t.Agent(), []string{w.id}, to, reason)
	return plan.Bodies, err
}

func (w writer) comment() ([]event.Body, error) {
	i, err := verb.Resolve(w.Projection, w.id)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(strings.ReplaceAll(w.field("text"), "\r\n", "\n"))
	if text == "" {
		return nil, refuse(http.StatusBadRequest, "the text is empty")
	}
	return verb.Check([]event.Body{&event.CommentAdded{Issue: i.UUID, Comment: w.t.MintUUID(), Author: w.t.Agent(), Content: text, CreatedAt: w.now, Kind: "note"}}, nil)
}
