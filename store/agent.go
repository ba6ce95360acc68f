package store

import (
	"cmp"
	"slices"

	"github.com/git-crosslink/git-crosslink/reducer"
)

// Agents returns the agents that have said something of themselves, by id.
func (m *Memory) Agents() []*reducer.Agent {
	all := make([]*reducer.Agent, 0, len(m.view.Agents))
	for _, a := range m.view.Agents {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *reducer.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
