package event

import (
	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// uuid visits a required uuid.
func (m *members) uuid(name string, p *UUID) { m.uuidOf(name, false, p) }

// optUUID visits an optional uuid; the zero value is absent.
func (m *members) optUUID(name string, p *UUID) { m.uuidOf(name, true, p) }

func (m *members) uuidOf(name string, opt bool, p *UUID) {
	if (m.walk == writing || m.walk == checking) && *p == (UUID{}) && !opt {
		m.fail(MissingMember, name, "is missing")
		return
	}
	m.text(name, opt, *p != UUID{}, func() string { return p.String() }, func(s string) bool {
		if m.level3 {
			u, err := uuid.Parse(s)
			*p = u
			return err == nil && (opt || u != UUID{})
		}
		var ok bool
		*p, ok = parseUUID(s)
		if ok && opt && *p == (UUID{}) {
			m.fail(EmptyMember, name, "is the nil uuid")
		}
		return ok && *p != UUID{}
	}, "is not a uuid of the form 0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e")
}

// ParseUUID reads the one form of a uuid that level 4 writes: lower case with
// hyphens. The nil uuid is refused: it never names anything.
func ParseUUID(s string) (UUID, bool) {
	u, ok := parseUUID(s)
	return u, ok && u != UUID{}
}

func parseUUID(s string) (u UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return UUID{}, false
	}
	for n, i := range uuidDigits {
		hi, lo := nibble[s[i]], nibble[s[i+1]]
		if hi|lo > 15 {
			return UUID{}, false
		}
		u[n] = hi<<4 | lo
	}
	return u, true
}

// uuidDigits is where each byte's two digits stand.
var uuidDigits = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// nibble is the value of a lower-case hexadecimal digit, 0xff for other bytes.
var nibble = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	return t
}()

// time visits a required time. It is never the epoch, so that a forgotten one
// is noticed.
func (m *members) time(name string, p *Time) { m.timeOf(name, false, p) }

// optTime visits an optional time; the epoch is absent.
func (m *members) optTime(name string, p *Time) { m.timeOf(name, true, p) }

func (m *members) timeOf(name string, opt bool, p *Time) {
	if m.walk == writing || m.walk == checking {
		switch {
		case *p == 0 && !opt:
			m.fail(MissingMember, name, "is missing")
			return
		case *p < 0 || *p > MaxTime:
			m.fail(BadValue, name, "is outside 1970 … 2199")
			return
		}
	}
	m.text(name, opt, *p != 0, func() string { return p.String() }, func(s string) bool {
		if m.level3 {
			t, err := parseTime3(s)
			*p = t
			return err == nil
		}
		t, err := ParseTime(s)
		*p = t
		if err == nil && t == 0 {
			m.fail(EmptyMember, name, "is the epoch")
		}
		return err == nil
	}, "is not a time of the form 2026-03-01T10:00:00.123456789Z")
}

// timePtr visits an optional time whose absence is nil; the epoch is "" on the
// wire, so that none may be said.
func (m *members) timePtr(name string, p **Time) {
	if m.walk == reading {
		var t Time
		m.text(name, true, false, nil, func(s string) (ok bool) {
			*p = &t
			if s == "" {
				return true
			}
			var err error
			t, err = ParseTime(s)
			if err == nil && t == 0 {
				m.fail(EmptyMember, name, "is the epoch")
			}
			return err == nil
		}, "is not a time of the form 2026-03-01T10:00:00.123456789Z")
		return
	}
	if *p != nil && (**p < 0 || **p > MaxTime) {
		m.fail(BadValue, name, "is outside 1970 … 2199")
		return
	}
	m.text(name, true, *p != nil, func() string {
		if **p == 0 {
			return ""
		}
		return (*p).String()
	}, nil, "")
}

// instant visits the envelope's timestamp, which alone may be the epoch.
func (m *members) instant(name string, p *Time) {
	if m.walk == writing && (*p < 0 || *p > MaxTime) {
		m.fail(BadValue, name, "is outside 1970 … 2199")
		return
	}
	m.text(name, false, true, func() string { return p.String() }, func(s string) bool {
		t, err := ParseTime(s)
		*p = t
		return err == nil
	}, "is not a time of the form 2026-03-01T10:00:00.123456789Z")
}

// uint visits a required integer in min … canon.MaxUint.
func (m *members) uint(name string, p *uint64, min uint64) {
	v, ok := m.visit(name, false, true)
	if !ok {
		return
	}
	if m.walk == reading {
		if *p, ok = v.Uint(); !ok {
			m.fail(WrongType, name, "is not an integer")
			return
		}
	}
	if *p < min || *p > canon.MaxUint {
		m.fail(BadValue, name, "is out of range")
		return
	}
	if m.walk == writing {
		m.w.Uint(*p)
	}
}

// uintPtr visits an optional integer whose absence is nil; 0 may be said.
func (m *members) uintPtr(name string, p **uint64) {
	v, ok := m.visit(name, true, *p != nil)
	if !ok {
		return
	}
	if m.walk == reading {
		n, isInt := v.Uint()
		if !isInt {
			m.fail(WrongType, name, "is not an integer")
			return
		}
		*p = &n
	}
	if **p > canon.MaxUint {
		m.fail(BadValue, name, "is out of range")
		return
	}
	if m.walk == writing {
		m.w.Uint(**p)
	}
}

// bool visits a required boolean.
func (m *members) bool(name string, p *bool) {
	v, ok := m.visit(name, false, true)
	if !ok {
		return
	}
	switch m.walk {
	case reading:
		if *p, ok = v.Bool(); !ok {
			m.fail(WrongType, name, "is not true or false")
		}
	case writing:
		m.w.Bool(*p)
	}
}

// flag visits an optional boolean that is written only when true.
func (m *members) flag(name string, p *bool) {
	v, ok := m.visit(name, true, *p)
	if !ok {
		return
	}
	switch m.walk {
	case reading:
		if *p, ok = v.Bool(); !ok {
			m.fail(WrongType, name, "is not true or false")
		} else if !*p {
			m.fail(EmptyMember, name, "is written though false")
		}
	case writing:
		m.w.Bool(*p)
	}
}
