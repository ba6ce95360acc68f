package store

import (
	"cmp"
	"slices"

	"github.com/git-crosslink/git-crosslink/reducer"
)

// Agent is what an agent has said of itself, nil if nothing.
func (m *Memory) Agent(id string) *reducer.Agent { return m.view.Agents[id] }

// Agents returns the agents that have said something of themselves, by id.
func (m *Memory) Agents() []*reducer.Agent {
	all := make([]*reducer.Agent, 0, len(m.view.Agents))
	for _, a := range m.view.Agents {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *reducer.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
