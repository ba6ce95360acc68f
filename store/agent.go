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

// Agent is what an agent has said of itself, nil if nothing.
func (f *File) Agent(id string) *reducer.Agent {
	return tell(f, func() (*reducer.Agent, error) {
		all, err := rowsOf[reducer.Agent](f, "SELECT row FROM agent WHERE k = ?", id)
		if err != nil || len(all) == 0 {
			return nil, err
		}
		return all[0], nil
	}, func(m *Memory) *reducer.Agent { return m.Agent(id) })
}

// Agents returns the agents that have said something of themselves, by id.
func (f *File) Agents() []*reducer.Agent {
	return tell(f, func() ([]*reducer.Agent, error) {
		all, err := rowsOf[reducer.Agent](f, "SELECT row FROM agent ORDER BY k")
		return append([]*reducer.Agent{}, all...), err
	}, (*Memory).Agents)
}
