package store

import (
	"encoding/hex"
	"sort"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of ids (docs/format.md, "What a user sees"):
//   - a leading '#' is ignored; digits alone are a number, always;
//   - a full uuid is itself;
//   - a prefix has at least 4 hex digits, one of them a letter; case and
//     hyphens do not matter;
//   - printed is the shortest unique prefix of at least 7 digits with a letter.

const (
	minTyped   = 4
	minPrinted = 7
)

// index finds things by uuid prefix: hex strings in byte order.
type index struct {
	what string
	hex  []string // sorted
	uuid map[string]event.UUID
}

func newIndex(what string, n int) *index {
	return &index{what: what, hex: make([]string, 0, n), uuid: make(map[string]event.UUID, n)}
}

func (x *index) add(u event.UUID) {
	h := hex.EncodeToString(u[:])
	if _, there := x.uuid[h]; there {
		return
	}
	x.hex = append(x.hex, h)
	x.uuid[h] = u
}

func (x *index) done() { sort.Strings(x.hex) }

// short returns the prefix to print for u, which must be in the index.
func (x *index) short(u event.UUID) string {
	h := hex.EncodeToString(u[:])
	i := sort.SearchStrings(x.hex, h)
	n := minPrinted
	if i > 0 {
		n = max(n, common(h, x.hex[i-1])+1)
	}
	if i+1 < len(x.hex) {
		n = max(n, common(h, x.hex[i+1])+1)
	}
	return shortest(u, n)
}

// shortest is what is printed for a uuid of which n digits tell it from others.
func shortest(u event.UUID, n int) string {
	h := hex.EncodeToString(u[:])
	for n < len(h) && !hasLetter(h[:n]) {
		n++
	}
	if !hasLetter(h[:n]) { // a uuid of digits alone: only its hyphens tell it from a number
		return u.String()
	}
	return h[:n]
}

// Shorts returns a function that returns the short id of each of some uuids, by the rule
// for issues.
func Shorts(all []event.UUID) func(event.UUID) string {
	x := newIndex("", len(all))
	for _, u := range all {
		x.add(u)
	}
	x.done()
	return x.short
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func hasLetter(s string) bool { return strings.ContainsAny(s, "abcdef") }

// find returns the uuids that id, a uuid or a prefix of one, may mean.
func (x *index) find(id string) ([]event.UUID, error) {
	h, err := prefix(x.what, id)
	if err != nil {
		return nil, err
	}
	var found []event.UUID
	for i := sort.SearchStrings(x.hex, h); i < len(x.hex) && strings.HasPrefix(x.hex[i], h); i++ {
		found = append(found, x.uuid[x.hex[i]])
	}
	return found, nil
}

// prefix returns the hex digits that a uuid or a prefix of one begins with.
func prefix(what, id string) (string, error) {
	h := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(id, "#"), "-", ""))
	full := len(h) == 32 && strings.Contains(id, "-")
	if len(h) < minTyped || len(h) > 32 || strings.Trim(h, "0123456789abcdef") != "" || !full && !hasLetter(h) {
		return "", &BadIDError{what, id}
	}
	return h, nil
}

// number reports whether id is a number, and which.
func number(id string) (uint64, bool) {
	id = strings.TrimPrefix(id, "#")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		n = 0 // more digits than any number has: nothing is called that
	}
	return n, true
}
