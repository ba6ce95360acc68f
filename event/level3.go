package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Lines of level 3, the format of crosslink (Rust) 0.9: read, never written.
// The rules are its own (an ordinary JSON reader's): members in any order,
// unknown ones ignored, null is absent, times of any RFC 3339 offset and
// precision, uuids in any spelling, no limits of length. Locks are by issue
// number there, so LockClaimed and LockReleased are Unknown here.

// MaxLine3 is the longest level-3 line that is read: its comments may have
// 1 MiB, which escaping can multiply.
const MaxLine3 = 4 << 20

// Decode3 reads one level-3 line, without its LF. The error is a *LineError.
// An event of a type that level 3 does not have makes the Body *Unknown, one
// of a known type that cannot be read *Invalid.
func Decode3(line []byte) (*Envelope, error) {
	if len(line) > MaxLine3 {
		return nil, &LineError{LineTooLong, "the line is too long"}
	}
	var in struct {
		Agent     *string         `json:"agent_id"`
		Seq       *uint64         `json:"agent_seq"`
		Time      *string         `json:"timestamp"`
		Event     json.RawMessage `json:"event"`
		SignedBy  *string         `json:"signed_by"`
		Signature *string         `json:"signature"`
	}
	if err := loose(line, &in); err != nil {
		return nil, &LineError{canon.Syntax, err.Error()}
	}
	switch {
	case in.Agent == nil || *in.Agent == "":
		return nil, &LineError{MissingMember, "'agent_id' is missing"}
	case in.Seq == nil:
		return nil, &LineError{MissingMember, "'agent_seq' is missing"}
	case in.Time == nil:
		return nil, &LineError{MissingMember, "'timestamp' is missing"}
	}
	t, err := parseTime3(*in.Time)
	if err != nil {
		return nil, &LineError{BadValue, "'timestamp' is not a time"}
	}
	e := &Envelope{V: 3, Agent: *in.Agent, Seq: *in.Seq, Time: t, Raw: line, Event: in.Event}
	if in.SignedBy != nil {
		e.SignedBy = *in.SignedBy
	}
	if in.Signature != nil {
		e.Signature = *in.Signature
	}
	var all map[string]any
	if loose(in.Event, &all) != nil {
		return nil, &LineError{WrongType, "'event' is not an object"}
	}
	typ, _ := all["type"].(string)
	if typ == "" {
		return nil, &LineError{MissingMember, "'type' is missing"}
	}
	e.Body = body3(typ, all)
	return e, nil
}

// body3 makes the body from the event's members.
func body3(typ string, all map[string]any) Body {
	t, ok := types[typ]
	if !ok || !t.level3 {
		return &Unknown{typ}
	}
	// Canonical bytes of what this program could use feed the same visitors
	// that read level 4.
	// (They always parse; if not, all members would be missing.)
	v, _ := canon.Parse(plainJSON(all))
	m := members{level3: true, in: v.Members()}
	b := t.make()
	b.members(&m)
	if m.err != nil {
		return &Invalid{typ, m.err.Reason, m.err.Detail}
	}
	switch b := b.(type) {
	case *IssueCreated:
		// The original falls back to medium …
		if !slices.Contains(priorities, b.Priority) {
			b.Priority = Medium
		}
	case *IssueUpdated:
		// … and ignores an update to a priority it does not know.
		if b.Priority != nil && !slices.Contains(priorities, *b.Priority) {
			b.Priority = nil
		}
	case *StatusChanged:
		if !slices.Contains(statuses, b.NewStatus) {
			return &Invalid{typ, BadValue, "'new_status' is not one of " + join(statuses)}
		}
	}
	return b
}

// plainJSON writes the members that an event of this program can hold:
// strings, lists of strings, booleans and non-negative integers. Others are
// left out, as if they were absent.
func plainJSON(all map[string]any) []byte {
	names := make([]string, 0, len(all))
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	var w canon.Writer
	w.Obj()
	for _, n := range names {
		switch v := all[n].(type) {
		case string:
			w.Name(n)
			w.Str(v)
		case bool:
			w.Name(n)
			w.Bool(v)
		case json.Number:
			if x, err := v.Int64(); err == nil && x >= 0 && x <= canon.MaxUint {
				w.Name(n)
				w.Uint(uint64(x))
			}
		case []any:
			w.Name(n)
			w.Arr()
			for _, x := range v {
				if s, ok := x.(string); ok {
					w.Str(s)
				}
			}
			w.EndArr()
		}
	}
	w.EndObj()
	return w.Bytes()
}

// loose reads one JSON value of any form into v. It refuses what the original
// refuses and encoding/json repairs: invalid UTF-8 and lone surrogates.
func loose(b []byte, v any) error {
	if !utf8.Valid(b) {
		return errors.New("not valid UTF-8")
	}
	if loneSurrogate(b) {
		return errors.New("a lone surrogate")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something behind the value")
	}
	return nil
}

// loneSurrogate reports whether an escape \ud800 … \udfff stands alone.
func loneSurrogate(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		if b[i+1] != 'u' {
			b = b[i+2:]
			continue
		}
		first := surrogate(b[i:])
		switch {
		case first == 0:
			b = b[i+2:]
		case first > 0 && len(b) >= i+12 && surrogate(b[i+6:]) < 0:
			b = b[i+12:]
		default:
			return true
		}
	}
}

// surrogate returns 1 for an escape of a leading surrogate, −1 for a trailing
// one, else 0.
func surrogate(b []byte) int {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || b[2]|0x20 != 'd' {
		return 0
	}
	switch c := b[3] | 0x20; {
	case b[3] == '8' || b[3] == '9' || c == 'a' || c == 'b':
		return 1
	case c >= 'c' && c <= 'f':
		return -1
	}
	return 0
}
