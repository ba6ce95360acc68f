package tracker

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/store"
)

// A repository without a remote decides numbers by itself. When it meets a hub
// that has numbers, too, its own would end; so the two are kept apart, and what
// is here stays in view, until somebody says 'init --join'.

// apartError refuses what would mix the two.
func (t *Tracker) apartError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "private-numbers",
		Message: fmt.Sprintf("the tracker of this repository gave out numbers of its own before it met the hub on '%s': nothing was written", t.hubName())}
}

// tellApart says so to a reader.
func (t *Tracker) tellApart() {
	t.tellOnce(fail.Notice{Code: "private-numbers", Text: fmt.Sprintf("there is a hub on '%s'; shown is this repository's own tracker, with numbers of its own", t.hubName())})
}

// privateNumbers are the numbers that joining a hub would end.
func (t *Tracker) privateNumbers(ctx context.Context, o InitOptions) ([]Renumbered, error) {
	if !o.Join {
		return nil, nil
	}
	s, err := t.reads.Load(ctx)
	if err != nil || s.Bound || s.AllRefs[headRoot+checkpointName] == "" {
		return nil, err
	}
	rows, _, err := s.View.List(store.Filter{Status: "all", Sort: "number"})
	if err != nil {
		return nil, err
	}
	var ended []Renumbered
	for _, i := range rows {
		if i.Number != 0 {
			ended = append(ended, Renumbered{i.Number, i.UUID.String(), i.Short, i.Title})
		}
	}
	return ended, nil
}
