// Package event is the vocabulary of the tracker and its codec: every kind of
// event there is, the envelope that carries it, the one canonical encoding of
// both, and the chain that makes a sequence of lines a log.
//
// The package is pure: no clock, no randomness, no files, no processes, no
// logging. The bytes are normative in docs/format.md.
//
// One noun, one file: issue.go, comment.go, milestone.go … hold the structs,
// and reducer has a file of the same name that says what each does to the state.
package event

import "github.com/google/uuid"

// UUID names an issue, comment, milestone, time entry or session. The zero
// value means absent if a member is optional.
type UUID = uuid.UUID

// Body is what one event says: one of the structs of this package, Unknown for
// a type this program does not know, or Invalid for a known type whose members
// break a rule.
type Body interface {
	// Type is the event's name on the wire, e.g. "IssueCreated".
	Type() string
}

// Unknown is an event of a type this program does not know. The line is kept
// verbatim, shown as unknown and has no effect; a newer reader applies it.
type Unknown struct{ Name string }

// Type returns the name the line gives.
func (e *Unknown) Type() string { return e.Name }

// Invalid is an event of a known type whose members break a rule. The log continues
// after it; the reducer turns it into a Rejection with Reason and Detail.
type Invalid struct {
	Name   string
	Reason string // a short fixed word: "missing-member", "bad-value", "too-long" …
	Detail string // which member, for people
}

// Type returns the name the line gives.
func (e *Invalid) Type() string { return e.Name }

// Key orders events: by time, then agent id bytes, then sequence.
// It is the ordering key of docs/format.md and the only order there is.
type Key struct {
	Time  Time
	Agent string
	Seq   uint64
}

// Less reports whether k is before o.
func (k Key) Less(o Key) bool { return k.Compare(o) < 0 }

// Compare returns -1, 0 or +1.
func (k Key) Compare(o Key) int {
	switch {
	case k.Time != o.Time:
		if k.Time < o.Time {
			return -1
		}
		return 1
	case k.Agent != o.Agent:
		if k.Agent < o.Agent {
			return -1
		}
		return 1
	case k.Seq != o.Seq:
		if k.Seq < o.Seq {
			return -1
		}
		return 1
	}
	return 0
}

// Envelope is one line of a log: who wrote it, its position, and the event.
type Envelope struct {
	V     int    // hub format level: 4, or 3 for a line of the original
	Hub   string // hub id; empty at level 3
	Agent string
	Seq   uint64 // 1, 2, 3 … without gaps
	Time  Time   // orders
	Wall  Time   // the writer's clock when it differs from Time, else 0
	Prev  string // Hash of the previous line; empty on the first
	Body  Body

	// SignedBy and Signature are the SSHSIG fingerprint and blob (base64), or empty.
	SignedBy, Signature string

	// Raw is the accepted line without its LF; Event the bytes of its event
	// object. Both are set by decoding (and by Encode) and never altered.
	Raw, Event []byte

	// Extra and EventExtra are members this program does not know, as
	// canonical JSON `"name":value`, in the order they came.
	Extra, EventExtra [][]byte
}

// Key returns the envelope's ordering key.
func (e *Envelope) Key() Key { return Key{e.Time, e.Agent, e.Seq} }

// Shown is the time people are shown: the writer's clock where it differs from
// the ordering time.
func (e *Envelope) Shown() Time {
	if e.Wall != 0 {
		return e.Wall
	}
	return e.Time
}
