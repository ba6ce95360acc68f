// Package people knows who somebody is: the name of an agent, the agents that a word names,
// and which agents are one person.
//
// An agent claims its name itself. Anybody may publish any name, so a name is never an
// identity: ids decide, and if a name could mean two agents, the id is shown beside it. The
// package is pure.
package people

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Known is what is known about agents; a projection implements it.
type Known interface {
	Agents() []*reducer.Agent
	Agent(id string) *reducer.Agent
	Named(name string) []*reducer.Agent
	Mark(agent string, seq uint64) string
}

// Names returns names for agents, and caches them.
type Names struct {
	known Known
	found map[string]Shown
}

// Shown is the name to show for an agent, "" for none, and whether it could mean another
// agent.
type Shown struct {
	Name      string `json:"name,omitempty"`
	Ambiguous bool   `json:"ambiguous,omitempty"`
}

// Brief returns the name, with the id after it where the name is ambiguous, or the id
// where there is no name.
func (s Shown) Brief(id string) string {
	if s.Ambiguous {
		return s.Name + " (" + id + ")"
	}
	if s.Name != "" {
		return s.Name
	}
	return id
}

// Full returns the name and the id, or the id where there is no name.
func (s Shown) Full(id string) string {
	if s.Name != "" && s.Name != id {
		return s.Name + " (" + id + ")"
	}
	return id
}

// NewNames returns Names for the agents in a projection.
func NewNames(k Known) *Names { return &Names{k, map[string]Shown{}} }

// Shown returns how an agent is shown.
func (n *Names) Shown(id string) Shown {
	s, there := n.found[id]
	if !there {
		if a := n.known.Agent(id); a != nil && shownName(a) != "" {
			s = Shown{a.Name, ambiguous(n.known, a)}
		}
		n.found[id] = s
	}
	return s
}

// Name returns the name that an agent claims, "" if there is none that may be shown.
func (n *Names) Name(id string) string { return n.Shown(id).Name }

// Brief returns an agent's name, with the id after it where the name is ambiguous, or
// the id where there is no name. Anything else that names somebody is returned as it is.
func (n *Names) Brief(id string) string { return n.Shown(id).Brief(id) }

// Full returns an agent's name and id, or the id where there is no name.
func (n *Names) Full(id string) string { return n.Shown(id).Full(id) }

// Quoted returns an agent's name and id, or the id in quotes where there is no name: for
// a sentence.
func (n *Names) Quoted(id string) string {
	if full := n.Full(id); full != id {
		return full
	}
	return "'" + id + "'"
}

// Of returns the names of those ids that have one, nil if none has.
func (n *Names) Of(ids ...string) map[string]string {
	var all map[string]string
	for _, id := range ids {
		if name := n.Name(id); name != "" {
			if all == nil {
				all = map[string]string{}
			}
			all[id] = name
		}
	}
	return all
}

// Briefs is Brief for several ids.
func (n *Names) Briefs(ids []string) []string {
	var all []string
	for _, id := range ids {
		all = append(all, n.Brief(id))
	}
	return all
}

// ambiguous reports whether a name could mean somebody else: it is an id, or the name of
// another agent, or looks like one in letters of another script. Retired agents, and agents
// without an approved key, do not make the name of an approved agent ambiguous.
func ambiguous(k Known, a *reducer.Agent) bool {
	if mixed(a.Name) {
		return true
	}
	for _, other := range alike(a.Name) {
		if !mixed(other) && len(named(k, other)) > 0 {
			return true
		}
	}
	if id := strings.ToLower(a.Name); id != a.ID && k.Agent(id) != nil || k.Agent(a.Name) != nil && a.Name != a.ID {
		return true
	}
	return slices.ContainsFunc(named(k, a.Name), func(o *reducer.Agent) bool {
		return o.ID != a.ID && !yields(k, o, a)
	})
}

// shownName is the name of an agent, "" if it may not be shown.
func shownName(a *reducer.Agent) string {
	if event.DisplayName(a.Name) != a.Name {
		return ""
	}
	return a.Name
}

// named returns the agents with a name.
func named(k Known, name string) []*reducer.Agent {
	return slices.DeleteFunc(k.Named(name), func(a *reducer.Agent) bool { return shownName(a) == "" })
}

// yields reports whether an agent's claim to a name is weaker than another's.
func yields(k Known, a, to *reducer.Agent) bool {
	if approved(k, a) != approved(k, to) {
		return approved(k, to)
	}
	return a.Retired && !to.Retired
}

// approved reports whether the signature of the agent's first line raises no
// objection. On a hub that checks no signatures all agents are equal.
func approved(k Known, a *reducer.Agent) bool { return k.Mark(a.ID, 1) == "" }

// claims returns the agents that a name means: those that do not yield to another one of
// them.
func claims(k Known, all []*reducer.Agent) (ids []string) {
	for _, a := range all {
		if !slices.ContainsFunc(all, func(o *reducer.Agent) bool { return o.ID != a.ID && yields(k, a, o) }) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}
