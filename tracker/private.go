package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
)

// A repository without a remote decides numbers by itself. When it meets a hub
// that has numbers, too, its own would end; so the two are kept apart, and what
// is here stays in view, until somebody says 'init --join'.

// privateNumbers are the numbers that joining a hub would end.
func (t *Tracker) privateNumbers(ctx context.Context, o InitOptions) ([]Renumbered, error) {
	if !o.Join {
		return nil, nil
	}
	s, err := t.clone.Reads.Load(ctx)
	if err != nil || s.Bound || s.AllRefs[replay.HereRoot+replay.LedgerName] == "" {
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
