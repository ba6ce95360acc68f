package reducer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
)

// Canonical returns the whole state as bytes: equal exactly when the states
// are, pending events and rejections included. It is text, an object per
// paragraph and a register per line, so that a difference can be read; it is
// not stored and not read back.
func (s *State) Canonical() []byte {
	w := &writer{}
	w.name("newest")
	w.time(s.newest)
	w.end()
	canonObjects(w, "issue", s.issues, cmpUUID, (*writer).uuid, (*issue).canonical)
	canonSet(w, "relation", s.relations, cmpRelation, func(w *writer, r relation) {
		w.uuid(r.a)
		w.uuid(r.b)
		w.quote(string(r.kind))
	})
	canonObjects(w, "comment", s.comments, cmpUUID, (*writer).uuid, (*comment).canonical)
	canonObjects(w, "entry", s.entries, cmpUUID, (*writer).uuid, (*timeEntry).canonical)
	canonObjects(w, "milestone", s.milestones, cmpUUID, (*writer).uuid, (*milestone).canonical)
	canonObjects(w, "session", s.sessions, cmpSession, func(w *writer, id SessionID) {
		w.quote(id.Agent)
		w.uuid(id.UUID)
	}, (*session).canonical)
	canonObjects(w, "request", s.requests, cmpString, (*writer).quote, (*request).canonical)
	canonObjects(w, "agent", s.agents, cmpString, (*writer).quote, (*agent).canonical)
	for _, r := range s.Rejections() {
		w.name("rejected")
		w.quote(r.Agent)
		w.uint(r.Seq)
		w.quote(r.Type)
		w.quote(r.Reason)
		w.quote(r.Detail)
		w.end()
	}
	for _, u := range s.Unknown() {
		w.name("unknown")
		w.quote(u.Agent)
		w.uint(u.Seq)
		w.quote(u.Type)
		w.end()
	}
	return w.b
}

// Hash returns the SHA-256 of Canonical in base64url without padding.
func (s *State) Hash() string {
	h := sha256.Sum256(s.Canonical())
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// writer appends lines of words. Strings are always quoted, so no content can
// look like another line.
type writer struct{ b []byte }

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

// stamp writes all that is compared, so that states which would judge a later
// event differently are never equal.
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
