package store

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/git-crosslink/git-crosslink/reducer"
)

// Agent returns what an agent has published about itself; nil if nothing.
func (m *Memory) Agent(id string) *reducer.Agent { return m.view.Agents[id] }

// Agents returns the agents that have published something about themselves, by id.
func (m *Memory) Agents() []*reducer.Agent {
	all := make([]*reducer.Agent, 0, len(m.view.Agents))
	for _, a := range m.view.Agents {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *reducer.Agent) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Agent returns what an agent has published about itself; nil if nothing.
func (f *File) Agent(id string) *reducer.Agent {
	return tell(f, func() (*reducer.Agent, error) {
		all, err := rowsOf[reducer.Agent](f, "SELECT row FROM agent WHERE k = ?", id)
		if err != nil || len(all) == 0 {
			return nil, err
		}
		return all[0], nil
	}, func(m *Memory) *reducer.Agent { return m.Agent(id) })
}

// Agents returns the agents that have published something about themselves, by id.
func (f *File) Agents() []*reducer.Agent {
	return tell(f, func() ([]*reducer.Agent, error) {
		all, err := rowsOf[reducer.Agent](f, "SELECT row FROM agent ORDER BY k")
		return append([]*reducer.Agent{}, all...), err
	}, (*Memory).Agents)
}

// Named returns the agents with a name, by id.
func (m *Memory) Named(name string) []*reducer.Agent {
	key := SameName(name)
	return slices.DeleteFunc(m.Agents(), func(a *reducer.Agent) bool { return a.Name == "" || SameName(a.Name) != key })
}

// Named returns the agents with a name, by id.
func (f *File) Named(name string) []*reducer.Agent {
	return tell(f, func() ([]*reducer.Agent, error) {
		return rowsOf[reducer.Agent](f, "SELECT row FROM agent WHERE name = ? ORDER BY k", SameName(name))
	}, func(m *Memory) []*reducer.Agent { return m.Named(name) })
}

// SameName is the form in which names of agents are compared: names that differ only
// in case, in spaces or in compatible characters (full width, ligatures) are the same.
func SameName(s string) string {
	return Fold(strings.Join(strings.Fields(norm.NFKC.String(s)), " "))
}

// agent writes the row of an agent; nil removes it.
func (u *update) agent(a *reducer.Agent, id string) error {
	if a == nil {
		return u.removeRecord("agent", id)
	}
	var name any
	if a.Name != "" {
		name = SameName(a.Name)
	}
	if u.bulk {
		return u.insert("agent", id, name, pack(a))
	}
	return u.change("agent", "INSERT INTO agent (k, name, row) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name, row = excluded.row WHERE row <> excluded.row", id, name, pack(a))
}
