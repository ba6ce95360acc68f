package cli

import (
	"encoding/hex"
	"strings"

	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// resolveMilestone finds a milestone by its name (in any case and form of
// Unicode if nothing is called exactly so), its uuid, or a beginning of that of at
// least 4 digits.
func resolveMilestone(p tracker.Projection, id string) (*reducer.Milestone, error) {
	all, err := p.Milestones()
	if err != nil {
		return nil, err
	}
	prefix := strings.ToLower(strings.ReplaceAll(id, "-", ""))
	for _, match := range []func(*reducer.Milestone) bool{
		func(m *reducer.Milestone) bool { return m.Name == id },
		func(m *reducer.Milestone) bool { return strings.EqualFold(store.Name(m.Name), store.Name(id)) },
		func(m *reducer.Milestone) bool {
			return len(prefix) >= 4 && strings.HasPrefix(hex.EncodeToString(m.UUID[:]), prefix)
		},
	} {
		var found []*reducer.Milestone
		for _, m := range all {
			if match(m) {
				found = append(found, m)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0], nil
		}
		f := &store.AmbiguousError{What: "milestone", ID: id}
		for _, m := range found {
			f.Candidates = append(f.Candidates, store.Candidate{UUID: m.UUID, Short: hex.EncodeToString(m.UUID[:])[:12], Title: m.Name})
		}
		return nil, f
	}
	missing := &store.NotFoundError{What: "milestone", ID: id}
	for _, m := range all {
		missing.Known = append(missing.Known, m.Name)
	}
	return nil, missing
}
