package people

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// Self is the person or program that runs a command, with what the hub's meta knows about
// people.
type Self struct {
	Agent      string              // of this worktree, "" if there is none
	Agents     []string            // agents of the person, this one first
	Principals map[string][]string // principals of meta, other than those of agents, whose keys these agents have
}

// Words for the person and the agent that run a command.
const (
	Me   = "@me"   // the person
	This = "@this" // the agent of this worktree
)

// suffix is the end of agents' principals.
const suffix = "@crosslink"

// Find returns the agents that a word names, nil if there are none. In this order: @me and
// @this, an id, a principal, a name, the beginning of an id or a name. The first match
// counts, so a name never hides an id or a principal.
func Find(k Known, self *Self, word string) []string {
	switch {
	case word == Me:
		return self.Agents
	case word == This && self.Agent != "":
		return []string{self.Agent}
	case word == This, strings.TrimSpace(word) == "":
		return nil
	}
	id := strings.TrimSuffix(word, suffix)
	if k.Agent(id) != nil {
		return []string{id}
	}
	if of, ok := self.Principals[word]; ok {
		return of
	}
	if ids := claims(k, named(k, word)); len(ids) > 0 {
		return ids
	}
	return claims(k, beginning(k, word))
}

// beginning returns the agents whose id is a user's, <user>-<host>-<random>, or whose name
// begins with the word. Only a whole part counts: 'al' is not alice.
func beginning(k Known, word string) (all []*reducer.Agent) {
	id, name := strings.ToLower(word)+"-", store.SameName(word)+" "
	for _, a := range k.Agents() {
		if strings.HasPrefix(strings.ToLower(a.ID), id) || strings.HasPrefix(store.SameName(shownName(a)), name) {
			all = append(all, a)
		}
	}
	return all
}

// Near returns up to most people to suggest if a word names nobody: those with a similar id
// or name, otherwise any.
func Near(k Known, word string, most int) []string {
	names := NewNames(k)
	var near, any []string
	letters := []rune(store.SameName(word))
	part := string(letters[:min(len(letters), 3)])
	for _, a := range k.Agents() {
		if a.Retired {
			continue
		}
		text := names.Full(a.ID)
		if strings.Contains(store.SameName(text), part) {
			near = append(near, text)
		}
		any = append(any, text)
	}
	if len(near) == 0 {
		near = any
	}
	return near[:min(len(near), most)]
}

// One returns which of several agents stands for a person: the one of this worktree,
// otherwise the first; "" if they are not one person.
func (s *Self) One(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	of := [][]string{s.Agents}
	for _, agents := range s.Principals {
		of = append(of, agents)
	}
	person := func(agents []string) bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(agents, id) })
	}
	switch {
	case len(ids) > 1 && !slices.ContainsFunc(of, person):
		return ""
	case slices.Contains(ids, s.Agent):
		return s.Agent
	}
	return ids[0]
}
