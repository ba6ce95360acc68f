package reducer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
)

// Canonical returns the whole state as bytes, which are equal exactly if the states are,
// including pending events and rejections. It is text with an object per paragraph and a
// register per line, so that people can read a difference; it is not stored and not read
// back.
func (s *State) Canonical() []byte {
	w := &writer{}
	w.newest(s.newest)
	s.canonical(w)
	return w.b
}

// canonical writes everything but the newest time, in parts.
func (s *State) canonical(w *writer) {
	canonObjects(w, "issue", s.issues, cmpUUID, (*writer).uuid, (*issue).canonical)
	for _, r := range slices.SortedFunc(maps.Keys(s.relations), cmpRelation) {
		w.relation(r, s.relations[r])
	}
	canonObjects(w, "comment", s.comments, cmpUUID, (*writer).uuid, (*comment).canonical)
	canonObjects(w, "entry", s.entries, cmpUUID, (*writer).uuid, (*timeEntry).canonical)
	canonObjects(w, "milestone", s.milestones, cmpUUID, (*writer).uuid, (*milestone).canonical)
	canonObjects(w, "session", s.sessions, cmpSession, func(w *writer, id SessionID) {
		w.quote(id.Agent)
		w.uuid(id.UUID)
	}, (*session).canonical)
	canonObjects(w, "request", s.requests, cmpString, (*writer).quote, (*request).canonical)
	canonObjects(w, "report", s.reports, cmpReport, func(w *writer, id ReportID) {
		w.quote(id.Context)
		w.quote(id.Branch)
	}, (*report).canonical)
	canonObjects(w, "agent", s.agents, cmpString, (*writer).quote, (*agent).canonical)
	for _, r := range s.Rejections() {
		w.name("rejected")
		w.quote(r.Agent)
		w.uint(r.Seq)
		w.quote(r.Type)
		w.quote(r.Reason)
		w.quote(r.Detail)
		w.end()
		w.cut()
	}
	for _, u := range s.Unknown() {
		w.name("unknown")
		w.quote(u.Agent)
		w.uint(u.Seq)
		w.quote(u.Type)
		w.end()
		w.cut()
	}
}

// Hash returns a hash of the state in base64url without padding: equal if Canonical is. It
// is HashOf, so it can be updated while objects are added and changed.
func (s *State) Hash() string { return HashOf(s.Sum(), s.newest) }

// Sum is the sum of the SHA-256 hashes of parts of a state, modulo 2^256. A part is an
// object, a relation, a rejection or an unknown event, as Canonical writes it. Parts can be
// added and subtracted in any order.
type Sum [sha256.Size]byte

// Sum returns the sum of all parts of the state.
func (s *State) Sum() (sum Sum) {
	w := &writer{part: sum.part}
	s.canonical(w)
	return sum
}

// IssueSum returns the sum of an issue's parts: the issue itself, and the relations of
// which it is the first end.
func (s *State) IssueSum(id event.UUID) (sum Sum) {
	w := &writer{part: sum.part}
	if i := s.issues[id]; i != nil {
		canonObjects(w, "issue", map[event.UUID]*issue{id: i}, cmpUUID, (*writer).uuid, (*issue).canonical)
	}
	for r, is := range s.relations {
		if r.a == id {
			w.relation(r, is)
		}
	}
	return sum
}

// HashOf returns the hash of a state whose parts have this sum, and whose newest event has
// this time.
func HashOf(sum Sum, newest event.Time) string {
	w := &writer{part: sum.part}
	w.newest(newest)
	h := sha256.Sum256(sum[:])
	return base64.RawURLEncoding.EncodeToString(h[:])
}

func (s *Sum) part(b []byte) { *s = s.Add(sha256.Sum256(b)) }

// Add returns the sum of two sums.
func (s Sum) Add(o Sum) Sum {
	var carry uint64
	for i := len(s) - 8; i >= 0; i -= 8 {
		var x uint64
		x, carry = bits.Add64(binary.BigEndian.Uint64(s[i:]), binary.BigEndian.Uint64(o[i:]), carry)
		binary.BigEndian.PutUint64(s[i:], x)
	}
	return s
}

