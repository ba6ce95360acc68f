package people

import "slices"

// Facts are what is known about who writes here. Keys are named by their fingerprints.
type Facts struct {
	Agent   string   // of this worktree, "" if there is none
	Program bool     // the agent is a program
	Here    []string // agents of people that wrote in this clone
	Own     []string // keys of this clone
	Also    []string // crosslink.me: other agents and principals that are the same person

	Signed     map[string][]string // key → the agents of people that have signed with it
	Principals map[string][]string // principal of meta, other than those of agents → its keys
}

// SelfOf finds out which agents are one person. The rules are:
//
//   - the agents of people in one clone are one person, and so are all that sign with a
//     key of that clone;
//   - so are those that sign with the keys of one principal, if meta lists one of this
//     person's keys for it: an admin has said that they belong together;
//   - so are those that crosslink.me names;
//   - a program is itself only, and those that crosslink.me names: what is another
//     program's work is not for it to take.
//
// What an agent says of itself counts for nothing: neither its name nor a key that it
// introduces without signing with it.
func SelfOf(f Facts) *Self {
	s := &Self{Agent: f.Agent, Principals: map[string][]string{}}
	for name, keys := range f.Principals {
		s.Principals[name] = signers(f.Signed, keys)
	}
	add := func(ids ...string) {
		for _, id := range ids {
			if id != "" && !slices.Contains(s.Agents, id) {
				s.Agents = append(s.Agents, id)
			}
		}
	}
	add(f.Agent)
	if !f.Program {
		add(f.Here...)
		add(signers(f.Signed, f.Own)...)
		for _, keys := range f.Principals {
			if slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(f.Own, k) }) {
				add(signers(f.Signed, keys)...)
			}
		}
	}
	for _, name := range f.Also {
		if agents, ok := s.Principals[name]; ok {
			add(agents...)
		}
		add(name)
	}
	own := 0
	if f.Agent != "" {
		own = 1
	}
	slices.Sort(s.Agents[own:])
	return s
}

// signers are the agents that sign with any of the keys, in order.
func signers(signed map[string][]string, keys []string) []string {
	var all []string
	for _, k := range keys {
		all = append(all, signed[k]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
