package ledger

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// reader reads one object whose keys are in byte order. It counts the members it has read, so
// that unknown ones are noticed. The first fault of any object is kept, for all objects
// together.
type reader struct {
	v     canon.Value
	taken int
	bad   *bool
}

func newReader(v canon.Value) *reader {
	r := &reader{v: v, bad: new(bool)}
	r.sorted()
	return r
}

func (r *reader) sorted() {
	ms := r.v.Members()
	if r.v.Kind() != canon.Object {
		r.fail()
	}
	for i := 1; i < len(ms); i++ {
		if ms[i].Name <= ms[i-1].Name {
			r.fail()
		}
	}
}

func (r *reader) fail()        { *r.bad = true }
func (r *reader) failed() bool { return *r.bad }

// child reads another object and fails together with r.
func (r *reader) child(v canon.Value) *reader {
	c := &reader{v: v, bad: r.bad}
	c.sorted()
	return c
}

// end says that all has been read and whether it was right.
func (r *reader) end(ok bool) {
	if !ok || r.taken != len(r.v.Members()) {
		r.fail()
	}
}

// sub reads a member that is an object. One that is absent reads as empty.
func (r *reader) sub(name string, required bool) (*reader, bool) {
	v, ok := r.take(name)
	if !ok {
		if required {
			r.fail()
		}
		return &reader{bad: r.bad}, false
	}
	return r.child(v), true
}

// each calls f for every member.
func (r *reader) each(f func(name string, v canon.Value)) {
	for _, m := range r.v.Members() {
		f(m.Name, m.Value)
	}
}

func (r *reader) take(name string) (canon.Value, bool) {
	v, ok := r.v.Get(name)
	if ok {
		r.taken++
	}
	return v, ok
}

func (r *reader) str(name string) string {
	v, _ := r.take(name)
	s, ok := v.Str()
	if !ok {
		r.fail()
	}
	return s
}

// opt reads an optional string; it is never written empty.
func (r *reader) opt(name string) string {
	v, ok := r.take(name)
	if !ok {
		return ""
	}
	s, isStr := v.Str()
	if !isStr || s == "" {
		r.fail()
	}
	return s
}

func (r *reader) uint(name string, least uint64) uint64 {
	v, _ := r.take(name)
	n, ok := v.Uint()
	if !ok || n < least {
		r.fail()
	}
	return n
}

func (r *reader) time(name string) event.Time {
	t, err := event.ParseTime(r.str(name))
	if err != nil {
		r.fail()
	}
	return t
}

// optTime reads an optional time; the epoch is absent.
func (r *reader) optTime(name string) event.Time {
	if _, ok := r.v.Get(name); !ok {
		return 0
	}
	t := r.time(name)
	if t == 0 {
		r.fail()
	}
	return t
}

// uuid reads a key or text that is a uuid.
func (r *reader) uuid(s string) event.UUID {
	u, ok := event.ParseUUID(s)
	if !ok {
		r.fail()
	}
	return u
}
