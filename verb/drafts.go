package verb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Draft is an issue that is created together with others. They may name it by Ref, in
// place of the id of an existing issue.
type Draft struct {
	NewIssue
	Ref string
}

// DraftError describes the problem with a draft. Its cause may be an id that does not
// exist.
type DraftError struct {
	Draft int // its index
	Err   error
}

func (e *DraftError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DraftError) Unwrap() error { return e.Err }

// Connect removes the names of drafts from drafts, and returns the events that connect the
// drafts. These events must follow those that create the issues.
func Connect(drafts []Draft) ([]event.Body, error) {
	at := map[string]int{}
	for k, d := range drafts {
		if d.Ref == "" {
			continue
		}
		if _, twice := at[d.Ref]; twice {
			return nil, &DraftError{k, fmt.Errorf("ref '%s' occurs twice", d.Ref)}
		}
		at[d.Ref] = k
	}
	var edges []event.Body
	above, before := make([][]int, len(drafts)), make([][]int, len(drafts))
	for k := range drafts {
		d := &drafts[k]
		if o, ok := at[d.Parent]; ok {
			edges = append(edges, &event.ParentChanged{Issue: d.UUID, Parent: drafts[o].UUID})
			above[k], d.Parent = []int{o}, ""
		}
		var others []string
		for _, id := range d.BlockedBy {
			if o, ok := at[id]; ok && slices.Contains(before[k], o) {
				continue
			} else if ok {
				edges = append(edges, &event.DependencyAdded{Blocked: d.UUID, Blocker: drafts[o].UUID})
				before[k] = append(before[k], o)
			} else {
				others = append(others, id)
			}
		}
		d.BlockedBy = others
		if o, ok := at[d.DiscoveredFrom]; ok {
			if o == k {
				return nil, &DraftError{k, errors.New("'discovered_from' names the issue itself")}
			}
			edges = append(edges, &event.RelationAdded{A: d.UUID, B: drafts[o].UUID, Kind: event.DiscoveredFrom})
			d.DiscoveredFrom = ""
		}
	}
	if k := cycleIn(above); k >= 0 {
		return nil, &DraftError{k, fmt.Errorf("'%s' would be its own parent, directly or through others", drafts[k].Ref)}
	}
	if k := cycleIn(before); k >= 0 {
		return nil, &DraftError{k, fmt.Errorf("'%s' would wait for itself, directly or through others", drafts[k].Ref)}
	}
	return edges, nil
}

// cycleIn finds a node on a cycle of a graph, -1 if there is none.
func cycleIn(to [][]int) int {
	const fresh, open, done = 0, 1, 2
	state := make([]int, len(to))
	var visit func(k int) int
	visit = func(k int) int {
		state[k] = open
		for _, o := range to[k] {
			if state[o] == open {
				return o
			}
			if state[o] == fresh {
				if on := visit(o); on >= 0 {
					return on
				}
			}
		}
		state[k] = done
		return -1
	}
	for k := range to {
		if state[k] == fresh {
			if on := visit(k); on >= 0 {
				return on
			}
		}
	}
	return -1
}
