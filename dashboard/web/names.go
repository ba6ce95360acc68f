package web

import (
	"encoding/json"

	"github.com/git-crosslink/git-crosslink/people"
)

// person is an agent, or another person that a record names, as pages show it. In JSON it is the id.
type person struct {
	ID string
	people.Shown
}

// naming knows how agents are shown: the facts of a project do, and the names of a projection.
type naming interface{ Shown(id string) people.Shown }

func personOf(n naming, id string) person { return person{id, n.Shown(id)} }

func peopleOf(n naming, ids []string) []person {
	all := []person{}
	for _, id := range ids {
		all = append(all, personOf(n, id))
	}
	return all
}

// MarshalJSON implements json.Marshaler.
func (p person) MarshalJSON() ([]byte, error) { return json.Marshal(p.ID) }

// Text is what a page shows where the id does not matter.
func (p person) Text() string { return p.Brief(p.ID) }

// Apart reports whether the name says something that the id does not.
func (p person) Apart() bool { return p.Name != "" && p.Name != p.ID }
