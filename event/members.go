package event

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// visited is a Body that lists its own members. Each event type has one
// `members` method, next to its struct, which names the members ONCE in the
// order of docs/format.md; reading, writing and checking all walk that list,
// so they cannot disagree.
type visited interface {
	Body
	members(*members)
}

// walk is what a members value does with the members it is shown.
type walk uint8

const (
	reading  walk = iota // fill the struct from a parsed object
	writing              // append to w, checking on the way
	checking             // only check
	listing              // only collect the names
)

// members walks the members of one object. The first fault stops it.
type members struct {
	walk walk
	// level3 reads as the original does: members by name in any order, other
	// spellings of uuids and times, no limits, no closed lists.
	level3 bool

	in    []canon.Member // reading: what is there
	next  int            // reading: the first member not taken yet
	w     canon.Writer   // writing
	names []string       // listing
	err   *MemberError
}

func (m *members) fail(reason, member, words string) {
	if m.err == nil {
		m.err = &MemberError{reason, member, "'" + member + "' " + words}
	}
}

// v4 reports whether members that level 3 does not have are visited.
func (m *members) v4() bool { return !m.level3 }

// visit begins one member. It returns continue = false if there is nothing to do
// with it (absent and optional, a fault before it, or listing); reading returns
// its value, writing has written its name.
func (m *members) visit(name string, opt, present bool) (v canon.Value, goOn bool) {
	switch {
	case m.err != nil:
		return v, false
	case m.walk == listing:
		m.names = append(m.names, name)
		return v, false
	case m.walk == reading:
		return m.take(name, opt)
	case opt && !present:
		return v, false
	case m.walk == writing:
		m.w.Name(name)
	}
	return v, true
}

// take returns the next member if it has that name.
func (m *members) take(name string, opt bool) (v canon.Value, ok bool) {
	if m.level3 {
		for i := range m.in {
			if m.in[i].Name == name {
				return m.in[i].Value, true
			}
		}
	} else if m.next < len(m.in) && m.in[m.next].Name == name {
		m.next++
		return m.in[m.next-1].Value, true
	}
	if opt {
		return v, false
	}
	for _, x := range m.in[m.next:] {
		if x.Name == name {
			m.fail(MemberOrder, name, "is not in its place")
			return v, false
		}
	}
	m.fail(MissingMember, name, "is missing")
	return v, false
}

// rest returns the members after the known ones as `"name":value`. A known name among them is
// in the wrong place.
func (m *members) rest(end int, known func() []string) [][]byte {
	if m.err != nil || m.next >= end {
		return nil
	}
	names := known()
	var extra [][]byte
	for _, x := range m.in[m.next:end] {
		for _, n := range names {
			if n == x.Name {
				m.fail(MemberOrder, n, "is not in its place")
				return nil
			}
		}
		extra = append(extra, memberBytes(x))
	}
	m.next = end
	return extra
}

// memberBytes returns `"name":value`.
func memberBytes(x canon.Member) []byte {
	return append(append(canon.AppendString(nil, x.Name), ':'), x.Value.Raw()...)
}

// text visits a member that is a string on the wire. get gives its text when
// writing, set takes it when reading and returns false if it has the wrong
// form; words then says what the form is.
func (m *members) text(name string, opt, present bool, get func() string, set func(string) bool, words string) {
	v, ok := m.visit(name, opt, present)
	if !ok {
		return
	}
	switch m.walk {
	case reading:
		s, isStr := v.Str()
		if !isStr {
			m.fail(WrongType, name, "is not a string")
		} else if !set(s) {
			m.fail(BadValue, name, words)
		}
	case writing:
		m.w.Str(get())
	}
}

// str visits a required string.
func (m *members) str(name string, p *string, r rule) { m.string(name, false, p, r) }

// optStr visits an optional string; "" is absent.
func (m *members) optStr(name string, p *string, r rule) { m.string(name, true, p, r) }

func (m *members) string(name string, opt bool, p *string, r rule) {
	if v, ok := m.visit(name, opt, *p != ""); ok {
		m.stringIn(v, name, opt, p, r)
	}
}

// strPtr visits an optional string whose absence is nil, so that "" may be said.
func (m *members) strPtr(name string, p **string, r rule) {
	v, ok := m.visit(name, true, *p != nil)
	if !ok {
		return
	}
	if m.walk == reading {
		*p = new(string)
	}
	m.stringIn(v, name, false, *p, r)
}

// stringIn does a string's work behind visit. An optional one may not be there
// and empty.
func (m *members) stringIn(v canon.Value, name string, opt bool, p *string, r rule) {
	if m.walk == reading {
		s, isStr := v.Str()
		if !isStr {
			m.fail(WrongType, name, "is not a string")
			return
		}
		*p = s
		if m.level3 {
			return
		}
		if opt && s == "" {
			m.fail(EmptyMember, name, "is written though empty")
			return
		}
	}
	if reason, words := r.check(*p); reason != "" {
		m.fail(reason, name, words)
		return
	}
	if m.walk == writing {
		m.w.Str(*p)
	}
}

// list visits a list of names; an empty one is absent.
func (m *members) list(name string, p *[]string, r rule) {
	v, ok := m.visit(name, true, len(*p) > 0)
	if !ok {
		return
	}
	if m.walk == reading {
		if v.Kind() != canon.Array {
			m.fail(WrongType, name, "is not a list")
			return
		}
		if len(v.Items()) == 0 && !m.level3 {
			m.fail(EmptyMember, name, "is written though empty")
			return
		}
		for _, x := range v.Items() {
			s, isStr := x.Str()
			if !isStr {
				m.fail(WrongType, name, "holds something that is not a string")
				return
			}
			*p = append(*p, s)
		}
	}
	if !m.level3 {
		for _, s := range *p {
			if reason, words := r.check(s); reason != "" {
				m.fail(reason, name, words)
				return
			}
		}
	}
	if m.walk == writing {
		m.w.Arr()
		for _, s := range *p {
			m.w.Str(s)
		}
		m.w.EndArr()
	}
}

// enum visits a required string of a closed list.
func enum[T ~string](m *members, name string, p *T, list []T) { enumOf(m, name, false, p, list) }

// optEnum visits an optional string of a closed list; "" is absent.
func optEnum[T ~string](m *members, name string, p *T, list []T) { enumOf(m, name, true, p, list) }

func enumOf[T ~string](m *members, name string, opt bool, p *T, list []T) {
	s := string(*p)
	m.string(name, opt, &s, oneOf(list))
	*p = T(s)
}

// enumPtr visits an optional member of a closed list whose absence is nil.
func enumPtr[T ~string](m *members, name string, p **T, list []T) {
	v, ok := m.visit(name, true, *p != nil)
	if !ok {
		return
	}
	if m.walk == reading {
		*p = new(T)
	}
	s := string(**p)
	m.stringIn(v, name, true, &s, oneOf(list))
	**p = T(s)
}

// oneOf is the rule of a closed list.
func oneOf[T ~string](list []T) rule {
	return rule{
		list:  func(s string) bool { return slices.Contains(list, T(s)) },
		words: func() string { return "is not one of " + join(list) },
	}
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, x := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(x))
	}
	return b.String()
}

// some fails unless at least one of several optional members is there.
func (m *members) some(there bool, member, words string) {
	if m.walk != listing && !m.level3 && !there {
		m.fail(MissingMember, member, words)
	}
}