// Sub subtracts a sum that was added.
func (s Sum) Sub(o Sum) Sum {
	var borrow uint64
	for i := len(s) - 8; i >= 0; i -= 8 {
		var x uint64
		x, borrow = bits.Sub64(binary.BigEndian.Uint64(s[i:]), binary.BigEndian.Uint64(o[i:]), borrow)
		binary.BigEndian.PutUint64(s[i:], x)
	}
	return s
}

// writer appends lines of words. Strings are always quoted, so no content can imitate
// another line.
type writer struct {
	b    []byte
	part func([]byte) // called with each part, which is then dropped; nil keeps all
}

// cut ends a part.
func (w *writer) cut() {
	if w.part != nil {
		w.part(w.b)
		w.b = w.b[:0]
	}
}

func (w *writer) newest(t event.Time) {
	w.name("newest")
	w.time(t)
	w.end()
	w.cut()
}

func (w *writer) relation(r relation, is register[bool]) {
	w.name("relation")
	w.uuid(r.a)
	w.uuid(r.b)
	w.quote(string(r.kind))
	w.bool(is.val)
	w.stamp(is.at)
	w.end()
	w.cut()
}

func (w *writer) name(s string)     { w.b = append(w.b, s...) }
func (w *writer) quote(s string)    { w.b = strconv.AppendQuote(append(w.b, ' '), s) }
func (w *writer) uint(n uint64)     { w.b = strconv.AppendUint(append(w.b, ' '), n, 10) }
func (w *writer) bool(v bool)       { w.b = strconv.AppendBool(append(w.b, ' '), v) }
func (w *writer) time(t event.Time) { w.b = strconv.AppendInt(append(w.b, ' '), int64(t), 10) }
func (w *writer) end()              { w.b = append(w.b, '\n') }

func (w *writer) uuid(id event.UUID) {
	t, _ := id.MarshalText() // cannot fail
	w.b = append(append(w.b, ' '), t...)
}

// stamp writes everything that is compared, so that states which would judge a later event
// differently are never equal.
func (w *writer) stamp(s *stamp) {
	w.time(s.key.Time)
	w.quote(s.key.Agent)
	w.uint(s.key.Seq)
	w.time(s.shown)
	w.b = base64.RawURLEncoding.AppendEncode(append(w.b, ' '), s.hash[:])
}

func canonStamp(w *writer, name string, at *stamp) {
	if at == nil {
		return
	}
	w.name(name)
	w.stamp(at)
	w.end()
}

func canonRegister[T any](w *writer, name string, r register[T], put func(*writer, T)) {
	if r.at == nil {
		return
	}
	w.name(name)
	w.stamp(r.at)
	put(w, r.val)
	w.end()
}

func canonFirst[T any](w *writer, name string, f first[T], put func(*writer, T)) {
	canonRegister(w, name, register[T](f), put)
}

func canonSet[K comparable](w *writer, name string, s set[K], order func(a, b K) int, put func(*writer, K)) {
	for _, elem := range slices.SortedFunc(maps.Keys(s), order) {
		r := s[elem]
		w.name(name)
		put(w, elem)
		w.bool(r.val)
		w.stamp(r.at)
		w.end()
	}
}

func canonObjects[K comparable, V any](w *writer, name string, m map[K]*V, order func(a, b K) int, put func(*writer, K), body func(*V, *writer)) {
	for _, id := range slices.SortedFunc(maps.Keys(m), order) {
		w.end()
		w.name(name)
		put(w, id)
		w.end()
		body(m[id], w)
		w.cut()
	}
}

func cmpString(a, b string) int   { return cmp.Compare(a, b) }
func cmpUUID(a, b event.UUID) int { return bytes.Compare(a[:], b[:]) }
func cmpSession(a, b SessionID) int {
	return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmpUUID(a.UUID, b.UUID))
}

func cmpRelation(a, b relation) int {
	return cmp.Or(cmpUUID(a.a, b.a), cmpUUID(a.b, b.b), cmp.Compare(a.kind, b.kind))
}
