// Package store answers the questions commands ask of the reduced state: one
// issue, a filtered list, what is ready, what an id means, what happened to an
// issue. It holds no truth: everything in it is rebuilt from the logs and may
// be deleted at any time.
//
// Memory keeps the projection in the process. Times that a question depends on
// (overdue, scheduled) are arguments; the store reads no clock.
package store

import (
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Issue is one row: the reduced issue, its decided number (0 while undecided)
// and the short uuid that names it meanwhile. A row of a list is Listed: it is
// without texts, that is without Description, Comments and Time.
type Issue struct {
	*reducer.Issue
	Number       uint64
	Short        string // shortest unique prefix of at least 7 hex digits, one a letter
	Lock         *Lock  // nil: nobody holds or claims it
	Queue        []Waiter
	CommentCount int
}

// Listed returns the row without texts.
func (i *Issue) Listed() *Issue {
	l, r := *i, *i.Issue
	r.Description, r.Comments, r.Time = "", nil, nil
	l.Issue = &r
	return &l
}

// OpenBlockers returns the open issues that an issue waits for.
func OpenBlockers(p interface {
	Row(event.UUID) (*Issue, error)
}, i *Issue) ([]*Issue, error) {
	var open []*Issue
	for _, b := range i.BlockedBy {
		o, err := p.Row(b)
		if err != nil {
			return nil, err // all of them are shown
		}
		if o.Status == event.Open {
			open = append(open, o)
		}
	}
	return open, nil
}

// Name returns the name to type for the issue: its number, or its short uuid if it has no
// number yet.
func (i *Issue) Name() string { return nameOf(i.Number, i.Short) }

// Name returns the name to type for the issue.
func (n *Named) Name() string { return nameOf(n.Number, n.Short) }

func nameOf(number uint64, short string) string {
	if number != 0 {
		return fmt.Sprint(number)
	}
	return short
}

// NotFoundError means that no issue (comment, milestone) has this id.
type NotFoundError struct {
	What string // "issue", "comment", "milestone"
	ID   string
	// Deleted is the former name of the object, a number or short id, if it was deleted.
	Deleted string
	// Known are the existing names. Only for milestones, because there are few.
	Known []string
}

func (e *NotFoundError) Error() string {
	if e.Deleted != "" {
		return fmt.Sprintf("%s '%s' is deleted", e.What, e.ID)
	}
	return fmt.Sprintf("no %s '%s'", e.What, e.ID)
}

// AmbiguousError means that an abbreviation names several things.
type AmbiguousError struct {
	What       string
	ID         string
	Named      bool // they are called so; else it begins their ids
	Candidates []Candidate
}

// Candidate is one thing that an ambiguous abbreviation may mean.
type Candidate struct {
	UUID  event.UUID
	Short string
	Title string
}

func (e *AmbiguousError) Error() string {
	if e.Named {
		return fmt.Sprintf("%d %ss are called '%s'", len(e.Candidates), e.What, e.ID)
	}
	return fmt.Sprintf("short id '%s' is ambiguous: %d %ss begin with it", e.ID, len(e.Candidates), e.What)
}

// BadIDError means that a string is not an id.
type BadIDError struct{ What, ID string }

func (e *BadIDError) Error() string {
	return fmt.Sprintf("'%s' is not an id: a number, a uuid, or at least 4 hex digits of a uuid with a letter among them", e.ID)
}
