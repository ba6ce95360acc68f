package reducer

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// This file has the lattices from which everything else is made. The rules are:
//
//   - a register keeps the value with the greatest stamp;
//   - a set keeps, per element, a register with the value present or absent;
//   - adds keep every different attempt to add one uuid, and the smallest one counts;
//   - stamps are ordered by key, then by the hash of the event's bytes, then by the shown
//     time.
//
// The second half of the last rule matters only if one agent wrote two lines with one key
// (a forked log). Such lines are handled elsewhere, but until then every replica that has
// both must show the same, in whatever order they arrived, and only the bytes can decide.

// stamp orders a write. One event has one stamp, shared by all the registers it writes; a
// stamp never changes.
type stamp struct {
	key   event.Key
	hash  [sha256.Size]byte // of the event's bytes
	shown event.Time        // shown to people instead of key.Time

	lost func(to *stamp) // called if another write already has a register; nil drops it
}

func stampOf(e *event.Envelope) *stamp {
	return &stamp{key: e.Key(), hash: sha256.Sum256(e.Event), shown: e.Shown()}
}

// known returns a time that the event contains, or the event's own time if that is unknown.
func (s *stamp) known(t event.Time) event.Time {
	if t == event.NotKnown {
		return s.shown
	}
	return t
}

// compare returns -1, 0 or +1. A missing stamp is before every other.
func (s *stamp) compare(o *stamp) int {
	switch {
	case s == o:
		return 0
	case s == nil:
		return -1
	case o == nil:
		return 1
	}
	if c := s.key.Compare(o.key); c != 0 {
		return c
	}
	if c := bytes.Compare(s.hash[:], o.hash[:]); c != 0 {
		return c
	}
	switch {
	case s.shown < o.shown:
		return -1
	case s.shown > o.shown:
		return 1
	}
	return 0
}

// base reports whether the stamp belongs to a level-3 checkpoint: no agent wrote it, so
// there are no bytes of an event.
func (s *stamp) base() bool { return s.key.Agent == "" }

// compareFirst is compare, except that everything in a checkpoint comes before everything
// in a log: the checkpoint decides who created an object, and when, although the same lines
// may be in the logs again.
func (s *stamp) compareFirst(o *stamp) int {
	if s != nil && o != nil && s.base() != o.base() {
		if s.base() {
			return -1
		}
		return 1
	}
	return s.compare(o)
}

// latest returns the later of two stamps.
func latest(a, b *stamp) *stamp {
	if a.compare(b) < 0 {
		return b
	}
	return a
}

// register has one value and the stamp of its writer; the greatest stamp wins. A register
// without a write has no stamp and the zero value.
type register[T any] struct {
	at  *stamp
	val T
}

// write is a join: order and repetition do not matter.
func (r *register[T]) write(at *stamp, val T) {
	switch c := r.at.compare(at); {
	case c < 0:
		r.at, r.val = at, val
	case c > 0 && at != nil && at.lost != nil:
		at.lost(r.at)
	}
}

func (r *register[T]) merge(o register[T]) { r.write(o.at, o.val) }

// first is a register whose smallest stamp wins: who created an object.
type first[T any] struct {
	at  *stamp
	val T
}

func (f *first[T]) write(at *stamp, val T) {
	if at != nil && (f.at == nil || at.compareFirst(f.at) < 0) {
		f.at, f.val = at, val
	}
}

func (f *first[T]) merge(o first[T]) { f.write(o.at, o.val) }

// set is a set whose elements have the stamp of their last add or remove. Removed elements
// stay, so that a late add with a smaller key cannot restore them.
type set[K comparable] map[K]register[bool]

func (s *set[K]) put(at *stamp, elem K, present bool) {
	if *s == nil {
		*s = make(set[K])
	}
	r := (*s)[elem]
	r.write(at, present)
	(*s)[elem] = r
}

func (s *set[K]) merge(o set[K]) {
	for elem, r := range o {
		s.put(r.at, elem, r.val)
	}
}

// add is one attempt to add an object under a uuid that should be new.
type add[T any] struct {
	at   *stamp
	body T
}

// adds has all attempts to add one uuid. They are sorted when they are read: inserting each
// in order would take quadratic time if two logs add one uuid a hundred thousand times.
type adds[T any] struct {
	list  []add[T]
	mixed bool // list is not in order, or has duplicates
}

// put adds an attempt. Logs are read in order, so nearly always the list is empty or the
// attempt belongs at its end.
func (a *adds[T]) put(at *stamp, body T) {
	if n := len(a.list); n > 0 && !a.mixed {
		switch c := a.list[n-1].at.compareFirst(at); {
		case c == 0:
			return
		case c > 0:
			a.mixed = true
		}
	}
	a.list = append(a.list, add[T]{at, body})
}

// all returns the attempts, smallest first.
func (a *adds[T]) all() []add[T] {
	if a.mixed {
		slices.SortStableFunc(a.list, func(x, y add[T]) int { return x.at.compareFirst(y.at) })
		a.list = slices.CompactFunc(a.list, func(x, y add[T]) bool { return x.at.compareFirst(y.at) == 0 })
		a.mixed = false
	}
	return a.list
}

// merge does not change o.
func (a *adds[T]) merge(o adds[T]) {
	for _, x := range o.list {
		a.put(x.at, x.body)
	}
}

// duplicate reports whether the i-th attempt differs from the one that counts. The same
// bytes again are the same fact. An add in a checkpoint has no bytes, so nothing can differ
// from it.
func (a *adds[T]) duplicate(i int) bool {
	l := a.all()
	return !l[0].at.base() && l[i].at.hash != l[0].at.hash
}
