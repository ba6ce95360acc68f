package verb

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// Link links an issue to something outside the tracker.
func Link(i *store.Issue, kind, ref string) (p Plan) {
	e := Effect{What: Linked, Issue: i, Name: ref}
	for _, l := range i.Links {
		if l.Kind == kind && l.Ref == ref {
			e.What = LinkedAlready
			p.add(e)
			return p
		}
	}
	p.add(e, &event.LinkAdded{Issue: i.UUID, Kind: kind, Ref: ref})
	return p
}

// Unlink removes the links of an issue to ref: those of one kind, or all if kind is "".
func Unlink(i *store.Issue, kind, ref string) (p Plan) {
	e := Effect{What: Unlinked, Issue: i, Name: ref}
	var bodies []event.Body
	for _, l := range i.Links {
		if l.Ref == ref && (kind == "" || l.Kind == kind) {
			bodies = append(bodies, &event.LinkRemoved{Issue: i.UUID, Kind: l.Kind, Ref: ref})
		}
	}
	if bodies == nil {
		e.What = NotLinked
	}
	p.add(e, bodies...)
	return p
}
