package event

import (
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// The codec of level-4 lines. The rules are (docs/format.md):
//   - one line is one canonical JSON object; every accepted line encodes again,
//     from the decoded struct, to the same bytes;
//   - a fault of the JSON or of the envelope ends the log (LineError); a fault
//     inside the event of a known type makes the body Invalid and no more;
//   - what this program does not know (types, members after the known ones)
//     is kept and written again, never dropped.

// Check reports whether b's members obey the rules of its type: limits, closed
// lists, what is required. The error is a *MemberError. Rules about more than
// one event (self edges, who may say it) are the reducer's.
func Check(b Body) error {
	switch b := b.(type) {
	case visited:
		m := members{walk: checking}
		b.members(&m)
		if m.err != nil {
			return m.err
		}
		return nil
	case *Invalid:
		return &MemberError{Reason: b.Reason, Detail: b.Detail}
	}
	return &MemberError{BadValue, "type", "the event is of a type that this program cannot write"}
}

// Encode returns the one canonical line of e, without LF, and sets e.Raw and
// e.Event. It refuses what Decode would not accept and a body that Check
// refuses; an Unknown or Invalid body is written as it was read.
func Encode(e *Envelope) ([]byte, error) {
	m := members{walk: writing}
	m.w.Reset(make([]byte, 0, 512))
	m.w.Obj()
	e.head(&m)
	m.w.Name("event")
	start := len(m.w.Bytes())
	if err := encodeEvent(&m, e); err != nil {
		return nil, err
	}
	end := len(m.w.Bytes())
	for _, x := range e.Extra {
		m.w.Raw(x)
	}
	e.tail(&m)
	m.w.EndObj()
	if m.err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Body.Type(), m.err)
	}
	line := m.w.Bytes()
	if len(line) > maxLine(e.Body.Type()) {
		return nil, &LineError{LineTooLong, "a line is too long to be written"}
	}
	if len(e.Extra)+len(e.EventExtra) > 0 {
		// The members this program does not know come from elsewhere: see
		// that they did not make another line of it.
		d, err := Decode(line)
		if err != nil {
			return nil, err
		}
		if was, is := e.Body, d.Body; fmt.Sprintf("%T", was) != fmt.Sprintf("%T", is) {
			return nil, fmt.Errorf("encode %s: the unknown members do not fit", was.Type())
		}
	}
	e.Raw, e.Event = line, line[start:end:end]
	return line, nil
}

// encodeEvent writes the event object.
func encodeEvent(m *members, e *Envelope) error {
	if e.Body == nil {
		return errors.New("encode: the envelope has no event")
	}
	m.w.Obj()
	m.w.Name("type")
	m.w.Str(e.Body.Type())
	switch b := e.Body.(type) {
	case visited:
		b.members(m)
	case *Unknown, *Invalid:
		_, known := types[b.Type()]
		_, invalid := b.(*Invalid)
		if reason, words := name.check(b.Type()); reason != "" {
			m.fail(reason, "type", words)
		} else if known != invalid {
			m.fail(BadValue, "type", "does not fit: an unknown body has an unknown type, an invalid one a known type")
		}
	default:
		return fmt.Errorf("encode: %T is not an event of this package", b)
	}
	for _, x := range e.EventExtra {
		m.w.Raw(x)
	}
	m.w.EndObj()
	return nil
}

// maxLine is how long a line that carries that type may be.
func maxLine(typ string) int {
	if typ == "AgentForked" {
		return MaxForkLine
	}
	return MaxLine
}

// Decode reads one level-4 line, without its LF. The error is a *LineError: the line is not
// valid in any log. A fault inside the event of a known type is no error, it makes the Body
// *Invalid; an unknown type makes it *Unknown. The result aliases line, which must not be
// altered afterward.
func Decode(line []byte) (*Envelope, error) {
	if newer(line) {
		return nil, &LineError{Newer, "the line is of a newer format level"}
	}
	if len(line) > MaxForkLine {
		return nil, &LineError{LineTooLong, "the line is too long"}
	}
	v, err := canon.Parse(line)
	if err != nil {
		var c *canon.Error
		errors.As(err, &c)
		return nil, &LineError{c.Reason, err.Error()}
	}
	if v.Kind() != canon.Object {
		return nil, &LineError{WrongType, "the line is not an object"}
	}
	e := &Envelope{Raw: line}
	m := members{in: v.Members()}
	if first, ok := v.Get("v"); !ok {
		return nil, &LineError{NoVersion, "the line has no 'v'"}
	} else if n, ok := first.Uint(); ok && n < 4 {
		return nil, &LineError{NoVersion, "the line is of an older format level"}
	}
	e.head(&m)
	ev, _ := m.take("event", false)
	end := m.next
	for end < len(m.in) && m.in[end].Name != "signed_by" && m.in[end].Name != "signature" {
		end++
	}
	e.Extra = m.rest(end, envelopeNames)
	e.tail(&m)
	if m.err != nil {
		return nil, &LineError{m.err.Reason, m.err.Detail}
	}
	if !e.decodeEvent(&m, ev) {
		return nil, &LineError{WrongType, "'event' is not an object that begins with its type"}
	}
	if len(line) > maxLine(e.Body.Type()) {
		return nil, &LineError{LineTooLong, "the line is too long"}
	}
	return e, nil
}

// newer reports whether the line says that it is of a level above 4. Only its
// first bytes are looked at: the rest may follow rules not known here.
func newer(line []byte) bool {
	const head = `{"v":`
	if len(line) < len(head) || string(line[:len(head)]) != head {
		return false
	}
	n, i := 0, len(head)
	for ; i < len(line) && line[i] >= '0' && line[i] <= '9' && n < 1<<20; i++ {
		n = n*10 + int(line[i]-'0')
	}
	return n > 4 && line[len(head)] != '0'
}

// decodeEvent reads the event object; false means that it has no type.
func (e *Envelope) decodeEvent(m *members, v canon.Value) bool {
	in := v.Members()
	if len(in) == 0 || in[0].Name != "type" {
		return false
	}
	typ, _ := in[0].Value.Str()
	if reason, _ := name.check(typ); reason != "" {
		return false
	}
	e.Event = v.Raw()
	m.in, m.next = in, 1
	if t, ok := types[typ]; ok {
		b := t.make()
		b.members(m)
		e.EventExtra = m.rest(len(in), func() []string {
			l := members{walk: listing}
			t.make().members(&l)
			return l.names
		})
		if m.err == nil {
			e.Body = b
			return true
		}
		e.Body = &Invalid{typ, m.err.Reason, m.err.Detail}
		m.err = nil
	} else {
		e.Body = &Unknown{typ}
	}
	m.next = 1
	e.EventExtra = m.rest(len(in), func() []string { return nil })
	return true
}

// DecodeEvent reads the event object of a line that was accepted at level v: the
// Body that the whole line was decoded to. It is for caches, which keep no more
// of a line. Level 0 is a record of a Base.
func DecodeEvent(v int, raw []byte) (Body, error) {
	switch v {
	case 0:
		return decodeBased(raw)
	case 3:
		var all map[string]any
		if err := loose(raw, &all); err != nil {
			return nil, &LineError{WrongType, "'event' is not an object"}
		}
		typ, _ := all["type"].(string)
		return body3(typ, all), nil
	}
	x, err := canon.Parse(raw)
	if err != nil {
		return nil, err
	}
	var e Envelope
	if x.Kind() != canon.Object || !e.decodeEvent(&members{}, x) {
		return nil, &LineError{WrongType, "'event' is not an object that begins with its type"}
	}
	return e.Body, nil
}
