package tracker

import (
	"context"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A repository without a remote decides numbers by itself. When it meets a hub
// that has numbers, too, its own would end; so the two are kept apart, and what
// is here stays in view, until somebody says 'init --join'.

// keepApart takes the hub out of a snapshot's refs while it is not joined.
func (t *Tracker) keepApart(ctx context.Context, s *snapshot) error {
	ours, theirs := s.refs[headRoot+metaName], s.refs[hubRoot+metaName]
	if t.joining || ours == "" || theirs == "" || s.refs[headRoot+checkpointName] == "" {
		return nil
	}
	var ids [2]string
	for i, tip := range []refs.OID{ours, theirs} {
		files, err := refs.ReadFiles(ctx, t.local(), tip, replay.MetaLimit)
		if err != nil {
			return fmt.Errorf("read the meta '%s': %w", tip, err)
		}
		ids[i] = trust.Claimed(files["hub.json"]).Hub
	}
	if ids[0] == ids[1] {
		return nil // a copy of this tracker is the hub
	}
	s.apart = true
	for name := range s.refs {
		if strings.HasPrefix(name, hubRoot) || strings.HasPrefix(name, incomingRoot) || strings.HasPrefix(name, lostRoot) {
			delete(s.refs, name)
		}
	}
	return nil
}

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
	s, err := t.load(ctx)
	if err != nil || s.bound || s.refs[headRoot+checkpointName] == "" {
		return nil, err
	}
	rows, _, err := s.project().List(store.Filter{Status: "all", Sort: "number"})
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
