package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// status closes or reopens an issue. A lock ends with the issue: its own
// agent's by a release, somebody else's by breaking it.
func (w writer) status(i *store.Issue, to event.Status, reason string) ([]event.Body, error) {
	reason = strings.TrimSpace(reason)
	var bodies []event.Body
	if i.Status != to || reason != "" && reason != i.Reason {
		b := &event.StatusChanged{UUID: i.UUID, NewStatus: to, Reason: reason}
		if i.Status == to {
			b.ClosedAt = i.ClosedAt
		}
		bodies = append(bodies, b)
	}
	if to == event.Open {
		return bodies, nil
	}
	me := w.Agent
	mine := slices.ContainsFunc(i.Queue, func(q store.Waiter) bool { return q.Agent == me })
	if l := i.Lock; l != nil && !l.Ending {
		switch {
		case l.Holder == me:
			mine = true
		case l.Confirmed:
			bodies = append(bodies, &event.LockBroken{Issue: i.UUID, Token: l.Token, Reason: "closed"})
		}
	}
	if mine {
		bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
	}
	return bodies, nil
}

// comment adds a comment.
func (w writer) comment(i *store.Issue, text string) ([]event.Body, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return nil, refuse(http.StatusBadRequest, "the text is empty")
	}
	return []event.Body{&event.CommentAdded{Issue: i.UUID, Comment: w.t.MintUUID(), Author: w.t.Agent(), Content: text, CreatedAt: w.now, Kind: "note"}}, nil
}
