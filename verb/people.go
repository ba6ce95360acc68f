package verb

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// maxNear is how many people are named where a word names none.
const maxNear = 8

// Whose returns what to search for if a word names somebody: the agents with that name,
// and the word itself, which may be stored as an assignee.
func Whose(p tracker.Projection, self *people.Self, word string) []string {
	all := people.Find(p, self, word)
	if word != people.Me && word != people.This || len(all) == 0 {
		all = append(append([]string{}, all...), word)
	}
	return all
}

// Assignee returns whom a word names, in the form that is stored: an agent id, or a word
// that is in use. An issue that is assigned to another agent of the same person, or to
// the word, keeps that; i is nil for a new issue. A word that names nobody is refused
// unless forced, and so is one that names several.
func Assignee(p tracker.Projection, self *people.Self, i *store.Issue, word string, force bool) (string, error) {
	if err := event.Check(&event.AssigneeAdded{Issue: event.UUID{1}, Assignee: word}); err != nil {
		return "", err
	}
	ids := people.Find(p, self, word)
	one := self.One(ids)
	if word == people.This || word == people.Me || people.LooksLikeMe(word) {
		if one = self.Agent; one == "" || people.LooksLikeMe(word) {
			return "", &store.NotFoundError{What: "agent", ID: word}
		}
	}
	if i != nil {
		if one != "" && word != people.This {
			if has := assigned(i, ids); len(has) > 0 {
				return has[0], nil
			}
		}
		if has := store.Called(i.Assignees, word); len(has) > 0 {
			return has[0], nil
		}
	}
	switch {
	case one != "":
		return one, nil
	case len(ids) > 1:
		return "", several(p, word, ids)
	case force:
		return store.Name(word), nil
	}
	if _, listed := self.Principals[word]; listed {
		return word, nil
	}
	rows, _, err := p.List(store.Filter{Status: "all", Assignees: []string{word}, Limit: 1})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", &store.NotFoundError{What: "person", ID: word, Known: people.Near(p, word, maxNear)}
	}
	return store.Name(word), nil
}

// several is the error for a word that names more than one person.
func several(p tracker.Projection, word string, ids []string) error {
	e := &store.AmbiguousError{What: "agent", ID: word, Named: true}
	for _, id := range ids {
		e.Candidates = append(e.Candidates, store.Candidate{Short: id, Title: people.NewNames(p).Name(id)})
	}
	return e
}

// assigneesOf returns those of an issue's assignees that a word names, else whom it
// names. They are one person.
func assigneesOf(p tracker.Projection, self *people.Self, i *store.Issue, word string) ([]string, error) {
	if has := store.Called(i.Assignees, word); len(has) > 0 {
		return has, nil
	}
	ids := people.Find(p, self, word)
	if has := assigned(i, ids); len(has) > 0 {
		if self.One(has) == "" {
			return nil, several(p, word, has)
		}
		return has, nil
	}
	if len(ids) > 0 {
		return ids[:1], nil
	}
	return []string{word}, nil
}

// assigned returns those of the given agents that an issue is assigned to.
func assigned(i *store.Issue, ids []string) (has []string) {
	for _, id := range ids {
		has = append(has, store.Called(i.Assignees, id)...)
	}
	return has
}

// Assign assigns an issue to people.
func Assign(p tracker.Projection, self *people.Self, i *store.Issue, words []string, force bool) (Plan, error) {
	names, err := AssigneesNamed(p, self, i, words, force)
	return Assignees.Add(i, names), err
}

// AssigneesNamed returns the people that words name, each once, in the stored form.
func AssigneesNamed(p tracker.Projection, self *people.Self, i *store.Issue, words []string, force bool) (names []string, err error) {
	for _, w := range words {
		name, err := Assignee(p, self, i, w, force)
		if err != nil {
			return nil, err
		}
		if len(store.Called(names, name)) == 0 {
			names = append(names, name)
		}
	}
	return names, nil
}

// Unassign removes people from an issue's assignees. A word that names several of them
// is refused.
func Unassign(p tracker.Projection, self *people.Self, i *store.Issue, words []string) (Plan, error) {
	var names []string
	for _, w := range words {
		has, err := assigneesOf(p, self, i, w)
		if err != nil {
			return Plan{}, err
		}
		for _, name := range has {
			if len(store.Called(names, name)) == 0 {
				names = append(names, name)
			}
		}
	}
	return Assignees.Remove(i, names), nil
}
