package reducer

import (
	"cmp"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rule of links is that of labels: an issue's links are a set, whose elements have a
// kind and a ref. A link belongs to the agent that added it last.

type link struct{ kind, ref string }

func (s *State) link(at *stamp, id event.UUID, kind, ref string, present bool) {
	s.touch(at, id).links.put(at, link{kind, ref}, present)
}

func cmpLink(a, b link) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.ref, b.ref))
}

// Link is a link of an issue to something outside the tracker.
type Link struct {
	Kind, Ref string
	By        string // the agent that added it
}

func seeLinks(s set[link]) []Link {
	var ls []Link
	for _, l := range presentBy(s, cmpLink) {
		ls = append(ls, Link{l.kind, l.ref, s[l].at.key.Agent})
	}
	return ls
}
