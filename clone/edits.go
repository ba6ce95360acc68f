package clone

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/store"
)

// If two people change a title or a description at the same time, the later change counts.
// The writer of the other one is informed once, by the first command of the clone that sees
// it. A change contains the time of the text that its writer saw; if that is earlier than
// one's own text, the writer had not seen it. If the stored data is lost, this notice is
// only not given.

// Bounds of the stored data.
const (
	maxEdits = 20
	editAge  = event.Time(30 * 24 * time.Hour)
)

// noteEdits remembers texts that were written here. A later text by the same agent replaces
// the earlier one.
func (c *Clone) noteEdits(lines []*event.Envelope) {
	if c.Hub == nil || c.Unwatched {
		return
	}
	var add []hubs.Edit
	for _, e := range lines {
		if u, ok := e.Body.(*event.IssueUpdated); ok {
			for _, f := range textsOf(u) {
				add = append(add, hubs.Edit{Issue: u.UUID.String(), Agent: e.Agent, Field: f.name, At: int64(e.Time)})
			}
		}
	}
	if len(add) == 0 {
		return
	}
	_ = c.Contact.Remember(func(note *hubs.Note) {
		for _, a := range add {
			note.Edits = slices.DeleteFunc(note.Edits, func(o hubs.Edit) bool {
				return o.Issue == a.Issue && o.Agent == a.Agent && o.Field == a.Field
			})
		}
		note.Edits = append(note.Edits, add...)
		note.Edits = note.Edits[max(0, len(note.Edits)-maxEdits):]
	})
}

// text is the text of an issue in a change: the new text, and when the text that it
// replaces was written, as far as its writer knew; 0 if the change does not have this time.
type text struct {
	name, value string
	over        event.Time
}

func textsOf(u *event.IssueUpdated) (all []text) {
	if u.Title != nil {
		all = append(all, text{"title", *u.Title, u.TitleOver})
	}
	if u.Description != nil {
		all = append(all, text{"description", *u.Description, u.DescriptionOver})
	}
	return all
}

// tellOverruled reports texts of this worktree's agent that were replaced by somebody who
// had not seen them.
func (c *Clone) tellOverruled(p reading.Projection) {
	var done []hubs.Edit
	for _, n := range c.Contact.Edits {
		if n.Agent != c.Agent {
			continue // of another worktree
		}
		if notice, over := overruled(p, n); over {
			if done = append(done, n); notice != nil {
				c.Notice(*notice)
			}
		} else if event.TimeOf(c.Now())-event.Time(n.At) > editAge {
			done = append(done, n)
		}
	}
	if len(done) > 0 {
		_ = c.Contact.Remember(func(note *hubs.Note) {
			note.Edits = slices.DeleteFunc(note.Edits, func(n hubs.Edit) bool { return slices.Contains(done, n) })
		})
	}
}

// overruled returns whether a text was replaced, and a notice if the person who replaced it
// had not seen it.
func overruled(p reading.Projection, n hubs.Edit) (notice *fail.Notice, over bool) {
	u, err := uuid.Parse(n.Issue)
	if err != nil {
		return nil, true
	}
	row, err := p.Row(event.UUID(u))
	if err != nil { // deleted, so nobody reads its title; or not readable at the moment
		return nil, errors.As(err, new(*store.NotFoundError))
	}
	lines, err := p.History(row.UUID)
	if err != nil {
		return nil, false
	}
	own := ""
	for _, e := range lines { // in the order in which they count
		b, ok := e.Body.(*event.IssueUpdated)
		if !ok {
			continue
		}
		for _, t := range textsOf(b) {
			switch {
			case t.name != n.Field || int64(e.Time) < n.At:
			case e.Agent == n.Agent:
				own = t.value
			case own == "" && int64(e.Time) == n.At: // before it, with the same time
			case t.value == own:
				return nil, true
			case t.over == 0 || int64(t.over) >= n.At: // written by an older program, or the text was seen
				return nil, true
			default:
				told := &fail.Notice{Code: "overruled", Text: fmt.Sprintf("%s replaced your %s of %s '%s' without having seen it", people.NewNames(p).Quoted(e.Agent), n.Field, row.Name(), row.Title),
					Fields: fail.Fields{"issue": row.Name(), "text": own}}
				if n.Field == "title" {
					told.Code = "overruled/title"
				}
				return told, true
			}
		}
	}
	return nil, false
}
